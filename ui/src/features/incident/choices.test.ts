import { describe, expect, it } from 'vitest';
import type { IncidentView, MatchView } from '../../api/types';
import { incidentView } from '../../lib/fixtures';
import { known, others } from './choices';

const match = (pattern: string, action: string | null, rule: MatchView['rule'] = 'satisfied'): MatchView =>
  ({ pattern, name: pattern, action, rule }) as MatchView;

function view(candidates: MatchView[], tried: string[] = []): IncidentView {
  const base = incidentView();
  const attempts = tried.map((action) => ({ action })) as IncidentView['attempts'];
  return { ...base, decision: { ...base.decision!, candidates }, attempts };
}

const line = (v: IncidentView) => known(v).map((choice) => `${choice.action}: ${choice.title}`);

describe('known', () => {
  it.each<[string, IncidentView, string[]]>([
    ['nothing fits', view([]), ['service.restart: Restart api']],
    ['nothing was decided', { ...incidentView(), decision: null }, ['service.restart: Restart api']],
    ['the best is left to the engine', view([match('pool', 'service.restart')]), ['null: Restart api']],
    [
      'what was tried is tried again',
      view([match('pool', 'service.restart')], ['service.restart']),
      ['null: Try again: restart api'],
    ],
    [
      'best first, each once, and a restart in the end',
      view([match('a', null), match('b', 'cache.clear'), match('c', 'cache.clear'), match('d', 'ci.rerun')]),
      ['null: Clear the cache of api', 'ci.rerun: Run the pipeline again of api', 'service.restart: Restart api'],
    ],
    ['what is ruled out is no suggestion', view([match('a', 'cache.clear', 'ruled_out')]), ['service.restart: Restart api']],
  ])('%s', (_name, v, want) => expect(line(v)).toEqual(want));
});

it('lists every other action once', () => {
  const all = others(view([match('b', 'cache.clear')])).map((choice) => choice.action);
  expect(all).not.toContain('cache.clear');
  expect(all).not.toContain('service.restart');
  expect(new Set(all).size).toBe(8);
});
