import { describe, expect, it } from 'vitest';
import type { Group, IncidentPage, IncidentRow } from '../../api/types';
import { append, EMPTY, items, merge, neighbour, patch, type Fresh, type ListState } from './list';

const row = (id: string, group: Group, title = id) => ({ id, group, title }) as IncidentRow;
const page = (group: Group, ids: string[], next: string | null = null): [Group, IncidentPage] => [
  group,
  { incidents: ids.map((id) => row(id, group)), next },
];
const nothing = new Set<string>();

const shown = (state: ListState) =>
  Object.fromEntries(Object.entries(state.groups).map(([group, part]) => [group, part.rows.map((r) => r.id).join(' ')]));

const start: Fresh = [page('needs_you', ['a', 'b']), page('in_progress', ['c'])];
const loaded = merge(EMPTY, start, nothing, 'none');

describe('merge', () => {
  const next: Fresh = [page('needs_you', ['n', 'b']), page('in_progress', ['a', 'c'])];

  it('shows everything at once when nothing is held', () => {
    const state = merge(loaded, next, nothing, 'none');
    expect(shown(state)).toEqual({ needs_you: 'n b', in_progress: 'a c' });
    expect(state.waiting).toEqual([]);
  });

  it('lets new ones wait while selected by keyboard, but moves the known', () => {
    const state = merge(loaded, next, nothing, 'new');
    expect(shown(state)).toEqual({ needs_you: 'b', in_progress: 'a c' });
    expect(state.waiting.map((r) => r.id)).toEqual(['n']);
  });

  it('moves nothing while scrolled, but keeps the known current', () => {
    const changed: Fresh = [
      page('needs_you', ['n', 'b']),
      ['in_progress', { incidents: [row('a', 'in_progress', 'new words')], next: null }],
    ];
    const state = merge(loaded, changed, nothing, 'all');
    expect(shown(state)).toEqual({ needs_you: 'a b', in_progress: 'c' });
    expect(state.groups.needs_you?.rows[0]?.title).toBe('new words');
    expect(state.waiting.map((r) => r.id)).toEqual(['n']);
  });

  it('shows an incident once that changed its group while the pages were asked for', () => {
    const at = (group: Group, updated_at: string) => ({ ...row('a', group), updated_at });
    const twice: Fresh = [
      ['needs_you', { incidents: [at('needs_you', '2026-02-28T14:02:00Z')], next: null }],
      ['in_progress', { incidents: [at('in_progress', '2026-02-28T14:02:00.001Z')], next: null }],
    ];
    for (const answer of [twice, twice.toReversed() as Fresh]) {
      const state = merge(EMPTY, answer, nothing, 'none');
      expect(shown(state)).toEqual({ needs_you: '', in_progress: 'a' });
    }
  });

  it('releases what waited with the next free merge', () => {
    const held = merge(loaded, next, nothing, 'all');
    const state = merge(held, next, nothing, 'none');
    expect(shown(state)).toEqual({ needs_you: 'n b', in_progress: 'a c' });
    expect(state.waiting).toEqual([]);
  });

  it('counts what waits once, however often it is seen', () => {
    const twice = merge(merge(loaded, next, nothing, 'all'), next, nothing, 'all');
    expect(twice.waiting).toHaveLength(1);
  });

  it('drops what is gone when the whole group is known', () => {
    expect(shown(merge(loaded, [page('needs_you', ['b'])], nothing, 'none'))).toEqual({ needs_you: 'b' });
  });

  it('keeps pages loaded by scrolling, except for what has changed or is elsewhere', () => {
    const paged = append(merge(EMPTY, [page('needs_you', ['a', 'b'], 'p2')], nothing, 'none'), 'needs_you', {
      incidents: [row('x', 'needs_you'), row('y', 'needs_you'), row('z', 'needs_you')],
      next: 'p3',
    });
    const fresh: Fresh = [page('needs_you', ['n', 'a'], 'p2'), page('in_progress', ['y'])];
    const state = merge(paged, fresh, new Set(['z']), 'none');
    expect(shown(state)).toEqual({ needs_you: 'n a b x', in_progress: 'y' });
    expect(state.groups.needs_you?.next).toBe('p3');
  });
});

describe('append', () => {
  it('shows no incident twice', () => {
    const state = append(loaded, 'needs_you', { incidents: [row('b', 'needs_you'), row('d', 'needs_you')], next: null });
    expect(shown(state)['needs_you']).toBe('a b d');
  });
});

describe('patch', () => {
  it('changes one row in its place', () => {
    const state = patch(loaded, 'b', { acknowledged_by: 'ana' });
    expect(state.groups.needs_you?.rows.map((r) => r.acknowledged_by)).toEqual([undefined, 'ana']);
    expect(loaded.groups.needs_you?.rows[1]?.acknowledged_by).toBeUndefined();
  });
});

describe('items and neighbour', () => {
  const list = items(
    merge(
      loaded,
      [page('needs_you', ['a', 'b'], 'p2'), page('in_progress', []), page('recently_fixed', ['f'])],
      nothing,
      'none',
    ),
    ['needs_you', 'in_progress', 'recently_fixed'],
  );

  it('has a header per group with rows, and a place to load more', () => {
    expect(list.map((item) => item.key)).toEqual([
      'header:needs_you',
      'a',
      'b',
      'more:needs_you',
      'header:recently_fixed',
      'f',
    ]);
  });

  it.each<[string | null, 1 | -1, string]>([
    [null, 1, 'a'],
    [null, -1, 'f'],
    ['a', 1, 'b'],
    ['b', 1, 'f'],
    ['f', 1, 'f'],
    ['a', -1, 'a'],
    ['gone', 1, 'a'],
  ])('from %s by %i to %s', (from, step, to) => expect(neighbour(list, from, step)).toBe(to));

  it('has no neighbour in an empty list', () => expect(neighbour([], 'a', 1)).toBeNull());
});
