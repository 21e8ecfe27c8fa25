/**
 * Names for the generated shapes; everything else imports from here, so that the generator stays replaceable.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

/**
 * The engine always sends every field, with null for nothing. Generators describe such a field as optional as well, which
 * would make every reader handle an absence that does not occur.
 */
export type Whole<T> = T extends readonly (infer Item)[]
  ? Whole<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Whole<Exclude<T[Key], undefined>> }
    : T;

export type Severity = Whole<Schemas['Severity']>;
export type StateName = Whole<Schemas['StateName']>;
export type Group = Whole<Schemas['Group']>;
export type DecisionKind = Whole<Schemas['DecisionKind']>;
export type Posture = Whole<Schemas['Posture']>;
export type Role = Whole<Schemas['Role']>;
export type ConfidenceBand = Whole<Schemas['ConfidenceBand']>;
export type IncidentRow = Whole<Schemas['IncidentRow']>;
export type IncidentPage = Whole<Schemas['IncidentPage']>;
export type StoryEntry = Whole<Schemas['StoryEntry']>;
export type SignalView = Whole<Schemas['SignalView']>;
export type Span = Whole<Schemas['Span']>;
export type Reason = Whole<Schemas['Reason']>;
export type TermContribution = Whole<Schemas['TermContribution']>;
export type MatchView = Whole<Schemas['MatchView']>;
export type DecisionView = Whole<Schemas['DecisionView']>;
export type GateView = Whole<Schemas['GateView']>;
export type PlanStep = Whole<Schemas['PlanStep']>;
export type PlanView = Whole<Schemas['PlanView']>;
export type Parameter = Whole<Schemas['Parameter']>;
export type ApprovalView = Whole<Schemas['ApprovalView']>;
export type AttemptView = Whole<Schemas['AttemptView']>;
export type WhatToDo = Whole<Schemas['WhatToDo']>;
export type KnownCause = Whole<Schemas['KnownCause']>;
export type TextPiece = Whole<Schemas['TextPiece']>;
export type CheckReading = Whole<Schemas['CheckReading']>;
export type VerificationView = Whole<Schemas['VerificationView']>;
export type Timing = Whole<Schemas['Timing']>;
export type Capability = Whole<Schemas['Capability']>;
export type Capabilities = Whole<Schemas['Capabilities']>;
export type IncidentView = Whole<Schemas['IncidentView']>;
export type AutomationView = Whole<Schemas['AutomationView']>;
export type EngineView = Whole<Schemas['EngineView']>;
export type QuietView = Whole<Schemas['QuietView']>;
export type DemoScenario = Whole<Schemas['DemoScenario']>;
export type Overview = Whole<Schemas['Overview']>;
export type AuditEntry = Whole<Schemas['AuditEntry']>;
export type AuditPage = Whole<Schemas['AuditPage']>;
export type ChainView = Whole<Schemas['ChainView']>;
export type QueueView = Whole<Schemas['QueueView']>;
export type QueueEntry = Whole<Schemas['QueueEntry']>;
export type SlotsView = Whole<Schemas['SlotsView']>;
export type ConnectionView = Whole<Schemas['ConnectionView']>;
export type MaintenanceView = Whole<Schemas['MaintenanceView']>;
export type MaintenancePage = Whole<Schemas['MaintenancePage']>;
export type Problem = Whole<Schemas['Problem']>;
export type LiveEvent = Whole<Schemas['LiveEvent']>;

export type RejectReason = 'wrong_fix' | 'wrong_cause' | 'not_now' | 'other';
