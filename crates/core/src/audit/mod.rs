//! Step 9, audit: an append-only chain of hashes over governance events, and signed checkpoints over the chain.
//!
//! Each entry's hash covers the hash before it and every column, so that an edited, removed, inserted or moved entry is
//! found, and the first bad one named ([`Verifier`]). A chain alone does not show that its end was cut off, or that all of it
//! was computed anew after an edit: that is what checkpoints are for, signed by a key that the database does not hold
//! ([`Trail`]). A bundle carries both to where there is no database ([`bundle`]).

pub mod bundle;

mod chain;
mod checkpoint;
mod controls;
mod entry;
mod evidence;
mod trail;

#[cfg(test)]
mod tests_support;

pub use chain::{ChainError, Start, Verifier};
pub use checkpoint::{Checkpoint, KEY_ADDED, KeyId, PublicKey, Signature, Unsigned, key_added, key_on_record};
pub use controls::controls;
pub use entry::{Entry, Evidenced, GENESIS, NewEntry};
pub use evidence::{EvidenceLine, evidence_digest};
pub use trail::{CheckpointError, Report, SignedTo, Trail, TrailError};
