//! Plans: what will run, with no choices left, bound to approval and intent by its hash.

use serde::{Deserialize, Serialize};

use crate::{Action, IncidentId, PatternId, ServiceName, TargetSpec, Timestamp};

/// An immutable list of concrete steps for one action on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub incident: IncidentId,
    pub pattern: PatternId,
    /// 1 for the first attempt: an approval of one attempt is none of the next.
    pub attempt: u32,
    pub action: Action,
    pub service: ServiceName,
    pub target: TargetSpec,
    pub steps: Vec<Step>,
    /// What undoing it will do; `None` where it cannot be undone.
    pub undo: Option<String>,
    /// Undone by itself when its verification fails.
    #[serde(default)]
    pub undo_on_failure: bool,
    pub irreversible: bool,
    pub instances: u32,
    /// Services that depend on the target's service.
    pub dependants: Vec<ServiceName>,
    /// What will be checked afterwards.
    pub checks: Vec<String>,
}

/// One concrete call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The exact call, as it will be made.
    pub call: String,
    pub detail: String,
}

/// The SHA-256 of a plan: what an approval and an intent name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(pub String);

impl Plan {
    /// What has to be typed to approve a plan that cannot be taken back.
    pub fn words_to_type(&self) -> Option<String> {
        self.irreversible.then(|| self.service.to_string())
    }

    pub fn hash(&self) -> PlanHash {
        PlanHash(crate::digest::of_json(self))
    }
}

/// What an actuator saw and would do: the target's state now, the exact calls, and what stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    pub at: Timestamp,
    pub state_now: String,
    pub host: String,
    pub steps: Vec<Step>,
    pub undo: Option<String>,
    #[serde(default)]
    pub undo_on_failure: bool,
    pub irreversible: bool,
    pub instances: u32,
    pub blockers: Vec<Blocker>,
}

/// Something that forbids an action whatever its approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    pub code: String,
    pub text: String,
}

/// What became of a plan's run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Succeeded {
        detail: String,
    },
    Failed {
        detail: String,
    },
    /// Nobody knows: the engine or the connection was lost meanwhile. Never run again by itself.
    Unknown {
        detail: String,
    },
    /// The automation switch stopped it between two steps. A refusal, so nothing is learned from it.
    Stopped {
        detail: String,
    },
}

impl Outcome {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Unknown { .. } => "unknown",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn detail(&self) -> &str {
        let (Self::Succeeded { detail }
        | Self::Failed { detail }
        | Self::Unknown { detail }
        | Self::Stopped { detail }) = self;
        detail
    }

    /// Whether the whole plan is known to have run or failed: only then may another attempt follow by itself.
    pub const fn is_known(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Failed { .. })
    }
}
