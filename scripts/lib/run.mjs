/** Running programs: shown as they run, or kept in a log that is shown when they fail. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { ROOT } from './paths.mjs';

const running = new Set();

// A child that outlives its script would hold ports and locks that the next run needs.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    if (running.size === 0) process.exit();
  });
}

export class Failed extends Error {
  constructor(message, { output = '', code = null } = {}) {
    super(message);
    this.output = output;
    this.code = code;
  }
}

export const words = (command, args) =>
  [command, ...args].map((word) => (/[\s'"]/.test(word) ? `'${word}'` : word)).join(' ');

/** Runs a program to its end with its output on the terminal. */
export function show(command, args, { env = {}, cwd = ROOT } = {}) {
  console.log(`  $ ${words(command, args)}`);
  return end(command, args, spawn(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } }));
}

/** Runs a program to its end and returns its standard output, with `all` its standard error too, as `log` always has it. */
export async function capture(command, args, { env = {}, cwd = ROOT, log = null, all: both = false } = {}) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const file = log === null ? null : createWriteStream(log);
  let [out, all] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => ((out += text), (all += text), file?.write(text)));
  child.stderr.setEncoding('utf8').on('data', (text) => ((all += text), file?.write(text)));
  try {
    await end(command, args, child, () => all);
  } finally {
    if (file !== null) await finished(file.end());
  }
  return both ? all : out;
}

function end(command, args, child, output = () => '') {
  running.add(child);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      running.delete(child);
      reject(new Failed(`${command} cannot be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (code === 0) resolve();
      else reject(new Failed(`${words(command, args)} ended with ${signal ?? `code ${code}`}`, { output: output(), code }));
    });
  });
}

/** Runs a program for as long as it likes and returns its exit code. Ctrl-C reaches it and is its own to answer. */
export async function stay(command, args, options) {
  try {
    await show(command, args, options);
    return 0;
  } catch (error) {
    if (error.code === null && process.exitCode === undefined) throw error;
    return error.code ?? process.exitCode;
  }
}

/** True where a program of this name can be started. */
export async function exists(command) {
  try {
    await capture(process.platform === 'win32' ? 'where' : 'which', [command]);
    return true;
  } catch {
    return false;
  }
}
