//! A base as a snapshot, and back.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::entry::{Entry, NONE, Scope};
use super::{FIELDS, KnowledgeBase};
use crate::matching::flat::Interner;
use crate::matching::index::Index;
use crate::matching::rules::RuleSet;
use crate::matching::snapshot::{Bodies, Body, Damaged, Reader, Writer};

/// What arrays mean beside how texts are split.
pub(in crate::matching) fn dialect() -> String {
    format!("{FIELDS:?}")
}

impl KnowledgeBase {
    /// Writes the patterns from a place in the file on; the place is moved behind them. Returns where each entry's stands.
    pub(in crate::matching) fn save_bodies(&self, at: &mut u64, out: &mut dyn Write) -> io::Result<Vec<Option<Body>>> {
        self.entries
            .iter()
            .map(|entry| {
                let Some(entry) = entry else { return Ok(None) };
                let bytes = match (entry.pattern.get(), &entry.stored, &self.bodies) {
                    (Some(pattern), ..) => serde_json::to_vec(pattern.as_ref()).map_err(io::Error::from)?,
                    (None, Some(body), Some(bodies)) => body.bytes(bodies.as_ref())?,
                    (None, ..) => return Err(io::Error::other("a pattern stands nowhere")),
                };
                let body = Body::of(*at, &bytes)?;
                out.write_all(&bytes)?;
                *at += u64::from(body.length);
                Ok(Some(body))
            })
            .collect()
    }

    pub(in crate::matching) fn save_arrays(&self, bodies: &[Option<Body>], out: &mut Writer<'_>) -> io::Result<()> {
        self.index.save(out)?;
        self.names.save(out)?;
        let column = |value: &dyn Fn(&Entry, &Body) -> u32| -> Vec<u32> {
            let both = self.entries.iter().zip(bodies);
            both.map(|both| if let (Some(entry), Some(body)) = both { value(entry, body) } else { NONE }).collect()
        };
        out.numbers(&column(&|entry, _| entry.slot))?;
        out.numbers(&column(&|entry, _| entry.scope.project))?;
        out.numbers(&column(&|entry, _| entry.scope.service))?;
        out.numbers(&column(&|_, body| body.length))?;
        out.numbers(&column(&|_, body| body.checksum))?;
        self.rules.save(out)
    }

    /// A base whose patterns stand one behind another up to some place in the file.
    pub(in crate::matching) fn load_arrays(
        from: &mut Reader<'_>,
        end: u64,
        bodies: Arc<dyn Bodies>,
    ) -> Result<Self, Damaged> {
        let index = Index::load(FIELDS, from)?;
        let names = Interner::load(from)?;
        let slots = from.numbers()?;
        let (projects, services) = (from.numbers()?, from.numbers()?);
        let (lengths, checksums) = (from.numbers()?, from.numbers()?);
        let count = slots.len();
        if [&projects, &services, &lengths, &checksums].iter().any(|other| other.len() != count) {
            return Err(Damaged::Inconsistent("patterns"));
        }
        let rules = RuleSet::load(from, count)?;
        let named = |name: u32| name == NONE || (name as usize) < names.len();
        let mut by_slot = vec![NONE; index.slots()];
        let (mut entries, mut free) = (Vec::with_capacity(count), Vec::new());
        let mut at = crate::matching::snapshot::BEGINS;
        for (number, slot) in (0u32..).zip(&slots) {
            let i = number as usize;
            if *slot == NONE {
                entries.push(None);
                free.push(number);
                continue;
            }
            let scope = Scope { project: projects[i], service: services[i] };
            let place = by_slot.get_mut(*slot as usize).filter(|place| **place == NONE);
            let (Some(place), true, true) =
                (place, index.key(*slot).is_some(), named(scope.project) && named(scope.service))
            else {
                return Err(Damaged::Inconsistent("patterns"));
            };
            *place = number;
            let body = Body { at, length: lengths[i], checksum: checksums[i] };
            at += u64::from(body.length);
            entries.push(Some(Entry::stored(scope, *slot, body)));
        }
        if at != end || entries.len() - free.len() != index.len() {
            return Err(Damaged::Inconsistent("patterns"));
        }
        let unreadable = Arc::new(AtomicBool::new(false));
        Ok(Self { index, rules, names, entries, free, by_slot, bodies: Some(bodies), unreadable, warm: Arc::default() })
    }
}
