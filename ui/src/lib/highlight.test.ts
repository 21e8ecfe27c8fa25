import { describe, expect, it } from 'vitest';
import type { Span } from '../api/types';
import { pieces } from './highlight';

const TEXT = 'pool exhausted: 20 of 20';
const shown = (spans: Span[], text = TEXT) =>
  pieces(text, spans)
    .map((p) => (p.marked ? `[${p.text}]` : p.text))
    .join('');

describe('pieces', () => {
  it.each<[string, Span[], string]>([
    ['none', [], TEXT],
    ['the start', [{ start: 0, end: 4 }], '[pool] exhausted: 20 of 20'],
    ['the end', [{ start: 22, end: 24 }], 'pool exhausted: 20 of [20]'],
    [
      'out of order',
      [
        { start: 16, end: 18 },
        { start: 0, end: 4 },
      ],
      '[pool] exhausted: [20] of 20',
    ],
    [
      'overlapping',
      [
        { start: 0, end: 8 },
        { start: 5, end: 14 },
      ],
      '[pool exhausted]: 20 of 20',
    ],
    [
      'touching',
      [
        { start: 0, end: 4 },
        { start: 4, end: 14 },
      ],
      '[pool exhausted]: 20 of 20',
    ],
    [
      'one inside another',
      [
        { start: 0, end: 14 },
        { start: 5, end: 9 },
      ],
      '[pool exhausted]: 20 of 20',
    ],
    [
      'out of range',
      [
        { start: -3, end: 4 },
        { start: 20, end: 99 },
      ],
      '[pool] exhausted: 20 o[f 20]',
    ],
    [
      'empty and reversed',
      [
        { start: 3, end: 3 },
        { start: 9, end: 2 },
      ],
      TEXT,
    ],
  ])('%s', (_name, spans, want) => expect(shown(spans)).toBe(want));

  it('counts UTF-16 code units, as the engine does', () => {
    expect(shown([{ start: 3, end: 7 }], '🔥 full')).toBe('🔥 [full]');
  });
});
