/** The whole and the audit log, made up. */
import { iso } from './parts.mjs';

const KINDS = [
  ['self_heal.suggested', 'engine', 'suggested: confidence 0.62'],
  ['approval.requested', 'engine', 'asked'],
  ['approval.granted', 'ana', 'approved'],
  ['action.started', 'engine', 'step 1 of 1'],
  ['action.finished', 'engine', 'succeeded after 3.2 s'],
  ['learning.success', 'engine', '0.86 to 0.91'],
  ['automation.maintenance_announced', 'bob', '2026-11-24T13:20:00Z to 2026-11-24T14:20:00Z'],
];
const ENTRIES = 213;

const entry = (id, incident) => {
  const [event_type, actor, result] = KINDS[id % KINDS.length];
  const whole = event_type.startsWith('automation');
  return {
    id: String(id),
    at: iso((ENTRIES - id) * 97 + 12),
    event_type,
    actor,
    incident_id: whole ? null : (incident ?? `inc_${String(90 + (id % 14)).padStart(3, '0')}`),
    pattern_id: whole ? null : 'pat_pool',
    confidence: whole ? null : 0.62,
    action: whole ? null : 'service.restart',
    target: whole ? 'search' : 'process:/run/checkout-api.pid',
    result,
    controls: ['IR-4', 'AU-12'],
    details: whole ? { maintenance: 7 } : { plan_hash: 'h_restart' },
    hash: `9f3a${id}c77be01d2`.padEnd(64, '4e'),
    prev_hash: `9f3a${id - 1}c77be01d2`.padEnd(64, '4e'),
  };
};

export function audit(incident, limit, before) {
  const last = Math.min(ENTRIES, before === null ? ENTRIES : Number(before) - 1);
  const count = Math.min(incident === null ? Number(limit ?? 100) : 6, last);
  return Array.from({ length: count }, (_, i) => entry(last - i, incident));
}

export const chain = (mode) =>
  mode === 'broken'
    ? {
        ok: false,
        verdict: 'broken',
        problems: [],
        doubts: [],
        notes: [],
        verified: 76,
        entries: ENTRIES,
        first_bad: 'entry 77 does not carry the hash of entry 76',
      }
    : {
        ok: true,
        verdict: 'verified',
        problems: [],
        doubts: [],
        notes: [],
        verified: ENTRIES,
        entries: ENTRIES,
        first_bad: null,
      };

export const overview = (mode, list, automation) => ({
  version: '0.1.0',
  automation,
  engine: { role: 'leader', holder: 'ana-laptop', problem: mode === 'broken' ? 'disk is full' : null },
  quiet: {
    since: iso(9000),
    signals_today: mode === 'bare' ? 0 : 31,
    fixed_today: 5,
    fixed_today_by_itself: 4,
    sources_watched: mode === 'bare' ? 0 : 12,
    checks_watched: mode === 'bare' ? 0 : 9,
  },
  counts: Object.fromEntries(
    ['needs_you', 'in_progress', 'recently_fixed'].map((group) => [group, list.filter((r) => r.group === group).length]),
  ),
  audit: {
    entries: ENTRIES,
    ok: mode !== 'broken',
    verdict: mode === 'broken' ? 'broken' : 'verified',
    first_bad: mode === 'broken' ? 'au_77' : null,
  },
  me: { name: 'ana', role: 'approver' },
  demo:
    mode === 'full' || mode === 'bare'
      ? null
      : [
          { name: 'crash', title: 'Service crash', description: 'A demo service dies and is restarted.', running: false },
          { name: 'leak', title: 'Connection leak', description: 'A pool runs empty; a person is asked.', running: false },
          {
            name: 'unknown',
            title: 'Unknown failure',
            description: 'Nothing fits; a person gets everything.',
            running: false,
          },
        ],
  now: new Date().toISOString(),
});
