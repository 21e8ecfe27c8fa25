/** Cuts a text into plain and highlighted pieces. Spans are in UTF-16 code units, which is what JavaScript counts. */
import type { Span } from '../api/types';

export interface Piece {
  text: string;
  marked: boolean;
}

/** Spans may overlap, touch, be out of order or out of range: the pieces always join up to exactly the text. */
export function pieces(text: string, spans: readonly Span[]): Piece[] {
  const clean = spans
    .map(({ start, end }) => ({ start: Math.max(0, start), end: Math.min(text.length, end) }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);

  const out: Piece[] = [];
  let at = 0;
  const add = (end: number, marked: boolean) => {
    if (end <= at) return;
    const last = out.at(-1);
    if (last?.marked === marked) last.text += text.slice(at, end);
    else out.push({ text: text.slice(at, end), marked });
    at = end;
  };
  for (const { start, end } of clean) {
    add(start, false);
    add(end, true);
  }
  add(text.length, false);
  return out;
}
