/** Confidence as a band with words; how the engine words it in full comes from the engine. */
import type { ConfidenceBand } from '../api/types';
import { score } from './numbers';

const BANDS: Record<ConfidenceBand['band'], { word: string; level: number }> = {
  very_likely: { word: 'Very likely', level: 4 },
  likely: { word: 'Likely', level: 3 },
  possible: { word: 'Possible', level: 2 },
  unlikely: { word: 'Unlikely', level: 1 },
  too_new: { word: 'Too new', level: 0 },
};

export const bandWord = (band: ConfidenceBand['band']): string => BANDS[band].word;

/** 0 to 4, for the meter. */
export const bandLevel = (band: ConfidenceBand['band']): number => BANDS[band].level;

/** For a dense row. A score that rests on too few outcomes is not shown at all. */
export const bandShort = (band: ConfidenceBand): string =>
  band.band === 'too_new' ? 'Too new' : `${bandWord(band.band)} ${score(band.value)}`;
