//! Scores as fixed-point numbers.
//!
//! Confidences and relevances are whole basis points (1/10000), so nine successes from 0.25 are exactly 0.70 and a
//! threshold has two sides and no third. A decision confidence is the integer product of two of them and is
//! compared with a threshold as a product too: it is never rounded before it is compared.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A score from 0.0000 to 1.0000 in steps of 0.0001.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(u16);

impl BasisPoints {
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(10_000);

    /// From basis points; anything above 10000 is an error of the caller's data.
    pub fn new(value: u32) -> Result<Self, ScoreOutOfRange> {
        u16::try_from(value).ok().filter(|value| *value <= 10_000).map(Self).ok_or(ScoreOutOfRange)
    }

    /// From basis points known to be small; larger values become 1.00.
    pub const fn saturating(value: u32) -> Self {
        if value > 10_000 { Self::ONE } else { Self(value as u16) }
    }

    /// From a decimal such as `0.7`. Rounded to the nearest basis point; outside 0 to 1 (or NaN) is an error.
    pub fn from_decimal(value: f64) -> Result<Self, ScoreOutOfRange> {
        if !(0.0..=1.0).contains(&value) {
            return Err(ScoreOutOfRange);
        }
        Ok(Self((value * 10_000.0).round() as u16))
    }

    pub const fn get(self) -> u32 {
        self.0 as u32
    }

    pub fn as_decimal(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Adds signed basis points and stays within 0.00 to 1.00.
    pub fn shifted(self, delta: i32) -> Self {
        Self::saturating((i32::from(self.0) + delta).max(0) as u32)
    }

    /// The exact product of two scores.
    pub const fn times(self, other: Self) -> DecisionConfidence {
        DecisionConfidence(self.0 as u32 * other.0 as u32)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a score must lie between 0 and 1")]
pub struct ScoreOutOfRange;

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest, mut digits) = (self.0 / 10_000, self.0 % 10_000, 4);
        while digits > 2 && rest.is_multiple_of(10) {
            rest /= 10;
            digits -= 1;
        }
        write!(f, "{whole}.{rest:0digits$}")
    }
}

impl Serialize for BasisPoints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_decimal())
    }
}

impl<'de> Deserialize<'de> for BasisPoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::from_decimal(value)
            .map_err(|_| serde::de::Error::custom(format!("expected a number from 0 to 1, found {value}")))
    }
}

impl schemars::JsonSchema for BasisPoints {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Score".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// Relevance x pattern confidence, exact, in units of 10^-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecisionConfidence(u32);

impl DecisionConfidence {
    pub const ZERO: Self = Self(0);

    /// True at the threshold itself and above.
    pub const fn reaches(self, threshold: BasisPoints) -> bool {
        self.0 >= threshold.get() * 10_000
    }

    /// The same, or the most that does not reach a threshold.
    #[must_use]
    pub fn below(self, threshold: BasisPoints) -> Self {
        Self(self.0.min((threshold.get() * 10_000).saturating_sub(1)))
    }

    /// For showing: whole basis points, cut and not rounded, so that what is shown never reaches a threshold that the
    /// exact value missed.
    pub const fn shown(self) -> BasisPoints {
        BasisPoints::saturating(self.0 / 10_000)
    }
}

impl fmt::Display for DecisionConfidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

/// Stored exactly (as the integer), because a decision is replayed from what was stored.
impl Serialize for DecisionConfidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for DecisionConfidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(u32::deserialize(deserializer)?.min(100_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_held_below_a_threshold_misses_it_by_the_least_there_is() {
        let threshold = BasisPoints::saturating(7_000);
        for (relevance, confidence, held) in
            [(10_000, 10_000, 69_999_999), (7_000, 10_000, 69_999_999), (6_999, 10_000, 69_990_000), (0, 1, 0)]
        {
            let product =
                BasisPoints::saturating(relevance).times(BasisPoints::saturating(confidence)).below(threshold);
            assert_eq!((product.0, product.reaches(threshold)), (held, false));
        }
        assert_eq!(BasisPoints::ONE.times(BasisPoints::ONE).below(BasisPoints::ZERO), DecisionConfidence::ZERO);
    }

    #[test]
    fn nine_successes_from_a_quarter_are_exactly_seven_tenths() {
        let mut confidence = BasisPoints::from_decimal(0.25).expect("in range");
        for _ in 0..9 {
            confidence = confidence.shifted(500);
        }
        assert_eq!(confidence, BasisPoints::from_decimal(0.7).expect("in range"));
        assert!(BasisPoints::ONE.times(confidence).reaches(BasisPoints::saturating(7_000)));
    }

    #[test]
    fn shows_two_to_four_digits() {
        for (value, shown) in [(0, "0.00"), (7_000, "0.70"), (7_150, "0.715"), (9_999, "0.9999"), (10_000, "1.00")] {
            assert_eq!(BasisPoints::saturating(value).to_string(), shown);
        }
    }

    #[test]
    fn rejects_what_is_no_score() {
        for value in [-0.1, 1.0001, f64::NAN, f64::INFINITY] {
            assert_eq!(BasisPoints::from_decimal(value), Err(ScoreOutOfRange), "{value}");
        }
        assert_eq!(BasisPoints::new(10_001), Err(ScoreOutOfRange));
    }

    proptest! {
        #[test]
        fn a_product_reaches_a_threshold_exactly_when_the_integers_say_so(a in 0u32..=10_000, b in 0u32..=10_000, t in 0u32..=10_000) {
            let product = BasisPoints::saturating(a).times(BasisPoints::saturating(b));
            prop_assert_eq!(product.reaches(BasisPoints::saturating(t)), u64::from(a) * u64::from(b) >= u64::from(t) * 10_000);
            prop_assert!(!BasisPoints::saturating(t).lt(&product.shown()) || product.reaches(BasisPoints::saturating(t)));
        }

        #[test]
        fn a_decimal_survives_json(value in 0u32..=10_000) {
            let score = BasisPoints::saturating(value);
            let json = serde_json::to_string(&score).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<BasisPoints>(&json).expect("parses"), score);
        }
    }
}
