/** The automation switch in words, and what may be chosen under the ceiling of the configuration file. */
import type { AutomationView, Posture } from '../../api/types';

export const POSTURE_WORDS: Record<Posture, string> = { on: 'On', observe: 'Observe only', paused: 'Paused' };

export const POSTURE_MEANING: Record<Posture, string> = {
  on: 'Heals by itself what it knows well.',
  observe: 'Only what a person approves runs.',
  paused: 'Nothing runs, approved or not.',
};

const FREEDOM: Record<Posture, number> = { paused: 0, observe: 1, on: 2 };

export interface Option {
  key: string;
  posture: Posture;
  title: string;
  minutes: number | null;
}

export const OPTIONS: Option[] = [
  { key: 'on', posture: 'on', title: 'On', minutes: null },
  { key: 'observe', posture: 'observe', title: 'Observe only', minutes: null },
  { key: 'paused-15', posture: 'paused', title: 'Pause for 15 minutes', minutes: 15 },
  { key: 'paused-60', posture: 'paused', title: 'Pause for 1 hour', minutes: 60 },
  { key: 'paused', posture: 'paused', title: 'Pause until resumed', minutes: null },
];

/** Why an option cannot be chosen; null where it can. */
export function whyNot(option: Option, automation: AutomationView): string | null {
  if (!automation.can_change.allowed) return automation.can_change.reason ?? 'You may not change the switch.';
  if (automation.brake != null && option.posture !== 'paused') return brakeWords(automation.brake);
  if (FREEDOM[option.posture] > FREEDOM[automation.ceiling]) return ceilingWords(automation.ceiling);
  return null;
}

export const ceilingWords = (ceiling: Posture): string =>
  `The configuration file allows ${POSTURE_WORDS[ceiling].toLowerCase()} at most (self_healing.enabled).`;

/** True where the switch says more than is in force. */
export const isCapped = (automation: AutomationView): boolean => automation.posture !== automation.effective;

/** The brake is released where it was pulled, never from here: it has to hold even where the window is not to be trusted. */
export const brakeWords = (brake: string): string =>
  `The emergency brake holds: ${brake.replace(/\.$/, '')}. Run \`selfheal resume\`, or remove the file.`;
