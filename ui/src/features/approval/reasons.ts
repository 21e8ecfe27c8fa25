import type { RejectReason } from '../../api/types';

/** The quick reasons. The first two count against the pattern for this kind of incident, so the window says so. */
export const REASONS: { value: RejectReason; title: string; effect: string }[] = [
  { value: 'wrong_fix', title: 'Wrong fix', effect: 'The cause is right, this would not help. Teaches the match.' },
  { value: 'wrong_cause', title: 'Wrong cause', effect: 'Something else is broken. Teaches the match.' },
  { value: 'not_now', title: 'Not now', effect: 'The fix is right, the moment is not.' },
  { value: 'other', title: 'Other', effect: 'Say why in the comment.' },
];
