import { describe, expect, it } from 'vitest';
import { absolute, age, ago, clock, clockSeconds, duration, left, moments, seconds, told } from './time';

const NOW = Date.parse('2026-03-04T14:00:00Z');
const before = (span: number) => new Date(NOW - span).toISOString();

describe('duration', () => {
  it.each([
    [0, '0s'],
    [-5_000, '0s'],
    [999, '0s'],
    [1_000, '1s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [192_000, '3m 12s'],
    [3_600_000, '1h'],
    [3_661_000, '1h 1m'],
    [86_400_000, '1d'],
    [97_200_000, '1d 3h'],
  ])('%i ms is %s', (span, words) => expect(duration(span)).toBe(words));
});

describe('seconds', () => {
  it.each([
    [null, '–'],
    [0, '0s'],
    [0.42, '0.4s'],
    [3, '3s'],
    [9.96, '10s'],
    [12.7, '12s'],
    [192, '3m 12s'],
  ])('%s is %s', (value, words) => expect(seconds(value)).toBe(words));
});

describe('age and ago', () => {
  it.each([
    [0, '0s', 'just now'],
    [4_000, '4s', 'just now'],
    [42_000, '42s', '42s ago'],
    [61_000, '1m', '1m ago'],
    [7_200_000, '2h', '2h ago'],
    [3 * 86_400_000, '3d', '3d ago'],
  ])('%i ms back is %s, %s', (span, short, long) => {
    expect(age(before(span), NOW)).toBe(short);
    expect(ago(before(span), NOW)).toBe(long);
  });

  it('says in for times to come, and a dash for none', () => {
    expect(ago(before(-192_000), NOW)).toBe('in 3m 12s');
    expect(ago(null, NOW)).toBe('–');
    expect(age('no time', NOW)).toBe('–');
  });
});

describe('left', () => {
  it.each([
    [-192_000, '3m 12s'],
    [0, null],
    [1_000, null],
  ])('%i', (span, words) => expect(left(before(span), NOW)).toBe(words));
});

describe('clock', () => {
  it.each([
    ['2026-03-04T09:05:00Z', '09:05'],
    ['2026-03-03T23:59:00Z', '3 Mar 23:59'],
    [undefined, '–'],
  ])('%s is %s', (time, words) => expect(clock(time, NOW)).toBe(words));

  it('has seconds for the timeline, and date and zone for tooltips', () => {
    expect(clockSeconds('2026-03-04T09:05:07Z')).toBe('09:05:07');
    expect(absolute('2026-03-04T09:05:07Z')).toBe('4 Mar 2026, 09:05:07 UTC');
    expect(absolute(null)).toBe('');
  });
});

describe('a sentence with moments', () => {
  it("says them in the reader's time", () => {
    const at = '2026-03-04T13:58:00Z';
    expect(told(`Snoozed until {${at}}, by ada.`, NOW)).toBe(`Snoozed until ${clock(at, NOW)} (2m ago), by ada.`);
    expect(moments(`{${at}}`)).toEqual([{ text: at, at }]);
  });

  it('leaves everything else as it is', () => {
    for (const text of ['', 'plain', '{service}', '{2026-03-04T13:58:00.5Z}', '2026-03-04T13:58:00Z']) {
      expect(told(text, NOW)).toBe(text);
    }
  });
});
