//! Signed checkpoints: "the trail had these many entries, and the last one had this hash".
//!
//! The key that signs is kept outside the database (see the engine's port `Signer`); here is only what can be checked by
//! anybody who has the public one.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Entry, NewEntry};
use crate::digest::{from_hex, to_hex};
use crate::{AuditId, Timestamp};

/// The event that puts a public key on record.
pub const KEY_ADDED: &str = "audit.key_added";

/// What a key does from where it is put on record with this: it seals every entry that its home writes.
pub const SEALS: &str = "seal";

/// A person took the trail as it is: what is before it and could not be told is accepted, and so are the keys on record.
pub const ACCEPTANCES: [&str; 2] = ["automation.database_accepted", "backup.restored"];

pub fn is_acceptance(event_type: &str) -> bool {
    ACCEPTANCES.contains(&event_type)
}

/// What names a key: the first 32 digits of its digest, so that it cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ed25519 public key (RFC 8032), written as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature, written as 128 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

macro_rules! written_as_hex {
    ($name:ident, $bytes:literal, $words:literal) => {
        impl $name {
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Reads lowercase hexadecimal.
            pub fn parse(text: &str) -> Option<Self> {
                from_hex(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_hex(&self.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom($words))
            }
        }
    };
}

written_as_hex!(PublicKey, 32, "expected a public key of 64 lowercase hexadecimal digits");
written_as_hex!(Signature, 64, "expected a signature of 128 lowercase hexadecimal digits");

impl PublicKey {
    pub fn id(&self) -> KeyId {
        let mut digest = crate::digest::hex(self.0);
        digest.truncate(32);
        KeyId(digest)
    }

    /// Whether the key signed exactly this message. Strict: no weak keys, one signature per message and key.
    pub fn signed(&self, message: &[u8], signature: &Signature) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok())
    }
}

/// A checkpoint before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    pub entry_id: AuditId,
    pub entry_hash: String,
    pub entries: u64,
    pub at: Timestamp,
    pub key_id: KeyId,
}

impl Unsigned {
    /// What is signed. Its first line keeps a signature from being taken for one over something else.
    pub fn message(&self) -> Vec<u8> {
        let Self { entry_id, entry_hash, entries, at, key_id } = self;
        let at = at.as_micros();
        format!("selfheal audit checkpoint 1\n{entry_id}\n{entry_hash}\n{entries}\n{at}\n{key_id}\n").into_bytes()
    }

    pub fn signed(self, signature: Signature) -> Checkpoint {
        let Self { entry_id, entry_hash, entries, at, key_id } = self;
        Checkpoint { entry_id, entry_hash, entries, at, key_id, signature }
    }
}

/// A row of `audit_checkpoints`, and a line of the file beside the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The last entry that it covers.
    pub entry_id: AuditId,
    pub entry_hash: String,
    /// Entries up to and with that one.
    pub entries: u64,
    pub at: Timestamp,
    pub key_id: KeyId,
    pub signature: Signature,
}

impl Checkpoint {
    /// Whether this key signed it.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        let unsigned = Unsigned {
            entry_id: self.entry_id,
            entry_hash: self.entry_hash.clone(),
            entries: self.entries,
            at: self.at,
            key_id: self.key_id.clone(),
        };
        key.id() == self.key_id && key.signed(&unsigned.message(), &self.signature)
    }
}

/// The entry that puts a public key on record. `owner` says whose it is, e.g. a host.
pub fn key_added(key: &PublicKey, owner: &str, at: Timestamp) -> NewEntry {
    NewEntry {
        at,
        event_type: KEY_ADDED,
        actor: "engine".into(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        // From here on it seals each entry. An older Selfheal put keys on record without that.
        action: Some(SEALS.into()),
        target: None,
        result: key.id().0,
        details: serde_json::json!({ "public_key": key, "owner": owner }),
    }
}

#[derive(Deserialize)]
struct KeyDetails {
    public_key: PublicKey,
    #[serde(default)]
    owner: String,
}

/// The key that an entry puts on record; `None` for every other entry.
pub fn key_on_record(entry: &Entry) -> Option<PublicKey> {
    key_and_owner(entry).map(|(key, _)| key)
}

/// The same, with whose it is said to be.
pub(super) fn key_and_owner(entry: &Entry) -> Option<(PublicKey, String)> {
    let details = (entry.event_type == KEY_ADDED).then(|| serde_json::from_str::<KeyDetails>(&entry.details).ok());
    details.flatten().map(|details| (details.public_key, details.owner))
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Key, chain};
    use super::*;

    #[test]
    fn a_checkpoint_holds_for_its_key_and_its_content_only() {
        let (entries, key) = (chain(3), Key::new(1));
        let good = key.checkpoint(&entries[2]);
        assert!(good.is_by(&key.public()));
        assert!(!good.is_by(&Key::new(2).public()));
        let changes: [fn(&mut Checkpoint); 5] = [
            |c| c.entry_id = AuditId(2),
            |c| c.entry_hash = "0".repeat(64),
            |c| c.entries = 2,
            |c| c.at = Timestamp::from_micros(77),
            |c| c.key_id = Key::new(2).public().id(),
        ];
        for change in changes {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(!changed.is_by(&key.public()) && !changed.is_by(&Key::new(2).public()), "{changed:?}");
        }
    }

    #[test]
    fn hexadecimal_has_one_spelling() {
        let key = Key::new(1).public();
        let text = key.to_string();
        assert_eq!(PublicKey::parse(&text), Some(key));
        for bad in [text.to_uppercase(), text[..62].to_owned(), format!("{text}00"), text.replace(&text[..1], "g")] {
            assert_eq!(PublicKey::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_weak_key_signs_nothing() {
        // The identity point would accept the signature of all zeros (with R the identity) for any message.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!PublicKey::from_bytes(identity).signed(b"anything", &Signature::from_bytes(signature)));
    }
}
