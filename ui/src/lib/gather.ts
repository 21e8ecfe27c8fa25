/**
 * Joins calls that come in quick succession into one: the first waits `ms`, the rest ride along. Unlike a debounce that
 * starts over with each call, a steady stream of events cannot put it off for ever.
 */
export function gather(ms: number, run: () => void): { (): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const call = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      run();
    }, ms);
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return call;
}
