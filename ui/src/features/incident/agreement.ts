/** Whether resolving by hand should say if it was what Selfheal would have done: that is how a pattern on trial is judged. */
import type { IncidentView } from '../../api/types';

/** What Selfheal would have done but did not: on trial, or held by the switch. Null where nothing is to be asked. */
export function wouldHaveDone(view: IncidentView): string | null {
  // What a person chose says nothing about the pattern.
  if (view.plan === null || view.plan.chosen_by !== null) return null;
  const onTrial = view.decision?.reasons.some((reason) => reason.code === 'shadow_mode') ?? false;
  const wasHeld = view.story.some((entry) => entry.kind === 'held');
  return onTrial || wasHeld ? view.plan.action_words : null;
}
