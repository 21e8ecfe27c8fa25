//! What people's rejections teach about relevance.
//!
//! A rejection as "wrong fix" or "wrong cause" counts against the pattern for that kind of incident (the fingerprint that
//! was matched), a verified success there counts for it. Relevance is multiplied by the posterior mean of a
//! Beta-Bernoulli model that starts from one success, `(1 + confirmed) / (1 + confirmed + rejected)`: untouched without
//! a rejection, halved by the first one where nothing speaks for the pattern.

use serde::{Deserialize, Serialize};

use crate::BasisPoints;

/// How often a pattern was right and wrong for one kind of incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub confirmed: u32,
    pub rejected: u32,
}

impl Evidence {
    pub const CONFIRMED: Self = Self { confirmed: 1, rejected: 0 };
    pub const REJECTED: Self = Self { confirmed: 0, rejected: 1 };

    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self {
            confirmed: self.confirmed.saturating_add(more.confirmed),
            rejected: self.rejected.saturating_add(more.rejected),
        }
    }

    /// The one that leaves less.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        // (1 + confirmed) / (1 + confirmed + rejected), crosswise.
        let good = |one: Self| 1 + u64::from(one.confirmed);
        let all = |one: Self| good(one) + u64::from(one.rejected);
        if good(other) * all(self) < good(self) * all(other) { other } else { self }
    }

    /// The relevance that is left, rounded down.
    pub fn weigh(self, relevance: BasisPoints) -> BasisPoints {
        let (good, bad) = (1 + u64::from(self.confirmed), u64::from(self.rejected));
        BasisPoints::saturating((u64::from(relevance.get()) * good / (good + bad)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_one_leaves_less() {
        let of = |confirmed, rejected| Evidence { confirmed, rejected };
        assert_eq!(of(0, 0).worse(of(0, 1)), of(0, 1));
        assert_eq!(of(0, 1).worse(of(9, 2)), of(0, 1));
        assert_eq!(of(9, 0).worse(of(0, 0)), of(9, 0));
    }

    #[test]
    fn rejections_weigh_against_successes() {
        for (confirmed, rejected, relevance, left) in [
            (0, 0, 10_000, 10_000),
            (9, 0, 10_000, 10_000),
            (0, 1, 10_000, 5_000),
            (0, 2, 10_000, 3_333),
            (9, 1, 10_000, 9_090),
            (1, 1, 6_000, 4_000),
        ] {
            let weighed = Evidence { confirmed, rejected }.weigh(BasisPoints::saturating(relevance));
            assert_eq!(weighed.get(), left, "{confirmed} and {rejected}");
        }
    }
}
