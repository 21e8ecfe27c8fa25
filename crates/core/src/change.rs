//! What somebody changed: evidence for time correlation, and the first thing that a person asks about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ActionKind, EventId, ProjectName, ServiceName, Timestamp};

/// What kind of change it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Deployment,
    Configuration,
    Restart,
}

impl ChangeKind {
    pub const ALL: [Self; 3] = [Self::Deployment, Self::Configuration, Self::Restart];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Configuration => "configuration",
            Self::Restart => "restart",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The change that an action of ours is; `None` for those that change nothing which could break a service later.
    pub const fn of_action(action: ActionKind) -> Option<Self> {
        match action {
            ActionKind::ServiceRestart | ActionKind::DatabaseFailover => Some(Self::Restart),
            ActionKind::DeploymentRollback | ActionKind::DependencyUpdate => Some(Self::Deployment),
            ActionKind::ConfigApply | ActionKind::InfrastructureScale => Some(Self::Configuration),
            ActionKind::CacheClear | ActionKind::CiRerun | ActionKind::CommandRun | ActionKind::HttpCall => None,
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A deployment, configuration change or restart of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Given by the database.
    pub id: i64,
    /// When it took effect.
    pub at: Timestamp,
    pub project: ProjectName,
    pub service: ServiceName,
    pub kind: ChangeKind,
    pub version: Option<String>,
    /// Who made it, or who told of it.
    pub actor: String,
    pub comment: Option<String>,
    /// The action of ours that made it.
    pub event: Option<EventId>,
}

impl Change {
    /// For people: `deployment of web 2.4.1`.
    pub fn words(&self) -> String {
        let version = self.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
        let ours = if self.event.is_some() { " by Selfheal" } else { "" };
        match self.kind {
            ChangeKind::Deployment => format!("deployment of {}{version}{ours}", self.service),
            ChangeKind::Configuration => format!("configuration change of {}{version}{ours}", self.service),
            ChangeKind::Restart => format!("restart of {}{version}{ours}", self.service),
        }
    }
}
