/**
 * The inbox as a value: what is shown, what waits, and how a fresh answer of the engine changes both.
 * Invariant: an incident is shown at most once, and never both shown and waiting.
 */
import type { Group, IncidentPage, IncidentRow } from '../../api/types';
import { stepTo } from '../../lib/step';

export interface GroupRows {
  rows: IncidentRow[];
  /** Cursor of the page after the last row; null at the end. */
  next: string | null;
}

export interface ListState {
  groups: Partial<Record<Group, GroupRows>>;
  /** New incidents that are held back so that the list does not jump. */
  waiting: IncidentRow[];
}

/** `new`: what is known may move, what is new waits. `all`: nothing moves, what is known changes in its place. */
export type Hold = 'none' | 'new' | 'all';

export type Fresh = [Group, IncidentPage][];

export const EMPTY: ListState = { groups: {}, waiting: [] };

const rowsOf = (groups: ListState['groups']): IncidentRow[] => Object.values(groups).flatMap((group) => group.rows);

/**
 * The pages are asked for one by one, so an incident that changes its group meanwhile may be on two of them. It belongs
 * where it was seen last.
 */
function once(answer: Fresh): Fresh {
  const latest = new Map<string, IncidentRow>();
  for (const row of answer.flatMap(([, page]) => page.incidents)) {
    const other = latest.get(row.id);
    if (!other || Date.parse(row.updated_at) >= Date.parse(other.updated_at)) latest.set(row.id, row);
  }
  return answer.map(([group, page]) => [
    group,
    { ...page, incidents: page.incidents.filter((row) => latest.get(row.id) === row) },
  ]);
}

/**
 * Takes the first pages of the shown groups. `changed` names incidents that the engine said have changed: where such a
 * one is on no fresh page, what we hold of it is out of date and goes.
 */
export function merge(state: ListState, answer: Fresh, changed: ReadonlySet<string>, hold: Hold): ListState {
  const fresh = once(answer);
  const known = new Set(rowsOf(state.groups).map((row) => row.id));
  const arrived = new Map(fresh.flatMap(([, page]) => page.incidents).map((row) => [row.id, row]));
  const held = hold === 'none' ? [] : [...arrived.values()].filter((row) => !known.has(row.id));

  if (hold === 'all') {
    const groups: ListState['groups'] = {};
    for (const [group, { rows, next }] of Object.entries(state.groups) as [Group, GroupRows][]) {
      groups[group] = { rows: rows.map((row) => arrived.get(row.id) ?? row), next };
    }
    return { groups, waiting: held };
  }

  const waits = new Set(held.map((row) => row.id));
  const groups: ListState['groups'] = {};
  for (const [group, page] of fresh) {
    const before = state.groups[group];
    const first = page.incidents.filter((row) => !waits.has(row.id));
    // Pages that were loaded by scrolling stay, apart from what is now elsewhere.
    const tail =
      page.next === null ? [] : (before?.rows ?? []).filter((row) => !arrived.has(row.id) && !changed.has(row.id));
    groups[group] = { rows: [...first, ...tail], next: tail.length > 0 ? (before?.next ?? null) : page.next };
  }
  return { groups, waiting: held };
}

/** Adds the next page of one group. */
export function append(state: ListState, group: Group, page: IncidentPage): ListState {
  const shown = new Set([...rowsOf(state.groups), ...state.waiting].map((row) => row.id));
  const rows = page.incidents.filter((row) => !shown.has(row.id));
  const before = state.groups[group]?.rows ?? [];
  return { ...state, groups: { ...state.groups, [group]: { rows: [...before, ...rows], next: page.next } } };
}

/** Changes one row where it stands, for what the window does ahead of the engine's answer. */
export function patch(state: ListState, id: string, change: Partial<IncidentRow>): ListState {
  const groups: ListState['groups'] = {};
  for (const [group, { rows, next }] of Object.entries(state.groups) as [Group, GroupRows][]) {
    groups[group] = { rows: rows.map((row) => (row.id === id ? { ...row, ...change } : row)), next };
  }
  return { ...state, groups };
}

export type Item =
  | { kind: 'header'; key: string; group: Group; shown: number; more: boolean }
  | { kind: 'row'; key: string; row: IncidentRow }
  | { kind: 'more'; key: string; group: Group };

/** The list in the order in which it stands on the screen. Groups without rows have no header. */
export function items(state: ListState, order: readonly Group[]): Item[] {
  const out: Item[] = [];
  for (const group of order) {
    const part = state.groups[group];
    if (!part || part.rows.length === 0) continue;
    const more = part.next !== null;
    out.push({ kind: 'header', key: `header:${group}`, group, shown: part.rows.length, more });
    for (const row of part.rows) out.push({ kind: 'row', key: row.id, row });
    if (more) out.push({ kind: 'more', key: `more:${group}`, group });
  }
  return out;
}

/** The row `step` away from the selected one; the first or last where none is selected. */
export function neighbour(list: readonly Item[], selected: string | null, step: 1 | -1): string | null {
  const ids = list.flatMap((item) => (item.kind === 'row' ? [item.row.id] : []));
  return stepTo(ids, selected, step);
}
