import { describe, expect, it } from 'vitest';
import { find, rank } from './search';
import type { Command } from './registry.svelte';

describe('rank', () => {
  it.each([
    ['Pause for 1 hour', 'pau', 0],
    ['Pause for 1 hour', 'hour pause', 3],
    ['Pause for 1 hour', 'aus', 10],
    ['Pause for 1 hour', '', 0],
    ['Pause for 1 hour', 'snooze', null],
  ])('%s by "%s"', (title, text, want) => expect(rank(title, text)).toBe(want));
});

describe('find', () => {
  const make = (title: string, extra: Partial<Command> = {}): Command => ({
    id: title,
    title,
    group: 'Window',
    run: () => {},
    ...extra,
  });
  const list = [make('Approve', { blocked: 'no plan' }), make('Add note'), make('Down', { palette: false })];

  it('lists what is blocked last, and movement not at all', () => {
    expect(find(list, '').map((c) => c.title)).toEqual(['Add note', 'Approve']);
    expect(find(list, 'app').map((c) => c.title)).toEqual(['Approve']);
  });
});
