/** Which processes a run left behind, told by a folder that only its own command lines name. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './wait.mjs';

function all() {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-axo', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => /^ *(\d+) (.*)$/.exec(line))
      .filter((found) => found !== null)
      .map(([, pid, line]) => ({ pid: Number(pid), line }));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return { pid: Number(pid), line: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() };
      } catch {
        // Ended between the listing and the look.
        return { pid: Number(pid), line: '' };
      }
    });
}

export const processesNaming = (folder) => all().filter(({ pid, line }) => pid !== process.pid && line.includes(folder));

/** A process and all that it started, directly or not. */
export function family(pid) {
  const parents = new Map();
  for (const one of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // The name in parentheses may hold anything; what follows its end is numbers.
      const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ').at(-1).split(' ');
      parents.set(Number(one), Number(fields[1]));
    } catch {
      // Ended between the listing and the look.
    }
  }
  const found = new Set([pid]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [child, parent] of parents) if (found.has(parent)) found.add(child);
  }
  return [...found];
}

export function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** A process that was told to end may need a moment. */
export const noneLeft = (folder) =>
  until(`no process whose command line names ${folder}`, () => processesNaming(folder).length === 0, {
    explain: () =>
      processesNaming(folder)
        .map(({ pid, line }) => `${pid} ${line}`)
        .join('; '),
  });
