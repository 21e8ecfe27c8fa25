//! An index as arrays, and back.

use super::postings::{Postings, SLOTS};
use super::{FieldSpec, Index, NONE};
use crate::matching::flat::Interner;
use crate::matching::snapshot::{Damaged, Reader, Writer};

impl Index {
    pub(in crate::matching) fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        self.dictionary.save(out)?;
        self.keys.save(out)?;
        out.numbers(&self.key_of)?;
        self.forward.save(out)?;
        self.lengths.save(out)?;
        out.numbers(&self.frequencies)?;
        let lengths: Vec<u32> = self.postings.iter().map(|postings| postings.len() as u32).collect();
        out.numbers(&lengths)?;
        let entries: Vec<u32> = self.postings.iter().flat_map(Postings::entries).copied().collect();
        out.numbers(&entries)
    }

    pub(in crate::matching) fn load(fields: &'static [FieldSpec], from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut own = Self::new(fields);
        own.dictionary = Interner::load(from)?;
        own.keys = Interner::load(from)?;
        own.key_of = from.numbers()?;
        own.slot_of = vec![NONE; own.keys.len()];
        let slots = own.key_of.len();
        for (slot, key) in (0u32..).zip(&own.key_of).filter(|(_, key)| **key != NONE) {
            let place = own.slot_of.get_mut(*key as usize).filter(|place| **place == NONE);
            *place.ok_or(Damaged::Inconsistent("keys"))? = slot;
            own.documents += 1;
        }
        own.forward = super::Forward::load(from, slots, own.dictionary.len(), fields.len())?;
        own.lengths.load(from)?;
        for slot in (0..slots as u32).filter(|slot| own.key_of[*slot as usize] != NONE) {
            own.forward.fields(slot).for_each(|(field, terms)| own.lengths.add(field, terms.len() as u32));
        }
        own.frequencies = from.numbers()?;
        let lengths = from.numbers()?;
        let entries = from.numbers()?;
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        let terms = own.dictionary.len();
        if slots > SLOTS || lengths.len() != terms || own.frequencies.len() != terms || total != entries.len() as u64 {
            return Err(Damaged::Inconsistent("postings"));
        }
        let mut rest = entries.as_slice();
        for (length, frequency) in lengths.into_iter().zip(&own.frequencies) {
            if *frequency > length {
                return Err(Damaged::Inconsistent("postings"));
            }
            let (first, after) = rest.split_at(length as usize);
            own.postings.push(Postings::of(first, slots).ok_or(Damaged::Inconsistent("postings"))?);
            rest = after;
        }
        Ok(own)
    }
}
