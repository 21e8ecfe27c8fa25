/** System packages by what needs them, in the names of Debian and Ubuntu. */
import { existsSync, readFileSync } from 'node:fs';
import { capture, exists, Failed, show } from './run.mjs';

const BUILD = ['build-essential', 'pkg-config'];
const WINDOW = ['libwebkit2gtk-4.1-dev', 'libayatana-appindicator3-1'];
const TEST = [
  'xvfb',
  'xauth',
  'webkit2gtk-driver',
  'dbus',
  'python3-dbus',
  'python3-gi',
  'libglib2.0-bin',
  'imagemagick',
  'fonts-dejavu-core',
  'chromium',
  'postgresql',
  'sqlite3',
  'supervisor',
  'python3-aiosmtpd',
  'openssl',
  // `ps` and `kill`.
  'procps',
];

/** Programs that do for a package, wherever they came from. */
const INSTEAD = {
  chromium: [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
};

/** Those of them that are there. */
export const standsIn = () => Object.values(INSTEAD).flatMap((paths) => paths.filter((path) => path && existsSync(path)));

export function needed({ window, test }) {
  return [...BUILD, ...(window || test ? WINDOW : []), ...(test ? TEST : [])];
}

async function missing(names) {
  const rest = names.filter((name) => !INSTEAD[name]?.some((path) => path && existsSync(path)));
  let known = '';
  try {
    known = await capture('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Abbrev}\n', ...rest]);
  } catch (error) {
    // It fails when it does not know one of them, after telling about the others.
    known = error.output ?? '';
  }
  const installed = new Set(
    known
      .split('\n')
      .filter((line) => / ii/.test(line))
      .map((line) => line.split(' ')[0]),
  );
  return rest.filter((name) => !installed.has(name));
}

export async function installPackages(wanted) {
  const names = needed(wanted);
  if (!(await exists('apt-get'))) return withoutApt(names, wanted);
  const absent = await missing(names);
  if (absent.length === 0) return console.log(`  system packages: all ${names.length} are there`);
  console.log(`  system packages: installing ${absent.join(' ')}`);
  if (absent.includes('chromium') && /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))) {
    throw new Failed(
      'Ubuntu offers Chromium only as a snap. Install Google Chrome, or set CHROMIUM to the path of a Chromium, and run this again.',
    );
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !(await exists('sudo'))) {
    throw new Failed(`As root, run: apt-get update && apt-get install ${absent.join(' ')}`);
  }
  const apt = (...args) => {
    const line = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args];
    return isRoot ? show(line[0], line.slice(1)) : show('sudo', line);
  };
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', ...absent);
}

/** No Debian: whoever installed the libraries themselves goes on, everybody else learns what to install. */
async function withoutApt(names, { window, test }) {
  const lacks = [];
  if (!(await exists('cc')) && process.platform !== 'win32') lacks.push('a C compiler (cc)');
  if ((window || test) && process.platform === 'linux') {
    const library = (name) =>
      capture('pkg-config', ['--exists', name]).then(
        () => true,
        () => false,
      );
    if (!(await library('webkit2gtk-4.1'))) lacks.push('WebKitGTK 4.1 with its headers, and pkg-config');
  }
  if (test) {
    const programs = [
      ...['Xvfb', 'xauth', 'WebKitWebDriver', 'dbus-run-session', 'gdbus'],
      ...['supervisord', 'sqlite3', 'initdb', 'aiosmtpd', 'openssl'],
    ];
    for (const program of programs) if (!(await exists(program))) lacks.push(program);
    if (!INSTEAD.chromium.some((path) => path && existsSync(path))) lacks.push('Chromium (set CHROMIUM to its path)');
  }
  if (lacks.length === 0) return console.log('  system packages: what is needed is there');
  throw new Failed(
    `This system has no apt-get, so install these yourself and run this again:\n` +
      lacks.map((name) => `    - ${name}`).join('\n') +
      `\n  On Debian and Ubuntu the packages are: ${names.join(' ')}`,
  );
}
