//! The patterns and queries of a run.

use selfheal_core::Timestamp;
use selfheal_core::knowledge::{PackEntry, Pattern, Rule};

use crate::corpus::{Lcg, Vocabulary};

pub struct Data {
    vocabulary: Vocabulary,
    pub patterns: usize,
}

impl Data {
    pub fn new(patterns: usize) -> Self {
        Self { vocabulary: Vocabulary::new(), patterns }
    }

    /// The pattern of a number: 30 words in three fields, the first word being its own, and a rule.
    pub fn pattern(&self, number: usize) -> Pattern {
        let mut random = Lcg(number as u64 * 7_919 + 1);
        let entry = PackEntry {
            id: Some(format!("pattern-{number}")),
            description: self.vocabulary.text(&mut random, 18),
            rule: Some(Rule::regex(format!("(?i){} \\w+ {}", self.vocabulary.text(&mut random, 1), own(number)))),
            ..PackEntry::new(
                format!("{} {}", own(number), self.vocabulary.text(&mut random, 3)),
                self.vocabulary.text(&mut random, 8),
            )
        };
        entry
            .into_pattern("bench", Timestamp::EPOCH)
            .unwrap_or_else(|why| unreachable!("a made-up pattern is valid: {why}"))
    }

    pub fn all(&self) -> impl Iterator<Item = Pattern> + '_ {
        (0..self.patterns).map(|number| self.pattern(number))
    }

    /// A failure line as words: half of them a pattern's, half of them drawn.
    pub fn query(&self, number: usize, words: usize) -> Vec<String> {
        let mut random = Lcg(number as u64 * 104_729 + 3);
        let text = text(&self.pattern(random.next(self.patterns)));
        let of: Vec<&str> = text.split(' ').skip(1).collect();
        (0..words)
            .map(|i| match i % 2 {
                0 => of[random.next(of.len())].to_owned(),
                _ => self.vocabulary.draw(&mut random).to_owned(),
            })
            .collect()
    }
}

/// A word that no other pattern has.
pub fn own(number: usize) -> String {
    format!("own{number}")
}

/// The pattern as one text, for peers that have one field.
pub fn text(pattern: &Pattern) -> String {
    format!("{} {} {}", pattern.name, pattern.description, pattern.root_cause)
}
