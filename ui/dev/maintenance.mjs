/** Made-up maintenance windows, which can be announced and ended. */
import { iso } from './parts.mjs';

let next = 8;

const window = (more) => ({
  id: null,
  name: 'Maintenance',
  services: [],
  schedule: null,
  active: false,
  starts_at: null,
  ends_at: null,
  set_by: null,
  reason: null,
  ...more,
});

let windows = [
  window({
    id: '7',
    services: ['search'],
    active: true,
    starts_at: iso(1900),
    ends_at: iso(-1700),
    set_by: 'bob',
    reason: 'Index moves to new disks',
    name: 'Index moves to new disks',
  }),
  window({
    id: '6',
    services: ['orders-db', 'ledger', 'billing', 'payments'],
    starts_at: iso(-30_000),
    ends_at: iso(-37_200),
    set_by: 'ana',
  }),
  window({ name: 'Nightly backup', services: ['orders-db'], schedule: '0 3 * * * (Europe/Vienna) for 45 minutes' }),
];

export const clear = () => (windows = []);

export const page = () => ({ windows });

export function announce({ service, minutes, starts_at, reason }) {
  const begins = starts_at === null ? Date.now() : Date.parse(starts_at);
  windows = [
    window({
      id: String(next++),
      name: reason ?? 'Maintenance',
      services: service === null ? [] : [service],
      active: begins <= Date.now(),
      starts_at: new Date(begins).toISOString(),
      ends_at: new Date(begins + minutes * 60e3).toISOString(),
      set_by: 'ana',
      reason,
    }),
    ...windows,
  ];
  return page();
}

export function end(id) {
  windows = windows.filter((one) => one.id !== id);
  return page();
}
