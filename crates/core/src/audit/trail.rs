//! A chain together with its checkpoints: what the chain alone cannot show.
//!
//! Checkpoints say what the trail was when they were signed. A trail that ends before one of them was cut off; an entry
//! that has another hash than was signed was rewritten, with everything after it. A checkpoint counts for nothing unless a
//! key that is trusted signed it.

use std::collections::{BTreeMap, VecDeque};

use super::{ChainError, Checkpoint, Entry, KeyId, PublicKey, Start, Verifier, key_on_record};
use crate::{AuditId, Timestamp};

/// What is wrong with a checkpoint, or with the trail according to one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(
        "entry {id} is missing: the trail ends before it, and at {at} it was signed that there were entries up to {signed}: its end was cut off"
    )]
    Truncated { id: AuditId, signed: AuditId, at: Timestamp },
    #[error(
        "entry {id} is not the one that was signed at {at}: it or entries before it, after {after}, were rewritten and all hashes computed anew"
    )]
    Rewritten { id: AuditId, after: AuditId, at: Timestamp },
    #[error("the checkpoint of entry {id} is forged: key {key} did not sign it")]
    Forged { id: AuditId, key: KeyId },
    #[error(
        "the checkpoint of entry {id} is signed by key {key}, which is not trusted: it is neither given nor on record before that entry"
    )]
    UnknownKey { id: AuditId, key: KeyId },
}

impl CheckpointError {
    /// The first bad entry.
    pub const fn id(&self) -> AuditId {
        match self {
            Self::Truncated { id, .. }
            | Self::Rewritten { id, .. }
            | Self::Forged { id, .. }
            | Self::UnknownKey { id, .. } => *id,
        }
    }
}

/// Why a trail is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrailError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl TrailError {
    /// The first bad entry.
    pub const fn id(&self) -> AuditId {
        match self {
            Self::Chain(error) => error.id(),
            Self::Checkpoint(error) => error.id(),
        }
    }
}

/// How far a key vouches for the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTo {
    pub key: PublicKey,
    pub entry: AuditId,
    pub at: Timestamp,
}

/// What was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub first: Option<AuditId>,
    pub last: Option<AuditId>,
    pub entries: u64,
    /// Entries whose place is proven, because the one before them is there or they are the first of all.
    pub linked: u64,
    pub checkpoints: u64,
    pub signed_to: Vec<SignedTo>,
}

impl Report {
    /// The last entry that any checkpoint covers.
    pub fn signed(&self) -> Option<AuditId> {
        self.signed_to.iter().map(|signed| signed.entry).max()
    }
}

/// Checks a trail entry by entry against checkpoints.
#[derive(Debug)]
pub struct Trail {
    chain: Verifier,
    keys: BTreeMap<KeyId, PublicKey>,
    /// Whether a key that the trail itself puts on record is trusted from there on.
    takes_keys_on_record: bool,
    /// Not reached yet, in the order of their entries.
    waiting: VecDeque<Checkpoint>,
    checkpoints: u64,
    signed_to: BTreeMap<KeyId, SignedTo>,
}

/// A whole trail of which nothing is known beforehand.
impl Default for Trail {
    fn default() -> Self {
        Self::new(Start::Genesis, [], Vec::new())
    }
}

impl Trail {
    /// Trusts these keys, and those that the trail itself puts on record before they sign. Checkpoints may come in any
    /// order and more than once.
    pub fn new(start: Start, trusted: impl IntoIterator<Item = PublicKey>, mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by(|a, b| (a.entry_id, &a.key_id, a.at).cmp(&(b.entry_id, &b.key_id, b.at)));
        checkpoints.dedup();
        Self {
            chain: Verifier::starting(start),
            keys: trusted.into_iter().map(|key| (key.id(), key)).collect(),
            takes_keys_on_record: true,
            waiting: checkpoints.into(),
            checkpoints: 0,
            signed_to: BTreeMap::new(),
        }
    }

