/** Which command a key press means. Pure: the sequence so far and the clock are passed in. */
import type { Command } from './registry.svelte';

/** A sequence such as `g i` is given up after this long. */
export const SEQUENCE_MS = 900;

export interface Pending {
  keys: string;
  at: number;
}

type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** `mod+k`, `a`, `?`, `esc`. Shift is already in the key itself. */
export function keyName(press: Press): string {
  const names: Record<string, string> = { Escape: 'esc', Enter: 'enter', ArrowDown: 'down', ArrowUp: 'up', ' ': 'space' };
  const key = names[press.key] ?? (press.key.length === 1 ? press.key.toLowerCase() : press.key);
  const mod = press.ctrlKey || press.metaKey ? 'mod+' : '';
  return `${mod}${press.altKey ? 'alt+' : ''}${key}`;
}

export interface Match {
  command: Command | null;
  pending: Pending | null;
}

export function match(list: readonly Command[], name: string, before: Pending | null, now: number): Match {
  const alive = before !== null && now - before.at <= SEQUENCE_MS ? before.keys : null;
  const tries = alive === null ? [name] : [`${alive} ${name}`, name];
  for (const keys of tries) {
    // The screen registered last is the innermost one, and wins.
    const command = list.findLast((candidate) => candidate.keys?.includes(keys));
    if (command) return { command, pending: null };
    if (list.some((candidate) => candidate.keys?.some((own) => own.startsWith(`${keys} `)))) {
      return { command: null, pending: { keys, at: now } };
    }
  }
  return { command: null, pending: null };
}

/** Whether a press belongs to a field that is being typed into; `mod+…` and `esc` never do. */
export function isTyping(target: EventTarget | null, name: string): boolean {
  if (name.startsWith('mod+') || name === 'esc') return false;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('input, textarea, select');
}

/** What answers to enter by itself: the press is its own, except on a row, where it opens the incident. */
const PRESSABLE = 'button, a:not([data-row]), summary, [role="menu"]';
/** What moves or scrolls by arrow. */
const MOVABLE = `${PRESSABLE}, [tabindex="0"]:not([data-row])`;

/** Whether the control that has the focus answers to this press itself. */
export function ownsKey(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (name === 'enter') return target.closest(PRESSABLE) !== null;
  if (name === 'down' || name === 'up') return target.closest(MOVABLE) !== null;
  return false;
}

/** For people: `mod+k` as `⌘K` or `Ctrl K`. */
export function showKeys(keys: string, mac: boolean): string[] {
  const words: Record<string, string> = { esc: 'Esc', enter: 'Enter', down: '↓', up: '↑' };
  return keys.split(' ').flatMap((part) => {
    const bits = part.split('+').map((bit) => (bit === 'mod' ? (mac ? '⌘' : 'Ctrl') : (words[bit] ?? bit)));
    return part === '+' ? ['+'] : bits;
  });
}

export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.userAgent);
