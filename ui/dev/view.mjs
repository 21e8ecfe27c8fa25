/** One made-up incident as a whole, after the state of its row. */
import { decision, gates, signals } from './decision.mjs';
import { iso, NEW, no, yes } from './parts.mjs';
import { plan } from './plan.mjs';

const capabilities = (r) => {
  const done = r.state === 'resolved' || r.state === 'closed';
  const asks = r.state === 'awaiting_approval';
  const open = done ? no('The incident is resolved.') : yes;
  return {
    approve: asks ? yes : no('No plan waits for approval.'),
    reject: asks ? yes : no('No plan waits for approval.'),
    choose:
      r.state === 'escalated' && r.id !== 'inc_101'
        ? open
        : no('An action can be chosen when the incident is yours or waits for approval.'),
    edit: asks ? (r.id === 'inc_103' ? no('The action takes no parameters here.') : yes) : no('No plan waits for approval.'),
    acknowledge: open,
    snooze: r.state === 'healing' ? no('An action is running.') : open,
    wake: r.state === 'snoozed' ? yes : no('It is not snoozed.'),
    escalate: r.state === 'escalated' ? no('A person has it already.') : open,
    resolve: r.state === 'healing' ? no('An action is running; its outcome decides.') : open,
    note: yes,
  };
};

const PRIMARY = { awaiting_approval: 'approve', escalated: 'acknowledge', snoozed: 'wake' };

const story = (r) => {
  const told = [
    {
      at: r.opened_at,
      kind: 'detected',
      actor: 'engine',
      title: 'Detected',
      detail: '19 log lines, a failing health check and a metric at its limit belong together.',
      tone: 'attention',
    },
    {
      at: iso(240),
      kind: 'decided',
      actor: 'engine',
      title: 'Suggests: restart checkout-api',
      detail: 'Confidence 0.62, below 0.70.',
      tone: 'neutral',
    },
  ];
  if (r.state === 'awaiting_approval')
    told.push({
      at: iso(239),
      kind: 'asked',
      actor: 'engine',
      title: 'Asked for approval',
      detail: null,
      tone: 'attention',
    });
  if (r.group === 'recently_fixed')
    told.push({
      at: r.resolved_at,
      kind: 'resolved',
      actor: 'engine',
      title: 'Stayed clear for 60s, fixed',
      detail: 'Confidence 0.86 → 0.91.',
      tone: 'good',
    });
  if (r.id === 'inc_090')
    told.push(
      {
        at: iso(2650),
        kind: 'undo_started',
        actor: 'engine',
        title: 'It did not help: taking it back',
        detail: 'still slow after 60s',
        tone: 'bad',
      },
      { at: iso(2630), kind: 'undone', actor: 'engine', title: 'Taken back', detail: null, tone: 'neutral' },
      {
        at: iso(2600),
        kind: 'held',
        actor: 'engine',
        title: 'Held by the automation switch',
        detail: 'observe only',
        tone: 'attention',
      },
    );
  const { chosen_by: by } = doing(r.id).plan;
  if (by)
    told.push({
      at: iso(5),
      kind: 'chosen',
      actor: by,
      title: `Chose service.restart on ${r.service}`,
      detail: null,
      tone: 'attention',
    });
  if (r.state === 'escalated')
    told.push({
      at: iso(1800),
      kind: 'escalated',
      actor: 'engine',
      title: 'Handed to a person',
      detail: 'No pattern fits; nothing runs by itself.',
      tone: 'bad',
    });
  return told.sort((a, b) => a.at.localeCompare(b.at));
};

const undone = () => [
  {
    event: 'ev_7',
    pattern: 'Slow after a bad release',
    action: 'service.restart',
    target: 'process:/run/payments.pid',
    status: 'undone',
    action_words: 'Restart',
    told: 'Ran, but did not help: still slow after 60s. It was taken back.',
    results: { ran: true, symptom_cleared: false, stayed_clear: false },
    outcome: 'succeeded',
    verdict: 'still slow after 60s',
    started_at: iso(2700),
    finished_at: iso(2697),
    verified_at: iso(2630),
    confidence_before: 0.66,
    confidence_after: 0.6,
  },
];

const attempts = (r) =>
  r.id === 'inc_090'
    ? undone()
    : r.state === 'verifying' || r.state === 'healing' || r.resolved_by === 'automatic_fix'
      ? [
          {
            event: 'ev_1',
            pattern: 'Bad release',
            action: 'service.restart',
            target: r.service,
            status: r.state === 'healing' ? 'running' : 'succeeded',
            action_words: 'Restart',
            told:
              r.state === 'healing'
                ? 'It is running.'
                : r.resolved_by
                  ? 'Ran, and it helped: clear for 60s.'
                  : 'Ran: started. Whether it helped is being checked.',
            results: {
              ran: r.state === 'healing' ? null : true,
              symptom_cleared: r.resolved_by ? true : null,
              stayed_clear: r.resolved_by ? true : null,
            },
            outcome: r.state === 'healing' ? null : 'succeeded',
            verdict: r.resolved_by ? 'Stayed clear for 60s' : null,
            started_at: iso(r.resolved_by ? 4090 : 30),
            finished_at: r.state === 'healing' ? null : iso(r.resolved_by ? 4087 : 26),
            verified_at: r.resolved_by ? iso(4030) : null,
            confidence_before: r.resolved_by ? 0.86 : null,
            confidence_after: r.resolved_by ? 0.91 : null,
          },
        ]
      : [];

