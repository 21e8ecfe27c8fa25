//! The audit trail, as it is shown.

use selfheal_core::audit::Entry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub id: String,
    pub at: String,
    pub event_type: String,
    pub actor: String,
    #[schema(required)]
    pub incident_id: Option<String>,
    #[schema(required)]
    pub pattern_id: Option<String>,
    #[schema(required)]
    pub confidence: Option<f64>,
    #[schema(required)]
    pub action: Option<String>,
    #[schema(required)]
    pub target: Option<String>,
    pub result: String,
    /// Controls of NIST SP 800-53.
    pub controls: Vec<String>,
    pub details: serde_json::Value,
    pub prev_hash: String,
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
}

/// What a check of the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    pub ok: bool,
    /// Entries that are good, from the first on.
    pub verified: u64,
    pub entries: u64,
    #[schema(required)]
    pub first_bad: Option<String>,
}

pub(crate) fn audit_entry(entry: Entry) -> AuditEntry {
    AuditEntry {
        id: entry.id.to_string(),
        at: entry.at.to_rfc3339(),
        event_type: entry.event_type,
        actor: entry.actor,
        incident_id: entry.incident_id.map(|id| id.to_string()),
        pattern_id: entry.pattern_id.map(|id| id.to_string()),
        confidence: entry.confidence.map(|value| value.as_decimal()),
        action: entry.action,
        target: entry.target,
        result: entry.result,
        controls: entry.controls.split(',').map(str::to_owned).collect(),
        details: serde_json::from_str(&entry.details).unwrap_or(serde_json::Value::Null),
        prev_hash: entry.prev_hash,
        hash: entry.hash,
    }
}
