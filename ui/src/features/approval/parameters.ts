/** The values of a plan as a person edits them: which differ, which do not fit, and what would be sent. */
import type { Capability, Parameter } from '../../api/types';
import { count } from '../../lib/numbers';

/** What was typed, by name; a name that is missing was not touched. */
export type Drafts = Readonly<Record<string, string>>;

export const draftOf = (parameter: Parameter, drafts: Drafts): string => drafts[parameter.name] ?? parameter.value;

export const range = ({ least, most }: Parameter): string => `${count(least)} to ${count(most)}`;

/** Why a value does not fit; null where it does. */
export function whyNotValue(parameter: Parameter, text: string): string | null {
  const number = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  return number >= parameter.least && number <= parameter.most ? null : `A whole number from ${range(parameter)}.`;
}

const same = (parameter: Parameter, text: string): boolean =>
  text.trim() === parameter.value || (text.trim() !== '' && Number(text) === Number(parameter.value));

export const isChanged = (parameters: readonly Parameter[], drafts: Drafts): boolean =>
  parameters.some((parameter) => !same(parameter, draftOf(parameter, drafts)));

/** Why the values cannot be changed to what was typed; null where they can. */
export function whyNotChange(can: Capability, parameters: readonly Parameter[], drafts: Drafts): string | null {
  if (!can.allowed) return can.reason ?? 'The values cannot be changed now.';
  if (!isChanged(parameters, drafts)) return 'Change a value first.';
  for (const parameter of parameters) {
    const wrong = whyNotValue(parameter, draftOf(parameter, drafts));
    if (wrong !== null) return `${parameter.name}: ${wrong.charAt(0).toLowerCase()}${wrong.slice(1)}`;
  }
  return null;
}

/** All of them: one that is left out would fall back to its default. */
export const toSend = (parameters: readonly Parameter[], drafts: Drafts): Record<string, string> =>
  Object.fromEntries(parameters.map((parameter) => [parameter.name, String(Number(draftOf(parameter, drafts)))]));
