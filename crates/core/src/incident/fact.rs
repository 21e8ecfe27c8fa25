//! What can happen to an incident, and what an incident can ask for.

use serde::{Deserialize, Serialize};

use crate::matching::PatternMatch;
pub(super) use crate::notice::NoticeKind;
use crate::{
    Action, Approval, Decision, EventId, Fingerprint, GateResult, Learned, NewSignal, Notice, NotifierName, Outcome,
    PatternId, Plan, ServiceName, Severity, SignalId, Timestamp, Verdict,
};

/// A fact about an incident. Facts are stored in order; replaying them gives the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A signal opened it.
    Opened {
        signal: SignalSeen,
        title: String,
    },
    /// A signal joined it, or was seen again.
    SignalJoined {
        signal: SignalSeen,
        because: String,
    },
    /// Matched, analysed and decided.
    Decided(Box<Decided>),
    /// The automation switch stopped an action: recorded as a shadow decision.
    Held {
        gates: Vec<GateResult>,
        gate: GateResult,
    },
    ApprovalRequested {
        gates: Vec<GateResult>,
        expires_at: Timestamp,
    },
    Approved {
        approval: Approval,
    },
    Rejected {
        by: String,
        reason: RejectReason,
        comment: Option<String>,
    },
    ApprovalExpired,
    /// A person chose an action, or other parameters for the one that was asked for: a plan of its own, which needs an
    /// approval of its own.
    Chosen {
        chosen: Chosen,
        decided: Box<Decided>,
        expires_at: Timestamp,
    },
    Queued {
        gates: Vec<GateResult>,
        gate: GateResult,
        expires_at: Timestamp,
    },
    QueueExpired,
    /// All gates passed and the intent is written.
    Admitted {
        gates: Vec<GateResult>,
        event: EventId,
        approved_by: Option<String>,
    },
    /// Between the intent and the first step too much time passed, or the inventory changed: decided again.
    WentStale {
        event: EventId,
        why: String,
    },
    /// Gate 12: the switch changed between the intent and the first step.
    HeldBeforeStep {
        event: EventId,
        gate: GateResult,
    },
    ActionFinished {
        event: EventId,
        outcome: Outcome,
    },
    /// The verification failed and the plan says to undo: that runs now.
    UndoStarted {
        event: EventId,
        verdict: Verdict,
    },
    Undone {
        event: EventId,
        outcome: Outcome,
    },
    Verified {
        event: EventId,
        verdict: Verdict,
        learned: Option<Learned>,
        watch_until: Timestamp,
    },
    Escalated {
        cause: Cause,
        gates: Vec<GateResult>,
    },
    SymptomCleared {
        detail: String,
        watch_until: Timestamp,
    },
    ResolvedByPerson {
        by: String,
        comment: Option<String>,
        watch_until: Timestamp,
    },
    Acknowledged {
        by: String,
    },
    Noted {
        by: String,
        text: String,
    },
    Snoozed {
        by: String,
        until: Timestamp,
    },
    Woken {
        by: String,
    },
    /// The symptom came back inside the watch window.
    Recurred {
        signal: SignalSeen,
        taken_back: Option<Learned>,
    },
    WatchEnded,
}

impl Fact {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::SignalJoined { .. } => "signal_joined",
            Self::Decided(_) => "decided",
            Self::Held { .. } => "held",
            Self::ApprovalRequested { .. } => "approval_requested",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::ApprovalExpired => "approval_expired",
            Self::Chosen { .. } => "chosen",
            Self::Queued { .. } => "queued",
            Self::QueueExpired => "queue_expired",
            Self::Admitted { .. } => "admitted",
            Self::WentStale { .. } => "went_stale",
            Self::HeldBeforeStep { .. } => "held_before_step",
            Self::ActionFinished { .. } => "action_finished",
            Self::UndoStarted { .. } => "undo_started",
            Self::Undone { .. } => "undone",
            Self::Verified { .. } => "verified",
            Self::Escalated { .. } => "escalated",
            Self::SymptomCleared { .. } => "symptom_cleared",
            Self::ResolvedByPerson { .. } => "resolved_by_person",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Noted { .. } => "noted",
            Self::Snoozed { .. } => "snoozed",
            Self::Woken { .. } => "woken",
            Self::Recurred { .. } => "recurred",
            Self::WatchEnded => "watch_ended",
        }
    }
}

