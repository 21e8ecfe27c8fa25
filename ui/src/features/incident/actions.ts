/** What a person can do with an incident: one list for header, keyboard and palette. What is allowed comes from the engine. */
import type { Capabilities, IncidentView } from '../../api/types';
import { clock } from '../../lib/clock.svelte';
import { told } from '../../lib/time';

export type ActionId = keyof Capabilities;

export interface Action {
  id: ActionId;
  title: string;
  key: string | null;
  /** Why not; null where it can be done. */
  blocked: string | null;
}

const TITLES: Record<ActionId, [title: string, key: string | null]> = {
  approve: ['Review and approve', 'a'],
  reject: ['Reject', 'r'],
  choose: ['Choose an action…', 'c'],
  edit: ['Change the plan’s values', null],
  acknowledge: ['Acknowledge', null],
  snooze: ['Snooze', 's'],
  wake: ['Wake', 'w'],
  escalate: ['Escalate', 'e'],
  resolve: ['Resolve', null],
  note: ['Note', 'n'],
};

const ORDER: ActionId[] = [
  'approve',
  'reject',
  'choose',
  'edit',
  'acknowledge',
  'snooze',
  'wake',
  'escalate',
  'resolve',
  'note',
];

export function action(view: IncidentView, id: ActionId): Action {
  const [title, key] = TITLES[id];
  const can = view.can[id];
  return { id, title, key, blocked: can.allowed ? null : told(can.reason ?? 'Not possible now.', clock.now) };
}

export const actions = (view: IncidentView): Action[] => ORDER.map((id) => action(view, id));

/**
 * The buttons beside the primary one. A finished incident shows only what can still be done with it, and pairs of which
 * only one can apply show that one; everything else stays, disabled with its reason. The palette always lists all.
 */
export function secondary(view: IncidentView): Action[] {
  const { state } = view.incident;
  const finished = state === 'resolved' || state === 'closed';
  const fits = (id: ActionId): boolean => {
    if (id === view.primary) return false;
    if (id === 'approve' || id === 'reject') return view.plan !== null && state === 'awaiting_approval';
    // Another action than the one that waits is asked for rarely: it stays in the palette. Values are changed in the sheet.
    if (id === 'choose') return state === 'escalated';
    if (id === 'edit') return false;
    if (id === 'wake') return state === 'snoozed';
    if (id === 'snooze') return state !== 'snoozed';
    if (id === 'acknowledge') return !view.incident.acknowledged_by;
    return true;
  };
  return actions(view).filter((one) => fits(one.id) && (!finished || one.blocked === null));
}
