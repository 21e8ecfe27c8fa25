/** Which items of a long list are worth rendering. Heights are known beforehand, so nothing is measured while scrolling. */
export interface Layout {
  /** `tops[i]` is where item i begins; one more entry at the end holds the whole height. */
  tops: number[];
}

export function layout(heights: readonly number[]): Layout {
  const tops = new Array<number>(heights.length + 1);
  let top = 0;
  for (let i = 0; i < heights.length; i++) {
    tops[i] = top;
    top += heights[i] ?? 0;
  }
  tops[heights.length] = top;
  return { tops };
}

export const totalHeight = ({ tops }: Layout): number => tops[tops.length - 1] ?? 0;

/** The item at a height: the last one that begins at or above it. */
export function itemAt({ tops }: Layout, y: number): number {
  let low = 0;
  let high = Math.max(0, tops.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** First item and the one after the last that touch the viewport, with `margin` pixels to spare on both sides. */
export function visible(list: Layout, scroll: number, viewport: number, margin: number): [number, number] {
  const items = list.tops.length - 1;
  if (items <= 0) return [0, 0];
  const first = itemAt(list, Math.max(0, scroll - margin));
  const last = itemAt(list, Math.max(0, scroll + viewport + margin));
  return [first, Math.min(items, last + 1)];
}

/** Where to scroll so that item i is in view, moving no further than needed. */
export function scrollTo(list: Layout, i: number, scroll: number, viewport: number, sticky = 0): number {
  const top = list.tops[i] ?? 0;
  const bottom = list.tops[i + 1] ?? top;
  if (top < scroll + sticky) return Math.max(0, top - sticky);
  if (bottom > scroll + viewport) return bottom - viewport;
  return scroll;
}
