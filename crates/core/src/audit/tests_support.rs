//! Chains and keys for the tests of this folder.

use ed25519_dalek::{Signer, SigningKey};

use super::{Checkpoint, Entry, NewEntry, PublicKey, Sealer, Signature, Unsigned, key_added};
use crate::{AuditId, BasisPoints, IncidentId, Timestamp};

pub fn new(i: usize) -> NewEntry {
    NewEntry {
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
    }
}

/// What a sealing home writes: its key, then entries.
pub fn sealed(length: usize, key: &Key) -> Vec<Entry> {
    let mut entries = Vec::new();
    append(&mut entries, key_added(&key.public(), "test", Timestamp::EPOCH));
    (1..length).for_each(|i| append(&mut entries, new(i)));
    entries.into_iter().map(|entry| entry.sealed(key)).collect()
}

pub fn append(entries: &mut Vec<Entry>, new: NewEntry) {
    let next = new.chain(entries.last().map(|last| (last.id, last.hash.as_str())));
    entries.push(next);
}

pub fn chain(length: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    (0..length).for_each(|i| append(&mut entries, new(i)));
    entries
}

#[derive(Debug)]
pub struct Key(SigningKey);

impl Sealer for Key {
    fn public_key(&self) -> PublicKey {
        self.public()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Self::sign(self, message)
    }

    fn owner(&self) -> String {
        "test".into()
    }
}

impl Key {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.0.sign(message).to_bytes())
    }

    pub fn checkpoint(&self, entry: &Entry) -> Checkpoint {
        let unsigned = Unsigned {
            entry_id: entry.id,
            entry_hash: entry.hash.clone(),
            entries: entry.id.0 as u64,
            at: entry.at,
            key_id: self.public().id(),
        };
        let signature = self.sign(&unsigned.message());
        unsigned.signed(signature)
    }
}

/// A chain whose first entry puts the key on record, with a checkpoint after every `every` entries and at the end.
pub fn signed(length: usize, every: usize, key: &Key) -> (Vec<Entry>, Vec<Checkpoint>) {
    let mut entries = Vec::new();
    // As an older Selfheal wrote it: nothing is sealed.
    append(&mut entries, NewEntry { action: None, ..key_added(&key.public(), "test", Timestamp::EPOCH) });
    (1..length).for_each(|i| append(&mut entries, new(i)));
    let ends =
        |entry: &&Entry| (entry.id.0 as usize).is_multiple_of(every) || entry.id == AuditId(entries.len() as i64);
    let checkpoints = entries.iter().filter(ends).map(|entry| key.checkpoint(entry)).collect();
    (entries, checkpoints)
}
