/** The queue of actions: who waits and for what, the hourly slots, what runs now. One copy for every screen. */
import { getQueue } from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { Problem, QueueEntry, QueueView } from '../../api/types';
import { gather } from '../../lib/gather';
import { onEvent, onResync } from '../live/live.svelte';

/** Slots become free by time alone, without an event. */
const EVERY_MS = 20_000;

let current = $state.raw<QueueView | null>(null);
let problem = $state.raw<Problem | null>(null);

export const queue = {
  get value(): QueueView | null {
    return current;
  },
  get problem(): Problem | null {
    return problem;
  },
  /** The place of an incident; null where it does not wait. */
  entry(incident: string): QueueEntry | null {
    return current?.entries.find((entry) => entry.incident.id === incident) ?? null;
  },
};

export async function loadQueue(): Promise<void> {
  try {
    current = await getQueue();
    problem = null;
  } catch (error) {
    problem = problemOf(error);
  }
}

export function startQueue(): () => void {
  const soon = gather(250, () => void loadQueue());
  const stops = [onEvent(soon), onResync(soon)];
  const timer = setInterval(soon, EVERY_MS);
  void loadQueue();
  return () => {
    clearInterval(timer);
    soon.cancel();
    stops.forEach((stop) => stop());
  };
}
