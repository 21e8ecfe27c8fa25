/**
 * Installs what is missing, and only that: `npm run setup`, with `-- --test` for what the tests need as well.
 * Run twice, the second run changes nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installPackages } from './lib/packages.mjs';
import { npmInstall } from './lib/node.mjs';
import { ROOT } from './lib/paths.mjs';
import { capture, exists, Failed, show } from './lib/run.mjs';
import { spent } from './lib/time.mjs';

function checkNode() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20)
    throw new Failed(`Node ${process.versions.node} is too old: install Node 20 or newer (https://nodejs.org).`);
  console.log(`  Node: ${process.versions.node}`);
}

async function checkRust() {
  const wanted = /channel *= *"([^"]+)"/.exec(readFileSync(join(ROOT, 'rust-toolchain.toml'), 'utf8'))?.[1] ?? 'stable';
  const version = () => capture('rustc', ['--version']).catch(() => null);
  if (!(await exists('cargo'))) {
    throw new Failed(
      `Rust is missing: install rustup (https://rustup.rs), open a new shell, and run this again. It needs ${wanted}.`,
    );
  }
  let found = await version();
  if (found === null && (await exists('rustup'))) {
    await show('rustup', ['toolchain', 'install', wanted, '--profile', 'minimal', '-c', 'clippy', '-c', 'rustfmt']);
    found = await version();
  }
  if (found === null) throw new Failed(`Rust ${wanted} does not start: run \`rustup toolchain install ${wanted}\`.`);
  const have = /(\d+)\.(\d+)/.exec(found)?.slice(1).map(Number) ?? [0, 0];
  const [major, minor] = wanted.split('.').map(Number);
  if (Number.isFinite(minor) && (have[0] < major || (have[0] === major && have[1] < minor))) {
    throw new Failed(`${found.trim()} is too old: install ${wanted} or newer, best with rustup (https://rustup.rs).`);
  }
  console.log(`  Rust: ${found.trim()}`);
}

/** `window`: the desktop app is to be built; `test`: everything is to be tested. */
export async function setup({ window = true, test = false } = {}) {
  const began = Date.now();
  console.log('Setup');
  checkNode();
  await checkRust();
  await installPackages({ window, test });
  await npmInstall('ui');
  if (test) await npmInstall('tests/e2e');
  console.log(`  ready after ${spent(Date.now() - began)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await setup({ test: process.argv.includes('--test') });
  } catch (error) {
    console.error(error instanceof Failed ? `  ${error.message}` : error);
    process.exit(1);
  }
}
