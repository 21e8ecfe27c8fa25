/** A demo world of its own: the real engine with real services on loopback, served as a window in the browser. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { noneLeft } from './processes.mjs';
import { until } from './wait.mjs';

const TARGET =
  process.env.CARGO_TARGET_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selfheal/target');

export const SELFHEAL = process.env.SELFHEAL_BIN ?? join(TARGET, 'debug/selfheal');
export const DESKTOP = process.env.SELFHEAL_DESKTOP_BIN ?? join(TARGET, 'debug/selfheal-desktop');

export const temporaryHome = () => mkdtempSync(join(tmpdir(), 'selfheal-e2e-'));

export async function answers(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1500) })).status === 200;
  } catch {
    return false;
  }
}

export const servicesOf = (home) => JSON.parse(readFileSync(join(home, 'demo.json'), 'utf8')).services;

export async function startWorld() {
  const home = temporaryHome();
  const child = spawn(SELFHEAL, ['demo', '--listen', '127.0.0.1:0', '--home', home], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let ended = null;
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
  child.on('exit', (code, signal) => (ended = signal ?? `code ${code}`));
  child.on('error', (error) => (ended = error.message));

  const printed = await until(
    'selfheal demo prints its address',
    () => {
      if (ended !== null) throw new Error(`selfheal demo ended with ${ended}:\n${log}`);
      return /^Selfheal demo: (http:\S+)$/m.exec(log)?.[1];
    },
    { explain: (last) => `${last}\n${log}` },
  );
  // What is not a terminal is shown no token: the home keeps it.
  const base = printed.replace(/\/$/, '');
  const token = readFileSync(join(home, 'data/serve.token'), 'utf8').trim();
  const address = `${base}/#token=${token}`;

  return {
    home,
    base,
    token,
    address,
    services: servicesOf(home),
    log: () => log,
    /** The interface that the window uses, to arrange what a test is not about. */
    async api(method, path, body) {
      const response = await fetch(`${base}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text);
    },
    /** The one incident of a service, once it is in one of the states. */
    incident(service, ...states) {
      return until(
        `an incident of ${service} in the state ${states.join(' or ')}`,
        async () => {
          const { incidents } = await this.api('GET', '/incidents');
          const row = incidents.find((one) => one.service === service && states.includes(one.state));
          if (!row) throw new Error(incidents.map((one) => `${one.service} ${one.state}`).join(', ') || 'no incident');
          return row;
        },
        { explain: (last) => `${last.message}\n${log}` },
      );
    },
    async stop() {
      if (ended === null) child.kill('SIGTERM');
      await until('selfheal demo ends on SIGTERM', () => ended, { explain: () => log });
      await noneLeft(home);
      rmSync(home, { recursive: true, force: true });
      if (ended !== 'code 0') throw new Error(`selfheal demo ended with ${ended}, expected code 0:\n${log}`);
    },
  };
}
