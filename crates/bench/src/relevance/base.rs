//! The candidates of a line and their features, as the product finds them.

use std::collections::HashMap;

use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::relevance::{Features, LineText, PatternText, Vocabulary};
use selfheal_core::matching::tokenise;

pub struct Base {
    patterns: Vec<(String, PatternText, HashMap<u32, f64>)>,
    terms: HashMap<String, u32>,
    frequency: Vec<u32>,
}

impl Base {
    pub fn new(patterns: &[Pattern]) -> Self {
        let mut base = Self { patterns: Vec::new(), terms: HashMap::new(), frequency: Vec::new() };
        let average = patterns.iter().map(|p| tokenise(&p.description).len()).sum::<usize>() as f64
            / patterns.len().max(1) as f64;
        for pattern in patterns {
            let mut tf: HashMap<u32, f64> = HashMap::new();
            let tokens = tokenise(&pattern.description);
            for term in &tokens {
                let n = base.terms.len() as u32;
                *tf.entry(*base.terms.entry(term.clone()).or_insert(n)).or_default() += 1.0;
            }
            let norm = 0.25 + 0.75 * tokens.len() as f64 / average;
            for value in tf.values_mut() {
                *value /= norm;
            }
            let terms = &mut base.terms;
            let texts: Vec<&str> = std::iter::once(pattern.name.as_str())
                .chain(std::iter::once(pattern.description.as_str()))
                .chain(pattern.examples.matches.iter().map(String::as_str))
                .collect();
            let text = PatternText::new(texts, |word| {
                let n = terms.len() as u32;
                *terms.entry(word.to_owned()).or_insert(n)
            });
            base.frequency.resize(base.terms.len(), 0);
            for term in tf.keys() {
                base.frequency[*term as usize] += 1;
            }
            base.patterns.push((pattern.id.to_string(), text, tf));
        }
        base
    }

    fn idf(&self, n: f64) -> f64 {
        let total = (self.patterns.len() as f64).max(500.0);
        (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
    }

    pub fn candidates(&self, line: &str, top: usize) -> Vec<(String, Vec<Features>)> {
        let mut query: Vec<u32> = tokenise(line).iter().filter_map(|term| self.terms.get(term).copied()).collect();
        query.sort_unstable();
        query.dedup();
        let mut scores: Vec<(f64, usize)> = self
            .patterns
            .iter()
            .enumerate()
            .map(|(i, (_, _, tf))| {
                let score = query
                    .iter()
                    .filter_map(|term| {
                        tf.get(term)
                            .map(|tf| self.idf(f64::from(self.frequency[*term as usize])) * tf * 2.2 / (tf + 1.2))
                    })
                    .sum();
                (score, i)
            })
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        scores.truncate(top);
        let text = LineText::new(line, self);
        scores
            .into_iter()
            .map(|(_, i)| (self.patterns[i].0.clone(), text.compare(&self.patterns[i].1, self).collect()))
            .collect()
    }
}

impl Vocabulary for Base {
    fn term(&self, text: &str) -> Option<u32> {
        self.terms.get(text).copied().filter(|term| self.frequency[*term as usize] > 0)
    }

    fn weight(&self, term: u32) -> f64 {
        self.idf(f64::from(self.frequency[term as usize])) / self.idf(0.0)
    }

    fn is_common(&self, term: u32) -> bool {
        self.patterns.len() >= 50 && f64::from(self.frequency[term as usize]) > 0.3 * self.patterns.len() as f64
    }
}
