//! The queue: who waits, in which order, for what and until when.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::IncidentRow;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueEntry {
    /// 1 goes first: worst severity, then the incident first seen.
    pub position: usize,
    pub incident: IncidentRow,
    /// What would run.
    #[schema(required)]
    pub action: Option<String>,
    /// The gate that holds it back, and why.
    pub gate: String,
    pub reason: String,
    /// When time alone has freed everything that holds it back: a pause, a maintenance and a cooldown together last as long as
    /// the longest of them. Null where it waits for its turn, or for a person.
    #[schema(required)]
    pub until: Option<String>,
    /// It waits for automation to be resumed.
    pub until_resumed: bool,
    /// All that it waits for, in a sentence.
    pub told: String,
    pub queued_at: String,
    /// When it is given to a person instead of running late.
    pub expires_at: String,
}

/// The hourly limit as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotsView {
    pub used: usize,
    pub limit: u32,
    /// When the next slot is free; null where one is free now.
    #[schema(required)]
    pub next_free_at: Option<String>,
}

/// The action that runs now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecutingView {
    pub event: String,
    pub incident: String,
    pub action: String,
    pub target: String,
    pub status: String,
    pub started_at: String,
}

/// A target connection that failed lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionView {
    pub name: String,
    /// Failed calls within the last minute.
    pub failures: usize,
    /// Until when it is given a rest; null where it is not.
    #[schema(required)]
    pub open_until: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    pub entries: Vec<QueueEntry>,
    pub slots: SlotsView,
    #[schema(required)]
    pub executing: Option<ExecutingView>,
    pub connections: Vec<ConnectionView>,
}
