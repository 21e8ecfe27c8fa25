//! An inverted index in memory: BM25F, the exact best k, every edit visible at once.
//!
//! Scores depend on the whole collection, so none is stored. A posting holds an upper bound of its saturated frequency, in
//! one byte; the bounds say which documents can be among the best, and those are scored from their own terms. The sums
//! are always taken in the query's order, so a pruned search gives the very numbers of an exhaustive one, and an index that
//! was edited gives those of one built afresh.

mod bounds;
mod exact;
mod forward;
mod gather;
mod lengths;
mod postings;
mod query;
mod score;
mod search;
mod stored;
#[cfg(test)]
mod tests;

use super::flat::Interner;
use super::tokenise;
use forward::Forward;
use gather::Gather;
use lengths::Lengths;
use postings::{Postings, impact};
use query::Places;

pub use query::Terms;
pub use search::Hit;

/// A field of the documents, and how much a word in it weighs.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    pub name: &'static str,
    pub weight: f64,
}

/// What one term of the query adds to a document's score.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub term: String,
    /// The field in which it occurs first.
    pub field: &'static str,
    pub score: f64,
}

/// No more documents fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index holds at most {} documents", postings::SLOTS)]
pub struct Full;

/// No slot, or no key.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Index {
    fields: &'static [FieldSpec],
    /// Terms.
    dictionary: Interner,
    forward: Forward,
    lengths: Lengths,
    /// Keys, also those of removed documents.
    keys: Interner,
    /// By key: the slot of its document.
    slot_of: Vec<u32>,
    /// By slot: the key of its document.
    key_of: Vec<u32>,
    documents: usize,
    /// By term: how many documents have it now.
    frequencies: Vec<u32>,
    /// By term.
    postings: Vec<Postings>,
    gather: Gather,
}

impl Index {
    /// An empty index of documents with these fields, at most 256.
    pub fn new(fields: &'static [FieldSpec]) -> Self {
        Self {
            fields,
            dictionary: Interner::default(),
            forward: Forward::default(),
            lengths: Lengths::new(fields),
            keys: Interner::default(),
            slot_of: Vec::new(),
            key_of: Vec::new(),
            documents: 0,
            frequencies: Vec::new(),
            postings: Vec::new(),
            gather: Gather::default(),
        }
    }

    /// How many documents there are.
    pub const fn len(&self) -> usize {
        self.documents
    }

    pub const fn is_empty(&self) -> bool {
        self.documents == 0
    }

    /// How many slots there are, also those of removed documents.
    pub const fn slots(&self) -> usize {
        self.key_of.len()
    }

    pub fn slot(&self, key: &str) -> Option<u32> {
        self.slot_of.get(self.keys.get(key)? as usize).copied().filter(|slot| *slot != NONE)
    }

    pub fn key(&self, slot: u32) -> Option<&str> {
        self.key_of.get(slot as usize).filter(|key| **key != NONE).map(|key| self.keys.text(*key))
    }

    /// Whether there is a document in a slot.
    fn is_taken(&self, slot: u32) -> bool {
        self.key_of[slot as usize] != NONE
    }

