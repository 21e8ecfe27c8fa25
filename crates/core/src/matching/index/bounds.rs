//! What the terms of a query can add to a score at most, in whole units, and in what order they are best added.

use super::postings::{Postings, STEP};
use super::{Index, Terms};

/// Bounds are rounded up and this much more, so that no rounding of floating point can lose a document.
const ROUNDING: f64 = 1.0 + 1e-9;

/// The postings of one term of the query.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub postings: &'a Postings,
    /// What one step of impact is worth: an even number.
    pub worth: u32,
    /// What it adds at most.
    pub most: u32,
}

impl List<'_> {
    /// What it adds to a document.
    pub fn bound(&self, slot: u32) -> u32 {
        self.worth * u32::from(self.postings.get(slot))
    }
}

/// Lists by what they add at most, the largest first; what all of them can add; and what a unit is worth in score.
pub(super) fn lists<'a>(index: &'a Index, query: &Terms) -> (Vec<List<'a>>, u32, f64) {
    let total: f64 = query.idf.iter().sum();
    // No sum of all terms at the highest impact may overflow, with room for the rounding up of each term.
    let scale = f64::from(u32::MAX / 4) / 255.0 / total.max(f64::MIN_POSITIVE);
    let list = |(term, idf): (&u32, &f64)| {
        let postings: &Postings = &index.postings[*term as usize];
        let worth = (idf * scale / 2.0).ceil() as u32 * 2;
        List { postings, worth, most: worth * u32::from(postings.max()) }
    };
    let mut lists: Vec<List<'a>> = query.ids.iter().zip(&query.idf).map(list).collect();
    lists.sort_unstable_by_key(|list| std::cmp::Reverse(list.most));
    let left = lists.iter().map(|list| list.most).sum();
    (lists, left, STEP / scale * index.lengths.slack() * ROUNDING)
}
