//! The index as a vocabulary.

use super::Vocabulary;
use crate::matching::index::Index;

/// A small knowledge base is weighed as if it were part of one of this many patterns: a word that one of three patterns has
/// is still a rare word.
const PATTERNS: u32 = 500;
/// Share of the patterns from which on a term says nothing, and how many patterns there must be to know.
const COMMON: f64 = 0.3;
const COMMON_FROM: usize = 50;

impl Vocabulary for Index {
    fn term(&self, text: &str) -> Option<u32> {
        self.term_id(text)
    }

    fn weight(&self, term: u32) -> f64 {
        let patterns = u32::try_from(self.len()).unwrap_or(u32::MAX).max(PATTERNS);
        let idf = |n: u32| (1.0 + (f64::from(patterns) - f64::from(n) + 0.5) / (f64::from(n) + 0.5)).ln();
        idf(self.frequency(term)) / idf(0)
    }

    fn is_common(&self, term: u32) -> bool {
        self.len() >= COMMON_FROM && f64::from(self.frequency(term)) > COMMON * self.len() as f64
    }
}
