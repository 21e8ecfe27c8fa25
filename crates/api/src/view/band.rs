//! How sure, in a band with words and a count.

use selfheal_core::BasisPoints;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    VeryLikely,
    Likely,
    Possible,
    Unlikely,
    TooNew,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfidenceBand {
    pub value: f64,
    pub band: Band,
    /// Verified outcomes that the value rests on.
    pub outcomes: u32,
    pub words: String,
}

/// Below this many outcomes a number would pretend to know.
const ENOUGH: u32 = 5;

impl ConfidenceBand {
    pub fn of(value: BasisPoints, outcomes: u32) -> Self {
        let band = match value.get() {
            _ if outcomes < ENOUGH => Band::TooNew,
            9_000.. => Band::VeryLikely,
            7_000.. => Band::Likely,
            3_000.. => Band::Possible,
            _ => Band::Unlikely,
        };
        let word = match band {
            Band::VeryLikely => "Very likely",
            Band::Likely => "Likely",
            Band::Possible => "Possible",
            Band::Unlikely => "Unlikely",
            Band::TooNew => "Too new to score",
        };
        let from = match outcomes {
            0 => "no outcomes yet".to_owned(),
            1 => "1 outcome".to_owned(),
            n => format!("{n} outcomes"),
        };
        Self { value: value.as_decimal(), band, outcomes, words: format!("{word}, {value} from {from}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_begin_at_their_thresholds() {
        for (value, outcomes, words) in [
            (9_000, 23, "Very likely, 0.90 from 23 outcomes"),
            (8_200, 23, "Likely, 0.82 from 23 outcomes"),
            (6_999, 5, "Possible, 0.6999 from 5 outcomes"),
            (2_999, 5, "Unlikely, 0.2999 from 5 outcomes"),
            (9_900, 4, "Too new to score, 0.99 from 4 outcomes"),
            (5_000, 0, "Too new to score, 0.50 from no outcomes yet"),
        ] {
            assert_eq!(ConfidenceBand::of(BasisPoints::saturating(value), outcomes).words, words);
        }
    }
}
