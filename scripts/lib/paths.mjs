/** Where things are, for every script. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Outside the tree by default, so that several checkouts share what is expensive to build. */
export const TARGET = resolve(
  ROOT,
  process.env.CARGO_TARGET_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selfheal/target'),
);

export const LOGS = join(TARGET, 'test-logs');

export const binary = (name) => join(TARGET, 'debug', process.platform === 'win32' ? `${name}.exe` : name);

export function logFile(name) {
  mkdirSync(LOGS, { recursive: true });
  return join(LOGS, `${name}.log`);
}

/**
 * What every cargo call gets. The window's address while developing is taken out of the desktop's configuration: a plain
 * build would otherwise show a window that waits for a development server. One value everywhere, as a different one
 * makes cargo build the desktop again.
 */
export const cargoEnv = {
  CARGO_TARGET_DIR: TARGET,
  CARGO_TERM_COLOR: process.env.CARGO_TERM_COLOR ?? (process.stdout.isTTY ? 'always' : 'never'),
  TAURI_CONFIG: process.env.TAURI_CONFIG ?? '{"build":{"devUrl":null}}',
};
