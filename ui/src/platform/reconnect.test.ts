import { describe, expect, it } from 'vitest';
import { backoff } from './backoff';
import { keepConnected, LISTEN_MS, LOST_AFTER_MS, SILENCE_MS, Unauthorised, type Stream, type Wheels } from './reconnect';
import type { Connection } from './types';

describe('backoff', () => {
  it.each([
    [1, 0, 500],
    [2, 0, 1000],
    [5, 0, 8000],
    [6, 0, 15_000],
    [60, 0, 15_000],
    [1, 1, 250],
    [6, 0.5, 11_250],
  ])('attempt %i with chance %f waits %i ms', (attempt, chance, ms) => expect(backoff(attempt, chance)).toBe(ms));
});

/** A clock that moves only when somebody sleeps. */
function run(stream: Stream, extra: { stopAfter: number }) {
  const seen: Connection[] = [];
  const slept: number[] = [];
  const stop = new AbortController();
  let now = 0;
  let resyncs = 0;
  const wheels: Wheels = {
    now: () => now,
    chance: () => 0,
    sleep: (ms, signal) => {
      if (ms === LISTEN_MS) return new Promise((done) => signal.addEventListener('abort', () => done()));
      slept.push(ms);
      now += ms;
      if (slept.length >= extra.stopAfter) stop.abort();
      return Promise.resolve();
    },
  };
  const watcher = { status: (c: Connection) => void seen.push(c), resync: () => void (resyncs += 1) };
  return keepConnected(stream, watcher, wheels, stop.signal).then(() => ({ seen, slept, resyncs }));
}

describe('keepConnected', () => {
  it('waits longer after each failure, and says lost after half a minute', async () => {
    const { seen, slept } = await run({ run: () => Promise.reject(new Error('refused')) }, { stopAfter: 8 });
    expect(slept.slice(0, 6)).toEqual([500, 1000, 2000, 4000, 8000, 15_000]);
    expect(seen[0]).toEqual({ kind: 'connecting' });
    expect(seen[1]).toEqual({ kind: 'stale', since: 0 });
    const firstLost = seen.findIndex((c) => c.kind === 'lost');
    const waited = slept.slice(0, firstLost - 1).reduce((a, b) => a + b, 0);
    expect(waited).toBeGreaterThanOrEqual(LOST_AFTER_MS);
    expect(waited - slept[firstLost - 2]!).toBeLessThan(LOST_AFTER_MS);
  });

  it('starts over with short waits once it was connected, and asks to fetch again from the second connection on', async () => {
    const stream: Stream = { run: (_signal, opened) => Promise.resolve(opened()) };
    const { slept, resyncs, seen } = await run(stream, { stopAfter: 3 });
    expect(slept).toEqual([500, 500, 500]);
    expect(resyncs).toBe(2);
    expect(seen.map((c) => c.kind)).toEqual(['connecting', 'live', 'stale', 'live', 'stale', 'live', 'stale']);
  });

  it('stops at once when the engine does not know the token', async () => {
    const { seen, slept } = await run({ run: () => Promise.reject(new Unauthorised()) }, { stopAfter: 9 });
    expect(slept).toEqual([]);
    expect(seen.at(-1)).toEqual({ kind: 'unauthorised' });
  });

  it('gives up a connection that has gone silent', async () => {
    let now = 0;
    const stop = new AbortController();
    let aborted = false;
    const stream: Stream = {
      run: (signal, opened) =>
        new Promise((_done, fail) => {
          opened();
          signal.addEventListener('abort', () => {
            aborted = true;
            stop.abort();
            fail(new Error('aborted'));
          });
        }),
    };
    const sleep = (ms: number) => Promise.resolve(void (now += ms));
    await keepConnected(
      stream,
      { status: () => {}, resync: () => {} },
      { now: () => now, chance: () => 0, sleep },
      stop.signal,
    );
    expect(aborted).toBe(true);
    expect(now).toBeGreaterThanOrEqual(SILENCE_MS);
    expect(now).toBeLessThanOrEqual(SILENCE_MS + LISTEN_MS);
  });
});
