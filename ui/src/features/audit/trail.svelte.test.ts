import { beforeEach, describe, expect, it } from 'vitest';
import { usePlatform } from '../../platform';
import { Trail } from './trail.svelte';

let last: number;
let asked: string[];

beforeEach(() => {
  last = 250;
  asked = [];
  usePlatform({
    name: 'browser',
    request: async (_method, path) => {
      asked.push(path);
      const query = new URL(path, 'http://x').searchParams;
      const before = Number(query.get('before') ?? last + 1);
      const limit = Number(query.get('limit'));
      const ids = Array.from({ length: Math.min(limit, before - 1) }, (_, i) => before - 1 - i);
      return { status: 200, body: { entries: ids.map((id) => ({ id: String(id) })) } };
    },
    onLive: () => () => {},
  });
});

const ends = (trail: Trail) => [trail.entries.length, trail.entries[0]?.id, trail.entries.at(-1)?.id];

describe('Trail', () => {
  it('loads to the oldest entry, page by page', async () => {
    const trail = new Trail();
    await trail.show(null);
    expect(ends(trail)).toEqual([100, '250', '151']);
    await trail.older();
    await trail.older();
    expect(ends(trail)).toEqual([250, '250', '1']);
    expect(trail.complete).toBe(true);
    await trail.older();
    expect(asked).toHaveLength(3);
  });

  it('lets new entries wait while somebody reads, and keeps what was loaded', async () => {
    const trail = new Trail();
    await trail.show(null);
    await trail.older();
    trail.hold = true;
    last = 253;
    await trail.refresh();
    expect(ends(trail)).toEqual([200, '250', '51']);
    expect(trail.waiting.map((entry) => entry.id)).toEqual(['253', '252', '251']);
    await trail.release();
    expect(ends(trail)).toEqual([203, '253', '51']);
    expect(trail.waiting).toEqual([]);
  });

  it('starts over where more than a page is new, and leaves no gap', async () => {
    const trail = new Trail();
    await trail.show(null);
    last = 400;
    await trail.refresh();
    expect(ends(trail)).toEqual([100, '400', '301']);
    expect(trail.complete).toBe(false);
  });

  it('asks for one incident, and forgets the others', async () => {
    const trail = new Trail();
    await trail.show(null);
    await trail.show('7');
    expect(asked.at(-1)).toBe('/api/v1/audit?limit=100&incident=7');
    expect(trail.entries).toHaveLength(100);
  });
});
