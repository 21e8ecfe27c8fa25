/** What the engine says by itself: the state of the connection, and who wants to hear about what. */
import type { LiveEvent } from '../../api/types';
import { platform, type Connection } from '../../platform';

type Listener = (event: LiveEvent) => void;

let connection = $state<Connection>({ kind: 'connecting' });
const listeners = new Set<Listener>();
const resyncers = new Set<() => void>();

export const live = {
  get connection(): Connection {
    return connection;
  },
};

/** Both return the function that ends the subscription. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onResync(listener: () => void): () => void {
  resyncers.add(listener);
  return () => resyncers.delete(listener);
}

/** A request was refused for want of a token: the whole window stops and asks for one. */
export function refused(): void {
  connection = { kind: 'unauthorised' };
}

export function startLive(): () => void {
  return platform().onLive({
    event: (event) => listeners.forEach((listener) => listener(event)),
    resync: () => resyncers.forEach((listener) => listener()),
    status: (next) => {
      connection = next;
    },
  });
}
