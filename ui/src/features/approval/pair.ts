/** Where policy asks for two people: how far it has come, and what a press of the button would mean. */
import type { ApprovalView } from '../../api/types';

/** What is still to come, in words; null where one person is enough. */
export function progress(approval: ApprovalView | null): string | null {
  if (approval === null || approval.needed < 2) return null;
  const { given, needed, approved_by: by } = approval;
  if (given === 0) return `${needed} different people have to approve this`;
  const so_far = `${given} of ${needed} approved${by ? `: ${by}` : ''}`;
  return given < needed ? `${so_far}; waiting for another person` : so_far;
}

/** Whether one more approval lets it run. */
export const completes = (approval: ApprovalView | null): boolean =>
  approval === null || approval.given + 1 >= approval.needed;

export const approveWords = (approval: ApprovalView | null): string =>
  completes(approval) ? 'Approve and run' : `Approve, ${(approval?.given ?? 0) + 1} of ${approval?.needed ?? 1}`;

/** What the approval led to, told from the engine's answer. */
export const approvedWords = (after: ApprovalView | null): string =>
  after !== null && after.given < after.needed
    ? 'Approved by you. Another person has to approve it too.'
    : 'Approved. It runs as soon as its gates pass.';
