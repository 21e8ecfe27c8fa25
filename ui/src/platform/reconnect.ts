/**
 * Keeps a stream of events open: connects, reports how fresh it is, and comes back after failures with growing pauses.
 * Time, chance and the transport are parameters, so that tests need neither a network nor patience.
 */
import { backoff } from './backoff';
import type { Connection } from './types';

/** Nothing heard for so long means a dead connection: the engine sends a comment every 15 s at least. */
export const SILENCE_MS = 45_000;
/** How often silence is looked for. */
export const LISTEN_MS = 9_000;
/** From then on the window says that what it shows may be wrong. */
export const LOST_AFTER_MS = 30_000;

export class Unauthorised extends Error {}

export interface Stream {
  /** Opens; resolves when the stream ends, rejects when it fails. Calls `opened` once and `heard` for every piece. */
  run(signal: AbortSignal, opened: () => void, heard: () => void): Promise<void>;
}

export interface Wheels {
  now(): number;
  chance(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Watcher {
  status(connection: Connection): void;
  resync(): void;
}

export async function keepConnected(stream: Stream, watcher: Watcher, wheels: Wheels, stop: AbortSignal): Promise<void> {
  let attempt = 0;
  let connectedBefore = false;
  let brokenSince: number | null = null;
  watcher.status({ kind: 'connecting' });

  while (!stop.aborted) {
    const attemptAbort = new AbortController();
    const abort = () => attemptAbort.abort();
    stop.addEventListener('abort', abort, { once: true });
    let lastHeard = wheels.now();
    const watchdog = watchSilence(() => wheels.now() - lastHeard, attemptAbort, wheels);
    try {
      await stream.run(
        attemptAbort.signal,
        () => {
          attempt = 0;
          brokenSince = null;
          lastHeard = wheels.now();
          watcher.status({ kind: 'live' });
          // Whatever happened while the stream was down was not heard.
          if (connectedBefore) watcher.resync();
          connectedBefore = true;
        },
        () => (lastHeard = wheels.now()),
      );
    } catch (error) {
      if (error instanceof Unauthorised) {
        watcher.status({ kind: 'unauthorised' });
        return;
      }
    } finally {
      attemptAbort.abort();
      stop.removeEventListener('abort', abort);
      await watchdog;
    }
    if (stop.aborted) return;
    attempt += 1;
    brokenSince ??= wheels.now();
    const kind = wheels.now() - brokenSince >= LOST_AFTER_MS ? 'lost' : 'stale';
    watcher.status({ kind, since: brokenSince });
    await wheels.sleep(backoff(attempt, wheels.chance()), stop);
  }
}

async function watchSilence(silentFor: () => number, abort: AbortController, wheels: Wheels): Promise<void> {
  while (!abort.signal.aborted) {
    await wheels.sleep(LISTEN_MS, abort.signal);
    if (silentFor() >= SILENCE_MS) abort.abort();
  }
}
