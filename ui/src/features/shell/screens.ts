/** The screens of the window, in the order of the rail. */
import type { IconName } from '../../components/Icon.svelte';

export interface Screen {
  id: string;
  title: string;
  path: string;
  keys: string;
  icon: IconName;
}

export const SCREENS: Screen[] = [
  { id: 'inbox', title: 'Inbox', path: '/', keys: 'g i', icon: 'inbox' },
  { id: 'queue', title: 'Queue', path: '/queue', keys: 'g q', icon: 'queue' },
  { id: 'maintenance', title: 'Maintenance', path: '/maintenance', keys: 'g m', icon: 'wrench' },
  { id: 'audit', title: 'Audit', path: '/audit', keys: 'g u', icon: 'log' },
];

/** Whether a path belongs to a screen; an incident in full belongs to the inbox. */
export const isAt = (screen: Screen, path: string): boolean =>
  screen.path === '/' ? path === '/' || path.startsWith('/incident/') : path === screen.path;
