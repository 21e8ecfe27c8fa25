/** The stages of `npm test`, cheap ones first where nothing depends on the order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { check } from '../generate.mjs';
import { checkDemo } from './demo.mjs';
import { buildWindow } from './node.mjs';
import { binary, cargoEnv, ROOT } from './paths.mjs';
import { capture, exists, show, words } from './run.mjs';

/** A stage that cannot run here, with what to install. It counts as neither passed nor failed. */
export class Skipped extends Error {}

const UI = join(ROOT, 'ui');
const E2E = join(ROOT, 'tests/e2e');

/** Runs a program with its output in the log; all of it is shown only when the program fails. */
function quiet(log, command, args, options = {}) {
  console.log(`  $ ${words(command, args)}`);
  return capture(command, args, { log, ...options });
}

const npm = (log, script, options) => quiet(log, 'npm', ['run', '--silent', script], { cwd: UI, ...options });
const cargo = (log, ...args) => quiet(log, 'cargo', args, { env: cargoEnv });

const binaries = { SELFHEAL_BIN: binary('selfheal'), SELFHEAL_DESKTOP_BIN: binary('selfheal-desktop') };

const hasScript = (name) => name in JSON.parse(readFileSync(join(UI, 'package.json'), 'utf8')).scripts;

/** cargo names each test binary before its result; both together are what is worth a line. */
function summary(output) {
  let [tests, ignored] = [0, 0];
  for (const [, passed, skipped] of output.matchAll(/^test result: \w+\. (\d+) passed; \d+ failed; (\d+) ignored/gm)) {
    tests += Number(passed);
    ignored += Number(skipped);
  }
  return `  ${tests} tests passed, ${ignored} ignored`;
}

export const STAGES = [
  {
    name: 'format',
    what: 'Rust, UI and script sources are formatted',
    async run(log) {
      await cargo(log, 'fmt', '--all', '--check', '--', '--color=never');
      if (hasScript('lint')) await npm(log, 'lint');
      const prettier = join(UI, 'node_modules/prettier/bin/prettier.cjs');
      await quiet(log, process.execPath, [prettier, '--check', 'package.json', 'scripts', 'tests/e2e']);
    },
  },
  {
    name: 'generated',
    what: 'the OpenAPI document, the TypeScript client and the JSON schema are those the code generates',
    run: () => check(),
  },
  { name: 'ui-check', what: 'types of the UI', run: (log) => npm(log, 'check') },
  {
    name: 'ui-test',
    what: 'unit tests of the UI',
    async run(log) {
      const output = stripVTControlCharacters(await npm(log, 'test'));
      console.log(
        output
          .split('\n')
          .filter((line) => /^\s+(Test Files|Tests) /.test(line))
          .join('\n'),
      );
    },
  },
  { name: 'ui-build', what: 'the window', run: () => buildWindow({ always: true }) },
  {
    name: 'clippy',
    what: 'lints, warnings are errors',
    run: (log) => cargo(log, 'clippy', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings'),
  },
  {
    name: 'deny',
    what: 'licences, advisories and sources of dependencies',
    async run(log) {
      if (!(await exists('cargo-deny'))) throw new Skipped('cargo-deny is not installed (cargo install cargo-deny)');
      await cargo(log, 'deny', '--workspace', 'check');
    },
  },
  {
    name: 'rust',
    what: 'tests of every crate',
    async run(log) {
      console.log(summary(stripVTControlCharacters(await cargo(log, 'test', '--locked', '--workspace'))));
    },
  },
  {
    name: 'build',
    what: 'the binaries that the next stages drive',
    run: (log) => cargo(log, 'build', '--locked', '-p', 'selfheal', '-p', 'selfheal-desktop'),
  },
  { name: 'demo', what: 'each scenario without a window, to its end', run: () => checkDemo() },
  {
    name: 'browser',
    what: 'the window in Chromium',
    run: () => show('npx', ['--no-install', 'playwright', 'test'], { cwd: E2E, env: binaries }),
  },
  {
    name: 'desktop',
    what: 'the real window, with native notifications',
    run: () => show('npm', ['run', '--silent', 'desktop'], { cwd: E2E, env: binaries }),
  },
];
