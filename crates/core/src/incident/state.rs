//! What an incident is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fact::{Chosen, Decided};
use crate::{
    ActionKind, Approval, EventId, Fingerprint, GateResult, IncidentId, Learned, Outcome, PatternId, PlanHash,
    ProjectName, ServiceName, Severity, Span, Timestamp, Verdict,
};

/// The states. Each owns what only it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum State {
    Detected,
    /// Decided, and on its way; or held by the automation switch.
    Decided {
        held: Option<Held>,
    },
    AwaitingApproval {
        expires_at: Timestamp,
    },
    Queued {
        since: Timestamp,
        expires_at: Timestamp,
        gate: GateResult,
    },
    Healing {
        event: EventId,
    },
    Verifying {
        event: EventId,
    },
    Escalated {
        reason: String,
        /// The engine knew no better: a new kind of signal is reason enough to decide again.
        by_engine: bool,
    },
    Snoozed {
        until: Timestamp,
        back: Box<State>,
    },
    Resolved {
        by: ResolvedBy,
        at: Timestamp,
        watch_until: Timestamp,
    },
    Closed {
        by: ResolvedBy,
        at: Timestamp,
    },
}

/// Why an automatic action did not start: what Selfheal would have done is on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub since: Timestamp,
    pub gate: GateResult,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    AutomaticFix,
    ApprovedFix,
    Person,
    Itself,
}

impl ResolvedBy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutomaticFix => "automatic_fix",
            Self::ApprovedFix => "approved_fix",
            Self::Person => "person",
            Self::Itself => "itself",
        }
    }
}

/// How long what was fixed is recent.
pub const RECENT: Span = Span::from_minutes(24 * 60);

/// How the inbox groups incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    NeedsYou,
    InProgress,
    RecentlyFixed,
    Closed,
}

impl State {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Decided { .. } => "decided",
            Self::AwaitingApproval { .. } => "awaiting_approval",
            Self::Queued { .. } => "queued",
            Self::Healing { .. } => "healing",
            Self::Verifying { .. } => "verifying",
            Self::Escalated { .. } => "escalated",
            Self::Snoozed { .. } => "snoozed",
            Self::Resolved { .. } => "resolved",
            Self::Closed { .. } => "closed",
        }
    }

    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Resolved { .. } | Self::Closed { .. })
    }

    /// The group at a moment: what was fixed stays among the recent ones for a day.
    pub fn group(&self, now: Timestamp) -> Group {
        match self {
            Self::AwaitingApproval { .. } | Self::Escalated { .. } | Self::Decided { held: Some(_) } => Group::NeedsYou,
            Self::Detected
            | Self::Decided { held: None }
            | Self::Queued { .. }
            | Self::Healing { .. }
            | Self::Verifying { .. }
            | Self::Snoozed { .. } => Group::InProgress,
            Self::Resolved { .. } => Group::RecentlyFixed,
            Self::Closed { at, .. } if now < *at + RECENT => Group::RecentlyFixed,
            Self::Closed { .. } => Group::Closed,
        }
    }
}

/// One attempt at healing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub event: EventId,
    pub pattern: PatternId,
    pub action: ActionKind,
    pub target: String,
    pub plan_hash: PlanHash,
    pub approved_by: Option<String>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    /// Why it is being undone, and what became of that.
    #[serde(default)]
    pub undo: Option<Undo>,
    pub verified: Option<Verified>,
}

/// An attempt that did not help is taken back, where its plan says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    pub started_at: Timestamp,
    pub verdict: Verdict,
    pub outcome: Option<Outcome>,
}

/// The end of an attempt: the verdict, and what was learned from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub at: Timestamp,
    pub verdict: Verdict,
    pub learned: Option<Learned>,
    /// A recurrence inside the watch window took the success back.
    pub taken_back: Option<Learned>,
}

/// Signals with one root cause, and a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub project: ProjectName,
    /// The most upstream service seen: where the fix goes.
    pub service: ServiceName,
    pub title: String,
    /// The worst member's.
    pub severity: Severity,
    pub state: State,
    /// The first signal's own time.
    pub onset: Timestamp,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_signal_at: Timestamp,
    pub signal_count: u64,
    pub services: Vec<ServiceName>,
    pub fingerprints: Vec<Fingerprint>,
    pub templates: Vec<String>,
    pub trace_ids: BTreeSet<String>,
    pub acknowledged_by: Option<String>,
    pub decided: Option<Box<Decided>>,
    pub decided_at: Option<Timestamp>,
    pub gates: Vec<GateResult>,
    pub approval: Option<Approval>,
    /// What a person chose to run; until it ran, or the incident is somebody's or over.
    #[serde(default)]
    pub chosen: Option<Chosen>,
    pub attempts: Vec<Attempt>,
}

impl Incident {
    /// Attempts made with one pattern.
    pub fn attempts_of(&self, pattern: &PatternId) -> u32 {
        self.attempts.iter().filter(|attempt| attempt.pattern == *pattern).count() as u32
    }

    pub fn attempt(&self, event: EventId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.event == event)
    }

    /// Queued, and nothing but its turn holds it back.
    pub fn is_ready(&self, now: Timestamp) -> bool {
        matches!(&self.state, State::Queued { gate, .. } if gate.until.is_none_or(|until| until <= now))
    }

    /// When the engine has to look at this incident again although nothing happened.
    pub fn wake_at(&self) -> Option<Timestamp> {
        /// A queued action is called when its turn comes; it looks by itself only as a safety net.
        const TURN: Span = Span::from_secs(30);
        match &self.state {
            State::AwaitingApproval { expires_at } => Some(*expires_at),
            State::Queued { expires_at, gate, .. } => {
                Some(gate.until.unwrap_or(self.updated_at + TURN).min(*expires_at))
            }
            State::Snoozed { until, .. } => Some(*until),
            State::Resolved { watch_until, .. } => Some(*watch_until),
            _ => None,
        }
    }
}
