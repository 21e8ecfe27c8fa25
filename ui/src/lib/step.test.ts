import { expect, it } from 'vitest';
import { stepTo } from './step';

const IDS = ['a', 'b', 'c'];

it.each<[string | null, 1 | -1, string]>([
  [null, 1, 'a'],
  [null, -1, 'c'],
  ['a', 1, 'b'],
  ['c', 1, 'c'],
  ['a', -1, 'a'],
  ['gone', 1, 'a'],
])('from %s by %i', (selected, step, want) => expect(stepTo(IDS, selected, step)).toBe(want));

it('finds nothing in an empty list', () => expect(stepTo([], null, 1)).toBeNull());
