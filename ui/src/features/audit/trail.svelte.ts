/** Loads the audit trail page by page, and the check of its chain. New entries wait while a person is reading. */
import { listAudit, verifyAudit } from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { AuditEntry, ChainView, Problem } from '../../api/types';
import { gather } from '../../lib/gather';
import { onEvent, onResync } from '../live/live.svelte';
import { join } from './filter';

const PAGE = 100;

export class Trail {
  entries = $state.raw<AuditEntry[]>([]);
  /** Newer than what is shown. */
  waiting = $state.raw<AuditEntry[]>([]);
  loaded = $state(false);
  /** The oldest entry is shown. */
  complete = $state(false);
  paging = $state(false);
  problem = $state.raw<Problem | null>(null);
  chain = $state.raw<ChainView | null>(null);
  verifying = $state(false);
  /** Set by the view: somebody has scrolled or selected, so nothing may move. */
  hold = false;

  #incident: string | null = null;
  #asked = 0;
  #soon = gather(400, () => void this.refresh());

  start(): () => void {
    const stops = [onEvent(this.#soon), onResync(this.#soon)];
    return () => {
      this.#soon.cancel();
      stops.forEach((stop) => stop());
    };
  }

  /** The whole trail, or that of one incident. */
  async show(incident: string | null): Promise<void> {
    if (!this.loaded || incident !== this.#incident) {
      this.#incident = incident;
      [this.entries, this.waiting, this.loaded, this.complete] = [[], [], false, false];
    }
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const { entries } = await listAudit(this.#query());
      if (asked !== this.#asked) return;
      const first = !this.loaded;
      if (first) this.complete = entries.length < PAGE;
      const newest = Number(this.entries[0]?.id ?? -1);
      const oldest = Number(entries.at(-1)?.id ?? Infinity);
      const fresh = entries.filter((entry) => Number(entry.id) > newest);
      if (!first && this.hold) this.waiting = join(this.waiting, fresh);
      // More than a page is new: what lies between is not known, so the list starts over.
      else if (!first && fresh.length === PAGE && oldest > newest) this.#take(entries, false);
      else this.#take(join(this.entries, entries), this.complete);
      this.problem = null;
    } catch (error) {
      if (asked === this.#asked) this.problem = problemOf(error);
    }
    this.loaded = true;
  }

  async release(): Promise<void> {
    this.hold = false;
    await this.refresh();
  }

  async older(): Promise<void> {
    const last = this.entries.at(-1);
    if (this.paging || this.complete || last === undefined) return;
    this.paging = true;
    const incident = this.#incident;
    try {
      const { entries } = await listAudit({ ...this.#query(), before: last.id });
      if (incident !== this.#incident) return;
      this.entries = join(this.entries, entries);
      this.complete = entries.length < PAGE;
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.paging = false;
    }
  }

  async verify(): Promise<void> {
    if (this.verifying) return;
    this.verifying = true;
    try {
      this.chain = await verifyAudit();
      this.problem = null;
    } catch (error) {
      this.problem = problemOf(error);
    } finally {
      this.verifying = false;
    }
  }

  #take(entries: AuditEntry[], complete: boolean): void {
    this.entries = entries;
    this.complete = complete;
    this.waiting = [];
  }

  #query() {
    return { limit: PAGE, ...(this.#incident === null ? {} : { incident: this.#incident }) };
  }
}

export const trail = new Trail();
