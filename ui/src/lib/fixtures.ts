/** One complete incident for tests: what a test is about is changed in it, the rest is there to be valid. */
import type { Capability, IncidentView, PlanView } from '../api/types';

const yes: Capability = { allowed: true, reason: null };
const band = { value: 0.62, band: 'likely' as const, outcomes: 23, words: 'Likely, 0.62 from 23 outcomes' };
const AT = '2026-03-04T14:00:00Z';

export function incidentView(plan: Partial<PlanView> = {}): IncidentView {
  return {
    incident: {
      id: 'inc_1',
      title: 'Pool exhausted',
      service: 'api',
      project: 'shop',
      severity: 'critical',
      state: 'awaiting_approval',
      state_words: 'Waits for approval',
      group: 'needs_you',
      opened_at: AT,
      updated_at: AT,
      last_signal_at: AT,
      resolved_at: null,
      resolved_by: null,
      signal_count: 19,
      acknowledged_by: null,
      confidence: band,
      sparkline: [0, 1, 2],
    },
    root_cause: 'A leak.',
    impact: 'Checkouts fail.',
    story: [],
    signals: [],
    decision: { kind: 'suggest', confidence: 0.62, band, at: AT, reasons: [], would_change: [], candidates: [] },
    gates: [],
    plan: {
      hash: 'h1',
      pattern: 'p',
      pattern_name: 'Pool exhausted',
      action: 'service.restart',
      action_words: 'Restart api on web-1',
      service: 'api',
      target: 'api.service',
      host: 'web-1',
      why: 'It has helped before.',
      state_now: 'active',
      previewed_at: AT,
      steps: [{ index: 1, call: 'systemctl restart api', detail: '' }],
      instances: 1,
      dependants: [],
      blast_radius: 'About 4 s.',
      checks: ['healthz'],
      undo: 'Nothing to undo.',
      irreversible: false,
      confirm_by_typing: null,
      parameters: [],
      ...plan,
    },
    approval: {
      plan_hash: 'h1',
      expires_at: '2999-01-01T00:00:00Z',
      on_expiry: 'A person gets it.',
      approved_by: null,
      approved_at: null,
    },
    attempts: [],
    verification: null,
    seconds: { detect: 1, decide: 0.2, act: null, verify: null, total: null },
    can: { approve: yes, reject: yes, acknowledge: yes, snooze: yes, wake: yes, escalate: yes, resolve: yes, note: yes },
    primary: 'approve',
  };
}
