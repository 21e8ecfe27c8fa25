//! Seals: who wrote an entry.
//!
//! A checkpoint covers everything before it at once, and comes minutes later. Until then an entry stands for itself: it is
//! signed by the key of the home that wrote it, in the insert that writes it. Whoever can write to the database and has no
//! key can compute a hash, and cannot make a seal.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Entry, KeyId, PublicKey, Signature};
use crate::AuditId;

/// The signature of the home that wrote an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub key: KeyId,
    pub signature: Signature,
}

/// What seals entries: the key of a home. Signing waits for nothing.
pub trait Sealer: Send + Sync + fmt::Debug {
    fn public_key(&self) -> PublicKey;
    fn sign(&self, message: &[u8]) -> Signature;
    /// Whose key it is, for people: a host.
    fn owner(&self) -> String;
}

/// What is signed. The hash covers everything else, and by the hash before it the place as well.
fn message(id: AuditId, hash: &str, key: &KeyId) -> Vec<u8> {
    format!("selfheal audit entry 1\n{id}\n{hash}\n{key}\n").into_bytes()
}

impl Seal {
    pub fn of(id: AuditId, hash: &str, sealer: &dyn Sealer) -> Self {
        let key = sealer.public_key().id();
        let signature = sealer.sign(&message(id, hash, &key));
        Self { key, signature }
    }

    /// Whether this key made it for the entry with this id and hash.
    pub fn is_by(&self, key: &PublicKey, id: AuditId, hash: &str) -> bool {
        key.id() == self.key && key.signed(&message(id, hash, &self.key), &self.signature)
    }
}

impl Entry {
    #[must_use]
    pub fn sealed(mut self, sealer: &dyn Sealer) -> Self {
        self.seal = Some(Box::new(Seal::of(self.id, &self.hash, sealer)));
        self
    }
}

/// Why an entry was not written by anybody who may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(
        "entry {id} has no seal, and each entry since {since} has one: it was not written by Selfheal, or while its key could not be used"
    )]
    Missing { id: AuditId, since: AuditId },
    #[error("the seal of entry {id} is forged: key {key} did not make it")]
    Forged { id: AuditId, key: KeyId },
    #[error("entry {id} is sealed by key {key}, which is neither this home's nor on record before that entry")]
    UnknownKey { id: AuditId, key: KeyId },
}

impl SealError {
    pub const fn id(&self) -> AuditId {
        match self {
            Self::Missing { id, .. } | Self::Forged { id, .. } | Self::UnknownKey { id, .. } => *id,
        }
    }
}

/// Why it cannot be told whether a trail is good: nothing is known to be wrong, and not everything to be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    #[error(
        "entries {first} to {last} carry no seal and no checkpoint covers them: an older Selfheal wrote them, or one without its key. An engine with its key signs them"
    )]
    NotSealed { first: AuditId, last: AuditId },
    #[error(
        "key {key} ({owner}) is on record since entry {entry}, and nobody who was there before vouched for it. If it is yours, take it with `selfheal resume --accept-database`"
    )]
    Stranger { key: KeyId, owner: String, entry: AuditId },
    #[error(
        "this home's key {key} is not on record, and others are: the key was replaced, or this is the database of another home. Put the old key back, or take the database as it is with `selfheal resume --accept-database`"
    )]
    NotOnRecord { key: KeyId },
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Key, chain};
    use super::*;

    #[test]
    fn a_seal_holds_for_its_key_and_its_entry_only() {
        let (key, other, entries) = (Key::new(1), Key::new(2), chain(2));
        let entry = entries[1].clone().sealed(&key);
        let seal = entry.seal.clone().expect("sealed");
        assert!(seal.is_by(&key.public(), entry.id, &entry.hash));
        assert!(!seal.is_by(&other.public(), entry.id, &entry.hash));
        assert!(!seal.is_by(&key.public(), AuditId(1), &entry.hash));
        assert!(!seal.is_by(&key.public(), entry.id, &entries[0].hash));
        assert_eq!(entry.computed_hash(), entry.hash, "the hash does not cover it: it comes afterwards");
        // A signature over something else is none: a checkpoint of the same entry.
        let taken = Seal { key: key.public().id(), signature: key.checkpoint(&entry).signature };
        assert!(!taken.is_by(&key.public(), entry.id, &entry.hash));
    }
}
