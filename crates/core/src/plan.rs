//! Plans: what will run, with no choices left, bound to approval and intent by its hash.

use serde::{Deserialize, Serialize};

use crate::{Action, ActionKind, IncidentId, PatternId, ServiceName, TargetSpec, Timestamp};

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
    #[serde(flatten)]
    pub undo: WayBack,
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

impl Step {
    const START: &str = "start";
    const STOP: &str = "stop";

    /// The step that starts a target.
    pub fn start(call: String) -> Self {
        Self { call, detail: Self::START.to_owned() }
    }

    /// The step that stops a target.
    pub fn stop(call: String) -> Self {
        Self { call, detail: Self::STOP.to_owned() }
    }

    pub fn is_start(&self) -> bool {
        self.detail == Self::START
    }
}

/// What there is to take back after a plan has run. Kept as three fields, which is how it was always stored and hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredWayBack", into = "StoredWayBack")]
pub enum WayBack {
    /// Nothing is left behind that could be taken back: a restart.
    #[default]
    Nothing,
    /// How it is taken back, and whether that happens by itself when the verification fails.
    Possible { how: String, by_itself: bool },
    /// It changes what cannot be put back. What may be done instead, where there is something.
    Impossible { instead: Option<String> },
}

#[derive(Serialize, Deserialize)]
struct StoredWayBack {
    undo: Option<String>,
    #[serde(default)]
    undo_on_failure: bool,
    irreversible: bool,
}

impl From<StoredWayBack> for WayBack {
    fn from(stored: StoredWayBack) -> Self {
        match (stored.irreversible, stored.undo) {
            (true, instead) => Self::Impossible { instead },
            (false, Some(how)) => Self::Possible { how, by_itself: stored.undo_on_failure },
            (false, None) => Self::Nothing,
        }
    }
}

impl From<WayBack> for StoredWayBack {
    fn from(way: WayBack) -> Self {
        match way {
            WayBack::Nothing => Self { undo: None, undo_on_failure: false, irreversible: false },
            WayBack::Possible { how, by_itself } => {
                Self { undo: Some(how), undo_on_failure: by_itself, irreversible: false }
            }
            WayBack::Impossible { instead } => Self { undo: instead, undo_on_failure: false, irreversible: true },
        }
    }
}

impl WayBack {
    /// Whether what was done stays, whatever anybody does.
    pub const fn is_impossible(&self) -> bool {
        matches!(self, Self::Impossible { .. })
    }

    /// Whether it is taken back by itself when the verification fails.
    pub const fn is_by_itself(&self) -> bool {
        matches!(self, Self::Possible { by_itself: true, .. })
    }
}

/// The SHA-256 of a plan: what an approval and an intent name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(pub String);

impl Plan {
    /// What has to be typed to approve a plan that cannot be taken back.
    pub fn words_to_type(&self) -> Option<String> {
        self.undo.is_impossible().then(|| self.service.to_string())
    }

    /// Whether it starts what does not run, and stops nothing.
    pub fn only_starts(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(Step::is_start)
    }

    /// What is done, as the steps say it: where nothing is stopped, nothing is started again.
    pub fn verb(&self) -> &'static str {
        match self.action.kind {
            ActionKind::ServiceRestart if self.only_starts() => "Start",
            kind => kind.verb(),
        }
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
    #[serde(flatten)]
    pub undo: WayBack,
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

    /// What a person is told of it: that a command succeeded does not say that it helped.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "it ran; whether it helped is not known yet",
            Self::Failed { .. } => "it failed to run",
            Self::Unknown { .. } => "it is not known what it did",
            Self::Stopped { .. } => "it was stopped midway",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Plans are on record by their hash: what is stored must read and hash as it always did.
    #[test]
    fn a_way_back_is_stored_as_it_always_was() {
        #[derive(Serialize, Deserialize)]
        struct Holder {
            before: u8,
            #[serde(flatten)]
            undo: WayBack,
            after: u8,
        }
        for (way, stored) in [
            (WayBack::Nothing, r#""undo":null,"undo_on_failure":false,"irreversible":false"#),
            (
                WayBack::Possible { how: "put it back".into(), by_itself: true },
                r#""undo":"put it back","undo_on_failure":true,"irreversible":false"#,
            ),
            (
                WayBack::Impossible { instead: Some("restore".into()) },
                r#""undo":"restore","undo_on_failure":false,"irreversible":true"#,
            ),
        ] {
            let text = format!(r#"{{"before":1,{stored},"after":2}}"#);
            let held: Holder = serde_json::from_str(&text).expect("read");
            assert_eq!(held.undo, way);
            assert_eq!(serde_json::to_string(&held).expect("written"), text);
        }
        let old: WayBack = serde_json::from_str(r#"{"undo":"x","irreversible":false}"#).expect("of an older version");
        assert_eq!(old, WayBack::Possible { how: "x".into(), by_itself: false });
    }
}
