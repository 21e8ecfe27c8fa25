//! Outcomes by project: local and foreign evidence, kept apart and combined by one rule.
//!
//! The rule is a power prior (Ibrahim and Chen, Statistical Science 2000): the success rate here has a Beta prior that starts
//! at Beta(1, 1) and is moved by the foreign outcomes, discounted so that together they weigh at most
//! [`FOREIGN_WEIGHT`] outcomes; the local outcomes count in full. So a pattern proven elsewhere starts with an advantage, and
//! a handful of local outcomes outweighs it. What is computed here is shown beside a pattern's confidence and decides nothing.

use serde::{Deserialize, Serialize};

use crate::{BasisPoints, ProjectName};

/// Verified outcomes, good and bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    pub attempts: u32,
    pub successes: u32,
}

/// Local outcomes that all foreign ones together may weigh.
pub const FOREIGN_WEIGHT: u32 = 4;

/// The lower bound is exceeded with this probability.
const SURE: f64 = 0.95;

impl Outcomes {
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            attempts: self.attempts.saturating_add(more.attempts),
            successes: self.successes.saturating_add(more.successes),
        }
    }

    const fn failures(self) -> u32 {
        self.attempts.saturating_sub(self.successes)
    }
}

/// What a project's own outcomes and those of the others say of one fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combined {
    pub local: Outcomes,
    pub foreign: Outcomes,
    /// The expected success rate here.
    pub expected: BasisPoints,
    /// The rate that is exceeded with a probability of 95 %.
    pub at_least: BasisPoints,
}

/// Combines outcomes from the point of view of one project.
pub fn combine(project: &ProjectName, by_project: &[(ProjectName, Outcomes)]) -> Combined {
    let sum = |own: bool| {
        let of = by_project.iter().filter(|(name, _)| (name == project) == own);
        of.fold(Outcomes::default(), |all, (_, one)| all.plus(*one))
    };
    let (local, foreign) = (sum(true), sum(false));
    let weight = f64::from(foreign.attempts.min(FOREIGN_WEIGHT)) / f64::from(foreign.attempts.max(1));
    let a = weight.mul_add(f64::from(foreign.successes), 1.0 + f64::from(local.successes));
    let b = weight.mul_add(f64::from(foreign.failures()), 1.0 + f64::from(local.failures()));
    Combined { local, foreign, expected: points(a / (a + b)), at_least: points(quantile(1.0 - SURE, a, b)) }
}

fn points(value: f64) -> BasisPoints {
    BasisPoints::from_decimal(value.clamp(0.0, 1.0)).unwrap_or_default()
}

/// The value below which a Beta(a, b) variable stays with probability `p`, by bisection to well below a basis point.
fn quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0f64, 1.0f64);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if beta_distribution(middle, a, b) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function, by its continued fraction (Lentz's method; NIST DLMF 8.17.22).
fn beta_distribution(x: f64, a: f64, b: f64) -> f64 {
    if !(0.0..1.0).contains(&x) || x == 0.0 {
        return x.clamp(0.0, 1.0);
    }
    // It converges fast on one side of the mean; the other side is its mirror.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_distribution(1.0 - x, b, a);
    }
    const TINY: f64 = 1e-300;
    let front = (a * x.ln() + b * (1.0 - x).ln() - ln_beta(a, b)).exp() / a;
    let (mut c, mut d, mut fraction) = (1.0f64, 0.0f64, 1.0f64);
    for i in 0..300 {
        let m = f64::from(i / 2);
        let numerator = match i {
            0 => 1.0,
            _ if i % 2 == 0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
        d = 1.0 / away_from_zero(1.0 + numerator * d);
        c = away_from_zero(1.0 + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-12 {
            break;
        }
    }
    front * (fraction - 1.0)
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Stirling's series, shifted to where it is exact to more digits than are shown.
fn ln_gamma(x: f64) -> f64 {
    let (mut shift, mut x) = (0.0, x);
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let square = x * x;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x * square) + 1.0 / (1_260.0 * x * square * square);
    (x - 0.5).mul_add(x.ln(), -x) + 0.5 * std::f64::consts::TAU.ln() + series + shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcomes(successes: u32, attempts: u32) -> Outcomes {
        Outcomes { attempts, successes }
    }

    fn combined(local: Outcomes, foreign: Outcomes) -> (u32, u32) {
        let (here, there) = (ProjectName::new("here"), ProjectName::new("there"));
        let combined = combine(&here, &[(here.clone(), local), (there, foreign)]);
        (combined.expected.get(), combined.at_least.get())
    }

    #[test]
    fn quantiles_of_known_distributions() {
        // Beta(1, b) and Beta(a, 1) have closed forms; Beta(2, 2) has the distribution 3x^2 - 2x^3.
        for (a, b, expected) in [
            (1.0, 1.0, 0.05),
            (4.0, 1.0, 0.05f64.powf(0.25)),
            (1.0, 9.0, 1.0 - 0.95f64.powf(1.0 / 9.0)),
            (2.0, 2.0, 0.135_350),
        ] {
            let found = quantile(0.05, a, b);
            assert!((found - expected).abs() < 1e-5, "Beta({a}, {b}): {found}, expected {expected}");
        }
    }

    #[test]
    fn foreign_outcomes_help_a_little_and_local_ones_decide() {
        for (local, foreign, expected) in [
            (outcomes(0, 0), outcomes(0, 0), 5_000),
            // At most four outcomes' worth: (1 + 4) / (2 + 4).
            (outcomes(0, 0), outcomes(4, 4), 8_333),
            (outcomes(0, 0), outcomes(1_000, 1_000), 8_333),
            (outcomes(0, 0), outcomes(2, 2), 7_500),
            (outcomes(3, 4), outcomes(0, 0), 6_667),
            // Four failures here weigh as much as any number of successes elsewhere.
            (outcomes(0, 4), outcomes(1_000, 1_000), 5_000),
        ] {
            assert_eq!(combined(local, foreign).0, expected, "{local:?} {foreign:?}");
        }
    }

    proptest! {
        #[test]
        fn the_bound_is_below_and_a_success_never_hurts(
            local in (0u32..200, 0u32..200), foreign in (0u32..2_000, 0u32..2_000),
        ) {
            let of = |(good, bad): (u32, u32)| outcomes(good, good + bad);
            let (expected, at_least) = combined(of(local), of(foreign));
            prop_assert!(at_least < expected, "{} {}", at_least, expected);
            let (better, better_least) = combined(of((local.0 + 1, local.1)), of(foreign));
            prop_assert!(better >= expected && better_least >= at_least);
        }
    }
}
