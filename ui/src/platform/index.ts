/** Chooses the host once. Tests put a fake in its place. */
import { browserPlatform } from './browser';
import { isDesktop, desktopPlatform } from './desktop';
import type { Platform } from './types';

let chosen: Platform | undefined;

export function platform(): Platform {
  chosen ??= isDesktop() ? desktopPlatform() : browserPlatform(window);
  return chosen;
}

export function usePlatform(replacement: Platform): void {
  chosen = replacement;
}

export type { Answer, Connection, LiveHandlers, Platform } from './types';
