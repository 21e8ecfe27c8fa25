/** Loads the inbox and keeps it current. What it shows and what waits is decided in `list.ts`. */
import { listIncidents } from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { Group, IncidentRow, Problem } from '../../api/types';
import { gather } from '../../lib/gather';
import { GROUPS } from '../../lib/state';
import { onEvent, onResync } from '../live/live.svelte';
import { append, EMPTY, merge, patch, type Fresh, type Hold, type ListState } from './list';

const PAGE = 100;

export interface Filter {
  group: Group | null;
  q: string;
}

export class Inbox {
  state = $state.raw<ListState>(EMPTY);
  problem = $state.raw<Problem | null>(null);
  /** False until the first answer to the present filter. */
  loaded = $state(false);
  /** What the list may do by itself; set by the view from scrolling and keyboard selection. */
  hold: Hold = 'none';

  #filter: Filter = { group: null, q: '' };
  #changed = new Set<string>();
  #asked = 0;
  #paging = new Set<Group>();
  #soon = gather(120, () => void this.refresh());

  get order(): Group[] {
    return this.#filter.group === null ? GROUPS : [this.#filter.group];
  }

  start(): () => void {
    const stops = [
      onEvent((event) => {
        if (event.kind !== 'incident_changed') return;
        this.#changed.add(event.incident);
        this.#soon();
      }),
      onResync(this.#soon),
    ];
    return () => {
      this.#soon.cancel();
      stops.forEach((stop) => stop());
    };
  }

  /** Another filter is another list: nothing of the old one is kept. The same one is brought up to date. */
  async show(filter: Filter): Promise<void> {
    if (this.loaded && filter.group === this.#filter.group && filter.q === this.#filter.q) return this.refresh();
    this.#filter = filter;
    this.loaded = false;
    this.state = EMPTY;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    const changed = this.#changed;
    this.#changed = new Set();
    try {
      const fresh = await this.#firstPages();
      // A later question has been asked since; its answer is the one to show.
      if (asked !== this.#asked) {
        changed.forEach((id) => this.#changed.add(id));
        return;
      }
      this.state = merge(this.state, fresh, changed, this.loaded ? this.hold : 'none');
      this.problem = null;
    } catch (error) {
      if (asked === this.#asked) this.problem = problemOf(error);
    }
    this.loaded = true;
  }

  /** Shows what waited. */
  async release(): Promise<void> {
    this.hold = 'none';
    await this.refresh();
  }

  async more(group: Group): Promise<void> {
    const after = this.state.groups[group]?.next;
    if (!after || this.#paging.has(group)) return;
    this.#paging.add(group);
    try {
      const page = await listIncidents({ ...this.#query(group), after });
      if (this.state.groups[group]?.next === after) this.state = append(this.state, group, page);
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.#paging.delete(group);
    }
  }

  patch(id: string, change: Partial<IncidentRow>): void {
    this.state = patch(this.state, id, change);
  }

  #query(group: Group) {
    const q = this.#filter.q.trim();
    return { group, limit: PAGE, ...(q === '' ? {} : { q }) };
  }

  #firstPages(): Promise<Fresh> {
    return Promise.all(this.order.map(async (group) => [group, await listIncidents(this.#query(group))] as Fresh[number]));
  }
}

/** One inbox for the window: it stays loaded while an incident is shown in full. */
export const inbox = new Inbox();
