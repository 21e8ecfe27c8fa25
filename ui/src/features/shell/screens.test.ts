import { expect, it } from 'vitest';
import { isAt, SCREENS } from './screens';

it.each<[string, string[]]>([
  ['/', ['inbox']],
  ['/incident/7', ['inbox']],
  ['/queue', ['queue']],
  ['/maintenance', ['maintenance']],
  ['/nowhere', []],
])('%s is at %o', (path, want) => expect(SCREENS.filter((one) => isAt(one, path)).map((one) => one.id)).toEqual(want));

it('gives every screen keys of its own', () => {
  expect(new Set(SCREENS.map((screen) => screen.keys)).size).toBe(SCREENS.length);
});
