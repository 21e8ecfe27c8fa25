//! A chain together with its checkpoints and seals: what the chain alone cannot show.
//!
//! Checkpoints say what the trail was when they were signed. A trail that ends before one of them was cut off; an entry
//! that has another hash than was signed was rewritten, with everything after it. A checkpoint counts for nothing unless a
//! key that is trusted signed it. What comes after the last one that counts is looked at entry by entry, by its seal.
//!
//! Which keys are trusted, besides those that are given: the first that the trail puts on record; one that a trusted key's
//! checkpoint covers, since no engine signs over a stranger; and one that a person accepted, in an entry that a trusted key
//! sealed. That a key puts itself on record makes it known and no more.

use std::collections::{BTreeMap, VecDeque};

use super::checkpoint::{SEALS, key_and_owner};
use super::unsigned::{Settled, Standing, UnsignedEnd};
use super::{ChainError, Checkpoint, Doubt, Entry, KeyId, PublicKey, SealError, Start, Verifier, is_acceptance};
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
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl TrailError {
    /// The first bad entry.
    pub const fn id(&self) -> AuditId {
        match self {
            Self::Chain(error) => error.id(),
            Self::Checkpoint(error) => error.id(),
            Self::Seal(error) => error.id(),
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

/// A person took what could not be told as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub entry: AuditId,
    pub by: String,
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
    /// Why it cannot be told whether all of it is good; empty where it can.
    pub doubts: Vec<Doubt>,
    /// Where a person accepted what could not be told.
    pub accepted: Vec<Accepted>,
}

impl Report {
    /// The last entry that any checkpoint covers.
    pub fn signed(&self) -> Option<AuditId> {
        self.signed_to.iter().map(|signed| signed.entry).max()
    }
}

/// A key that the trail puts on record.
#[derive(Debug)]
struct OnRecord {
    key: PublicKey,
    entry: AuditId,
    owner: String,
    vouched: bool,
}

/// Checks a trail entry by entry against checkpoints.
#[derive(Debug)]
pub struct Trail {
    chain: Verifier,
    start: Start,
    given: BTreeMap<KeyId, PublicKey>,
    on_record: BTreeMap<KeyId, OnRecord>,
    /// Whether keys count that the trail itself puts on record.
    takes_keys_on_record: bool,
    /// Where keys began to seal what they write.
    sealed_since: Option<AuditId>,
    /// Not reached yet, in the order of their entries.
    waiting: VecDeque<Checkpoint>,
    checkpoints: u64,
    signed_to: BTreeMap<KeyId, SignedTo>,
    unsigned: UnsignedEnd,
    accepted: Vec<Accepted>,
}

/// A whole trail of which nothing is known beforehand.
impl Default for Trail {
    fn default() -> Self {
        Self::new(Start::Genesis, [], Vec::new())
    }
}

impl Trail {
    /// Trusts these keys, and those on record that they vouch for; without any, all that are on record. Checkpoints may come
    /// in any order and more than once.
    pub fn new(start: Start, trusted: impl IntoIterator<Item = PublicKey>, mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by(|a, b| (a.entry_id, &a.key_id, a.at).cmp(&(b.entry_id, &b.key_id, b.at)));
        checkpoints.dedup();
        Self {
            chain: Verifier::starting(start),
            start,
            given: trusted.into_iter().map(|key| (key.id(), key)).collect(),
            on_record: BTreeMap::new(),
            takes_keys_on_record: true,
            sealed_since: None,
            waiting: checkpoints.into(),
            checkpoints: 0,
            signed_to: BTreeMap::new(),
            unsigned: UnsignedEnd::default(),
            accepted: Vec::new(),
        }
    }

    /// The trail after a checkpoint of this home's own, whose entry is known to be there. `before` are the entries that put
    /// keys on record, or accept them, and `checkpoints` those of every key, both in their order.
    pub fn after(own: PublicKey, checkpoint: &Checkpoint, before: &[Entry], checkpoints: &[Checkpoint]) -> Self {
        let mut this = Self::new(Start::Anywhere, [own], Vec::new());
        let mut before = before.iter().filter(|entry| entry.id <= checkpoint.entry_id).peekable();
        for signed in checkpoints.iter().filter(|signed| signed.entry_id <= checkpoint.entry_id) {
            while let Some(entry) = before.next_if(|entry| entry.id <= signed.entry_id) {
                this.notice(entry);
            }
            // Few of them say anything new, and a signature costs more than a look.
            let says_something = this.on_record.iter().any(|(id, known)| !known.vouched && *id != signed.key_id);
            if says_something && this.signer(signed).is_ok_and(|(_, trusted)| trusted) {
                this.vouch(&signed.key_id);
            }
        }
        before.for_each(|entry| this.notice(entry));
        this.vouch(&checkpoint.key_id);
        this.chain = Verifier::after(checkpoint.entry_id, &checkpoint.entry_hash);
        this
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
        self.unsigned.push(entry);
        self.notice(entry);
        Ok(self.compare(entry.id, &entry.hash)?)
    }

    /// Takes up what an entry says of keys.
    fn notice(&mut self, entry: &Entry) {
        if let Some((key, owner)) = key_and_owner(entry) {
            if entry.action.as_deref() == Some(SEALS) {
                self.sealed_since.get_or_insert(entry.id);
            }
            let first = self.on_record.is_empty();
            let known = OnRecord { key: key.clone(), entry: entry.id, owner, vouched: first };
            self.on_record.entry(key.id()).or_insert(known);
        }
        if is_acceptance(&entry.event_type) && self.is_sealed_by_a_trusted_key(entry) {
            let before = self.settled();
            let strangers = self.on_record.values().any(|known| !known.vouched);
            if strangers || !before.is_clean() {
                self.accepted.push(Accepted { entry: entry.id, by: entry.actor.clone(), at: entry.at });
            }
            self.on_record.values_mut().for_each(|known| known.vouched = true);
            self.unsigned.clear();
        }
        if self.unsigned.is_too_long() {
            let settled = self.settled();
            self.unsigned.let_go(settled);
        }
    }

    fn is_sealed_by_a_trusted_key(&self, entry: &Entry) -> bool {
        entry.seal.as_ref().is_some_and(|seal| match self.standing(&seal.key) {
            Standing::Trusted(key) => seal.is_by(key, entry.id, &entry.hash),
            Standing::Stranger(_) | Standing::Unknown => false,
        })
    }

    /// Compares the checkpoints that are due with the entry that was reached.
    pub fn compare(&mut self, reached: AuditId, hash: &str) -> Result<(), CheckpointError> {
        while self.waiting.front().is_some_and(|next| next.entry_id <= reached) {
            let Some(checkpoint) = self.waiting.pop_front() else { break };
            let (id, at) = (checkpoint.entry_id, checkpoint.at);
            let (key, trusted) = self.signer(&checkpoint)?;
            if id != reached || checkpoint.entry_hash != hash || checkpoint.entries != id.0.unsigned_abs() {
                let after = self.signed_to.values().map(|signed| signed.entry).max().unwrap_or(AuditId(0));
                return Err(CheckpointError::Rewritten { id, after, at });
            }
            // What a stranger signs is true, and vouches for nothing.
            if !trusted {
                continue;
            }
            self.checkpoints += 1;
            self.vouch(&checkpoint.key_id);
            match self.start {
                Start::Chosen => self.unsigned.clear_last(),
                Start::Genesis | Start::Anywhere => self.unsigned.clear(),
            }
            self.signed_to.insert(checkpoint.key_id, SignedTo { key, entry: id, at });
        }
        Ok(())
    }

    /// A key that signs has looked at what is on record, and is sure of all of it but itself.
    fn vouch(&mut self, signer: &KeyId) {
        let others = self.on_record.iter_mut().filter(|(id, _)| *id != signer);
        others.for_each(|(_, known)| known.vouched = true);
    }

    fn standing(&self, id: &KeyId) -> Standing<'_> {
        if let Some(key) = self.given.get(id) {
            return Standing::Trusted(key);
        }
        match self.on_record.get(id).filter(|_| self.takes_keys_on_record) {
            Some(known) if known.vouched || self.given.is_empty() => Standing::Trusted(&known.key),
            Some(known) => Standing::Stranger(&known.key),
            None => Standing::Unknown,
        }
    }

    /// Who signed a checkpoint, and whether that counts.
    fn signer(&self, checkpoint: &Checkpoint) -> Result<(PublicKey, bool), CheckpointError> {
        let (id, key) = (checkpoint.entry_id, checkpoint.key_id.clone());
        let (known, trusted) = match self.standing(&key) {
            Standing::Trusted(known) => (known, true),
            Standing::Stranger(known) => (known, false),
            Standing::Unknown => return Err(CheckpointError::UnknownKey { id, key }),
        };
        match checkpoint.is_by(known) {
            true => Ok((known.clone(), trusted)),
            false => Err(CheckpointError::Forged { id, key }),
        }
    }

    fn settled(&self) -> Settled {
        self.unsigned.settle(self.sealed_since, |key| self.standing(key))
    }

    /// To be called when there are no more entries: what was signed and is not there was cut off, and what is not signed must
    /// be sealed.
    pub fn finish(&self) -> Result<Report, TrailError> {
        if let Some(checkpoint) = self.waiting.front() {
            self.signer(checkpoint)?;
            let id = AuditId(self.chain.last().map_or(1, |last| last.0 + 1));
            let (signed, at) = (checkpoint.entry_id, checkpoint.at);
            return Err(CheckpointError::Truncated { id, signed, at }.into());
        }
        match self.settled().first_bad {
            Some(error) => Err(error.into()),
            None => Ok(self.report()),
        }
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
            doubts: self.doubts(),
            accepted: self.accepted.clone(),
        }
    }

    fn doubts(&self) -> Vec<Doubt> {
        let mut doubts: Vec<Doubt> = self.settled().doubt().into_iter().collect();
        if !self.takes_keys_on_record || self.given.is_empty() || self.start == Start::Chosen {
            return doubts;
        }
        let mut strangers: Vec<_> = self.on_record.iter().filter(|(_, known)| !known.vouched).collect();
        strangers.sort_by_key(|(_, known)| known.entry);
        doubts.extend(strangers.into_iter().map(|(id, known)| Doubt::Stranger {
            key: id.clone(),
            owner: known.owner.clone(),
            entry: known.entry,
        }));
        if !self.on_record.is_empty() {
            let missing = self.given.keys().filter(|id| !self.on_record.contains_key(*id));
            doubts.extend(missing.map(|key| Doubt::NotOnRecord { key: key.clone() }));
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests_support::{Key, chain, new, signed};
    use super::super::{NewEntry, key_added};
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

    fn sealed_trail(length: usize) -> (Key, Vec<Entry>) {
        let key = Key::new(1);
        let entries = super::super::tests_support::sealed(length, &key);
        (key, entries)
    }

    /// What somebody who owns the database and no key can append.
    fn forged(after: &[Entry]) -> Entry {
        let last = after.last().expect("a trail");
        new(77).chain(Some((last.id, last.hash.as_str())))
    }

    #[test]
    fn what_no_checkpoint_covers_is_held_to_its_seals() {
        let (key, entries) = sealed_trail(6);
        let (own, thief) = ([key.public()], Key::new(2));
        let good = verify(&entries, &[], &own).expect("each is sealed");
        assert_eq!((good.signed(), good.doubts.len()), (None, 0));
        let tampered = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut copy = entries.clone();
            change(&mut copy);
            verify(&copy, &[key.checkpoint(&entries[2])], &own)
        };
        let (id, since) = (AuditId(7), AuditId(1));
        let found = tampered(&|e| e.push(forged(e)));
        assert_eq!(found, Err(SealError::Missing { id, since }.into()));
        let found = tampered(&|e| e.push(forged(e).sealed(&thief)));
        assert_eq!(found, Err(SealError::UnknownKey { id, key: thief.public().id() }.into()));
        let found = tampered(&|e| {
            let mut entry = forged(e).sealed(&thief);
            if let Some(seal) = &mut entry.seal {
                seal.key = key.public().id();
            }
            e.push(entry);
        });
        assert_eq!(found, Err(SealError::Forged { id, key: key.public().id() }.into()));
        let found = tampered(&|e| e[4].seal = None);
        assert_eq!(found, Err(SealError::Missing { id: AuditId(5), since }.into()));
        let found = tampered(&|e| e[4].seal = e[3].seal.clone());
        assert_eq!(found, Err(SealError::Forged { id: AuditId(5), key: key.public().id() }.into()));
        // Below a checkpoint that counts the seals are not needed.
        assert!(tampered(&|e| e[1].seal = None).is_ok());
    }

    #[test]
    fn a_key_that_puts_itself_on_record_is_a_stranger_until_somebody_vouches_for_it() {
        let (key, mut entries) = sealed_trail(3);
        let (own, other) = ([key.public()], Key::new(2));
        let mut add = |new: NewEntry, by: &Key| {
            super::super::tests_support::append(&mut entries, new);
            let last = entries.pop().expect("appended").sealed(by);
            entries.push(last);
            entries.clone()
        };
        add(key_added(&other.public(), "elsewhere", Timestamp::EPOCH), &other);
        let theirs = add(new(9), &other);
        let stranger = Doubt::Stranger { key: other.public().id(), owner: "elsewhere".into(), entry: AuditId(4) };
        // Not even its checkpoints count.
        for checkpoints in [vec![], vec![other.checkpoint(&theirs[4])]] {
            assert_eq!(verify(&theirs, &checkpoints, &own).expect("no fault").doubts, std::slice::from_ref(&stranger));
        }
        // Nor does it help to accept oneself.
        let accept = || NewEntry { event_type: "automation.database_accepted", ..new(1) };
        let by_itself = add(accept(), &other);
        assert_eq!(verify(&by_itself, &[], &own).expect("no fault").doubts, [stranger]);
        // A person does, at a home that is trusted.
        let accepted = add(accept(), &key);
        let report = verify(&accepted, &[], &own).expect("good");
        assert_eq!((report.doubts.len(), report.accepted.len()), (0, 1), "{report:?}");
        // Or an engine that signs: it never does over a stranger.
        assert!(verify(&theirs, &[key.checkpoint(&theirs[4])], &own).expect("good").doubts.is_empty());
        // Seen from the other home, the first key on record is the one it found there; it is itself that is not vouched for.
        assert_eq!(verify(&theirs, &[], &[other.public()]).expect("no fault").doubts.len(), 1);
        assert_eq!(verify(&accepted, &[], &[other.public()]).expect("good").doubts, []);
    }

    #[test]
    fn another_key_than_the_one_on_record_is_told() {
        let (_, entries) = sealed_trail(3);
        let thief = Key::new(2).public();
        let report = verify(&entries, &[], std::slice::from_ref(&thief)).expect("no fault");
        assert_eq!(report.doubts, [Doubt::NotOnRecord { key: thief.id() }]);
    }

    #[test]
    fn what_an_older_selfheal_left_unsigned_is_in_doubt_until_it_is_signed() {
        let key = Key::new(1);
        let (mut entries, checkpoints) = signed(5, 5, &key);
        entries.push(forged(&entries));
        let own = [key.public()];
        let report = verify(&entries, &checkpoints, &own).expect("no fault");
        assert_eq!(report.doubts, [Doubt::NotSealed { first: AuditId(6), last: AuditId(6) }]);
        let last = key.checkpoint(&entries[5]);
        assert!(verify(&entries, &[last], &own).expect("signed").doubts.is_empty());
    }

    #[test]
    fn a_trail_is_taken_up_after_a_checkpoint() {
        let (key, entries) = sealed_trail(8);
        let mut trail = Trail::after(key.public(), &key.checkpoint(&entries[3]), &entries[..1], &[]);
        entries[4..].iter().try_for_each(|entry| trail.check(entry)).expect("good");
        assert_eq!(trail.finish().expect("good").doubts, []);
        let mut trail = Trail::after(key.public(), &key.checkpoint(&entries[3]), &entries[..1], &[]);
        assert!(trail.check(&entries[5]).is_err(), "one is missing");
        trail = Trail::after(key.public(), &key.checkpoint(&entries[3]), &entries[..1], &[]);
        trail.check(&forged(&entries[..4])).expect("it follows");
        assert!(trail.finish().is_err());
    }

    #[test]
    fn a_long_unsigned_end_is_settled_bit_by_bit() {
        let key = Key::new(1);
        let (mut entries, _) = signed(9_000, 10_000, &key);
        entries.truncate(8_999);
        let own = [key.public()];
        let doubts = verify(&entries, &[], &own).expect("no fault").doubts;
        assert_eq!(doubts, [Doubt::NotSealed { first: AuditId(1), last: AuditId(8_999) }]);
        assert!(verify(&entries, &[key.checkpoint(&entries[8_998])], &own).expect("signed").doubts.is_empty());
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
