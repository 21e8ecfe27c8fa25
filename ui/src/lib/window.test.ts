import { describe, expect, it } from 'vitest';
import { itemAt, layout, scrollTo, totalHeight, visible } from './window';

const mixed = layout([30, 50, 50, 30, 50]);

describe('layout', () => {
  it('adds heights up', () => {
    expect(mixed.tops).toEqual([0, 30, 80, 130, 160, 210]);
    expect(totalHeight(mixed)).toBe(210);
    expect(totalHeight(layout([]))).toBe(0);
  });

  it.each([
    [0, 0],
    [29, 0],
    [30, 1],
    [129, 2],
    [130, 3],
    [9999, 4],
  ])('finds the item at %i', (y, item) => expect(itemAt(mixed, y)).toBe(item));
});

describe('visible', () => {
  it.each([
    [0, 40, 0, [0, 2]],
    [30, 50, 0, [1, 3]],
    [31, 20, 0, [1, 2]],
    [100, 20, 60, [1, 5]],
    [210, 40, 0, [4, 5]],
  ])('scrolled to %i with a viewport of %i and a margin of %i', (scroll, viewport, margin, range) => {
    expect(visible(mixed, scroll, viewport, margin)).toEqual(range);
  });

  it('renders a handful out of a hundred thousand', () => {
    const long = layout(new Array<number>(100_000).fill(56));
    const [from, to] = visible(long, 2_800_000, 700, 280);
    expect(from).toBe(49_995);
    expect(to - from).toBeLessThan(25);
  });

  it('renders nothing of an empty list', () => expect(visible(layout([]), 0, 500, 100)).toEqual([0, 0]));
});

describe('scrollTo', () => {
  it.each([
    ['in view stays', 2, 40, 100, 40],
    ['above comes down to the edge below the sticky header', 1, 60, 100, 2],
    ['below comes up', 4, 0, 100, 110],
  ])('%s', (_name, item, scroll, viewport, want) => expect(scrollTo(mixed, item, scroll, viewport, 28)).toBe(want));
});
