import { expect, it } from 'vitest';
import type { IncidentView, PlanView } from '../../api/types';
import { incidentView } from '../../lib/fixtures';
import { wouldHaveDone } from './agreement';

function view(codes: string[], kinds: string[], plan: Partial<PlanView> = {}): IncidentView {
  const base = incidentView(plan);
  return {
    ...base,
    decision: { ...base.decision!, reasons: codes.map((code) => ({ code, text: code })) },
    story: kinds.map((kind) => ({ kind })) as IncidentView['story'],
  };
}

it.each<[string, IncidentView, string | null]>([
  ['nothing was held back', view(['below_auto'], ['opened']), null],
  ['the pattern is on trial', view(['below_auto', 'shadow_mode'], []), 'Restart api on web-1'],
  ['the switch held it', view([], ['held']), 'Restart api on web-1'],
  ['a person chose it', view(['shadow_mode'], [], { chosen_by: 'ada' }), null],
  ['there is no plan', { ...view(['shadow_mode'], ['held']), plan: null }, null],
  ['nothing was decided', { ...view([], []), decision: null }, null],
])('%s', (_name, v, want) => expect(wouldHaveDone(v)).toBe(want));
