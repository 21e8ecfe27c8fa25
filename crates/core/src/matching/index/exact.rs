//! The score of one document, from its own terms.

use super::score::{occurrence, saturate};
use super::{Index, Terms};

/// Space to score documents in, and what is the same for all of them.
#[derive(Default)]
pub(super) struct Exact {
    /// By field: its weight and its slope.
    norms: Vec<(f64, f64)>,
    /// By place in the query.
    frequencies: Vec<f64>,
}

impl Exact {
    /// Makes it ready for an index as it stands.
    pub fn start(&mut self, index: &Index) {
        self.norms.clear();
        self.norms.extend(index.lengths.norms());
    }

    /// Sums in the query's order, whatever order the document has its terms in.
    pub fn score(&mut self, index: &Index, slot: u32, query: &Terms) -> f64 {
        self.frequencies.clear();
        self.frequencies.resize(query.ids.len(), 0.0);
        for (field, terms) in index.forward.fields(slot) {
            let (weight, slope) = self.norms[usize::from(field)];
            let counts = occurrence(weight, terms.len() as u32, slope);
            for terms in terms.chunks(64) {
                let mut maybe = query.places.maybe(terms);
                while maybe != 0 {
                    let at = maybe.leading_zeros();
                    maybe ^= 1 << 63 >> at;
                    if let Some(place) = query.places.get(terms[at as usize]) {
                        self.frequencies[place as usize] += counts;
                    }
                }
            }
        }
        // A term that does not occur adds 0, which changes no sum.
        query.idf.iter().zip(&self.frequencies).map(|(idf, frequency)| idf * saturate(*frequency)).sum()
    }
}
