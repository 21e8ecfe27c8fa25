//! Step 8, learn: +0.05 for a verified success, -0.10 for a failure, within 0.00 and 1.00.

mod outcomes;

use serde::{Deserialize, Serialize};

pub use outcomes::{Combined, FOREIGN_WEIGHT, Outcomes, combine};

use crate::BasisPoints;
use crate::config::Learning;

/// What an outcome did to a pattern: the delta that was really applied, so that it can be taken back exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    pub before: BasisPoints,
    pub after: BasisPoints,
    /// Change of `use_count`.
    pub uses: i32,
}

impl Learned {
    pub const fn delta(&self) -> i32 {
        self.after.get() as i32 - self.before.get() as i32
    }
}

pub fn success(before: BasisPoints, settings: &Learning) -> Learned {
    Learned { before, after: before.shifted(settings.success_step.get() as i32), uses: 1 }
}

pub fn failure(before: BasisPoints, settings: &Learning) -> Learned {
    Learned { before, after: before.shifted(-(settings.failure_step.get() as i32)), uses: 0 }
}

/// A recurrence inside the watch window: exactly the credited delta and the count are taken back, then it counts as a
/// failure.
pub fn recurrence(before: BasisPoints, credited: &Learned, settings: &Learning) -> Learned {
    let reversed = before.shifted(-credited.delta());
    Learned { before, after: failure(reversed, settings).after, uses: -credited.uses }
}

/// The lower bound of the 95 % Wilson score interval for `successes` of `attempts` (Wilson, JASA 1927): how good the
/// fix is at least. `None` without attempts.
pub fn wilson_lower_bound(successes: u32, attempts: u32) -> Option<BasisPoints> {
    if attempts == 0 {
        return None;
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (f64::from(attempts), f64::from(successes.min(attempts)) / f64::from(attempts));
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    BasisPoints::from_decimal(((centre - spread) / (1.0 + Z * Z / n)).clamp(0.0, 1.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bp(value: u32) -> BasisPoints {
        BasisPoints::saturating(value)
    }

    #[test]
    fn the_steps_and_their_bounds() {
        let settings = Learning::default();
        for (before, good, bad) in
            [(5_000, 5_500, 4_000), (9_800, 10_000, 8_800), (10_000, 10_000, 9_000), (500, 1_000, 0), (0, 500, 0)]
        {
            assert_eq!(success(bp(before), &settings).after, bp(good));
            assert_eq!(failure(bp(before), &settings).after, bp(bad));
        }
    }

    #[test]
    fn a_recurrence_takes_back_what_was_really_given() {
        let settings = Learning::default();
        let credited = success(bp(9_800), &settings);
        let taken = recurrence(credited.after, &credited, &settings);
        assert_eq!((taken.after, taken.uses), (bp(8_800), -1));
    }

    #[test]
    fn wilson_matches_published_values() {
        // R: prop.test(k, n, correct = FALSE)$conf.int
        for (successes, attempts, bound) in
            [(0, 0, None), (1, 1, Some(2_065)), (9, 10, Some(5_958)), (0, 10, Some(0)), (100, 100, Some(9_630))]
        {
            assert_eq!(wilson_lower_bound(successes, attempts).map(BasisPoints::get), bound, "{successes}/{attempts}");
        }
    }

    proptest! {
        #[test]
        fn a_recurrence_right_after_a_success_is_a_failure(before in 0u32..=10_000) {
            let settings = Learning::default();
            let credited = success(bp(before), &settings);
            prop_assert_eq!(recurrence(credited.after, &credited, &settings).after, failure(bp(before), &settings).after);
        }
    }
}
