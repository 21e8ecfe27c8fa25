import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Group, IncidentRow, LiveEvent } from '../../api/types';
import { incidentView } from '../../lib/fixtures';
import { usePlatform, type LiveHandlers } from '../../platform';
import { startLive } from '../live/live.svelte';
import { Inbox } from './inbox.svelte';

let rows: IncidentRow[];
let asked: string[];
let handlers: LiveHandlers;
let stops: (() => void)[];

const row = (id: string, group: Group = 'needs_you'): IncidentRow => ({ ...incidentView().incident, id, group });
const ids = (inbox: Inbox) => inbox.order.flatMap((group) => inbox.state.groups[group]?.rows.map((r) => r.id) ?? []);

async function settle() {
  await vi.advanceTimersByTimeAsync(200);
}

beforeEach(() => {
  vi.useFakeTimers();
  rows = [row('a'), row('b', 'in_progress')];
  asked = [];
  usePlatform({
    name: 'browser',
    request: async (_method, path) => {
      asked.push(path);
      const query = new URL(path, 'http://x').searchParams;
      const after = query.get('after');
      const fit = rows.filter((r) => r.group === query.get('group'));
      const from = after ? fit.findIndex((r) => r.id === after) + 1 : 0;
      const incidents = fit.slice(from, from + 2);
      return { status: 200, body: { incidents, next: from + 2 < fit.length ? incidents.at(-1)?.id : null } };
    },
    onLive: (given) => {
      handlers = given;
      return () => {};
    },
  });
  stops = [startLive()];
});

afterEach(() => {
  stops.forEach((stop) => stop());
  vi.useRealTimers();
});

async function opened(): Promise<Inbox> {
  const inbox = new Inbox();
  stops.push(inbox.start());
  await inbox.show({ group: null, q: '' });
  return inbox;
}

const changed = (incident: string): LiveEvent => ({ kind: 'incident_changed', incident, state: 'detected' });

describe('Inbox', () => {
  it('shows a new incident by itself while nobody reads', async () => {
    const inbox = await opened();
    rows = [row('n'), ...rows];
    handlers.event(changed('n'));
    await settle();
    expect(ids(inbox)).toEqual(['n', 'a', 'b']);
  });

  it('lets it wait while held, and shows it on release', async () => {
    const inbox = await opened();
    inbox.hold = 'all';
    rows = [row('n'), ...rows];
    handlers.event(changed('n'));
    await settle();
    expect(ids(inbox)).toEqual(['a', 'b']);
    expect(inbox.state.waiting).toHaveLength(1);
    await inbox.release();
    expect(ids(inbox)).toEqual(['n', 'a', 'b']);
  });

  it('asks once for a burst of a thousand events', async () => {
    await opened();
    asked = [];
    for (let i = 0; i < 1000; i++) handlers.event(changed(`x${i}`));
    await settle();
    expect(asked).toHaveLength(3);
  });

  it('fetches again after the connection was away', async () => {
    const inbox = await opened();
    rows = [row('c')];
    handlers.resync();
    await settle();
    expect(ids(inbox)).toEqual(['c']);
  });

  it('loads page by page, each only once', async () => {
    rows = ['1', '2', '3', '4', '5'].map((id) => row(id));
    const inbox = await opened();
    expect(ids(inbox)).toEqual(['1', '2']);
    await Promise.all([inbox.more('needs_you'), inbox.more('needs_you')]);
    expect(ids(inbox)).toEqual(['1', '2', '3', '4']);
    await inbox.more('needs_you');
    await inbox.more('needs_you');
    expect(ids(inbox)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('asks with the filter, and forgets the list of another', async () => {
    const inbox = await opened();
    asked = [];
    await inbox.show({ group: 'closed', q: ' api ' });
    expect(asked).toEqual(['/api/v1/incidents?group=closed&limit=100&q=api']);
    expect(ids(inbox)).toEqual([]);
  });
});
