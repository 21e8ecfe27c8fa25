//! Step 9, audit: an append-only chain of hashes over governance events, and signed checkpoints over the chain.
//!
//! Each entry's hash covers the hash before it and every column, so that an edited, removed, inserted or moved entry is
//! found, and the first bad one named ([`Verifier`]). A chain alone does not show that its end was cut off, or that all of it
//! was computed anew after an edit: that is what checkpoints are for, signed by a key that the database does not hold
//! ([`Trail`]). What no checkpoint covers yet is sealed entry by entry, by the home that wrote it ([`Seal`]), and the places
//! where checkpoints are kept are held against each other ([`missing`]). A bundle carries both to where there is no database ([`bundle`]).

pub mod bundle;

mod chain;
mod checkpoint;
mod controls;
mod entry;
mod evidence;
mod places;
mod seal;
mod trail;
mod unsigned;

#[cfg(test)]
mod tests_support;

pub use chain::{ChainError, Start, Verifier};
pub use checkpoint::{
    ACCEPTANCES, Checkpoint, KEY_ADDED, KeyId, PublicKey, SEALS, Signature, Unsigned, is_acceptance, key_added,
    key_on_record,
};
pub use controls::controls;
pub use entry::{Entry, Evidenced, GENESIS, NewEntry};
pub use evidence::{EvidenceLine, evidence_digest};
pub use places::{Missing, Remembered, first_is_missing, lacking, lacking_in_home, missing};
pub use seal::{Doubt, Seal, SealError, Sealer};
pub use trail::{Accepted, CheckpointError, Report, SignedTo, Trail, TrailError};
