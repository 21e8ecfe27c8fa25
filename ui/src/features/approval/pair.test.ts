import { describe, expect, it } from 'vitest';
import type { ApprovalView } from '../../api/types';
import { incidentView } from '../../lib/fixtures';
import { approvedWords, approveWords, progress } from './pair';

const asked = (needed: number, given: number, by: string | null = null): ApprovalView => ({
  ...incidentView().approval!,
  needed,
  given,
  approved_by: by,
});

describe('two people', () => {
  it.each<[string, ApprovalView | null, string | null, string]>([
    ['no approval is asked for', null, null, 'Approve and run'],
    ['one is enough', asked(1, 0), null, 'Approve and run'],
    ['nobody yet', asked(2, 0), '2 different people have to approve this', 'Approve, 1 of 2'],
    ['one of two', asked(2, 1, 'ada'), '1 of 2 approved: ada; waiting for another person', 'Approve and run'],
    ['both', asked(2, 2, 'ada and bob'), '2 of 2 approved: ada and bob', 'Approve and run'],
  ])('%s', (_name, approval, words, button) => {
    expect(progress(approval)).toBe(words);
    expect(approveWords(approval)).toBe(button);
  });

  it('does not say that it runs while somebody is missing', () => {
    expect(approvedWords(asked(2, 1, 'ada'))).toContain('Another person');
    expect(approvedWords(asked(2, 2, 'ada and bob'))).toContain('runs');
    expect(approvedWords(null)).toContain('runs');
  });
});
