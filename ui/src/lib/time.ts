/**
 * The one place for time in words. Everything takes `now` in milliseconds: callers read it from the shared clock, which is
 * set by the engine's, so that a countdown is right on a machine whose clock is not.
 */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Time = string | number | null | undefined;

function ms(time: Time): number | null {
  if (time == null) return null;
  const parsed = typeof time === 'number' ? time : Date.parse(time);
  return Number.isNaN(parsed) ? null : parsed;
}

/** `3m 12s`: the two largest units that matter, nothing rounded up. Negative spans count as none. */
export function duration(milliseconds: number): string {
  const total = Math.max(0, Math.floor(milliseconds / SECOND));
  const [d, h, m, s] = [Math.floor(total / 86_400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60];
  if (d > 0) return h > 0 ? `${d}d ${h}h` : `${d}d`;
  if (h > 0) return m > 0 ? `${h}h ${m}m` : `${h}h`;
  if (m > 0) return s > 0 ? `${m}m ${s}s` : `${m}m`;
  return `${s}s`;
}

/** Seconds as the engine measures them; below ten with one digit after the point, since healing is often that fast. */
export function seconds(value: number | null | undefined): string {
  if (value == null) return '–';
  if (value < 10) return `${value.toFixed(1).replace(/\.0$/, '')}s`;
  return duration(value * SECOND);
}

/** One unit, for the age column of a dense list. */
export function age(time: Time, now: number): string {
  const at = ms(time);
  if (at === null) return '–';
  const span = Math.max(0, now - at);
  if (span < MINUTE) return `${Math.floor(span / SECOND)}s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)}m`;
  if (span < DAY) return `${Math.floor(span / HOUR)}h`;
  return `${Math.floor(span / DAY)}d`;
}

export function ago(time: Time, now: number): string {
  const at = ms(time);
  if (at === null) return '–';
  if (now - at < 5 * SECOND && at - now < 5 * SECOND) return 'just now';
  return at > now ? `in ${duration(at - now)}` : `${age(at, now)} ago`;
}

/** What is left until a time; `null` once it has passed. */
export function left(time: Time, now: number): string | null {
  const at = ms(time);
  return at === null || at <= now ? null : duration(at - now);
}

/** `14:02`, with the day in front unless it is today's. */
export function clock(time: Time, now: number): string {
  const at = ms(time);
  if (at === null) return '–';
  const date = new Date(at);
  const hours = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return date.toDateString() === new Date(now).toDateString() ? hours : `${shortDay(date)} ${hours}`;
}

/** `14:02:31`, for a timeline in which seconds matter. */
export function clockSeconds(time: Time): string {
  const at = ms(time);
  return at === null ? '–' : new Date(at).toLocaleTimeString('en-GB');
}

function shortDay(date: Date): string {
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

/** Absolute, with the zone: what a tooltip says about a relative time. */
export function absolute(time: Time): string {
  const at = ms(time);
  if (at === null) return '';
  return new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
}

/** A moment as it stands in the engine's sentences: `{2026-02-28T14:02:00Z}`. */
const MARK = /\{(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\}/;

/** A sentence in pieces: words, and the moments between them. */
export function moments(text: string): { text: string; at: string | null }[] {
  return text
    .split(MARK)
    .map((piece, i) => ({ text: piece, at: i % 2 === 1 ? piece : null }))
    .filter((piece) => piece.text !== '');
}

/** A moment within a sentence: `14:02 (12m ago)`. */
export const moment = (time: Time, now: number): string => `${clock(time, now)} (${ago(time, now)})`;

/** A sentence as plain text, for a tooltip or a button that says why not. */
export const told = (text: string, now: number): string =>
  moments(text)
    .map((piece) => (piece.at === null ? piece.text : moment(piece.at, now)))
    .join('');
