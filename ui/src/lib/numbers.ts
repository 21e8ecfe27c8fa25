/** Numbers in words: one way to group digits, one way to show a score. */
const GROUPED = new Intl.NumberFormat('en-GB');

export const count = (value: number): string => GROUPED.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** Two digits, cut and not rounded: a score just below a threshold must not look as if it had reached it. */
export const score = (value: number): string => (Math.floor(value * 100 + 1e-9) / 100).toFixed(2);

/** The same score as a width. */
export const percent = (value: number): string => `${Math.min(100, Math.max(0, value * 100)).toFixed(1)}%`;