    /// Adds a document, given as fields by their place in the list of fields; a field may be given more than once. The
    /// document of the same key is replaced. Returns the slot, which is the largest.
    pub fn insert<'a>(&mut self, key: &str, fields: impl IntoIterator<Item = (u8, &'a str)>) -> Result<u32, Full> {
        let slot = self.append(key, fields)?;
        let slots = self.key_of.len();
        self.gather.document(&self.forward, slot, |field, length| self.lengths.assumed(field, length));
        for (term, frequency) in self.gather.terms() {
            self.postings[term as usize].push(slot, impact(frequency), slots);
        }
        self.settle();
        Ok(slot)
    }

    /// Adds many documents at once: bounds are computed when all are there. What does not fit any more is left out.
    pub fn extend<'a, F: IntoIterator<Item = (u8, &'a str)>>(
        &mut self,
        documents: impl IntoIterator<Item = (&'a str, F)>,
    ) -> Result<(), Full> {
        let added = documents.into_iter().try_for_each(|(key, fields)| self.append(key, fields).map(drop));
        self.rebuild();
        added
    }

    /// Takes a document out; its slot stays empty until the next [`compact`](Self::compact). Whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let was = self.slot(key).map(|slot| self.take(slot));
        if was.is_some() {
            self.settle();
        }
        was.is_some()
    }

    /// More slots are empty than are worth stepping over.
    pub fn is_sparse(&self) -> bool {
        let empty = self.key_of.len() - self.documents;
        empty > 1_024 && empty > self.documents / 2
    }

    /// Gives the documents new slots without gaps, in the same order. Returns each new slot's old one.
    pub fn compact(&mut self) -> Vec<u32> {
        let mut next = Self::new(self.fields);
        let mut olds = Vec::with_capacity(self.documents);
        for slot in (0..self.key_of.len() as u32).filter(|slot| self.is_taken(*slot)) {
            for (field, terms) in self.forward.fields(slot) {
                for term in terms {
                    let term = next.term(self.dictionary.text(*term));
                    next.forward.push_term(term);
                }
                next.forward.end_field(field);
            }
            let key = next.keys.intern(self.keys.bytes(self.key_of[slot as usize]));
            next.finish(key);
            olds.push(slot);
        }
        next.rebuild();
        *self = next;
        olds
    }

    /// Makes a query ready.
    pub fn terms<T: AsRef<str>>(&self, query: impl IntoIterator<Item = T>) -> Terms {
        let documents = self.documents as u32;
        let query: Vec<T> = query.into_iter().collect();
        let mut terms = Terms::with_capacity(query.len());
        let mut unknown: Vec<&str> = Vec::new();
        for (i, text) in query.iter().enumerate() {
            let text = text.as_ref();
            let Some(id) = self.term_id(text) else {
                unknown.push(text);
                continue;
            };
            if terms.places.insert(id, terms.ids.len() as u32) {
                terms.ids.push(id);
                terms.idf.push(score::idf(documents, self.frequencies[id as usize]));
                terms.first.push(i);
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        let known: f64 = terms.idf.iter().sum();
        terms.best = (known + unknown.len() as f64 * score::idf(documents, 0)) * score::SATURATED;
        terms
    }

    /// How rare a term is.
    pub fn idf(&self, term: u32) -> f64 {
        score::idf(self.documents as u32, self.frequencies.get(term as usize).copied().unwrap_or(0))
    }

    /// The number of a term that some document has.
    pub fn term_id(&self, text: &str) -> Option<u32> {
        self.dictionary.get(text).filter(|id| self.frequencies[*id as usize] > 0)
    }

    /// How many documents have a term.
    pub fn frequency(&self, term: u32) -> u32 {
        self.frequencies.get(term as usize).copied().unwrap_or(0)
    }

    pub fn term_text(&self, term: u32) -> &str {
        self.dictionary.text(term)
    }

    /// The ordered terms of a document, field by field: the field's place in the list of fields, and its terms.
    pub fn document(&self, slot: u32) -> impl Iterator<Item = (u8, &[u32])> + '_ {
        self.forward.fields(slot)
    }

    /// The score of a document that is asked with its own terms: no query scores higher.
    pub fn best(&self, slot: u32) -> f64 {
        let mut places = Places::default();
        places.reset(self.forward.fields(slot).map(|(_, terms)| terms.len()).sum());
        let mut found: Vec<(u32, f64)> = Vec::new();
        for (field, terms) in self.forward.fields(slot) {
            let counts = self.lengths.occurrence(field, terms.len() as u32);
            for term in terms {
                if places.insert(*term, found.len() as u32) {
                    found.push((*term, 0.0));
                }
                if let Some(place) = places.get(*term) {
                    found[place as usize].1 += counts;
                }
            }
        }
        found.into_iter().map(|(term, frequency)| self.idf(term) * score::saturate(frequency)).sum()
    }

    /// What each distinct query term adds to a document's score, largest first. The score is their sum.
    pub fn explain(&self, slot: u32, query: &Terms) -> Vec<Contribution> {
        let mut found: Vec<(f64, Option<u8>)> = vec![(0.0, None); query.ids.len()];
        for (field, terms) in self.forward.fields(slot) {
            let counts = self.lengths.occurrence(field, terms.len() as u32);
            for place in terms.iter().filter_map(|term| query.places.get(*term)) {
                let own = &mut found[place as usize];
                own.0 += counts;
                own.1.get_or_insert(field);
            }
        }
        let mut contributions: Vec<Contribution> = found
            .into_iter()
            .enumerate()
            .filter_map(|(i, (frequency, field))| {
                Some(Contribution {
                    term: self.dictionary.text(query.ids[i]).to_owned(),
                    field: self.fields[usize::from(field?)].name,
                    score: query.idf[i] * score::saturate(frequency),
                })
            })
            .collect();
        contributions.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.cmp(&b.term)));
        contributions
    }

    fn term(&mut self, text: &str) -> u32 {
        let id = self.dictionary.intern(text);
        if self.dictionary.len() > self.frequencies.len() {
            self.frequencies.push(0);
            self.postings.push(Postings::default());
        }
        id
    }

    /// Adds a document's terms, lengths and frequencies, but no postings.
    fn append<'a>(&mut self, key: &str, fields: impl IntoIterator<Item = (u8, &'a str)>) -> Result<u32, Full> {
        if self.key_of.len() >= postings::SLOTS {
            return Err(Full);
        }
        if let Some(slot) = self.slot(key) {
            self.take(slot);
        }
        let key = self.keys.intern(key);
        for (field, text) in fields {
            for term in tokenise(text) {
                let term = self.term(&term);
                self.forward.push_term(term);
            }
            self.forward.end_field(field);
        }
        Ok(self.finish(key))
    }

    /// Counts the document whose terms were just added.
    fn finish(&mut self, key: u32) -> u32 {
        let slot = self.key_of.len() as u32;
        self.forward.end_document();
        for (field, terms) in self.forward.fields(slot) {
            self.lengths.add(field, terms.len() as u32);
        }
        self.gather.document(&self.forward, slot, |_, _| 1.0);
        for (term, _) in self.gather.terms() {
            self.frequencies[term as usize] += 1;
        }
        self.key_of.push(key);
        if self.slot_of.len() <= key as usize {
            self.slot_of.resize(key as usize + 1, NONE);
        }
        self.slot_of[key as usize] = slot;
        self.documents += 1;
        slot
    }

    fn take(&mut self, slot: u32) {
        let key = std::mem::replace(&mut self.key_of[slot as usize], NONE);
        self.slot_of[key as usize] = NONE;
        self.documents -= 1;
        for (field, terms) in self.forward.fields(slot) {
            self.lengths.take(field, terms.len() as u32);
        }
        self.gather.document(&self.forward, slot, |_, _| 1.0);
        for (term, _) in self.gather.terms() {
            self.frequencies[term as usize] -= 1;
        }
    }

    /// Computes the bounds of the documents anew that have a field whose average moved.
    fn settle(&mut self) {
        let moved: Vec<u8> = self.lengths.moved().collect();
        if moved.is_empty() {
            return;
        }
        for field in &moved {
            self.lengths.assume(*field);
        }
        for slot in 0..self.key_of.len() as u32 {
            if !self.is_taken(slot) || !self.forward.fields(slot).any(|(field, _)| moved.contains(&field)) {
                continue;
            }
            self.gather.document(&self.forward, slot, |field, length| self.lengths.assumed(field, length));
            for (term, frequency) in self.gather.terms() {
                self.postings[term as usize].set(slot, impact(frequency));
            }
        }
    }

    /// Computes every bound anew, and forgets the postings of removed documents.
    fn rebuild(&mut self) {
        self.lengths.assume_all();
        let slots = self.key_of.len();
        for (postings, frequency) in self.postings.iter_mut().zip(&self.frequencies) {
            postings.clear();
            postings.reserve(*frequency as usize);
        }
        for slot in 0..slots as u32 {
            if self.key_of[slot as usize] == NONE {
                continue;
            }
            self.gather.document(&self.forward, slot, |field, length| self.lengths.assumed(field, length));
            for (term, frequency) in self.gather.terms() {
                self.postings[term as usize].push(slot, impact(frequency), slots);
            }
        }
    }
}
