//! One entry: what a writer gives, what is stored, and the hash over it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Seal, controls};
use crate::{AuditId, BasisPoints, IncidentId, PatternId, Timestamp};

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    pub at: Timestamp,
    /// `self_heal.auto`, `approval.granted`, `action.started`, ...
    pub event_type: &'static str,
    pub actor: String,
    pub incident_id: Option<IncidentId>,
    pub pattern_id: Option<PatternId>,
    pub confidence: Option<BasisPoints>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub result: String,
    pub details: Value,
}

/// An entry with the digest of what it rests on. Made by [`NewEntry::on_evidence`]; an entry without evidence of its own
/// carries the digest of its details.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidenced {
    entry: NewEntry,
    evidence: Option<String>,
}

impl From<NewEntry> for Evidenced {
    fn from(entry: NewEntry) -> Self {
        Self { entry, evidence: None }
    }
}

/// A row of `audit_trail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub id: AuditId,
    pub at: Timestamp,
    pub event_type: String,
    pub actor: String,
    pub incident_id: Option<IncidentId>,
    pub pattern_id: Option<PatternId>,
    pub confidence: Option<BasisPoints>,
    pub action: Option<String>,
    pub target: Option<String>,
    pub result: String,
    pub controls: String,
    /// JSON, as text: the hash covers exactly these bytes.
    pub details: String,
    /// SHA-256 of what the entry rests on. Only the digest: the evidence itself may be redacted and may expire, and the
    /// chain stays whole.
    pub evidence_digest: String,
    pub prev_hash: String,
    pub hash: String,
    /// Who wrote it; what an older Selfheal wrote has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Box<Seal>>,
}

/// What the first entry follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl NewEntry {
    /// With the digest of what was looked at, from [`super::evidence_digest`] or of a fact.
    pub fn on_evidence(self, digest: impl Into<Option<String>>) -> Evidenced {
        Evidenced { entry: self, evidence: digest.into() }
    }

    /// The entry that follows the one with this id and hash.
    pub fn chain(self, previous: Option<(AuditId, &str)>) -> Entry {
        Evidenced::from(self).chain(previous)
    }
}

impl Evidenced {
    pub const fn at(&self) -> Timestamp {
        self.entry.at
    }

    /// The entry that follows the one with this id and hash.
    pub fn chain(self, previous: Option<(AuditId, &str)>) -> Entry {
        let Self { entry: new, evidence } = self;
        let (id, prev_hash) = previous.map_or((AuditId(1), GENESIS), |(id, hash)| (AuditId(id.0 + 1), hash));
        let details = new.details.to_string();
        let mut entry = Entry {
            id,
            at: new.at,
            controls: controls(new.event_type).to_owned(),
            event_type: new.event_type.to_owned(),
            actor: new.actor,
            incident_id: new.incident_id,
            pattern_id: new.pattern_id,
            confidence: new.confidence,
            action: new.action,
            target: new.target,
            result: new.result,
            evidence_digest: evidence.unwrap_or_else(|| crate::digest::hex(&details)),
            details,
            prev_hash: prev_hash.to_owned(),
            hash: String::new(),
            seal: None,
        };
        entry.hash = entry.computed_hash();
        entry
    }
}

/// What the hash covers: the entry without its hash, borrowed, so that a million of them are checked without a copy.
#[derive(Serialize)]
struct Hashed<'a> {
    id: AuditId,
    at: Timestamp,
    event_type: &'a str,
    actor: &'a str,
    incident_id: Option<IncidentId>,
    pattern_id: Option<&'a PatternId>,
    confidence: Option<BasisPoints>,
    action: Option<&'a str>,
    target: Option<&'a str>,
    result: &'a str,
    controls: &'a str,
    details: &'a str,
    evidence_digest: &'a str,
    prev_hash: &'a str,
    hash: &'a str,
}

impl Entry {
    /// The hash that this entry should have: over the JSON of everything but the hash itself, in column order.
    pub fn computed_hash(&self) -> String {
        self.hash_as(self.id, &mut Vec::with_capacity(1_024))
    }

    /// The same, as if the entry had another id; with a buffer to work in.
    pub(super) fn hash_as(&self, id: AuditId, buffer: &mut Vec<u8>) -> String {
        buffer.clear();
        let hashed = Hashed {
            id,
            at: self.at,
            event_type: &self.event_type,
            actor: &self.actor,
            incident_id: self.incident_id,
            pattern_id: self.pattern_id.as_ref(),
            confidence: self.confidence,
            action: self.action.as_deref(),
            target: self.target.as_deref(),
            result: &self.result,
            controls: &self.controls,
            details: &self.details,
            evidence_digest: &self.evidence_digest,
            prev_hash: &self.prev_hash,
            hash: "",
        };
        // Writing to memory cannot fail, and the core's own types always serialise.
        let _ = serde_json::to_writer(&mut *buffer, &hashed);
        crate::digest::hex(&*buffer)
    }
}
