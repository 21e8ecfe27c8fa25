/** Maintenance windows in words and in order, and what a person may announce. */
import type { MaintenanceView } from '../../api/types';
import { plural } from '../../lib/numbers';
import { clock } from '../../lib/time';

export const servicesWords = (services: readonly string[]): string =>
  services.length === 0
    ? 'all services'
    : services.length > 3
      ? `${services.slice(0, 2).join(', ')} and ${services.length - 2} more`
      : services.join(', ');

const ends = (window: MaintenanceView): number => (window.ends_at === null ? Infinity : Date.parse(window.ends_at));

const starts = (window: MaintenanceView): number => (window.starts_at === null ? Infinity : Date.parse(window.starts_at));

/** What holds now first, soonest to end; then what comes, soonest first; what recurs without a date last. */
export const inOrder = (windows: readonly MaintenanceView[]): MaintenanceView[] =>
  [...windows].sort(
    (a, b) => Number(b.active) - Number(a.active) || (a.active ? ends(a) - ends(b) : starts(a) - starts(b)) || 0,
  );

/** For the header: what holds now; null while nothing does. */
export function nowWords(windows: readonly MaintenanceView[], now: number): string | null {
  const active = inOrder(windows).filter((window) => window.active);
  const first = active[0];
  if (first === undefined) return null;
  const until = first.ends_at === null ? '' : ` until ${clock(first.ends_at, now)}`;
  if (active.length === 1) return `Maintenance: ${servicesWords(first.services)}${until}`;
  return `Maintenance: ${plural(active.length, 'window')}, the first${until || ' without an end'}`;
}

export const PRESETS: [minutes: number, words: string][] = [
  [30, '30 min'],
  [60, '1 hour'],
  [120, '2 hours'],
  [240, '4 hours'],
];

/** The most that the engine takes: more is a configuration. */
export const LONGEST = 31 * 24 * 60;

/** Minutes as typed; null where they do not fit. */
export function minutesOf(text: string): number | null {
  const minutes = /^\d+$/.test(text.trim()) ? Number(text) : 0;
  return minutes >= 1 && minutes <= LONGEST ? minutes : null;
}
