/**
 * The programs that belong to what setup asks for, and to nothing else: what a stage starts beyond these is there by chance,
 * and missing on another machine. Tests run with a PATH of just these, so that one that is missing in packages.mjs fails here
 * as it would there.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { needed, standsIn } from './packages.mjs';
import { ROOT, TARGET } from './paths.mjs';
import { capture, exists, Failed } from './run.mjs';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** What README asks for beside the packages. */
const TOOLCHAIN = ['cargo', 'rustc', 'rustdoc', 'rustfmt', 'rustup', 'clippy-driver', 'cargo-clippy', 'node', 'npm', 'npx'];
/** Tests name some programs by their path. */
const SOURCES = ['tests', 'scripts', 'crates', 'src-tauri'];

const FIELDS = ['Package', 'db:Status-Abbrev', 'Essential', 'Priority', 'Pre-Depends', 'Depends', 'Provides'];

/** Installed packages by name, each with the names of what it needs. */
async function installed() {
  const format = `${FIELDS.map((field) => `\${${field}}`).join('\\t')}\\n`;
  const rows = (await capture('dpkg-query', ['-W', '-f', format])).split('\n').filter(Boolean);
  const names = (text) =>
    text
      .split(/[,|]/)
      .map((one) => one.trim().replace(/[ :(].*$/, ''))
      .filter(Boolean);
  const packages = new Map();
  const provided = new Map();
  for (const row of rows) {
    const [name, status, essential, priority, before, depends, provides] = row.split('\t');
    if (!status.startsWith('ii')) continue;
    const base = essential === 'yes' || priority === 'required';
    packages.set(name, { base, needs: [...names(before), ...names(depends)] });
    for (const virtual of names(provides)) provided.set(virtual, [...(provided.get(virtual) ?? []), name]);
  }
  return { packages, provided };
}

/** The packages that are there when `wanted` were installed into an empty system. */
async function closure(wanted) {
  const { packages, provided } = await installed();
  const found = new Set();
  const next = [...wanted, ...[...packages].filter(([, { base }]) => base).map(([name]) => name)];
  while (next.length > 0) {
    const name = next.pop();
    if (found.has(name)) continue;
    const own = packages.get(name);
    if (own) {
      found.add(name);
      next.push(...own.needs);
    } else next.push(...(provided.get(name) ?? []));
  }
  return [...found];
}

const inFolder = (path) => FOLDERS.some((folder) => dirname(path) === folder);

/** Where each program that was asked for is, by its name. */
async function programs() {
  const owned = (await capture('dpkg-query', ['-L', ...(await closure(needed({ window: true, test: true })))])).split('\n');
  // One file has several names where /bin is a link to /usr/bin.
  const files = new Set(owned.filter((path) => path.includes('bin/') && existsSync(path)).map((path) => realpathSync(path)));
  const found = new Map(owned.filter(inFolder).map((path) => [basename(path), path]));
  for (const folder of FOLDERS.filter((folder) => existsSync(folder))) {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      // An alternative (`cc`, `awk`) is a link that no package owns.
      if (!found.has(name) && isLink(path) && existsSync(path) && files.has(realpathSync(path))) found.set(name, path);
    }
  }
  for (const path of standsIn()) found.set(basename(path), path);
  return found;
}

function isLink(path) {
  try {
    return Boolean(readlinkSync(path));
  } catch {
    return false;
  }
}

async function toolchain() {
  const found = new Map();
  for (const name of TOOLCHAIN) {
    if (await exists(name)) found.set(name, (await capture('which', [name])).trim());
  }
  return found;
}

/** A PATH with the programs that were asked for, or today's where no package manager can say which these are. */
export async function askedPath() {
  if (!(await exists('dpkg-query'))) return process.env.PATH;
  const folder = join(TARGET, 'asked-bin');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, path] of new Map([...(await programs()), ...(await toolchain())])) symlinkSync(path, join(folder, name));
  return folder;
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !['node_modules', 'gen', 'build'].includes(entry.name)) yield* sources(path);
    else if (/\.(rs|mjs|py|sh)$/.test(entry.name)) yield path;
  }
}

/** Programs that tests and scripts name by their path, and that nobody asked for. */
export async function checkNamedByPath() {
  if (!(await exists('dpkg-query'))) return;
  const asked = new Set((await programs()).keys());
  const said = [];
  for (const file of SOURCES.flatMap((folder) => [...sources(join(ROOT, folder))])) {
    const isTest = /(^|\/)tests?\//.test(file.slice(ROOT.length)) || file.endsWith('.mjs');
    if (!isTest) continue;
    for (const [, path, name] of readFileSync(file, 'utf8').matchAll(/["'`[ !](\/(?:usr\/)?s?bin\/([\w.+-]+))/g)) {
      // Only what is there can be there by chance.
      if (existsSync(path) && !asked.has(name)) said.push(`${file.slice(ROOT.length + 1)} names ${path}`);
    }
  }
  if (said.length > 0) {
    throw new Failed(
      `${said.join('\n')}\nNo package of scripts/lib/packages.mjs brings ${said.length > 1 ? 'these' : 'it'}.`,
    );
  }
}
