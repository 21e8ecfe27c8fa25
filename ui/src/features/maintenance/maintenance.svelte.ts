/** Maintenance windows: what holds now, and what is announced. One copy for every screen. */
import { announceMaintenance, endMaintenance, getMaintenance } from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { MaintenancePage, MaintenanceView, Problem } from '../../api/types';
import { gather } from '../../lib/gather';
import { onEvent, onResync } from '../live/live.svelte';

/** A window begins and ends by time, without an event. */
const EVERY_MS = 20_000;

let current = $state.raw<MaintenanceView[] | null>(null);
let problem = $state.raw<Problem | null>(null);

export const maintenance = {
  get windows(): MaintenanceView[] | null {
    return current;
  },
  get problem(): Problem | null {
    return problem;
  },
};

const accept = (page: MaintenancePage): void => {
  current = page.windows;
  problem = null;
};

export async function loadMaintenance(): Promise<void> {
  try {
    accept(await getMaintenance());
  } catch (error) {
    problem = problemOf(error);
  }
}

/** Both throw what went wrong: whoever asked shows it where it was asked. */
export const announce = async (...asked: Parameters<typeof announceMaintenance>): Promise<void> =>
  accept(await announceMaintenance(...asked));

export const end = async (id: string): Promise<void> => accept(await endMaintenance(id));

export function startMaintenance(): () => void {
  const soon = gather(250, () => void loadMaintenance());
  const stops = [onEvent((event) => event.kind === 'automation_changed' && soon()), onResync(soon)];
  const timer = setInterval(soon, EVERY_MS);
  void loadMaintenance();
  return () => {
    clearInterval(timer);
    soon.cancel();
    stops.forEach((stop) => stop());
  };
}
