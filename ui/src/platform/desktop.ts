/** The Tauri host: one command for the whole interface, one event for everything live. */
import { invoke, isTauri } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { LiveEvent } from '../api/types';
import type { Answer, LiveHandlers, Platform } from './types';

export const isDesktop = (): boolean => isTauri();

export function desktopPlatform(): Platform {
  return {
    name: 'desktop',
    request: (method, path, body) => invoke<Answer>('api', { method, path, body }),
    onLive(handlers: LiveHandlers) {
      let stopped = false;
      let unlisten: (() => void) | undefined;
      handlers.status({ kind: 'connecting' });
      listen<LiveEvent>('live', (message) => handlers.event(message.payload)).then(
        (stop) => {
          if (stopped) return stop();
          unlisten = stop;
          handlers.status({ kind: 'live' });
        },
        // Without events the window would silently show the past, so it says that it does.
        () => handlers.status({ kind: 'lost', since: Date.now() }),
      );
      return () => {
        stopped = true;
        unlisten?.();
      };
    },
  };
}
