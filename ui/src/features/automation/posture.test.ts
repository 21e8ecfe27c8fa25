import { describe, expect, it } from 'vitest';
import type { AutomationView, Posture } from '../../api/types';
import { OPTIONS, whyNot } from './posture';

const under = (ceiling: Posture, allowed = true): AutomationView =>
  ({ ceiling, brake: null, can_change: { allowed, reason: allowed ? null : 'A viewer may not.' } }) as AutomationView;
const open = (automation: AutomationView) => OPTIONS.filter((o) => whyNot(o, automation) === null).map((o) => o.key);

describe('whyNot', () => {
  it.each<[Posture, string[]]>([
    ['on', ['on', 'observe', 'paused-15', 'paused-60', 'paused']],
    ['observe', ['observe', 'paused-15', 'paused-60', 'paused']],
    ['paused', ['paused-15', 'paused-60', 'paused']],
  ])('under a ceiling of %s', (ceiling, keys) => expect(open(under(ceiling))).toEqual(keys));

  it('names the ceiling, and passes on why a person may not', () => {
    expect(whyNot(OPTIONS[0]!, under('observe'))).toContain('observe only at most');
    expect(whyNot(OPTIONS[1]!, under('on', false))).toBe('A viewer may not.');
  });

  it('lets nothing be turned on against the brake, and says how it is released', () => {
    const held = { ...under('on'), brake: 'the file /h/pause is there' };
    expect(open(held)).toEqual(['paused-15', 'paused-60', 'paused']);
    expect(whyNot(OPTIONS[0]!, held)).toContain('/h/pause');
    expect(whyNot(OPTIONS[0]!, held)).toContain('selfheal resume');
  });
});