const verification = (r) =>
  r.state === 'verifying' || r.resolved_by === 'automatic_fix'
    ? {
        started_at: iso(26),
        clear_since: iso(22),
        stable_at: iso(-38),
        deadline: iso(-274),
        symptom_last_seen: iso(24),
        readings: [
          { name: 'Health check', ok: true, detail: 'GET /healthz 200 in 0.04 s' },
          { name: 'Error silent', ok: true, detail: 'no “502” for 22 s' },
          { name: 'Error rate', ok: r.resolved_by !== null, detail: '1.2 % and falling, below 1 % needed' },
        ],
      }
    : null;

/** What people did in this run: who approved, what was changed or chosen. */
const done = new Map();

export const doing = (id) => done.get(id) ?? { given: [], plan: {} };

export const remember = (id, more) => done.set(id, { ...doing(id), ...more });

function approval(r) {
  const given = doing(r.id).given;
  return {
    plan_hash: 'h_restart',
    expires_at: iso(-1530),
    on_expiry: 'Then nothing runs and the incident goes to a person.',
    approved_by: given.length === 0 ? null : given.join(' and '),
    approved_at: given.length === 0 ? null : iso(40),
    needed: r.id === 'inc_103' ? 2 : 1,
    given: given.length,
  };
}

const NOW = {
  awaiting_approval: (r) => `“Restart ${r.service}” waits for approval until {${iso(-1530).slice(0, 19)}Z}.`,
  escalated: () => 'It needs a person: The pattern names no safe automatic fix.',
  queued: () => 'The fix waits for its turn.',
};

/** What is known of it: of one that is a person's, a cause that only a person mends. */
function whatToDo(r, unknown) {
  const words = (text) => [{ text, code: false }];
  const code = (text) => ({ text, code: true });
  const cause = {
    pattern: 'certificate-expired',
    name: 'Certificate expired',
    by_rule: true,
    sure: 'Its rule holds for what was seen.',
    cause: [
      ...words('The renewal did not happen, or the server still holds the old certificate. '),
      code('openssl s_client -connect shop.example:443'),
      ...words(' shows what is served.'),
    ],
    by_hand: [
      ...words('Disk newer than served: reload ('),
      code('nginx -s reload'),
      ...words('). Otherwise renew ('),
      code('certbot renew --cert-name <name>'),
      ...words(') and reload.'),
    ],
    action: null,
    undo: [],
    checks: [words('clients connect without certificate errors')],
    values: [{ name: 'name', value: 'shop; rm -rf /', left_open: true }],
  };
  const causes = unknown || r.state === 'detected' ? [] : [cause];
  return {
    now: (NOW[r.state] ?? (() => 'Selfheal is at work.'))(r),
    causes,
    unknown: unknown ? 'Nothing is known of it. What was seen is under Evidence.' : null,
  };
}

export function view(r) {
  const unknown = r.id === 'inc_102';
  const planned = ['awaiting_approval', 'queued', 'healing', 'verifying'].includes(r.state);
  return {
    incident: r,
    what_to_do: whatToDo(r, unknown),
    root_cause: unknown ? null : 'Connections leak after a timeout of the payment provider until the pool is empty.',
    impact: 'web-frontend and mobile-gateway depend on it; about 1 in 3 checkouts fails.',
    story: story(r),
    signals: r.state === 'detected' ? signals().slice(0, 1) : signals(),
    decision:
      r.state === 'detected'
        ? null
        : unknown
          ? {
              ...decision('escalate'),
              candidates: [],
              reasons: [{ code: 'no_match', text: 'No pattern of the knowledge base fits.' }],
              band: NEW,
            }
          : decision(),
    gates: planned ? gates(r.state === 'queued') : [],
    waits: null,
    plan: planned || r.id === 'inc_090' ? plan(r.id === 'inc_103', doing(r.id).plan) : null,
    approval: r.state === 'awaiting_approval' ? approval(r) : null,
    attempts: attempts(r),
    verification: verification(r),
    seconds: {
      came_back_at: null,
      detect: 3.2,
      decide: 0.4,
      act: attempts(r).length > 0 && r.state !== 'healing' ? 4 : null,
      verify: r.resolved_by === 'automatic_fix' ? 60 : null,
      total: r.resolved_by ? 70 : null,
    },
    can: doing(r.id).given.includes('ana')
      ? { ...capabilities(r), approve: no('You have approved it; another person has to approve it too.') }
      : capabilities(r),
    primary: PRIMARY[r.state] ?? null,
  };
}