/// What an incident keeps of a signal: enough to correlate, not its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalSeen {
    pub id: SignalId,
    pub service: ServiceName,
    pub severity: Severity,
    pub fingerprint: Fingerprint,
    pub template: String,
    pub trace_id: Option<String>,
    pub count: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

impl SignalSeen {
    pub fn of(id: SignalId, signal: &NewSignal) -> Self {
        Self {
            id,
            service: signal.service.clone(),
            severity: signal.severity,
            fingerprint: signal.fingerprint.clone(),
            template: signal.template.clone(),
            trace_id: signal.trace_id.clone(),
            count: signal.count,
            first_seen: signal.first_seen,
            last_seen: signal.last_seen,
        }
    }
}

/// What a person wants to run, whatever the knowledge base says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub by: String,
    pub at: Timestamp,
    pub service: ServiceName,
    pub action: Action,
    /// The pattern whose fix this is; [`PatternId::by_hand`] where it is nobody's.
    pub pattern: PatternId,
}

/// The result of matching, analysing, deciding and planning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Where the fix goes: the most upstream service that fails.
    pub service: ServiceName,
    pub matches: Vec<PatternMatch>,
    /// The root cause, filled with this incident's facts.
    pub root_cause: Option<String>,
    pub decision: Decision,
    /// What would run; present where the decision is not to escalate and the target could be inspected.
    pub plan: Option<Plan>,
    pub state_now: Option<String>,
    pub host: Option<String>,
    pub previewed_at: Option<Timestamp>,
}

/// Why an incident is a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// The decision table says so.
    Decision {
        text: String,
    },
    /// A gate says so.
    Gate {
        text: String,
    },
    /// No plan could be made.
    NoPlan {
        text: String,
    },
    Person {
        by: String,
        comment: Option<String>,
    },
}

impl Cause {
    pub fn text(&self) -> String {
        match self {
            Self::Decision { text } | Self::Gate { text } | Self::NoPlan { text } => text.clone(),
            Self::Person { by, comment: None } => format!("{by} escalated it."),
            Self::Person { by, comment: Some(comment) } => format!("{by} escalated it: {comment}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    WrongFix,
    WrongCause,
    NotNow,
    Other,
}

impl RejectReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongFix => "wrong_fix",
            Self::WrongCause => "wrong_cause",
            Self::NotNow => "not_now",
            Self::Other => "other",
        }
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::WrongFix => "wrong fix",
            Self::WrongCause => "wrong cause",
            Self::NotNow => "not now",
            Self::Other => "other",
        }
    }
}

/// What an incident asks the engine to do. Effects are stored with the fact that caused them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Match, analyse, decide, plan and admit, from the start.
    Decide,
    /// Run the plan of this event. The only effect that is never repeated.
    Execute {
        event: EventId,
    },
    /// Take back what this event did. Never repeated either.
    Undo {
        event: EventId,
    },
    /// Read the health checks and the error pattern after this event.
    Verify {
        event: EventId,
    },
    Notify {
        kind: NoticeKind,
    },
    /// Tell one notifier. Nothing of the incident waits for it, and nothing follows from it.
    Deliver {
        notifier: NotifierName,
        notice: Box<Notice>,
    },
}

impl Effect {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Execute { .. } => "execute",
            Self::Undo { .. } => "undo",
            Self::Verify { .. } => "verify",
            Self::Notify { .. } => "notify",
            Self::Deliver { .. } => "deliver",
        }
    }
}
