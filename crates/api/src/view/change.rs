//! Recorded changes, as they are shown.

use selfheal_core::{Change, ChangeKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    pub id: String,
    /// When it took effect.
    pub at: String,
    pub project: String,
    pub service: String,
    pub kind: ChangeKind,
    #[schema(required)]
    pub version: Option<String>,
    /// Who told of it, or made it.
    pub actor: String,
    #[schema(required)]
    pub comment: Option<String>,
    /// The healing event where it was an action of ours.
    #[schema(required)]
    pub event: Option<String>,
    /// Whether the service stands in the inventory; a change of one that does not is evidence only where a source names it.
    pub in_inventory: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangePage {
    /// Latest first.
    pub changes: Vec<ChangeView>,
}

pub fn change_view(change: &Change, in_inventory: bool) -> ChangeView {
    ChangeView {
        id: change.id.to_string(),
        at: change.at.to_rfc3339(),
        project: change.project.to_string(),
        service: change.service.to_string(),
        kind: change.kind,
        version: change.version.clone(),
        actor: change.actor.clone(),
        comment: change.comment.clone(),
        event: change.event.map(|event| event.to_string()),
        in_inventory,
    }
}
