//! The places where checkpoints are: the database, the file in the home, and what the home remembers of both.
//!
//! A checkpoint that was written is in both, and stays there. So one that is missing from one of them was taken away, but for
//! the very last, which a crash can keep from its second place.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, KeyId};
use crate::AuditId;

/// What a home remembers of its own signatures, in its mark beside the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub key: KeyId,
    /// The entry of its last checkpoint.
    pub entry: AuditId,
    /// How many there were.
    pub checkpoints: u64,
}

/// What is missing, and from where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error(
        "{count} of the checkpoints that this home keeps are gone from the database, the first of them of entry {first}: they were removed there"
    )]
    FromDatabase { first: AuditId, count: usize },
    #[error(
        "{count} of the checkpoints that this home signed are gone from its file data/audit.checkpoints, the first of them of entry {first}: they were removed there"
    )]
    FromHome { first: AuditId, count: usize },
    #[error(
        "this home remembers {remembered} checkpoints, the last of entry {entry}, and there are {found}: they were removed from the database and from data/audit.checkpoints"
    )]
    FromBoth { entry: AuditId, remembered: u64, found: u64 },
    #[error(
        "this home signed with key {before}, and its key is {now} now: data/audit.key was replaced. Put the old one back, or take the new one with `selfheal resume --accept-database`"
    )]
    KeyReplaced { before: KeyId, now: KeyId },
    #[error(
        "there is no checkpoint of key {key}, which is on record since entry {entry}, and it signed then: it was removed"
    )]
    First { key: KeyId, entry: AuditId },
}

/// Those of one place that the other lacks, in the order of their entries.
pub fn lacking<'a>(has: &'a [Checkpoint], lacks: &[Checkpoint]) -> Vec<&'a Checkpoint> {
    let there: std::collections::BTreeSet<(AuditId, &KeyId)> = lacks.iter().map(|c| (c.entry_id, &c.key_id)).collect();
    let mut missing: Vec<_> = has.iter().filter(|c| !there.contains(&(c.entry_id, &c.key_id))).collect();
    missing.sort_by_key(|checkpoint| checkpoint.entry_id);
    missing
}

/// Those that this key signed and the home's file lacks; without the last of all, which a crash explains.
pub fn lacking_in_home<'a>(own: &KeyId, database: &'a [Checkpoint], home: &[Checkpoint]) -> Vec<&'a Checkpoint> {
    let mut missing: Vec<_> = lacking(database, home).into_iter().filter(|c| c.key_id == *own).collect();
    let last = database.iter().filter(|c| c.key_id == *own).map(|c| c.entry_id).max();
    if let [only] = missing[..]
        && Some(only.entry_id) == last
    {
        missing.clear();
    }
    missing
}

/// A key that is the first on record signed at once. `first` is it, with its entry.
pub fn first_is_missing(
    first: Option<(KeyId, AuditId)>,
    database: &[Checkpoint],
    home: &[Checkpoint],
) -> Option<Missing> {
    let (key, entry) = first?;
    let there = database.iter().chain(home).any(|checkpoint| checkpoint.key_id == key);
    (!there).then_some(Missing::First { key, entry })
}

/// What is missing anywhere.
pub fn missing(
    own: &KeyId,
    database: &[Checkpoint],
    home: &[Checkpoint],
    remembered: Option<&Remembered>,
) -> Vec<Missing> {
    let mut found = Vec::new();
    let gone = lacking(home, database);
    if let Some(first) = gone.first() {
        found.push(Missing::FromDatabase { first: first.entry_id, count: gone.len() });
    }
    let gone = lacking_in_home(own, database, home);
    if let Some(first) = gone.first() {
        found.push(Missing::FromHome { first: first.entry_id, count: gone.len() });
    }
    if let Some(remembered) = remembered {
        let there: std::collections::BTreeSet<AuditId> =
            database.iter().chain(home).filter(|c| c.key_id == remembered.key).map(|c| c.entry_id).collect();
        let count = there.len() as u64;
        if count < remembered.checkpoints || there.last().is_none_or(|last| *last < remembered.entry) {
            let entry = remembered.entry;
            found.push(Missing::FromBoth { entry, remembered: remembered.checkpoints, found: count });
        }
        if remembered.key != *own {
            found.push(Missing::KeyReplaced { before: remembered.key.clone(), now: own.clone() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Key, signed};
    use super::*;

    #[test]
    fn what_is_missing_is_found_in_whichever_place() {
        let (key, other) = (Key::new(1), Key::new(2));
        let own = key.public().id();
        let (_, all) = signed(12, 3, &key);
        let seen = Remembered { key: own.clone(), entry: AuditId(12), checkpoints: 4 };
        let (none, three): (&[Checkpoint], &[Checkpoint]) = (&[], &all[..3]);
        let without_second: Vec<Checkpoint> = [&all[..1], &all[2..]].concat();
        let theirs: Vec<Checkpoint> = [all.clone(), signed(12, 5, &other).1].concat();
        for (what, database, home, remembered, found) in [
            ("all is there", &all[..], &all[..], Some(&seen), 0),
            ("a crash before the file was written", &all, three, Some(&seen), 0),
            ("nothing is remembered", &all, &all, None, 0),
            ("another engine's are not in this file", &theirs, &all, Some(&seen), 0),
            ("the database lost its last", three, &all, Some(&seen), 1),
            ("the database lost all", none, &all, Some(&seen), 1),
            ("the database lost one in the middle", &without_second, &all, Some(&seen), 1),
            ("the file lost one in the middle", &all, &without_second, Some(&seen), 1),
            ("the file is gone", &all, none, Some(&seen), 1),
            ("both lost their last", three, three, Some(&seen), 1),
            ("both lost one in the middle", &without_second, &without_second, Some(&seen), 1),
            ("both are empty", none, none, Some(&seen), 1),
        ] {
            assert_eq!(missing(&own, database, home, remembered).len(), found, "{what}");
        }
        let replaced = missing(&other.public().id(), &all, &all, Some(&seen));
        assert!(matches!(replaced[..], [Missing::KeyReplaced { .. }]), "{replaced:?}");
    }
}