    /// Trusts the keys that were given and no other.
    pub fn pinned(self) -> Self {
        Self { takes_keys_on_record: false, ..self }
    }

    pub const fn chain(&self) -> &Verifier {
        &self.chain
    }

    /// Adds a checkpoint of an entry that was not reached yet, or that was reached last.
    pub fn add(&mut self, checkpoint: Checkpoint) {
        let at = self.waiting.partition_point(|waiting| waiting.entry_id <= checkpoint.entry_id);
        self.waiting.insert(at, checkpoint);
    }

    pub fn check(&mut self, entry: &Entry) -> Result<(), TrailError> {
        self.chain.check(entry)?;
        if self.takes_keys_on_record
            && let Some(key) = key_on_record(entry)
        {
            self.keys.insert(key.id(), key);
        }
        Ok(self.compare(entry.id, &entry.hash)?)
    }

    /// Compares the checkpoints that are due with the entry that was reached.
    pub fn compare(&mut self, reached: AuditId, hash: &str) -> Result<(), CheckpointError> {
        while self.waiting.front().is_some_and(|next| next.entry_id <= reached) {
            let Some(checkpoint) = self.waiting.pop_front() else { break };
            let (id, at) = (checkpoint.entry_id, checkpoint.at);
            let key = self.signer(&checkpoint)?;
            if id != reached || checkpoint.entry_hash != hash || checkpoint.entries != id.0.unsigned_abs() {
                let after = self.signed_to.values().map(|signed| signed.entry).max().unwrap_or(AuditId(0));
                return Err(CheckpointError::Rewritten { id, after, at });
            }
            self.checkpoints += 1;
            self.signed_to.insert(checkpoint.key_id, SignedTo { key, entry: id, at });
        }
        Ok(())
    }

    fn signer(&self, checkpoint: &Checkpoint) -> Result<PublicKey, CheckpointError> {
        let (id, key) = (checkpoint.entry_id, checkpoint.key_id.clone());
        match self.keys.get(&key) {
            None => Err(CheckpointError::UnknownKey { id, key }),
            Some(known) if checkpoint.is_by(known) => Ok(known.clone()),
            Some(_) => Err(CheckpointError::Forged { id, key }),
        }
    }

    /// To be called when there are no more entries: what was signed and is not there was cut off.
    pub fn finish(&self) -> Result<Report, TrailError> {
        if let Some(checkpoint) = self.waiting.front() {
            self.signer(checkpoint)?;
            let id = AuditId(self.chain.last().map_or(1, |last| last.0 + 1));
            let (signed, at) = (checkpoint.entry_id, checkpoint.at);
            return Err(CheckpointError::Truncated { id, signed, at }.into());
        }
        Ok(self.report())
    }

