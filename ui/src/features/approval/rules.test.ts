import { describe, expect, it } from 'vitest';
import type { ApprovalView, PlanView } from '../../api/types';
import { typedTarget, whyNotApprove, type Question } from './rules';

const NOW = Date.parse('2026-03-04T14:00:00Z');
const plan = (typing: string | null) => ({ confirm_by_typing: typing }) as PlanView;
const until = (iso: string): ApprovalView => ({
  plan_hash: 'h',
  expires_at: iso,
  on_expiry: '',
  approved_by: null,
  approved_at: null,
  needed: 1,
  given: 0,
});
const question = (change: Partial<Question>): Question => ({
  can: { allowed: true, reason: null },
  plan: plan(null),
  approval: until('2026-03-04T14:00:01Z'),
  typed: '',
  now: NOW,
  ...change,
});

describe('whyNotApprove', () => {
  it.each<[string, Partial<Question>, string | null]>([
    ['nothing speaks against it', {}, null],
    ['the server says no', { can: { allowed: false, reason: 'Paused.' } }, 'Paused.'],
    ['the server says no without a reason', { can: { allowed: false, reason: null } }, 'It cannot be approved now.'],
    ['expired to the millisecond', { approval: until('2026-03-04T14:00:00Z') }, 'The time to approve has run out.'],
    ['a name is asked for', { plan: plan('db-1') }, 'Type db-1 to confirm.'],
    ['another name was typed', { plan: plan('db-1'), typed: 'db-2' }, 'Type db-1 to confirm.'],
    ['the case differs', { plan: plan('db-1'), typed: 'DB-1' }, 'Type db-1 to confirm.'],
    ['the name was typed', { plan: plan('db-1'), typed: ' db-1 ' }, null],
    ['the server is asked first', { plan: plan('db-1'), can: { allowed: false, reason: 'No.' } }, 'No.'],
  ])('%s', (_name, change, want) => expect(whyNotApprove(question(change))).toBe(want));
});

it('sends the name only where one is asked for', () => {
  expect(typedTarget(plan(null), 'x')).toBeNull();
  expect(typedTarget(plan('db-1'), ' db-1 ')).toBe('db-1');
});
