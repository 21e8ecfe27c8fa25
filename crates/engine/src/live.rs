//! What a window wants to know at once.

use selfheal_core::IncidentId;
use serde::{Deserialize, Serialize};

/// Something changed: ask again. Events carry no content, so a missed one costs nothing but time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveEvent {
    IncidentChanged {
        incident: IncidentId,
        state: String,
    },
    AutomationChanged,
    EngineChanged,
    /// A person asked for this incident, for example by clicking a notification.
    OpenIncident {
        incident: IncidentId,
    },
}
