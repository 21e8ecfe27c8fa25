/** The queue in words: why something waits, and what is known about when it no longer does. */
import type { QueueEntry, SlotsView } from '../../api/types';
import { plural } from '../../lib/numbers';
import { age, left } from '../../lib/time';

const GATES: Record<string, string> = {
  automation: 'Automation switch',
  maintenance: 'Maintenance',
  circuit_breaker: 'Connection rests',
  cooldown: 'Cooldown',
  hourly_limit: 'Hourly limit',
  one_at_a_time: 'One at a time',
};

export const gateWords = (gate: string): string => GATES[gate] ?? gate.replaceAll('_', ' ');

/** When time alone frees it, as far as the engine knows. */
export function freeAt(entry: Pick<QueueEntry, 'gate' | 'until' | 'until_resumed'>, slots: SlotsView): string | null {
  // No time frees what a person has to resume.
  if (entry.until_resumed) return null;
  return entry.until ?? (entry.gate === 'hourly_limit' ? slots.next_free_at : null);
}

/** For a dense row: `Queued 2nd, 12m`. */
export function placeShort(entry: QueueEntry, slots: SlotsView, now: number): string {
  if (entry.until_resumed) return `Queued ${ordinal(entry.position)}, paused`;
  const free = freeAt(entry, slots);
  const remaining = free !== null && Date.parse(free) > now ? `, ${age(now, Date.parse(free))}` : '';
  return `Queued ${ordinal(entry.position)}${remaining}`;
}

/** In full: `2nd in the queue, frees in 12m 3s`. */
export function placeWords(entry: QueueEntry, slots: SlotsView, now: number): string {
  const place = `${ordinal(entry.position)} in the queue`;
  if (entry.until_resumed) return `${place}, until automation is resumed`;
  const remaining = left(freeAt(entry, slots), now);
  return `${place}${remaining === null ? '' : `, frees in ${remaining}`}`;
}

export function slotWords(slots: SlotsView, now: number): string {
  const used = `${slots.used} of ${slots.limit} in the last hour`;
  if (slots.used < slots.limit) return `${used}, ${plural(slots.limit - slots.used, 'slot')} free`;
  const remaining = left(slots.next_free_at, now);
  return remaining === null ? `${used}, a slot is about to be free` : `${used}, next slot free in ${remaining}`;
}

export function ordinal(position: number): string {
  const teen = position % 100 >= 11 && position % 100 <= 13;
  const ending = teen ? 'th' : (['th', 'st', 'nd', 'rd'][position % 10] ?? 'th');
  return `${position}${ending}`;
}
