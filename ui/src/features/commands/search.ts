/** Which commands a typed text means, best first. */
import type { Command } from './registry.svelte';

/** Lower is better; null where the text does not fit. Words may come in any order and need only begin a word. */
export function rank(title: string, text: string): number | null {
  const words = title.toLowerCase().split(/\s+/);
  const asked = text.toLowerCase().trim().split(/\s+/).filter(Boolean);
  let total = 0;
  for (const part of asked) {
    const at = words.findIndex((word) => word.startsWith(part));
    if (at !== -1) total += at;
    else if (title.toLowerCase().includes(part)) total += 10;
    else return null;
  }
  return total;
}

const GROUPS: Command['group'][] = ['Incident', 'Inbox', 'Automation', 'Window'];

/** What cannot run comes last, but comes: a person looking for it learns why. */
export function find(list: readonly Command[], text: string): Command[] {
  return list
    .filter((command) => command.palette !== false)
    .map((command, order) => ({ command, order, rank: rank(`${command.title} ${command.group}`, text) }))
    .filter((entry): entry is typeof entry & { rank: number } => entry.rank !== null)
    .sort(
      (a, b) =>
        Number(!!a.command.blocked) - Number(!!b.command.blocked) ||
        a.rank - b.rank ||
        GROUPS.indexOf(a.command.group) - GROUPS.indexOf(b.command.group) ||
        a.order - b.order,
    )
    .map((entry) => entry.command);
}
