//! What is looked at when a line is laid beside a text of a pattern. Weights of words are between 0 (every pattern has it) and
//! 1 (no pattern has it).

use serde::{Deserialize, Serialize};

/// One thing that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Square root of the weight of the words in common, in the same order.
    Common,
    /// Share of the text's words, by weight, that the line has.
    Coverage,
    /// Weight of the text's words that the line lacks.
    Missing,
    /// Weight of the line's words where the text has no place for any.
    Extra,
    /// 1 where nothing is missing and nothing extra.
    Complete,
    /// Weight of the line's words that belong to other patterns.
    Foreign,
    /// Number of keys (`user=`) that the text does not have.
    Keys,
    /// Number of parts of the line beyond the places that vary.
    Overflow,
}

impl Feature {
    pub const ALL: [Self; 8] = [
        Self::Common,
        Self::Coverage,
        Self::Missing,
        Self::Extra,
        Self::Complete,
        Self::Foreign,
        Self::Keys,
        Self::Overflow,
    ];

    /// What it says, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Common => "words in common, in the same order",
            Self::Coverage => "share of the pattern's words found",
            Self::Missing => "words of the pattern missing",
            Self::Extra => "words where the pattern has none",
            Self::Complete => "nothing missing, nothing extra",
            Self::Foreign => "words that belong to other patterns",
            Self::Keys => "keys the pattern does not have",
            Self::Overflow => "more than fits where the pattern varies",
        }
    }
}

/// A value for each feature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Features([f64; Feature::ALL.len()]);

impl Features {
    pub fn new(value: impl Fn(Feature) -> f64) -> Self {
        Self(Feature::ALL.map(value))
    }

    pub const fn get(&self, feature: Feature) -> f64 {
        self.0[feature as usize]
    }

    pub const fn values(&self) -> &[f64; Feature::ALL.len()] {
        &self.0
    }
}
