/** Short confirmations and failures of what a person just did. Failures stay until they are dismissed. */
import type { Problem } from '../../api/types';

export interface Notice {
  id: number;
  text: string;
  problem: Problem | null;
}

const SHOWN_MS = 4000;
let next = 0;
let current = $state.raw<Notice[]>([]);

export const notices = {
  get all(): Notice[] {
    return current;
  },
};

export function dismiss(id: number): void {
  current = current.filter((notice) => notice.id !== id);
}

export function say(text: string): void {
  const id = next++;
  current = [...current.slice(-2), { id, text, problem: null }];
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function complain(problem: Problem): void {
  const kept = current.filter((notice) => notice.problem?.code !== problem.code);
  current = [...kept.slice(-2), { id: next++, text: problem.what, problem }];
}
