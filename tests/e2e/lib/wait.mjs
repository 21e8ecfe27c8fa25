/** Waiting for a condition, never for a time. */

/**
 * How long anything is waited for before it counts as never coming. It is no measure of anything: whatever a machine is busy
 * with, what is waited for here takes seconds.
 */
export const PATIENCE = 180_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Asks until the answer is neither null, undefined nor false, and returns it. `explain` gets the last answer or error and
 * says what there was instead.
 */
export async function until(what, ask, { interval = 100, explain = String } = {}) {
  const deadline = Date.now() + PATIENCE;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last !== null && last !== undefined && last !== false) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`expected within ${PATIENCE / 1000} s: ${what}; the last answer was: ${explain(last)}`);
    }
    await pause(interval);
  }
}

/** Holds for a while: fails as soon as the condition does not hold. For what must not happen there is nothing to wait for. */
export async function holds(what, ask, { during = 4000, interval = 200 } = {}) {
  const end = Date.now() + during;
  while (Date.now() < end) {
    if (!(await ask())) throw new Error(`expected to hold for ${during / 1000} s: ${what}`);
    await pause(interval);
  }
}
