/** What of the audit trail is shown: entries as a value, and which of them fit what a person looks for. */
import type { AuditEntry } from '../../api/types';

export const KINDS: [prefix: string, words: string][] = [
  ['self_heal', 'Decisions'],
  ['approval', 'Approvals'],
  ['action', 'Actions'],
  ['incident', 'Incidents'],
  ['learning', 'Learning'],
  ['automation', 'Automation'],
  ['knowledge', 'Knowledge'],
];

export interface AuditFilter {
  kind: string | null;
  q: string;
}

/** Every word has to be found somewhere; the kind is what stands before the dot. */
export function fits(entry: AuditEntry, filter: AuditFilter): boolean {
  if (filter.kind !== null && entry.event_type.split('.')[0] !== filter.kind) return false;
  const all = [
    entry.id,
    entry.event_type,
    entry.actor,
    entry.action,
    entry.target,
    entry.result,
    entry.pattern_id,
    entry.hash,
    ...entry.controls,
  ];
  const text = all.join(' ').toLowerCase();
  return filter.q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Newest first, each once; what is given later replaces what is held. */
export function join(held: readonly AuditEntry[], given: readonly AuditEntry[]): AuditEntry[] {
  const all = new Map([...held, ...given].map((entry) => [entry.id, entry]));
  return [...all.values()].sort((a, b) => Number(b.id) - Number(a.id));
}
