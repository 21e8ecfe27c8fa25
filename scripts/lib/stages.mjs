/** The stages of `npm test`, cheap ones first where nothing depends on the order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { check } from '../generate.mjs';
import { askedPath, checkNamedByPath } from './asked.mjs';
import { checkDemo } from './demo.mjs';
import { buildWindow } from './node.mjs';
import { binary, cargoEnv, ROOT } from './paths.mjs';
import { capture, exists, Failed, show, words } from './run.mjs';

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

/**
 * Clippy in place of the compiler, as `cargo clippy` does it, for what is built and run and not only looked at: so nothing is
 * compiled once for its lints and once more for its tests.
 */
const lintingEnv = { ...cargoEnv, RUSTC_WORKSPACE_WRAPPER: 'clippy-driver' };

/** Every target of every crate, the binaries that later stages drive among them. Cargo repeats the warnings of what is fresh. */
async function buildAll(log) {
  // The desktop takes it in.
  await buildWindow();
  const args = ['build', '--locked', '--workspace', '--all-targets'];
  const output = await quiet(log, 'cargo', args, { env: lintingEnv, all: true });
  const warned = stripVTControlCharacters(output).match(/^warning: .* generated \d+ warnings?/gm);
  if (warned) throw new Failed(warned.join('\n'), { output });
}

/** Stages that start programs find only those that setup asks for. */
const asked = async (env = {}) => ({ ...env, PATH: await askedPath() });

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
    name: 'programs',
    what: 'what tests name by its path belongs to a package that setup asks for',
    run: () => checkNamedByPath(),
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
    name: 'build',
    what: 'everything, with lints; warnings are errors',
    run: (log) => buildAll(log),
  },
  {
    name: 'generated',
    what: 'the OpenAPI document, the TypeScript client and the JSON schema are those the code generates',
    async run(log) {
      await buildAll(log);
      await check();
    },
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
      await buildAll(log);
      const env = await asked(lintingEnv);
      console.log(
        summary(stripVTControlCharacters(await quiet(log, 'cargo', ['test', '--locked', '--workspace'], { env }))),
      );
    },
  },
  {
    name: 'demo',
    what: 'each scenario without a window, to its end',
    async run(log) {
      await buildAll(log);
      await checkDemo(await asked());
    },
  },
  {
    name: 'browser',
    what: 'the window in Chromium',
    async run(log) {
      await buildAll(log);
      await show('npx', ['--no-install', 'playwright', 'test'], { cwd: E2E, env: await asked(binaries) });
    },
  },
  {
    name: 'desktop',
    what: 'the real window, with native notifications',
    async run(log) {
      await buildAll(log);
      await show('npm', ['run', '--silent', 'desktop'], { cwd: E2E, env: await asked(binaries) });
    },
  },
];
