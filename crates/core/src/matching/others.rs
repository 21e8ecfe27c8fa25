//! What each of many candidates has against it: all the others together.

/// For each log-odds `ln(sum e^s)` over all the others, with 1 added to the sum for "none of these" where `none` says so;
/// minus infinity where there is nothing else.
///
/// In the time of one sort, whatever their number, and without taking one away from a total, which would lose everything
/// where it is nearly all of it. The same to the last bit in whatever order the candidates come.
pub(super) fn log_sums_of_others(log_odds: &[f64], none: bool) -> Vec<f64> {
    let mut order: Vec<usize> = (0..log_odds.len()).collect();
    order.sort_by(|a, b| log_odds[*a].total_cmp(&log_odds[*b]));
    // After each place, those that come later; the greatest come last.
    let mut later = vec![f64::NEG_INFINITY; order.len() + 1];
    for place in (0..order.len()).rev() {
        later[place] = log_add(later[place + 1], log_odds[order[place]]);
    }
    let mut earlier = if none { 0.0 } else { f64::NEG_INFINITY };
    let mut against = vec![0.0; order.len()];
    for (place, i) in order.iter().enumerate() {
        // Equals have the same against them, not the same but for rounding.
        against[*i] = match place.checked_sub(1).map(|before| order[before]) {
            Some(before) if log_odds[before].total_cmp(&log_odds[*i]).is_eq() => against[before],
            _ => log_add(earlier, later[place + 1]),
        };
        earlier = log_add(earlier, log_odds[*i]);
    }
    against
}

/// `ln(e^a + e^b)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    if less == f64::NEG_INFINITY { more } else { more + (less - more).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::relevance::log_sum;
    use super::*;

    #[test]
    fn nothing_else_is_minus_infinity_or_none_alone() {
        assert_eq!(log_sums_of_others(&[3.0], false), [f64::NEG_INFINITY]);
        assert_eq!(log_sums_of_others(&[3.0], true), [0.0]);
        assert!(log_sums_of_others(&[], true).is_empty());
    }

    proptest! {
        #[test]
        fn it_is_the_sum_over_all_the_others(
            odds in prop::collection::vec(prop_oneof![-40.0f64..40.0, -1e6f64..1e6, Just(-12.0)], 1..40),
            none: bool,
        ) {
            let all = log_sums_of_others(&odds, none);
            for (i, sum) in all.iter().enumerate() {
                let others: Vec<f64> = odds.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, s)| *s).collect();
                let by_hand = log_sum(&others, none);
                prop_assert!(*sum == by_hand || (sum - by_hand).abs() <= 1e-9 * by_hand.abs().max(1.0), "{sum} {by_hand}");
            }
        }

        #[test]
        fn the_order_changes_no_bit(odds in prop::collection::vec(-5i32..5, 1..20), none: bool) {
            let odds: Vec<f64> = odds.into_iter().map(|s| f64::from(s) / 3.0).collect();
            let mut turned = log_sums_of_others(&odds.iter().rev().copied().collect::<Vec<_>>(), none);
            turned.reverse();
            prop_assert_eq!(log_sums_of_others(&odds, none), turned);
        }
    }
}
