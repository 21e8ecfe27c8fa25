import { describe, expect, it } from 'vitest';
import type { MaintenanceView } from '../../api/types';
import { inOrder, minutesOf, nowWords, servicesWords } from './words';

const NOW = Date.parse('2026-03-04T14:00:00Z');
const at = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();

const window = (name: string, more: Partial<MaintenanceView>): MaintenanceView => ({
  id: name,
  name,
  services: [],
  schedule: null,
  active: false,
  starts_at: null,
  ends_at: null,
  set_by: 'ada',
  reason: null,
  ...more,
});

const web = window('web', { active: true, services: ['web'], ends_at: at(30) });

describe('nowWords', () => {
  it.each<[string, MaintenanceView[], string | null]>([
    ['nothing is announced', [], null],
    ['nothing holds yet', [{ ...web, active: false }], null],
    ['one service', [web], 'Maintenance: web until 14:30'],
    ['everything, without an end', [window('all', { active: true })], 'Maintenance: all services'],
    ['several', [window('all', { active: true, ends_at: at(60) }), web], 'Maintenance: 2 windows, the first until 14:30'],
  ])('%s', (_name, windows, want) => expect(nowWords(windows, NOW)).toBe(want));
});

it('puts what holds first, then what comes next', () => {
  const list = [
    window('nightly', { schedule: '0 3 * * * (UTC) for 30 minutes' }),
    window('later', { starts_at: at(90) }),
    window('long', { active: true, ends_at: at(60) }),
    window('soon', { starts_at: at(20) }),
    web,
  ];
  expect(inOrder(list).map((one) => one.name)).toEqual(['web', 'long', 'soon', 'later', 'nightly']);
});

it.each<[string[], string]>([
  [[], 'all services'],
  [['web'], 'web'],
  [['a', 'b', 'c'], 'a, b, c'],
  [['a', 'b', 'c', 'd'], 'a, b and 2 more'],
])('%o is %s', (services, want) => expect(servicesWords(services)).toBe(want));

it.each<[string, number | null]>([
  ['0', null],
  ['1', 1],
  [' 90 ', 90],
  ['44640', 44640],
  ['44641', null],
  ['1.5', null],
  ['', null],
])('takes %s as %s', (text, want) => expect(minutesOf(text)).toBe(want));
