import { describe, expect, it } from 'vitest';
import type { Capabilities, IncidentView, StateName } from '../../api/types';
import { action, actions, secondary, type ActionId } from './actions';

const IDS: ActionId[] = [
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

function view(state: StateName, primary: IncidentView['primary'], blocked: ActionId[] = [], plan = false): IncidentView {
  const can = Object.fromEntries(
    IDS.map((id) => [id, { allowed: !blocked.includes(id), reason: blocked.includes(id) ? `no ${id}` : null }]),
  ) as unknown as Capabilities;
  return { incident: { state, acknowledged_by: null }, can, primary, plan: plan ? {} : null } as IncidentView;
}

const ids = (v: IncidentView) =>
  secondary(v)
    .map((a) => a.id)
    .join(' ');

describe('secondary', () => {
  it.each<[string, IncidentView, string]>([
    ['asks', view('awaiting_approval', 'approve', [], true), 'reject acknowledge snooze escalate resolve note'],
    ['with a person', view('escalated', 'acknowledge'), 'choose snooze escalate resolve note'],
    [
      'with a person, who may not choose',
      view('escalated', 'acknowledge', ['choose']),
      'choose snooze escalate resolve note',
    ],
    ['asleep', view('snoozed', 'wake'), 'acknowledge escalate resolve note'],
    ['disabled stays while open', view('healing', null, ['snooze', 'resolve']), 'acknowledge snooze escalate resolve note'],
    ['done', view('resolved', null, ['acknowledge', 'snooze', 'escalate', 'resolve']), 'note'],
  ])('%s', (_name, v, want) => expect(ids(v)).toBe(want));
});

describe('actions', () => {
  it('always lists all, with the reason of the engine', () => {
    const list = actions(view('resolved', null, ['approve']));
    expect(list.map((a) => a.id)).toEqual(IDS);
    expect(list[0]?.blocked).toBe('no approve');
    expect(list[1]?.blocked).toBeNull();
  });

  it('says something even where the engine gave no reason', () => {
    const v = view('escalated', null);
    v.can.wake = { allowed: false, reason: null };
    expect(action(v, 'wake').blocked).toBe('Not possible now.');
  });
});
