//! Step 9, audit: an append-only chain of hashes over governance events.
//!
//! Each entry's hash covers the hash before it and every column, so that an edited, removed, inserted or reordered
//! entry is found, and the first bad one named.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// A row of `audit_trail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub evidence_digest: String,
    pub prev_hash: String,
    pub hash: String,
}

/// What the first entry follows.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The controls of NIST SP 800-53 that an event is evidence for: incident handling, incident monitoring, and (for what
/// is known of threats and faults) security alerts and advisories.
pub fn controls(event_type: &str) -> &'static str {
    match event_type.split('.').next().unwrap_or_default() {
        "knowledge" | "learning" => "SI-5",
        "automation" => "IR-4",
        _ => "IR-4,IR-5",
    }
}

impl NewEntry {
    /// The entry that follows the one with this id and hash.
    pub fn chain(self, previous: Option<(AuditId, &str)>) -> Entry {
        let (id, prev_hash) = previous.map_or((AuditId(1), GENESIS), |(id, hash)| (AuditId(id.0 + 1), hash));
        let details = self.details.to_string();
        let mut entry = Entry {
            id,
            at: self.at,
            controls: controls(self.event_type).to_owned(),
            event_type: self.event_type.to_owned(),
            actor: self.actor,
            incident_id: self.incident_id,
            pattern_id: self.pattern_id,
            confidence: self.confidence,
            action: self.action,
            target: self.target,
            result: self.result,
            evidence_digest: crate::digest::hex(&details),
            details,
            prev_hash: prev_hash.to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.computed_hash();
        entry
    }
}

impl Entry {
    /// The hash that this entry should have: over the JSON of everything but the hash itself, in column order.
    pub fn computed_hash(&self) -> String {
        crate::digest::of_json(&Self { hash: String::new(), ..self.clone() })
    }
}

/// Why a chain is broken, at its first bad entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("entry {id} was changed: its content does not have the hash it carries")]
    Edited { id: AuditId },
    #[error("entry {id} does not follow the one before it: an entry was removed, inserted or moved")]
    Broken { id: AuditId },
    #[error("entry {id} is missing: the next one is {found}")]
    Missing { id: AuditId, found: AuditId },
    #[error("entry {id} carries details that do not have the digest it names")]
    Evidence { id: AuditId },
}

/// Checks a chain entry by entry, so that a long one need not be in memory.
#[derive(Debug, Default)]
pub struct Verifier {
    last: Option<(AuditId, String)>,
    count: u64,
}

impl Verifier {
    pub fn check(&mut self, entry: &Entry) -> Result<(), ChainError> {
        let (expected, prev_hash) =
            self.last.as_ref().map_or((AuditId(1), GENESIS), |(id, hash)| (AuditId(id.0 + 1), hash.as_str()));
        if entry.id != expected {
            return Err(ChainError::Missing { id: expected, found: entry.id });
        }
        if entry.computed_hash() != entry.hash {
            return Err(ChainError::Edited { id: entry.id });
        }
        if entry.prev_hash != prev_hash {
            return Err(ChainError::Broken { id: entry.id });
        }
        if crate::digest::hex(&entry.details) != entry.evidence_digest {
            return Err(ChainError::Evidence { id: entry.id });
        }
        self.last = Some((entry.id, entry.hash.clone()));
        self.count += 1;
        Ok(())
    }

    /// The last good entry.
    pub fn last(&self) -> Option<AuditId> {
        self.last.as_ref().map(|(id, _)| *id)
    }

    /// The last good entry with its hash.
    pub fn head(&self) -> Option<(AuditId, &str)> {
        self.last.as_ref().map(|(id, hash)| (*id, hash.as_str()))
    }

    /// Entries found good so far.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chain(length: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for i in 0..length {
            let new = NewEntry {
                at: Timestamp::from_micros(i as i64),
                event_type: "action.started",
                actor: "engine".into(),
                incident_id: Some(IncidentId(i as i64)),
                pattern_id: None,
                confidence: Some(BasisPoints::saturating(7_000)),
                action: Some("service.restart".into()),
                target: None,
                result: "started".into(),
                details: serde_json::json!({ "n": i }),
            };
            let next = new.chain(entries.last().map(|last| (last.id, last.hash.as_str())));
            entries.push(next);
        }
        entries
    }

    fn verify(entries: &[Entry]) -> Result<u64, ChainError> {
        let mut verifier = Verifier::default();
        entries.iter().try_for_each(|entry| verifier.check(entry))?;
        Ok(verifier.count())
    }

    #[test]
    fn a_whole_chain_verifies_and_hashes_are_stable() {
        let entries = chain(3);
        assert_eq!(verify(&entries), Ok(3));
        // Pinned: a change of the format would make every stored chain look forged.
        assert_eq!(entries[2].hash, "a0bb309ad230fb17b21ee1895f5d9d98ba5967161bfbad04ef72951ed60f08bf");
    }

    #[test]
    fn the_first_bad_entry_is_named() {
        let entries = chain(5);
        let changed = |change: fn(&mut Vec<Entry>)| {
            let mut copy = entries.clone();
            change(&mut copy);
            verify(&copy).expect_err("must be found")
        };
        assert_eq!(changed(|e| e[2].result = "failed".into()), ChainError::Edited { id: AuditId(3) });
        assert_eq!(changed(|e| drop(e.remove(1))), ChainError::Missing { id: AuditId(2), found: AuditId(3) });
        assert_eq!(changed(|e| e.swap(1, 2)), ChainError::Missing { id: AuditId(2), found: AuditId(3) });
        let rehashed = changed(|e| {
            e[1].details = "{}".into();
            e[1].evidence_digest = crate::digest::hex("{}");
            e[1].hash = e[1].computed_hash();
        });
        assert_eq!(rehashed, ChainError::Broken { id: AuditId(3) });
        let evidence = changed(|e| {
            e[4].details = "{}".into();
            e[4].hash = e[4].computed_hash();
        });
        assert_eq!(evidence, ChainError::Evidence { id: AuditId(5) });
    }

    proptest! {
        #[test]
        fn any_single_edit_is_found(length in 1usize..8, at in 0usize..8, what in 0u8..6) {
            let mut entries = chain(length);
            let at = at % length;
            let entry = &mut entries[at];
            match what {
                0 => entry.actor.push('x'),
                1 => entry.at = Timestamp::from_micros(99),
                2 => entry.confidence = None,
                3 => entry.controls.push('x'),
                4 => entry.details.push(' '),
                _ => entry.prev_hash.push('0'),
            }
            prop_assert_eq!(verify(&entries), Err(ChainError::Edited { id: AuditId(at as i64 + 1) }));
        }
    }
}
