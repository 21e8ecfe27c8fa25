//! What clients are shown: every word, band and reason comes from here, so that all of them say the same.

mod attempt;
mod audit;
mod band;
mod can;
mod case;
mod change;
mod decision;
mod incident;
mod known;
mod learning;
mod maintenance;
mod notifier;
mod overview;
mod pack;
mod pattern;
mod plan;
mod queue;
mod review;
mod row;
mod story;
mod timing;
mod waits;

pub use attempt::{AttemptView, Results};
pub use audit::{AuditEntry, AuditPage, ChainView, SignedView, Verdict};
pub use band::{Band, ConfidenceBand};
pub use can::{Ability, Capabilities, Capability, Primary, capabilities, stands};
pub use change::{ChangePage, ChangeView, change_view};
pub use decision::{
    DecisionView, GateView, MatchView, Reason, RuleState, TermContribution, decision_view, gate_views, match_view,
};
pub use incident::{CheckReading, IncidentView, Parts, SignalView, TextSpan, VerificationView, incident_view};
pub use known::{KnownCause, KnownValue, TextPiece, WhatToDo, plain};
pub use learning::{DraftPage, DraftView, draft_view};
pub use maintenance::{MaintenancePage, MaintenanceView};
pub use notifier::{NotifierList, NotifierReading, NotifierTestView, NotifierView, notifier_view};
pub use overview::{
    AuditState, AutomationView, Counts, DemoScenario, EngineRole, EngineView, LiveEventView, Me, Overview, QuietView,
};
pub use pack::{DocumentReply, DocumentView, FieldChange, ImportFault, ImportReply, ImportRow};
pub use pattern::{ConfidenceChange, PatternPage, PatternView, pattern_view};
pub use plan::{ApprovalView, Parameter, PlanStep, PlanView, approval_view, plan_view};
pub use queue::{ConnectionView, ExecutingView, QueueEntry, QueueView, SlotsView};
pub use review::{
    DraftWaiting, DuplicateView, EvidenceView, FailingView, FlappingView, HealthView, MergeView, ProjectEvidence,
    RepeatView, ReviewView, ShadowedView, TooNarrowView, UnusedView,
};
pub use row::{IncidentPage, IncidentRow, StateName, incident_row};
pub use story::{StoryEntry, Tone, story};
pub use timing::Timing;
pub use waits::WaitView;

pub(crate) use audit::{audit_entry, chain_view};
pub(crate) use case::{CaseParts, case_document, html, markdown};
pub(crate) use incident::utf16;
pub(crate) use pattern::{condition_words, confidence_changes};
pub(crate) use waits::wait_view;
