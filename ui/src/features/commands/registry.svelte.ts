/** Every action of the window, registered by the screen that offers it; keyboard, palette and help all read from here. */
import { onDestroy } from 'svelte';

export interface Command {
  id: string;
  title: string;
  group: 'Incident' | 'Inbox' | 'Automation' | 'Window';
  /** `a`, `g i`, `mod+k`, `?`; several where two keys do the same. */
  keys?: string[];
  /** Why it cannot run now; it is still listed, with the reason. */
  blocked?: string | null;
  /** Movement is of no use in a palette. */
  palette?: boolean;
  run(): void;
}

// A plain set: while a component is torn down, reactive state reads as it was before, which would remove the wrong one.
// The version tells readers that the set has changed.
const sources = new Set<() => Command[]>();
let changes = 0;
let version = $state(0);

/** Call while a component initialises; `list` may read reactive state. */
export function provideCommands(list: () => Command[]): void {
  sources.add(list);
  version = ++changes;
  onDestroy(() => {
    sources.delete(list);
    version = ++changes;
  });
}

export function commands(): Command[] {
  void version;
  return [...sources].flatMap((list) => list());
}
