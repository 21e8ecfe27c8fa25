/** When a plan may be approved. The engine decides in the end; these rules say beforehand what it would refuse. */
import type { ApprovalView, Capability, PlanView } from '../../api/types';

export interface Question {
  can: Capability;
  plan: PlanView;
  approval: ApprovalView | null;
  typed: string;
  now: number;
}

export const typedFits = (plan: PlanView, typed: string): boolean =>
  plan.confirm_by_typing == null || typed.trim() === plan.confirm_by_typing;

export const isExpired = (approval: ApprovalView | null, now: number): boolean =>
  approval !== null && Date.parse(approval.expires_at) <= now;

/** What the field for the name already says; the sheet need not say it twice. */
export const typingReason = (plan: PlanView): string => `Type ${plan.confirm_by_typing ?? ''} to confirm.`;

/** Why it cannot be approved now; null where it can. */
export function whyNotApprove({ can, plan, approval, typed, now }: Question): string | null {
  if (!can.allowed) return can.reason ?? 'It cannot be approved now.';
  if (isExpired(approval, now)) return 'The time to approve has run out.';
  if (!typedFits(plan, typed)) return typingReason(plan);
  return null;
}

/** The name to send along; null where none is asked for. */
export const typedTarget = (plan: PlanView, typed: string): string | null =>
  plan.confirm_by_typing == null ? null : typed.trim();
