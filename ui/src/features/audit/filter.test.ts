import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../api/types';
import { fits, join } from './filter';

const entry = (id: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  id,
  at: '2026-03-04T14:00:00Z',
  event_type: 'action.started',
  actor: 'engine',
  incident_id: '7',
  pattern_id: 'pool',
  confidence: 0.9,
  action: 'service.restart',
  target: 'process:/run/web.pid',
  result: 'started',
  controls: ['IR-4'],
  details: {},
  prev_hash: 'aa',
  hash: 'bb',
  evidence_digest: 'cc',
  ...more,
});

describe('fits', () => {
  it.each<[string, string | null, string, boolean]>([
    ['no filter', null, '', true],
    ['its kind', 'action', '', true],
    ['another kind', 'approval', '', false],
    ['the beginning of a kind is not a kind', 'act', '', false],
    ['words in any order, over fields', null, 'WEB engine', true],
    ['a word that is nowhere', null, 'web ada', false],
    ['a control', null, 'ir-4', true],
    ['kind and word', 'action', 'nothing', false],
  ])('%s', (_name, kind, q, want) => expect(fits(entry('1'), { kind, q })).toBe(want));
});

it('joins pages newest first, by number and not by letter', () => {
  const held = [entry('10'), entry('9')];
  expect(join(held, [entry('9', { result: 'fresh' }), entry('8'), entry('11')]).map((e) => [e.id, e.result])).toEqual([
    ['11', 'started'],
    ['10', 'started'],
    ['9', 'fresh'],
    ['8', 'started'],
  ]);
});
