import { describe, expect, it } from 'vitest';
import { deepLink, inboxPath, incidentPath, withParams } from './address';

const here = new URL('http://h:1/?group=needs_you&q=api&incident=7&approve=1');

describe('addresses', () => {
  it.each<[Record<string, string | null>, string]>([
    [{ incident: '8' }, '/?group=needs_you&q=api&incident=8&approve=1'],
    [{ approve: null, q: '' }, '/?group=needs_you&incident=7'],
    [{}, '/?group=needs_you&q=api&incident=7&approve=1'],
  ])('changes %o', (changes, want) => expect(withParams(here, changes)).toBe(want));

  it('goes to the full page and back under the same filter', () => {
    const full = incidentPath('7', here);
    expect(full).toBe('/incident/7?group=needs_you&q=api');
    expect(inboxPath('7', new URL(full, here))).toBe('/?group=needs_you&q=api&incident=7');
    expect(inboxPath(null, here)).toBe('/?group=needs_you&q=api');
  });

  it('makes a deep link', () => expect(deepLink('inc_1')).toBe('selfheal://incident/inc_1'));
});