    /// What was found good so far.
    pub fn report(&self) -> Report {
        Report {
            first: self.chain.first(),
            last: self.chain.last(),
            entries: self.chain.count(),
            linked: self.chain.linked(),
            checkpoints: self.checkpoints,
            signed_to: self.signed_to.values().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests_support::{Key, chain, new, signed};
    use super::*;

    fn verify(entries: &[Entry], checkpoints: &[Checkpoint], trusted: &[PublicKey]) -> Result<Report, TrailError> {
        let mut trail = Trail::new(Start::Genesis, trusted.to_vec(), checkpoints.to_vec());
        entries.iter().try_for_each(|entry| trail.check(entry))?;
        trail.finish()
    }

    /// All entries from one on, computed anew as whoever owns the database could.
    fn rehash(entries: &mut [Entry], from: usize) {
        for i in from..entries.len() {
            if i > 0 {
                entries[i].prev_hash = entries[i - 1].hash.clone();
            }
            entries[i].hash = entries[i].computed_hash();
        }
    }

    #[test]
    fn a_good_trail_says_how_far_it_is_signed() {
        let key = Key::new(1);
        let (entries, mut checkpoints) = signed(10, 4, &key);
        let report = verify(&entries, &checkpoints, &[]).expect("the key is on record");
        assert_eq!((report.entries, report.checkpoints, report.signed()), (10, 3, Some(AuditId(10))));
        // The same from two places.
        checkpoints.extend(checkpoints.clone());
        assert_eq!(verify(&entries, &checkpoints, &[key.public()]).expect("good").checkpoints, 3);
        checkpoints.retain(|checkpoint| checkpoint.entry_id == AuditId(4));
        assert_eq!(verify(&entries, &checkpoints, &[]).expect("good").signed(), Some(AuditId(4)));
    }

    #[test]
    fn a_missing_tail_is_found() {
        let key = Key::new(1);
        let (entries, checkpoints) = signed(10, 4, &key);
        let error = verify(&entries[..6], &checkpoints, &[]).expect_err("cut off");
        let (signed, at) = (AuditId(8), entries[7].at);
        assert_eq!(error, CheckpointError::Truncated { id: AuditId(7), signed, at }.into());
        let error = verify(&[], &checkpoints, &[key.public()]).expect_err("cut off");
        assert_eq!(error.id(), AuditId(1));
    }

    #[test]
    fn a_rewritten_chain_is_found() {
        let key = Key::new(1);
        let (mut entries, checkpoints) = signed(10, 4, &key);
        entries[5].result = "nothing happened".into();
        rehash(&mut entries, 5);
        let error = verify(&entries, &checkpoints, &[]).expect_err("rewritten");
        let at = checkpoints[1].at;
        assert_eq!(error, CheckpointError::Rewritten { id: AuditId(8), after: AuditId(4), at }.into());
    }

    #[test]
    fn a_chain_rewritten_with_another_key_does_not_pass_for_this_homes() {
        let (key, thief) = (Key::new(1), Key::new(2));
        let (_, kept_in_the_file) = signed(10, 4, &key);
        let (entries, theirs) = signed(10, 4, &thief);
        assert!(verify(&entries, &theirs, &[key.public()]).is_ok(), "by itself it is consistent");
        let all: Vec<Checkpoint> = theirs.into_iter().chain(kept_in_the_file).collect();
        let error = verify(&entries, &all, &[key.public()]).expect_err("the file remembers");
        assert!(matches!(error, TrailError::Checkpoint(CheckpointError::Rewritten { .. })), "{error}");
    }

    #[test]
    fn a_forged_checkpoint_is_found() {
        let (key, thief) = (Key::new(1), Key::new(2));
        let (entries, mut checkpoints) = signed(5, 2, &key);
        checkpoints.push(thief.checkpoint(&entries[2]));
        let error = verify(&entries, &checkpoints, &[]).expect_err("unknown");
        assert_eq!(error, CheckpointError::UnknownKey { id: AuditId(3), key: thief.public().id() }.into());
        if let Some(last) = checkpoints.last_mut() {
            last.key_id = key.public().id();
        }
        let error = verify(&entries, &checkpoints, &[]).expect_err("forged");
        assert_eq!(error, CheckpointError::Forged { id: AuditId(3), key: key.public().id() }.into());
    }

    #[test]
    fn a_key_counts_from_where_it_is_on_record() {
        let key = Key::new(1);
        let entries = chain(3);
        let checkpoints = [key.checkpoint(&entries[1])];
        assert!(verify(&entries, &checkpoints, &[key.public()]).is_ok());
        assert!(verify(&entries, &checkpoints, &[]).is_err());
    }

    /// What may be done to a trail, once.
    #[derive(Clone, Debug)]
    enum Mutation {
        Edit { at: usize, column: usize, rehash: bool },
        Remove { at: usize, rehash: bool },
        Insert { at: usize, rehash: bool },
        Swap { at: usize, with: usize, rehash: bool },
        Truncate { to: usize },
        Checkpoint { at: usize, what: usize },
    }

    fn mutation() -> impl Strategy<Value = Mutation> {
        let (at, yes) = (0usize..40, any::<bool>());
        prop_oneof![
            (at.clone(), 0usize..14, yes).prop_map(|(at, column, rehash)| Mutation::Edit { at, column, rehash }),
            (at.clone(), yes).prop_map(|(at, rehash)| Mutation::Remove { at, rehash }),
            (at.clone(), yes).prop_map(|(at, rehash)| Mutation::Insert { at, rehash }),
            (at.clone(), at.clone(), yes).prop_map(|(at, with, rehash)| Mutation::Swap { at, with, rehash }),
            at.clone().prop_map(|to| Mutation::Truncate { to }),
            (at, 0usize..6).prop_map(|(at, what)| Mutation::Checkpoint { at, what }),
        ]
    }

    /// Numbers and hashes entries anew, as somebody who owns the database would.
    fn cover_up(entries: &mut [Entry]) {
        for (i, entry) in entries.iter_mut().enumerate() {
            entry.id = AuditId(i as i64 + 1);
        }
        rehash(entries, 0);
    }

    fn mutate(entries: &mut Vec<Entry>, checkpoints: &mut [Checkpoint], mutation: &Mutation) {
        let len = entries.len();
        match *mutation {
            Mutation::Edit { at, column, rehash } => {
                let entry = &mut entries[at % len];
                match column {
                    0 => entry.id = AuditId(entry.id.0 + 1_000_000),
                    1 => entry.at = Timestamp::from_micros(entry.at.as_micros() + 1),
                    2 => entry.event_type.push('x'),
                    3 => entry.actor.push('x'),
                    4 => entry.incident_id = Some(crate::IncidentId(-1)),
                    5 => entry.pattern_id = Some(crate::PatternId::new("x")),
                    6 => entry.confidence = Some(crate::BasisPoints::saturating(1)),
                    7 => entry.action = Some("x".into()),
                    8 => entry.target = Some("x".into()),
                    9 => entry.result.push('x'),
                    10 => entry.controls.push('x'),
                    11 => entry.details.push(' '),
                    12 => entry.evidence_digest.push('0'),
                    // Hashes that are computed anew are no change.
                    _ if rehash => entry.actor.push('x'),
                    _ => entry.hash.push('0'),
                }
                if rehash {
                    cover_up(entries);
                    if column == 0 {
                        // Numbered as before: undone. Do something.
                        entries[at % len].actor.push('y');
                    }
                }
            }
            Mutation::Remove { at, rehash } => {
                entries.remove(at % len);
                if rehash {
                    cover_up(entries);
                }
            }
            Mutation::Insert { at, rehash } => {
                entries.insert(at % len, new(99).chain(None));
                if rehash {
                    cover_up(entries);
                }
            }
            Mutation::Swap { at, with, rehash } => {
                let (a, b) = (at % len, with % len);
                // With itself it is no change.
                entries.swap(a, if a == b { (b + 1) % len } else { b });
                if rehash {
                    cover_up(entries);
                }
            }
            Mutation::Truncate { to } => entries.truncate(to % len),
            Mutation::Checkpoint { at, what } => {
                let at = at % checkpoints.len();
                let checkpoint = &mut checkpoints[at];
                match what {
                    0 => checkpoint.entry_id = AuditId(checkpoint.entry_id.0 - 1),
                    1 => checkpoint.entry_hash = "0".repeat(64),
                    2 => checkpoint.entries += 1,
                    3 => checkpoint.at = Timestamp::from_micros(-1),
                    4 => checkpoint.key_id = KeyId("0".repeat(32)),
                    _ => checkpoint.signature = super::super::Signature::from_bytes([7; 64]),
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_single_mutation_is_found(length in 2usize..30, every in 1usize..9, mutation in mutation()) {
            let key = Key::new(1);
            let (entries, checkpoints) = signed(length, every, &key);
            let (mut changed, mut signatures) = (entries.clone(), checkpoints.clone());
            mutate(&mut changed, &mut signatures, &mutation);
            prop_assert!(verify(&entries, &checkpoints, &[key.public()]).is_ok());
            prop_assert!(verify(&changed, &signatures, &[key.public()]).is_err(), "{mutation:?}");
        }
    }
}
