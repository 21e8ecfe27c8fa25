//! Checks a chain entry by entry, so that a long one need not be in memory.

use super::{Entry, GENESIS};
use crate::AuditId;

/// Why a chain is broken, at its first bad entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("entry {id} was changed: its content does not have the hash it carries")]
    Edited { id: AuditId },
    #[error("entry {id} was moved: its content and its hash are those of entry {was}")]
    Moved { id: AuditId, was: AuditId },
    #[error("entry {id} does not follow the one before it: an entry was removed, inserted or replaced before it")]
    Broken { id: AuditId },
    #[error("entry {id} is missing: the next one is {found}")]
    Missing { id: AuditId, found: AuditId },
    #[error("entry {id} stands after entry {after}: it was inserted or moved")]
    Misplaced { id: AuditId, after: AuditId },
    #[error("entry {id} is missing: the trail ended at entry {last} when it was looked at before")]
    CutOff { id: AuditId, last: AuditId },
}

impl ChainError {
    /// The first bad entry.
    pub const fn id(&self) -> AuditId {
        match self {
            Self::Edited { id }
            | Self::Moved { id, .. }
            | Self::Broken { id }
            | Self::Missing { id, .. }
            | Self::Misplaced { id, .. }
            | Self::CutOff { id, .. } => *id,
        }
    }
}

/// Where a chain begins, and whether it may have gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The whole chain, from its first entry.
    #[default]
    Genesis,
    /// A part of a chain without gaps. What its first entry follows is not known and not checked.
    Anywhere,
    /// Chosen entries in order. Each is checked by itself, and its place only where its neighbour is there.
    Chosen,
}

/// How far around a misplaced entry its old place is looked for.
const NEIGHBOURHOOD: i64 = 1_000;

/// Checks a chain entry by entry.
#[derive(Debug, Default)]
pub struct Verifier {
    start: Start,
    first: Option<AuditId>,
    last: Option<(AuditId, String)>,
    count: u64,
    linked: u64,
    buffer: Vec<u8>,
}

impl Verifier {
    pub fn starting(start: Start) -> Self {
        Self { start, ..Self::default() }
    }

    /// From after an entry that is known already.
    pub fn after(id: AuditId, hash: &str) -> Self {
        Self { start: Start::Anywhere, last: Some((id, hash.to_owned())), ..Self::default() }
    }

    pub fn check(&mut self, entry: &Entry) -> Result<(), ChainError> {
        let previous = match (&self.last, self.start) {
            (Some((id, _)), Start::Chosen) if entry.id.0 > id.0.saturating_add(1) => None,
            (Some((id, hash)), _) => Some((AuditId(id.0.saturating_add(1)), hash.as_str())),
            (None, Start::Genesis) => Some((AuditId(1), GENESIS)),
            (None, _) => None,
        };
        if let Some((expected, _)) = previous {
            match (entry.id.cmp(&expected), &self.last) {
                (std::cmp::Ordering::Greater, _) => {
                    return Err(ChainError::Missing { id: expected, found: entry.id });
                }
                (std::cmp::Ordering::Less, Some((after, _))) => {
                    return Err(ChainError::Misplaced { id: entry.id, after: *after });
                }
                (std::cmp::Ordering::Less, None) => return Err(ChainError::Broken { id: entry.id }),
                (std::cmp::Ordering::Equal, _) => {}
            }
        }
        if entry.hash_as(entry.id, &mut self.buffer) != entry.hash {
            return Err(self.explain(entry));
        }
        if let Some((_, prev_hash)) = previous {
            if entry.prev_hash != prev_hash {
                return Err(ChainError::Broken { id: entry.id });
            }
            self.linked += 1;
        }
        self.first.get_or_insert(entry.id);
        match &mut self.last {
            Some((id, hash)) => {
                *id = entry.id;
                hash.clone_from(&entry.hash);
            }
            none => *none = Some((entry.id, entry.hash.clone())),
        }
        self.count += 1;
        Ok(())
    }

    /// An entry whose content does not have its hash was edited, unless it has it under another id: then it was moved.
    fn explain(&mut self, entry: &Entry) -> ChainError {
        let near = entry.id.0.saturating_sub(NEIGHBOURHOOD).max(1)..=entry.id.0.saturating_add(NEIGHBOURHOOD);
        let was = near.map(AuditId).find(|was| entry.hash_as(*was, &mut self.buffer) == entry.hash);
        match was {
            Some(was) => ChainError::Moved { id: entry.id, was },
            None => ChainError::Edited { id: entry.id },
        }
    }

    /// The first good entry.
    pub const fn first(&self) -> Option<AuditId> {
        self.first
    }

    /// The last good entry.
    pub fn last(&self) -> Option<AuditId> {
        self.last.as_ref().map(|(id, _)| *id)
    }

    /// Its hash.
    pub fn last_hash(&self) -> Option<&str> {
        self.last.as_ref().map(|(_, hash)| hash.as_str())
    }

    /// Entries found good so far.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Those among them whose place is proven: they follow the entry before them.
    pub const fn linked(&self) -> u64 {
        self.linked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests_support::chain;
    use crate::{BasisPoints, IncidentId, PatternId, Timestamp};
    use proptest::prelude::*;

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
        let swapped = changed(|e| {
            (e[1].id, e[2].id) = (e[2].id, e[1].id);
            e.swap(1, 2);
        });
        assert_eq!(swapped, ChainError::Moved { id: AuditId(2), was: AuditId(3) });
        let twice = changed(|e| e.insert(3, e[2].clone()));
        assert_eq!(twice, ChainError::Misplaced { id: AuditId(3), after: AuditId(3) });
        let inserted = changed(|e| {
            let forged = crate::audit::tests_support::new(9).chain(Some((e[1].id, e[1].hash.as_str())));
            e.insert(2, forged);
            e.truncate(4);
            e[3].id = AuditId(4);
            e[3].hash = e[3].computed_hash();
        });
        assert_eq!(inserted, ChainError::Broken { id: AuditId(4) });
        let rehashed = changed(|e| {
            e[1].details = "{}".into();
            e[1].evidence_digest = crate::digest::hex("{}");
            e[1].hash = e[1].computed_hash();
        });
        assert_eq!(rehashed, ChainError::Broken { id: AuditId(3) });
    }

    /// One change of each column that the hash covers.
    const EDITS: [fn(&mut Entry); 14] = [
        |e| e.at = Timestamp::from_micros(e.at.as_micros() + 1),
        |e| e.event_type.push('x'),
        |e| e.actor.push('x'),
        |e| e.incident_id = e.incident_id.map_or(Some(IncidentId(0)), |_| None),
        |e| e.pattern_id = e.pattern_id.take().map_or(Some(PatternId::new("")), |_| None),
        |e| e.confidence = e.confidence.map_or(Some(BasisPoints::saturating(0)), |_| None),
        |e| e.action = e.action.take().map_or(Some(String::new()), |_| None),
        |e| e.target = e.target.take().map_or(Some(String::new()), |_| None),
        |e| e.result.push('x'),
        |e| e.controls.push('x'),
        |e| e.details.push(' '),
        |e| e.evidence_digest.push('0'),
        |e| e.prev_hash.push('0'),
        |e| e.hash.push('0'),
    ];

    proptest! {
        #[test]
        fn any_single_edit_is_found_and_named(length in 1usize..8, at in 0usize..8, what in 0..EDITS.len()) {
            let mut entries = chain(length);
            let at = at % length;
            EDITS[what](&mut entries[at]);
            prop_assert_eq!(verify(&entries), Err(ChainError::Edited { id: AuditId(at as i64 + 1) }));
        }
    }
}
