//! What every screen shows.

use selfheal_core::Posture;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Capability, StateName};
use crate::Role;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AutomationView {
    /// As it was set.
    pub posture: Posture,
    /// What holds now: the setting, its end and the configuration's ceiling taken together.
    pub effective: Posture,
    /// The most that the configuration allows.
    pub ceiling: Posture,
    #[schema(required)]
    pub until: Option<String>,
    pub set_by: String,
    pub set_at: String,
    #[schema(required)]
    pub reason: Option<String>,
    /// Why the emergency brake (a file in the home) holds everything, if it does.
    #[schema(required)]
    pub brake: Option<String>,
    pub can_change: Capability,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineRole {
    Starting,
    Leader,
    Follower,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineView {
    pub role: EngineRole,
    /// The engine that heals this database.
    #[schema(required)]
    pub holder: Option<String>,
    /// The first thing that needs attention.
    #[schema(required)]
    pub problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuietView {
    /// Since when nothing new was seen; null where nothing ever was.
    #[schema(required)]
    pub since: Option<String>,
    pub signals_today: i64,
    pub fixed_today: usize,
    pub fixed_today_by_itself: usize,
    pub sources_watched: usize,
    pub checks_watched: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    pub needs_you: i64,
    pub in_progress: i64,
    pub recently_fixed: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditState {
    pub entries: u64,
    pub ok: bool,
    pub verdict: super::Verdict,
    /// What is wrong with the first bad entry, or cannot be told.
    #[schema(required)]
    pub first_bad: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    pub name: String,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DemoScenario {
    pub name: String,
    pub title: String,
    pub description: String,
    pub running: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    pub version: String,
    pub automation: AutomationView,
    pub engine: EngineView,
    pub quiet: QuietView,
    pub counts: Counts,
    pub audit: AuditState,
    pub me: Me,
    /// The demo's scenarios; null outside the demo.
    #[schema(required)]
    pub demo: Option<Vec<DemoScenario>>,
    pub now: String,
}

/// A live event, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = LiveEvent)]
pub enum LiveEventView {
    IncidentChanged { incident: String, state: StateName },
    AutomationChanged,
    EngineChanged,
    OpenIncident { incident: String },
}
