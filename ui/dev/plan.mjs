/** One plan that can be repeated, and one that cannot be undone. */
import { iso } from './parts.mjs';

export const plan = (irreversible, more = {}) => ({
  hash: irreversible ? 'h_failover' : 'h_restart',
  pattern: 'pat_pool',
  pattern_name: irreversible ? 'Primary lost' : 'Connection pool exhausted',
  action: irreversible ? 'database.failover' : 'service.restart',
  action_words: irreversible ? 'Promote orders-db-2 to primary' : 'Restart checkout-api on web-1',
  service: irreversible ? 'orders-db' : 'checkout-api',
  target: irreversible ? 'orders-db-2' : 'checkout-api.service',
  host: irreversible ? 'db-2' : 'web-1',
  why: irreversible
    ? 'The primary has not answered for 6 minutes and its host is down; the replica is 0.2 s behind.'
    : 'All 20 connections leak; a restart has freed them 21 of 23 times.',
  state_now: irreversible ? 'replica, 0.2 s behind' : 'active (running) since 3 days, 20 of 20 connections in use',
  previewed_at: iso(12),
  steps: irreversible
    ? [
        {
          index: 1,
          call: 'psql -h db-2 -c "SELECT pg_promote(wait => true, wait_seconds => 60)"',
          detail: 'Makes orders-db-2 the primary.',
        },
        { index: 2, call: 'consul kv put service/orders-db/primary db-2', detail: 'Points the services to it.' },
      ]
    : [
        {
          index: 1,
          call: 'systemctl restart checkout-api.service',
          detail: 'On web-1, timeout 30 s. Requests in flight are lost.',
        },
      ],
  instances: 1,
  dependants: ['web-frontend', 'mobile-gateway'],
  blast_radius: irreversible
    ? 'Writes stop for up to 60 s; the old primary must be rebuilt.'
    : 'About 4 s without answers from one of three instances.',
  checks: ['GET /healthz answers 200 within 2 s', 'No “pool exhausted” for 60 s', 'checkout_pool_in_use below 16'],
  undo: irreversible
    ? { kind: 'impossible', words: 'Cannot be undone.', by_itself: false }
    : { kind: 'possible', words: 'Restart it with the settings that it had before.', by_itself: true },
  confirm_by_typing: irreversible ? 'orders-db-2' : null,
  parameters: irreversible
    ? []
    : [
        {
          name: 'stop_timeout_seconds',
          value: '10',
          what: 'Seconds it may take to stop before it is killed',
          least: 1,
          most: 600,
        },
      ],
  chosen_by: null,
  ...more,
});
