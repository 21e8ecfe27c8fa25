/** A made-up queue: who waits, the hourly slots, what runs, connections. */
import { iso } from './parts.mjs';

const entry = (position, incident, action, gate, reason, until) => ({
  position,
  incident,
  action,
  gate,
  reason,
  until,
  until_resumed: false,
  told: reason,
  queued_at: iso(400 - position * 40),
  expires_at: iso(-2400 - position * 300),
});

export function queue(list) {
  const row = (id) => list.find((one) => one.id === id);
  const queued = [
    [
      'inc_092',
      'service.restart on ledger',
      'hourly_limit',
      '5 actions started in the last 60 minutes; the limit is 5.',
      null,
    ],
    [
      'inc_098',
      'cache.clear on catalogue',
      'cooldown',
      'cache.clear ran on catalogue 6m 48s ago; 10 minutes have to lie between.',
      iso(-192),
    ],
    ['inc_091', 'service.restart on thumbnails', 'one_at_a_time', 'service.restart runs on payments-worker.', null],
  ].filter(([id]) => row(id)?.state === 'queued');
  const running = list.find((one) => one.state === 'healing');
  const full = queued.length > 0;
  return {
    entries: queued.map(([id, ...rest], i) => entry(i + 1, row(id), ...rest)),
    slots: { used: full ? 5 : 1, limit: 5, next_free_at: full ? iso(-722) : null },
    executing: running
      ? {
          event: 'ev_9',
          incident: running.id,
          action: 'service.restart',
          target: `process:/run/${running.service}.pid`,
          status: 'running',
          started_at: iso(26),
        }
      : null,
    connections: full
      ? [
          { name: 'supervisord:http://edge-2:9001', failures: 5, open_until: iso(-41) },
          { name: 'process:local', failures: 1, open_until: null },
        ]
      : [],
  };
}
