/** One incident as the window shows it: loaded, kept current, and acted on. */
import * as calls from '../../api/calls';
import { problemOf } from '../../api/problem';
import type { IncidentView, Problem } from '../../api/types';
import { gather } from '../../lib/gather';
import { isMoving } from '../../lib/state';
import { inbox } from '../inbox/inbox.svelte';
import { onEvent, onResync } from '../live/live.svelte';
import { complain, say } from '../notices/notices.svelte';

/** Readings move without an event while an action runs or is being verified. */
const MOVING_MS = 2000;
/** Views kept so that going back and forth by keyboard shows at once what was there. */
const KEPT = 30;

export type Dialog = 'snooze' | 'escalate' | 'resolve' | 'note' | 'choose';

export class Detail {
  id = $state<string | null>(null);
  view = $state.raw<IncidentView | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** The call under way, so that its button can say so and no second one starts. */
  busy = $state<string | null>(null);
  dialog = $state<Dialog | null>(null);

  #kept = new Map<string, IncidentView>();
  #asked = 0;
  #soon = gather(80, () => void this.load());

  start(): () => void {
    const stops = [
      onEvent((event) => {
        if (event.kind === 'incident_changed' && event.incident === this.id) this.#soon();
        // Capabilities and gates depend on the switch and on which engine leads.
        if (event.kind === 'automation_changed' || event.kind === 'engine_changed') this.#soon();
      }),
      onResync(this.#soon),
    ];
    const timer = setInterval(() => {
      if (this.view && isMoving(this.view.incident.state)) this.#soon();
    }, MOVING_MS);
    return () => {
      clearInterval(timer);
      this.#soon.cancel();
      stops.forEach((stop) => stop());
    };
  }

  show(id: string | null): void {
    if (id === this.id) return;
    this.id = id;
    this.dialog = null;
    this.problem = null;
    this.view = id === null ? null : (this.#kept.get(id) ?? null);
    this.#asked++;
    if (id !== null) void this.load();
  }

  async load(): Promise<void> {
    const id = this.id;
    if (id === null) return;
    const asked = ++this.#asked;
    try {
      const view = await calls.getIncident(id);
      if (asked === this.#asked) this.#accept(view);
    } catch (error) {
      if (asked === this.#asked) this.problem = problemOf(error);
    }
  }

  /** Runs one call; the answer is the new view. Says whether it worked; a failure is shown, and what is true is loaded. */
  async act(name: string, call: () => Promise<IncidentView>, done: string): Promise<boolean> {
    if (this.busy !== null) return false;
    const id = this.id;
    this.busy = name;
    this.#asked++;
    try {
      const view = await call();
      if (this.id === id) this.#accept(view);
      say(done);
      return true;
    } catch (error) {
      complain(problemOf(error));
      void this.load();
      return false;
    } finally {
      this.busy = null;
      void inbox.refresh();
    }
  }

  /** Acknowledging and snoozing are shown before the engine answers; nothing else is. */
  async acknowledge(me: string): Promise<void> {
    const id = this.id;
    if (id === null) return;
    this.#ahead({ acknowledged_by: me });
    await this.act('acknowledge', () => calls.acknowledge(id), 'Acknowledged.');
  }

  async snooze(minutes: number, words: string): Promise<void> {
    const id = this.id;
    if (id === null) return;
    this.#ahead({ state: 'snoozed', state_words: 'Snoozed' });
    await this.act('snooze', () => calls.snooze(id, minutes), `Snoozed for ${words}.`);
  }

  /** For a caller that shows its own problem, such as the approval sheet. */
  take(view: IncidentView): void {
    if (view.incident.id !== this.id) return;
    this.#asked++;
    this.#accept(view);
    void inbox.refresh();
  }

  #ahead(change: Partial<IncidentView['incident']>): void {
    if (!this.view) return;
    this.view = { ...this.view, incident: { ...this.view.incident, ...change } };
    inbox.patch(this.view.incident.id, change);
  }

  #accept(view: IncidentView): void {
    this.view = view;
    this.problem = null;
    inbox.patch(view.incident.id, { ...view.incident });
    this.#kept.delete(view.incident.id);
    this.#kept.set(view.incident.id, view);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > KEPT && !oldest.done) this.#kept.delete(oldest.value);
  }
}

export const detail = new Detail();
