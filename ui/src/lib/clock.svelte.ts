/** The shared clock: one timer for every age and countdown, set by the engine's time so that both agree. */
let skew = 0;
let current = $state(Date.now());

/** Milliseconds; reading it in a component keeps that component current to the second. */
export const clock = {
  get now(): number {
    return current;
  },
};

/** Tells how far the engine's clock is ahead of ours. */
export function setEngineTime(iso: string): void {
  const engine = Date.parse(iso);
  if (!Number.isNaN(engine)) skew = engine - Date.now();
  current = Date.now() + skew;
}

/** Starts ticking; returns the stop. A hidden window does not tick. */
export function startClock(): () => void {
  const tick = () => {
    if (document.visibilityState !== 'hidden') current = Date.now() + skew;
  };
  const timer = setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', tick);
  };
}
