/** The state of the whole: switch, engine, counts, audit chain, who I am. One copy for every screen. */
import { getOverview } from '../../api/calls';
import { ApiError, problemOf } from '../../api/problem';
import type { AutomationView, Overview, Problem } from '../../api/types';
import { setEngineTime } from '../../lib/clock.svelte';
import { gather } from '../../lib/gather';
import { onEvent, onResync, refused } from '../live/live.svelte';

/** Counts such as "signals today" move without an event. */
const EVERY_MS = 20_000;

let current = $state.raw<Overview | null>(null);
let problem = $state.raw<Problem | null>(null);

export const overview = {
  get value(): Overview | null {
    return current;
  },
  get problem(): Problem | null {
    return problem;
  },
};

export function acceptOverview(fresh: Overview): void {
  current = fresh;
  problem = null;
  setEngineTime(fresh.now);
}

export function acceptAutomation(automation: AutomationView): void {
  if (current) current = { ...current, automation };
}

export async function loadOverview(): Promise<void> {
  try {
    acceptOverview(await getOverview());
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) refused();
    problem = problemOf(error);
  }
}

export function startOverview(): () => void {
  const soon = gather(150, () => void loadOverview());
  const stops = [onEvent(soon), onResync(soon)];
  const timer = setInterval(soon, EVERY_MS);
  void loadOverview();
  return () => {
    clearInterval(timer);
    soon.cancel();
    stops.forEach((stop) => stop());
  };
}
