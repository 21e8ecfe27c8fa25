//! The audit trail, as it is shown.

use selfheal_core::audit::{Entry, PublicKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::Checked;

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
    /// SHA-256 of what the entry rests on; of `details` where it rests on nothing else.
    pub evidence_digest: String,
    pub prev_hash: String,
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Entries that the filter lets through, on all pages.
    pub total: i64,
    /// The last entry up to which the trail was found whole; null where nothing is good or there is nothing.
    #[schema(required)]
    pub verified_to: Option<String>,
}

/// What can be said of the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every entry is as it was written, by whoever may write it, and none is missing.
    Verified,
    /// Nothing is known to be wrong, and not everything to be right.
    CannotTell,
    /// Something was changed, removed or forged.
    Broken,
}

/// What a check of the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    /// Whether all of it is verified.
    pub ok: bool,
    pub verdict: Verdict,
    /// Entries that are good, from the first on.
    pub verified: u64,
    pub entries: u64,
    /// What is wrong with the first bad entry, in words.
    #[schema(required)]
    pub first_bad: Option<String>,
    /// Its id.
    #[schema(required)]
    pub first_bad_entry: Option<String>,
    /// Signed checkpoints that hold, from the database and from the home's own file.
    pub checkpoints: u64,
    /// How far each key vouches for the trail.
    pub signed: Vec<SignedView>,
    /// Other things that are not as they should be, such as checkpoints that were removed or a trigger that is missing.
    pub problems: Vec<String>,
    /// Why it cannot be told whether all of it is good.
    pub doubts: Vec<String>,
    /// What was found before, and is on record as mended or accepted.
    pub notes: Vec<String>,
}

/// How far a key vouches for the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedView {
    pub key_id: String,
    /// Ed25519, as 64 hexadecimal digits: what `audit verify BUNDLE --key` takes.
    pub public_key: String,
    /// Whether it is the key of the home that answers.
    pub of_this_home: bool,
    pub entry: String,
    pub at: String,
}

pub(crate) fn chain_view(checked: &Checked, own: Option<&PublicKey>) -> ChainView {
    let first_bad = checked.first_bad.as_ref();
    ChainView {
        ok: checked.verdict() == Verdict::Verified,
        verdict: checked.verdict(),
        verified: checked.report.entries,
        entries: checked.entries,
        first_bad: first_bad.map(ToString::to_string),
        first_bad_entry: first_bad.map(|error| error.id().to_string()),
        checkpoints: checked.report.checkpoints,
        signed: checked
            .report
            .signed_to
            .iter()
            .map(|signed| SignedView {
                key_id: signed.key.id().to_string(),
                public_key: signed.key.to_string(),
                of_this_home: own == Some(&signed.key),
                entry: signed.entry.to_string(),
                at: signed.at.to_rfc3339(),
            })
            .collect(),
        problems: checked.problems.clone(),
        doubts: checked.report.doubts.iter().map(ToString::to_string).collect(),
        notes: checked.notes.clone(),
    }
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
        evidence_digest: entry.evidence_digest,
        prev_hash: entry.prev_hash,
        hash: entry.hash,
    }
}
