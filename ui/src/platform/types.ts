/** What the window needs from its host, and nothing else: no other folder knows whether it runs in Tauri or in a browser. */
import type { LiveEvent } from '../api/types';

export interface Answer {
  status: number;
  body: unknown;
}

/**
 * How fresh the window is. `stale`: events stopped, reconnecting. `lost`: gone for so long that what is shown may be wrong.
 * `unauthorised`: the engine does not know the token.
 */
export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'stale'; since: number }
  | { kind: 'lost'; since: number }
  | { kind: 'unauthorised' };

export interface LiveHandlers {
  event(event: LiveEvent): void;
  /** Events may have been missed: fetch again what is shown. Called on every connection after the first. */
  resync(): void;
  status(connection: Connection): void;
}

export interface Platform {
  readonly name: 'desktop' | 'browser';
  request(method: string, path: string, body: unknown): Promise<Answer>;
  /** Starts the stream of live events; returns the function that stops it. */
  onLive(handlers: LiveHandlers): () => void;
  /** Takes a token typed by a person. Absent where the host vouches for the person. */
  setToken?(token: string): void;
}
