import { describe, expect, it } from 'vitest';
import type { Parameter } from '../../api/types';
import { isChanged, toSend, whyNotChange } from './parameters';

const timeout: Parameter = { name: 'timeout', value: '10', what: 'Seconds', least: 1, most: 600 };
const copies: Parameter = { name: 'copies', value: '3', what: 'Copies', least: 0, most: 9 };
const yes = { allowed: true, reason: null };

describe('whyNotChange', () => {
  it.each<[string, Record<string, string>, string | null]>([
    ['nothing typed', {}, 'Change a value first.'],
    ['the same value', { timeout: ' 10 ' }, 'Change a value first.'],
    ['the same value, written otherwise', { timeout: '010' }, 'Change a value first.'],
    ['another value', { timeout: '30' }, null],
    ['the least', { timeout: '1' }, null],
    ['the most', { timeout: '600' }, null],
    ['below', { timeout: '0' }, 'timeout: a whole number from 1 to 600.'],
    ['above', { timeout: '601' }, 'timeout: a whole number from 1 to 600.'],
    ['nothing', { timeout: '' }, 'timeout: a whole number from 1 to 600.'],
    ['nothing, where zero would fit', { copies: '' }, 'copies: a whole number from 0 to 9.'],
    ['not whole', { timeout: '1.5' }, 'timeout: a whole number from 1 to 600.'],
    ['one fits and one does not', { timeout: '30', copies: '-1' }, 'copies: a whole number from 0 to 9.'],
  ])('%s', (_name, drafts, want) => expect(whyNotChange(yes, [timeout, copies], drafts)).toBe(want));

  it('passes on what the engine says first', () => {
    expect(whyNotChange({ allowed: false, reason: 'You are viewer.' }, [timeout], { timeout: '30' })).toBe(
      'You are viewer.',
    );
  });
});

it('sends every value, the untouched ones as they are', () => {
  expect(toSend([timeout, copies], { timeout: ' 030 ' })).toEqual({ timeout: '30', copies: '3' });
  expect(isChanged([timeout, copies], { copies: '4' })).toBe(true);
});
