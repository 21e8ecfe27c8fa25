/** States and groups in the window's colours and words. The words of one incident's state come from the engine. */
import type { Group, StateName } from '../api/types';

export type StateTone = 'act' | 'attention' | 'working' | 'good' | 'quiet';

const TONES: Record<StateName, StateTone> = {
  detected: 'working',
  decided: 'working',
  awaiting_approval: 'attention',
  queued: 'working',
  healing: 'working',
  verifying: 'working',
  escalated: 'act',
  snoozed: 'quiet',
  resolved: 'good',
  closed: 'quiet',
};

/** An escalated incident that somebody has taken no longer calls for one. */
export const stateTone = (state: StateName, taken: boolean): StateTone =>
  state === 'escalated' && taken ? 'working' : TONES[state];

/** While these last, readings move without the state changing. */
export const isMoving = (state: StateName): boolean =>
  state === 'detected' || state === 'decided' || state === 'healing' || state === 'verifying';

export const GROUPS: Group[] = ['needs_you', 'in_progress', 'recently_fixed'];

export const GROUP_WORDS: Record<Group, string> = {
  needs_you: 'Needs you',
  in_progress: 'In progress',
  recently_fixed: 'Recently fixed',
  closed: 'Closed',
};

export const isGroup = (text: string | null): text is Group => text !== null && text in GROUP_WORDS;
