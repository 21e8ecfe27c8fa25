import { describe, expect, it } from 'vitest';
import type { Group, Severity } from '../api/types';
import { severityLook, type Tone } from './severity';

describe('severityLook', () => {
  it.each<[Severity, Group, string, Tone]>([
    ['critical', 'needs_you', 'Critical', 'act'],
    ['critical', 'in_progress', 'Critical', 'high'],
    ['critical', 'recently_fixed', 'Critical', 'quiet'],
    ['high', 'needs_you', 'High', 'high'],
    ['medium', 'in_progress', 'Medium', 'medium'],
    ['low', 'needs_you', 'Low', 'low'],
    ['info', 'closed', 'Info', 'quiet'],
  ])('%s in %s', (severity, group, word, tone) => {
    expect(severityLook(severity, group)).toMatchObject({ word, tone });
  });

  it('gives every severity a shape of its own, whatever the group', () => {
    const all: Severity[] = ['critical', 'high', 'medium', 'low', 'info'];
    expect(new Set(all.map((s) => severityLook(s, 'needs_you').shape)).size).toBe(5);
    for (const s of all) expect(severityLook(s, 'closed').shape).toBe(severityLook(s, 'needs_you').shape);
  });
});
