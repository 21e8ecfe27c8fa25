//! What a scenario file says.

use std::collections::BTreeMap;
use std::sync::Arc;

use selfheal_core::knowledge::PackEntry;
use selfheal_core::{ActionKind, Posture, RejectReason};
use serde::Deserialize;

use super::expect::Expect;
use super::world::{Behaviour, World};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What this story shows.
    pub shows: String,
    /// A configuration file.
    #[serde(default)]
    pub config: String,
    #[serde(default)]
    pub patterns: Vec<PackEntry>,
    #[serde(default = "on")]
    pub automation: Posture,
    pub steps: Vec<Act>,
}

const fn on() -> Posture {
    Posture::On
}

/// One thing that happens, or is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Time passes, second by second: `90s`, `10m`, `1h`.
    Pass(String),
    /// Services stop answering.
    Break(Vec<String>),
    /// Services answer again, by themselves.
    Heal(Vec<String>),
    /// What restarting a service does from now on.
    Restart(BTreeMap<String, Behaviour>),
    /// A service logs an error, this often.
    Log {
        service: String,
        text: String,
        #[serde(default = "one")]
        times: u64,
    },
    Automation(Posture),
    Approve(Approve),
    Reject {
        incident: i64,
        reason: RejectReason,
    },
    /// As many errors as there are kinds, each with a word of its own for `{word}`.
    Storm {
        service: String,
        text: String,
        kinds: u64,
    },
    /// A person chooses an action for an incident.
    Choose {
        incident: i64,
        #[serde(default = "ada")]
        by: String,
        #[serde(default)]
        action: Option<ActionKind>,
        #[serde(default)]
        parameters: BTreeMap<String, String>,
    },
    Edit {
        incident: i64,
        #[serde(default = "ada")]
        by: String,
        parameters: BTreeMap<String, String>,
    },
    Resolve {
        incident: i64,
        #[serde(default)]
        did_the_same: Option<bool>,
        /// What fixed it, as the person says.
        #[serde(default)]
        fixed_by: Option<ActionKind>,
        #[serde(default)]
        comment: Option<String>,
    },
    /// A person accepts a draft as it is.
    Accept(String),
    /// A person does not want a draft.
    RejectDraft(String),
    /// A person merges one pattern into another.
    Merge {
        merged: String,
        into: String,
    },
    /// Another configuration file is read.
    Configure(String),
    /// The emergency brake.
    Brake(bool),
    /// A person announces maintenance from now on.
    Maintain {
        service: String,
        minutes: u64,
    },
    /// A pipeline tells of a deployment that just took effect.
    Deploy {
        service: String,
        version: String,
    },
    /// Time passes, with nothing running meanwhile.
    Jump(String),
    /// Somebody sets the clock ahead.
    Leap(String),
    JumpBack(String),
    /// The engine dies as soon as it would perform an effect of this name.
    DieBefore(String),
    /// The engine dies without a word, and another one starts.
    Crash,
    Expect(Arc<Expect>),
}

/// Ada approves; or somebody else does, or tries to.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Approve {
    Incident(i64),
    By {
        incident: i64,
        by: String,
        /// The code of the refusal.
        #[serde(default)]
        refused: Option<String>,
    },
}

fn ada() -> String {
    "ada".into()
}

const fn one() -> u64 {
    1
}

impl Script {
    pub async fn play(self) -> Result<(), String> {
        let mut world = World::open(&self.config, self.patterns, self.automation).await?;
        for (number, act) in self.steps.into_iter().enumerate() {
            let place = format!("{} (step {}: {act:?})", self.shows, number + 1);
            world.act(act).await.map_err(|failure| format!("{place}\n    {failure}"))?;
        }
        world.check_promises().await.map_err(|failure| format!("{}: {failure}", self.shows))
    }
}
