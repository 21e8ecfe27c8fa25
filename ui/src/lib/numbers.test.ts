import { describe, expect, it } from 'vitest';
import { count, percent, plural, score } from './numbers';

describe('numbers', () => {
  it.each([
    [0, '0.00'],
    [0.7, '0.70'],
    [0.6999, '0.69'],
    [0.29, '0.29'],
    [1, '1.00'],
  ])('score %f is %s', (value, words) => expect(score(value)).toBe(words));

  it.each([
    [1, '1 signal'],
    [0, '0 signals'],
    [48213, '48,213 signals'],
  ])('plural %i', (value, words) => expect(plural(value, 'signal')).toBe(words));

  it('groups digits, and keeps widths between 0 and 100', () => {
    expect(count(1234567)).toBe('1,234,567');
    expect([percent(-1), percent(0.825), percent(2)]).toEqual(['0.0%', '82.5%', '100.0%']);
  });
});
