//! Candidates share the probability with each other and with "none of these".

/// `ln(sum e^s)`, with 1 added to the sum for "none of these" where `none` says so. Finite for finite log-odds, except that
/// of nothing at all without none: minus infinity.
pub fn log_sum(log_odds: &[f64], none: bool) -> f64 {
    let start = if none { 0.0 } else { f64::NEG_INFINITY };
    let greatest = log_odds.iter().copied().fold(start, f64::max);
    if greatest == f64::NEG_INFINITY {
        return greatest;
    }
    let mut parts: Vec<f64> = log_odds.iter().map(|s| (s - greatest).exp()).collect();
    // The same to the last bit in whatever order the candidates come.
    parts.sort_unstable_by(f64::total_cmp);
    let total = parts.iter().sum::<f64>() + if none { (-greatest).exp() } else { 0.0 };
    greatest + total.ln()
}

/// The probability of each candidate from its log-odds against none: `e^s / (1 + sum e^s)`. With `none` false the
/// candidates are known to hold the right one, and share all of it.
pub fn share(log_odds: &[f64], none: bool) -> Vec<f64> {
    let total = log_sum(log_odds, none);
    log_odds.iter().map(|s| (s - total).exp().min(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_those_of_the_formula() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(share(&[0.0], true)[0], 0.5));
        assert!(close(share(&[2.0f64.ln(), 0.0], true)[0], 0.5));
        assert!(close(share(&[3.0f64.ln(), 0.0], false)[0], 0.75));
        assert!(share(&[], true).is_empty() && share(&[], false).is_empty());
    }

    proptest! {
        #[test]
        fn they_are_probabilities_whatever_the_odds(odds in prop::collection::vec(-1e6f64..1e6, 1..20), none: bool) {
            let shares = share(&odds, none);
            prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            let total: f64 = shares.iter().sum();
            prop_assert!(total <= 1.0 + 1e-9 && (none || total > 1.0 - 1e-9), "{total}");
        }
    }
}
