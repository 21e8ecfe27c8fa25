import { describe, expect, it } from 'vitest';
import type { QueueEntry, SlotsView } from '../../api/types';
import { freeAt, ordinal, placeShort, placeWords, slotWords } from './words';

const NOW = Date.parse('2026-03-04T14:00:00Z');
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
const slots = (used: number, next: string | null = null): SlotsView => ({ used, limit: 5, next_free_at: next });
const entry = (position: number, gate: string, until: string | null = null) => ({ position, gate, until }) as QueueEntry;

describe('slotWords', () => {
  it.each<[string, SlotsView, string]>([
    ['none used', slots(0), '0 of 5 in the last hour, 5 slots free'],
    ['one left', slots(4), '4 of 5 in the last hour, 1 slot free'],
    ['all used', slots(5, at(12)), '5 of 5 in the last hour, next slot free in 12m'],
    ['all used, the time has come', slots(5, at(0)), '5 of 5 in the last hour, a slot is about to be free'],
  ])('%s', (_name, given, want) => expect(slotWords(given, NOW)).toBe(want));
});

describe('the place', () => {
  it.each<[string, QueueEntry, SlotsView, string, string]>([
    ['a cooldown ends', entry(1, 'cooldown', at(3)), slots(1), '1st in the queue, frees in 3m', 'Queued 1st, 3m'],
    ['a slot frees', entry(2, 'hourly_limit'), slots(5, at(12)), '2nd in the queue, frees in 12m', 'Queued 2nd, 12m'],
    [
      'a pause without an end outlasts every cooldown',
      { ...entry(1, 'automation', at(3)), until_resumed: true },
      slots(5, at(12)),
      '1st in the queue, until automation is resumed',
      'Queued 1st, paused',
    ],
    ['its turn has no time', entry(3, 'one_at_a_time'), slots(5, at(12)), '3rd in the queue', 'Queued 3rd'],
    ['what has passed is not counted', entry(1, 'cooldown', at(-1)), slots(1), '1st in the queue', 'Queued 1st'],
  ])('%s', (_name, given, hourly, long, short) => {
    expect(placeWords(given, hourly, NOW)).toBe(long);
    expect(placeShort(given, hourly, NOW)).toBe(short);
  });
});

it('takes the gate’s own end before the next slot', () => {
  expect(freeAt(entry(1, 'hourly_limit', at(1)), slots(5, at(2)))).toBe(at(1));
});

it.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [12, '12th'],
  [13, '13th'],
  [21, '21st'],
  [112, '112th'],
])('%i is %s', (position, want) => expect(ordinal(position)).toBe(want));
