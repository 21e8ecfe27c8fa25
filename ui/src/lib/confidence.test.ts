import { describe, expect, it } from 'vitest';
import type { ConfidenceBand } from '../api/types';
import { bandLevel, bandShort } from './confidence';

const band = (name: ConfidenceBand['band'], value: number, outcomes: number): ConfidenceBand => ({
  band: name,
  value,
  outcomes,
  words: '',
});

describe('bandShort', () => {
  it.each<[ConfidenceBand, string]>([
    [band('likely', 0.8249, 23), 'Likely 0.82'],
    [band('very_likely', 1, 40), 'Very likely 1.00'],
    [band('too_new', 0.9, 4), 'Too new'],
  ])('%o', (value, words) => expect(bandShort(value)).toBe(words));
});

it('fills the meter in the order of the bands', () => {
  expect((['too_new', 'unlikely', 'possible', 'likely', 'very_likely'] as const).map(bandLevel)).toEqual([0, 1, 2, 3, 4]);
});
