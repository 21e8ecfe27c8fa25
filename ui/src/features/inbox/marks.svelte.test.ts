import { beforeEach, describe, expect, it } from 'vitest';
import { incidentView } from '../../lib/fixtures';
import { usePlatform } from '../../platform';
import { notices } from '../notices/notices.svelte';
import { acknowledgeMarked, clearMarks, marks, snoozeMarked, toggleMark } from './marks.svelte';

let sent: [string, unknown][];

beforeEach(() => {
  sent = [];
  clearMarks();
  usePlatform({
    name: 'browser',
    request: async (method, path, body) => {
      if (method === 'GET') return { status: 200, body: { incidents: [], next: null } };
      sent.push([path, body]);
      if (path.includes('/bad/'))
        return { status: 409, body: { code: 'gone', what: 'It is resolved.', why: 'b', next: 'c' } };
      return { status: 200, body: incidentView() };
    },
    onLive: () => () => {},
  });
});

describe('marks', () => {
  it('toggles', () => {
    toggleMark('a');
    toggleMark('b');
    toggleMark('a');
    expect([...marks.all]).toEqual(['b']);
  });

  it('acts on each once and unmarks them', async () => {
    toggleMark('a');
    toggleMark('b');
    await snoozeMarked(60, '1 hour');
    expect(sent).toEqual([
      ['/api/v1/incidents/a/snooze', { minutes: 60 }],
      ['/api/v1/incidents/b/snooze', { minutes: 60 }],
    ]);
    expect(marks.all.size).toBe(0);
    expect(notices.all.at(-1)?.text).toBe('2 incidents snoozed for 1 hour.');
  });

  it('keeps what failed marked, and says why', async () => {
    ['a', 'bad', 'c'].forEach(toggleMark);
    await acknowledgeMarked();
    expect(sent).toHaveLength(3);
    expect([...marks.all]).toEqual(['bad']);
    expect(notices.all.at(-1)?.problem).toMatchObject({
      code: 'gone',
      what: '1 incident of 3 stayed as before. It is resolved.',
    });
  });
});
