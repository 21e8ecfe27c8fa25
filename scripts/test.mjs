/**
 * Everything that says whether this tree is good: `npm test`, or `npm test -- STAGE...` for some of its stages.
 * Stops at the first stage that fails, and ends with one line: `N passed, M failed`.
 */
import { existsSync, statSync } from 'node:fs';
import { logFile } from './lib/paths.mjs';
import { Failed } from './lib/run.mjs';
import { spent } from './lib/time.mjs';
import { Skipped, STAGES } from './lib/stages.mjs';
import { setup } from './setup.mjs';

const names = STAGES.map((stage) => stage.name);
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No stage is called ${unknown.join(', ')}. Stages, in their order: ${names.join(' ')}`);
  process.exit(2);
}

function explain(error) {
  if (error instanceof Failed) console.log(`${error.output}\n${error.message}`.trim());
  else console.log(error);
}

const table = [];
let failed = 0;
const began = Date.now();
try {
  await setup({ test: true });
} catch (error) {
  explain(error);
  console.log('0 passed, 1 failed');
  process.exit(1);
}
for (const stage of STAGES.filter(({ name }) => asked.length === 0 || asked.includes(name))) {
  console.log(`── ${stage.name}: ${stage.what}`);
  const start = Date.now();
  let result = 'passed';
  try {
    await stage.run(logFile(stage.name));
  } catch (error) {
    if (error instanceof Skipped) {
      result = 'skipped';
      console.log(`  skipped: ${error.message}`);
    } else {
      result = 'failed';
      explain(error);
    }
  }
  table.push([stage.name, result, spent(Date.now() - start)]);
  console.log(`  ${result} after ${table.at(-1)[2]}\n`);
  if (process.exitCode === 130 || process.exitCode === 143) process.exit();
  if (result === 'failed') {
    failed = 1;
    const log = logFile(stage.name);
    const hasLog = existsSync(log) && statSync(log).mtimeMs >= start;
    console.log(`To run it alone: npm test -- ${stage.name}${hasLog ? `   (its log: ${log})` : ''}\n`);
    break;
  }
}

for (const [name, result, time] of table) console.log(`${name.padEnd(12)} ${result.padEnd(8)} ${time.padStart(14)}`);
const notRun = (asked.length === 0 ? names : asked).filter((name) => !table.some(([done]) => done === name));
for (const name of notRun) console.log(`${name.padEnd(12)} not run`);
console.log(`${'together'.padEnd(21)} ${spent(Date.now() - began).padStart(14)}\n`);
console.log(`${table.filter(([, result]) => result === 'passed').length} passed, ${failed} failed`);
process.exit(failed);
