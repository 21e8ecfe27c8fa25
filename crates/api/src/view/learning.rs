//! What use taught: drafts that wait for a person.

use selfheal_core::Timestamp;
use selfheal_core::knowledge::Pattern;
use selfheal_core::knowledge::draft::digest;
use selfheal_store::DraftCluster;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PatternView, pattern_view};

/// A draft, made of incidents that no pattern was known for. It matches nothing and does nothing until it is accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DraftView {
    pub pattern: PatternView,
    /// Incidents that it was made of.
    pub incidents: u32,
    pub first_seen: String,
    pub last_seen: String,
    /// What is missing or doubtful, as sentences.
    pub notes: Vec<String>,
    /// A person has changed it: new incidents are counted and change nothing of it.
    pub edited: bool,
    /// What this says, as a digest: accepting and rejecting name it, so that nobody decides about another version than the one
    /// that was looked at.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DraftPage {
    /// Those of most incidents first.
    pub drafts: Vec<DraftView>,
}

pub fn draft_view(pattern: &Pattern, cluster: Option<&DraftCluster>) -> DraftView {
    let time = |at: Option<Timestamp>| at.unwrap_or(pattern.created_at).to_rfc3339();
    DraftView {
        pattern: pattern_view(pattern, Default::default()),
        incidents: cluster.map_or(0, |cluster| cluster.incidents),
        first_seen: time(cluster.map(|cluster| cluster.first_seen)),
        last_seen: time(cluster.map(|cluster| cluster.last_seen)),
        notes: cluster.map_or_else(Vec::new, |cluster| cluster.notes.clone()),
        edited: cluster.is_some_and(|cluster| digest(pattern) != cluster.made),
        digest: digest(pattern),
    }
}
