/** Marked incidents, for the two actions that are safe on many at once. Acting on a plan is always one at a time. */
import { acknowledge, snooze } from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { IncidentView, Problem } from '../../api/types';
import { plural } from '../../lib/numbers';
import { complain, say } from '../notices/notices.svelte';
import { inbox } from './inbox.svelte';

let marked = $state.raw<ReadonlySet<string>>(new Set());

export const marks = {
  get all(): ReadonlySet<string> {
    return marked;
  },
};

export function toggleMark(id: string): void {
  const next = new Set(marked);
  if (!next.delete(id)) next.add(id);
  marked = next;
}

export function clearMarks(): void {
  marked = new Set();
}

/** One after the other; what failed stays marked, with the first problem shown. */
async function onMarked(call: (id: string) => Promise<IncidentView>, done: string): Promise<void> {
  const failed = new Set<string>();
  let problem: Problem | null = null;
  const ids = [...marked];
  for (const id of ids) {
    try {
      await call(id);
    } catch (error) {
      failed.add(id);
      problem ??= problemOf(error);
    }
  }
  marked = failed;
  if (failed.size < ids.length) say(`${plural(ids.length - failed.size, 'incident')} ${done}.`);
  if (problem)
    complain({ ...problem, what: `${plural(failed.size, 'incident')} of ${ids.length} stayed as before. ${problem.what}` });
  await inbox.refresh();
}

export const acknowledgeMarked = (): Promise<void> => onMarked(acknowledge, 'acknowledged');

export const snoozeMarked = (minutes: number, words: string): Promise<void> =>
  onMarked((id) => snooze(id, minutes), `snoozed for ${words}`);
