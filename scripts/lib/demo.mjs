/** Each demo scenario without a window: what it prints, how it ends, and that nothing of it stays behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noneLeft } from '../../tests/e2e/lib/processes.mjs';
import { binary } from './paths.mjs';
import { capture, Failed } from './run.mjs';
import { spent } from './time.mjs';

const SCENARIOS = [
  {
    args: ['kill-service'],
    state: ['resolved', 'closed'],
    decision: 'auto',
    action: 'service.restart',
    attempts: 1,
    learns: true,
  },
  {
    args: ['needs-approval'],
    state: ['awaiting_approval'],
    decision: 'suggest',
    action: 'service.restart',
    attempts: 0,
    learns: false,
  },
  {
    args: ['needs-approval', '--approve'],
    state: ['resolved', 'closed'],
    decision: 'suggest',
    action: 'service.restart',
    attempts: 1,
    learns: true,
  },
  { args: ['unknown'], state: ['escalated'], decision: 'escalate', action: null, attempts: 0, learns: false },
];

/** What is wrong with a report, each as a sentence. */
function faults(report, expected) {
  const said = [];
  const equal = (name, found, wanted) => {
    if (found !== wanted) said.push(`${name} is ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
  };
  equal('scenario', report.scenario, expected.args[0]);
  equal('decision', report.decision, expected.decision);
  equal('action', report.action, expected.action);
  equal('attempts', report.attempts, expected.attempts);
  equal('audit_ok', report.audit_ok, true);
  if (!expected.state.includes(report.state)) equal('state', report.state, expected.state.join(' or '));
  if (typeof report.incident !== 'string' || report.incident === '') said.push('incident is not an id');
  const { before, after } = report.confidence ?? {};
  if (expected.learns) {
    if (!(after > before)) said.push(`confidence went from ${before} to ${after}, expected it to rise`);
    for (const step of ['detect', 'decide', 'act', 'verify', 'total']) {
      const seconds = report.seconds?.[step];
      if (typeof seconds !== 'number' || seconds < 0) said.push(`seconds.${step} is ${seconds}, expected a duration`);
    }
  } else if (before !== after) said.push(`confidence went from ${before} to ${after}, expected it to stay`);
  return said;
}

async function runOne(expected, folder, env) {
  const args = ['demo', ...expected.args, '--json'];
  const began = Date.now();
  // Its home is a temporary folder: put where what it starts can be told from everything else.
  const output = await capture(binary('selfheal'), args, { env: { ...env, TMPDIR: folder } });
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    throw new Failed(`selfheal ${args.join(' ')} printed something else than one JSON document`, { output });
  }
  const said = faults(report, expected);
  if (said.length > 0) throw new Failed(`selfheal ${args.join(' ')}: ${said.join('; ')}`, { output });
  await noneLeft(folder);
  console.log(`  ${expected.args.join(' ')}: ${report.state} after ${spent(Date.now() - began)}`);
}

export async function checkDemo(env) {
  const folder = mkdtempSync(join(tmpdir(), 'selfheal-demo-stage-'));
  try {
    const folders = SCENARIOS.map((_, at) => mkdtempSync(join(folder, `${at}-`)));
    const results = await Promise.allSettled(SCENARIOS.map((scenario, at) => runOne(scenario, folders[at], env)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
