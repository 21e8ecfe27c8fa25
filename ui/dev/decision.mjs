/** What led to a made-up decision: signals, patterns, gates. */
import { iso, LIKELY } from './parts.mjs';

const text = 'ERROR pool: connection pool exhausted (20 of 20 in use), request waited 30000 ms for /api/checkout';

const spans = [
  { start: text.indexOf('connection'), end: text.indexOf(' (20') },
  { start: text.indexOf('waited'), end: text.indexOf(' for /api') },
];

const signal = (id, kind, source, body, highlights, count, from) => ({
  id,
  kind,
  source,
  service: 'checkout-api',
  severity: 'critical',
  text: body,
  template: 'ERROR pool: connection pool exhausted (<*> of <*> in use)',
  count,
  first_seen: iso(from),
  last_seen: iso(8),
  highlights,
});

export const signals = () => [
  signal('s1', 'log', '/var/log/checkout/api.log', text, spans, 19, 250),
  signal(
    's2',
    'health',
    'GET https://checkout/healthz',
    'HTTP 503 in 30.0 s, expected 200 within 2 s',
    [{ start: 0, end: 8 }],
    3,
    240,
  ),
  signal('s3', 'metric', 'prometheus', 'checkout_pool_in_use = 20 (warning 16, critical 20, for 2m)', [], 1, 200),
];

const candidate = (pattern, name, relevance, own, rule, detail, more = {}) => ({
  pattern,
  name,
  relevance,
  pattern_confidence: own,
  decision_confidence: Math.floor(relevance * own * 10000) / 10000,
  rule,
  rule_detail: detail,
  terms: [
    { term: 'pool', field: 'text', score: 3.12 },
    { term: 'exhausted', field: 'text', score: 2.87 },
    { term: 'connection', field: 'symptom', score: 1.04 },
  ],
  notes: [],
  action: 'service.restart',
  root_cause: 'Connections leak after a timeout of the payment provider until the pool is empty.',
  ...more,
});

export const decision = (kind = 'suggest') => ({
  kind,
  confidence: 0.62,
  band: LIKELY,
  at: iso(240),
  reasons: [
    { code: 'between_thresholds', text: 'Decision confidence 0.62 is at least 0.30 and below 0.70, so a person decides.' },
    { code: 'rule_satisfied', text: 'The detection rule of “Connection pool exhausted” holds on 19 lines.' },
  ],
  would_change: [
    { code: 'two_successes', text: 'Two more verified fixes would lift the pattern to 0.72 and heal by itself.' },
  ],
  candidates: [
    candidate(
      'pat_pool',
      'Connection pool exhausted',
      1,
      0.62,
      'satisfied',
      'regex `connection pool exhausted \\(\\d+ of \\d+`',
    ),
    candidate('pat_slow', 'Slow upstream', 0.21, 0.55, 'not_satisfied', 'no line with “upstream timed out”', {
      notes: ['A change of payments 40 minutes earlier speaks for it.'],
    }),
    candidate('pat_quota', 'Quota exceeded', 0.08, 0.8, 'ruled_out', 'must not contain “pool”', { terms: [] }),
  ],
});

const gate = (number, name, title, reason, more = {}) => ({
  number,
  gate: name,
  title,
  passed: true,
  reason,
  until: null,
  consequence: null,
  ...more,
});

export const gates = (queued) => [
  gate(1, 'automation', 'Automation switch', 'The switch is on.'),
  gate(2, 'maintenance', 'No maintenance window', 'No window holds web-1.'),
  gate(3, 'managed', 'Target is managed', 'managed: true in the inventory.'),
  gate(
    4,
    'approval',
    'Approval where required',
    queued ? 'Not required.' : 'Waits for a person.',
    queued ? {} : { passed: false, consequence: 'The action waits for approval.' },
  ),
  gate(5, 'attempts', 'Fewer than 3 attempts', '0 of 3 in this incident.'),
  gate(6, 'breaker', 'Circuit breaker closed', 'No failed call in the last minute.'),
  gate(
    7,
    'cooldown',
    'Cooldown of the target',
    queued ? 'cache.clear ran on catalogue 6m 48s ago.' : 'No identical action in the last 10 minutes.',
    queued
      ? { passed: false, until: iso(-192), consequence: 'Queued; it is checked from the start when its turn comes.' }
      : {},
  ),
  gate(8, 'hourly', 'Fewer than 5 actions an hour', '1 of 5 in the last 60 minutes.'),
  gate(9, 'single', 'Nothing else executes', 'Nothing runs.'),
  gate(10, 'preflight', 'Preflight', 'Seen 4 s ago: 3 instances, 2 healthy.'),
];
