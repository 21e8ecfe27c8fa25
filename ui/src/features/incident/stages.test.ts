import { describe, expect, it } from 'vitest';
import type { AttemptView, IncidentView, StateName } from '../../api/types';
import { stages } from './stages';

const NONE = { came_back_at: null, detect: 1, decide: 0.2, act: null, verify: null, total: null };

function view(
  state: StateName,
  extra: { by?: string; seconds?: Partial<typeof NONE> | object; attempts?: Partial<AttemptView>[] } = {},
): IncidentView {
  return {
    incident: { state, resolved_by: extra.by ?? null },
    seconds: { ...NONE, ...extra.seconds },
    attempts: extra.attempts ?? [],
  } as unknown as IncidentView;
}

const line = (v: IncidentView) =>
  stages(v)
    .map((s) => s.status)
    .join(' ');

describe('stages', () => {
  it.each<[string, IncidentView, string]>([
    ['detected', view('detected'), 'done now ahead ahead ahead'],
    ['asks', view('awaiting_approval'), 'done done waits ahead ahead'],
    ['queued', view('queued'), 'done done waits ahead ahead'],
    ['acts', view('healing'), 'done done now ahead ahead'],
    ['verifies', view('verifying', { seconds: { act: 2 } }), 'done done done now ahead'],
    [
      'fixed and learned',
      view('resolved', { by: 'automatic_fix', attempts: [{ confidence_after: 0.8 }] }),
      'done done done done done',
    ],
    ['fixed, not yet credited', view('resolved', { by: 'approved_fix' }), 'done done done done ahead'],
    ['went away by itself before anything ran', view('resolved', { by: 'itself' }), 'done done ahead ahead ahead'],
    [
      'came back: what was learned the first time is not learned now',
      view('escalated', {
        seconds: { came_back_at: '2026-03-04T14:30:00Z' },
        attempts: [{ started_at: '2026-03-04T14:00:00Z', confidence_after: 0.8 }],
      }),
      'done done ahead ahead ahead',
    ],
    ['with a person, after a failed try', view('escalated', { seconds: { act: 3 } }), 'done done done ahead ahead'],
  ])('%s', (_name, incident, want) => expect(line(incident)).toBe(want));

  it.each([
    [0.86, 0.91, '+0.05'],
    [0.62, 0.52, '−0.10'],
  ])('says how the confidence moved from %f to %f', (confidence_before, confidence_after, note) => {
    const v = view('resolved', { by: 'automatic_fix', attempts: [{ confidence_before, confidence_after }] });
    expect(stages(v)[4]?.note).toBe(note);
  });

  it('shows how long each took, in words', () => {
    expect(stages(view('verifying', { seconds: { act: 2 } })).map((s) => s.note)).toEqual(['1s', '0.2s', '2s', 'now', '']);
    expect(stages(view('queued'))[2]?.note).toBe('waits for its turn');
  });
});
