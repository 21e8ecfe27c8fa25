/** The browser host: same-origin requests with a bearer token, and events over a streamed response. */
import type { LiveEvent } from '../api/types';
import { keepConnected, Unauthorised, type Stream, type Wheels } from './reconnect';
import { EventReader } from './sse';
import { keepToken, takeToken } from './token';
import type { Answer, LiveHandlers, Platform } from './types';

const EVENTS = '/api/v1/events';

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
  });
}

const wheels: Wheels = { now: () => Date.now(), chance: () => Math.random(), sleep };

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `EventSource` cannot send the token, so the stream is read by hand. */
function eventStream(headers: () => HeadersInit, deliver: (event: LiveEvent) => void): Stream {
  return {
    async run(signal, opened, heard) {
      const response = await fetch(EVENTS, { headers: headers(), signal, cache: 'no-store' });
      if (response.status === 401) throw new Unauthorised();
      if (!response.ok || !response.body) throw new Error(`events: status ${response.status}`);
      opened();
      const reader = new EventReader();
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await text.read();
        if (done) return;
        heard();
        for (const data of reader.push(value)) deliver(JSON.parse(data) as LiveEvent);
      }
    },
  };
}

export function browserPlatform(host: Window): Platform {
  let token = takeToken(host);
  const headers = (): Record<string, string> => (token === null ? {} : { authorization: `Bearer ${token}` });

  // The start of the current stream, so that a new token can restart one that was refused.
  let restart = () => {};

  return {
    name: 'browser',
    async request(method, path, body): Promise<Answer> {
      const init: RequestInit = { method, headers: headers(), cache: 'no-store' };
      if (body !== null) {
        init.headers = { ...headers(), 'content-type': 'application/json' };
        init.body = JSON.stringify(body);
      }
      const response = await fetch(path, init);
      return { status: response.status, body: await readBody(response) };
    },
    onLive(handlers: LiveHandlers) {
      let stop = new AbortController();
      const start = () => {
        stop.abort();
        stop = new AbortController();
        const stream = eventStream(headers, (event) => handlers.event(event));
        void keepConnected(stream, handlers, wheels, stop.signal);
      };
      restart = () => {
        start();
        handlers.resync();
      };
      start();
      return () => stop.abort();
    },
    setToken(typed) {
      token = typed;
      keepToken(host, typed);
      restart();
    },
  };
}
