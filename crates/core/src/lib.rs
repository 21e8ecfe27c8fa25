//! The vocabulary of Selfheal, and each step of its pipeline as functions from value to value.
//!
//! `Observation -> Signal -> Incident -> Match -> Analysis -> Decision -> Admission -> Plan -> Outcome -> Verdict ->
//! Learning`. Nothing here does I/O, waits, looks at a clock or draws a random number: time and ids are parameters, so
//! every rule can be tested at its edge.

pub mod analyse;
pub mod audit;
pub mod breaker;
pub mod config;
pub mod correlate;
pub mod detect;
pub mod knowledge;
pub mod known;
pub mod learn;
pub mod matching;
pub mod pace;
pub mod told;
pub mod verify;

mod action;
mod change;
mod decide;
mod digest;
mod gates;
mod ids;
mod incident;
mod keys;
mod names;
mod notice;
mod observation;
mod plan;
pub mod redact;
mod score;
mod severity;
mod time;
mod visible;
mod waits;

pub use action::{Action, ActionClass, ActionKind, ParameterSpec, TargetSpec};
pub use change::{Change, ChangeKind};
pub use decide::{Best, Decision, DecisionInput, DecisionKind, DecisionReason, chosen, decide};
pub use digest::hex as sha256_hex;
pub use gates::{
    Admission, Approval, Breaker, Consequence, Gate, GateLimits, GateResult, HOUR, PING_PONG, Posture, SecondApproval,
    Snapshot, admit,
};
pub use ids::{
    AuditId, EffectId, EventId, IncidentId, InvalidId, NotifierName, PatternId, ProjectName, ServiceName, SignalId,
    SourceName,
};
pub use incident::{
    Attempt, Cause, Chosen, Decided, Effect, Fact, Group, Held, IllegalFact, Incident, RECENT, RejectReason,
    ResolvedBy, SignalSeen, State, Undo, Verified,
};
pub use keys::{Key, Wanted, Words, keys_of};
pub use learn::Learned;
pub use names::{LONGEST_NAME, NameFault, check_name, cleaned_name, normal_name, same_name, shown_name};
pub use notice::{About, Cause as NoticeCause, Notice, NoticeKind, body as notice_body};
pub use observation::{
    Fingerprint, HealthReading, Level, LogRecord, NAMED_SERVICE, NewSignal, Observation, Signal, SignalKind,
    UNKNOWN_SERVICE,
};
pub use plan::{Blocker, Outcome, Plan, PlanHash, Preflight, Step, WayBack};
pub use score::{BasisPoints, DecisionConfidence, ScoreOutOfRange};
pub use severity::Severity;
pub use time::{Span, Timestamp};
pub use verify::Verdict;
pub use visible::{is_plain, visible, visible_json, visible_line};
pub use waits::Waits;
