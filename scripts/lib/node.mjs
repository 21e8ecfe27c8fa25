/** npm packages and the built window: made when they are missing or older than what they come from. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { capture, show } from './run.mjs';
import { timed } from './time.mjs';

const changed = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function newest(path) {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return changed(path);
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** npm writes its own marker at the end of an install; one that was interrupted has none. */
export async function npmInstall(folder) {
  const at = join(ROOT, folder);
  if (!existsSync(join(at, 'package-lock.json'))) return;
  if (changed(join(at, 'node_modules/.package-lock.json')) >= changed(join(at, 'package-lock.json'))) {
    return console.log(`  npm packages of ${folder}: up to date`);
  }
  await timed(`npm packages of ${folder}`, () =>
    show('npm', ['ci', '--no-audit', '--no-fund'], { cwd: at, env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' } }),
  );
}

const SOURCES = ['src', 'static', 'vite', 'vite.config.ts', 'package.json', 'package-lock.json', 'tsconfig.json'];

export async function buildWindow({ always = false } = {}) {
  const ui = join(ROOT, 'ui');
  const built = changed(join(ui, 'build/index.html'));
  if (!always && built > Math.max(...SOURCES.map((name) => newest(join(ui, name))))) {
    return console.log('  window: up to date');
  }
  await timed('window', () => capture('npm', ['run', '--silent', 'build'], { cwd: ui }));
}
