/** Severity as shape, colour and word: any one of the three is enough to read it. */
import type { Group, Severity } from '../api/types';

export type Shape = 'octagon' | 'diamond' | 'triangle' | 'circle' | 'dash';
export type Tone = 'act' | 'high' | 'medium' | 'low' | 'quiet';

export interface SeverityLook {
  word: string;
  shape: Shape;
  tone: Tone;
}

const LOOKS: Record<Severity, SeverityLook> = {
  critical: { word: 'Critical', shape: 'octagon', tone: 'act' },
  high: { word: 'High', shape: 'diamond', tone: 'high' },
  medium: { word: 'Medium', shape: 'triangle', tone: 'medium' },
  low: { word: 'Low', shape: 'circle', tone: 'low' },
  info: { word: 'Info', shape: 'dash', tone: 'quiet' },
};

/** Red is kept for what a person must do now: elsewhere a critical incident keeps its shape and word, not the colour. */
export function severityLook(severity: Severity, group: Group): SeverityLook {
  const look = LOOKS[severity];
  if (group === 'recently_fixed' || group === 'closed') return { ...look, tone: 'quiet' };
  if (look.tone === 'act' && group !== 'needs_you') return { ...look, tone: 'high' };
  return look;
}
