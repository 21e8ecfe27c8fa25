/** The five stages of healing, as far as this incident has come. Derived from facts alone: nothing is shown ahead of them. */
import type { AttemptView, IncidentView, StateName } from '../../api/types';
import { seconds } from '../../lib/time';

export type StageStatus = 'done' | 'now' | 'failed' | 'waits' | 'ahead';

export interface Stage {
  name: string;
  status: StageStatus;
  note: string;
}

const NAMES = ['Detect', 'Decide', 'Act', 'Verify', 'Learned'];

/** Index of the stage at which a state stands. */
const AT: Partial<Record<StateName, number>> = {
  detected: 1,
  decided: 1,
  awaiting_approval: 2,
  queued: 2,
  healing: 2,
  verifying: 3,
};

const WAITS: Partial<Record<StateName, string>> = { awaiting_approval: 'waits for approval', queued: 'waits for its turn' };

/** By how much the confidence moved, with its sign. */
function moved({ confidence_before: before, confidence_after: after }: AttemptView): string {
  if (before == null || after == null) return '';
  const by = Math.round((after - before) * 100) / 100;
  return `${by < 0 ? '−' : '+'}${Math.abs(by).toFixed(2)}`;
}

export function stages(view: IncidentView): Stage[] {
  const { incident, seconds: took } = view;
  const times = [took.detect, took.decide, took.act, took.verify, null];
  // Of an incident that came back, what was learned the first time is not what is learned now.
  const since = took.came_back_at ?? null;
  const now = view.attempts.filter((attempt) => since === null || Date.parse(attempt.started_at) >= Date.parse(since));
  const learned = now.findLast((attempt) => attempt.confidence_after != null);
  const byFix = incident.resolved_by === 'automatic_fix' || incident.resolved_by === 'approved_fix';
  const at = AT[incident.state];

  return NAMES.map((name, i) => {
    const time = times[i];
    const note = time == null ? '' : seconds(time);
    if (at !== undefined) {
      if (i < at) return { name, status: 'done', note };
      if (i > at) return { name, status: 'ahead', note: '' };
      return { name, status: WAITS[incident.state] ? 'waits' : 'now', note: WAITS[incident.state] ?? 'now' };
    }
    if (i === 4) return learned ? { name, status: 'done', note: moved(learned) } : { name, status: 'ahead', note: '' };
    if (byFix || time != null || i === 0) return { name, status: 'done', note };
    return { name, status: 'ahead', note: '' };
  });
}
