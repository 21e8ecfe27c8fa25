/** The whole and the audit log, made up. */
import { iso } from './parts.mjs';

export const audit = (id) =>
  ['self_heal.suggested', 'approval.requested', 'learning.noted'].map((event_type, i) => ({
    id: `au_${i}`,
    at: iso(240 - i),
    event_type,
    actor: 'engine',
    incident_id: id,
    pattern_id: 'pat_pool',
    confidence: 0.62,
    action: 'service.restart',
    target: 'checkout-api.service',
    result: 'recorded',
    controls: ['IR-4'],
    details: {},
    hash: `9f3a${i}c77be01d2`,
    prev_hash: '00',
  }));

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
  audit: { entries: 213, ok: mode !== 'broken', first_bad: mode === 'broken' ? 'au_77' : null },
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
