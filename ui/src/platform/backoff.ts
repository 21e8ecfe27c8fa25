/** How long to wait before the n-th attempt to reconnect (n from 1), in milliseconds. */
const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/**
 * Doubles up to a quarter of a minute. `chance` (0 to 1) shortens the wait by up to a half, so that many windows do not
 * return to a restarted engine in the same instant.
 */
export function backoff(attempt: number, chance: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, attempt - 1));
  return Math.round(full * (1 - chance / 2));
}
