//! What frequency and time say, added to what text says.

use super::relevance::Model;
use super::{Basis, ExplanationItem, PatternMatch};

/// Adds the evidence items of matches to the log-odds of those that no rule settled, and shares anew: what one gains, the
/// others lose. A match whose rule alone holds stays at exactly 1.
pub fn weigh_items(matches: &mut [PatternMatch], model: &Model) {
    for basis in [Basis::Competing, Basis::Text] {
        let in_it = |found: &PatternMatch| match basis {
            Basis::Competing => found.explanation.basis == Basis::Competing,
            _ => matches!(found.explanation.basis, Basis::Text | Basis::SetAside),
        };
        let gained: f64 = matches
            .iter()
            .filter(|found| in_it(found))
            .map(|found| own(found).exp() * (added(found, model).exp() - 1.0))
            .sum();
        if matches.iter().filter(|found| in_it(found)).all(|found| found.items.is_empty()) {
            continue;
        }
        for found in matches.iter_mut().filter(|found| in_it(found)) {
            // Everything together: this one, its rivals, and none where that is possible.
            let total = own(found).exp() + rivals(found).exp() + gained;
            let more = added(found, model);
            let least = if basis == Basis::Competing { f64::MIN_POSITIVE } else { 1.0 };
            let against = (total - (own(found) + more).exp()).max(least).ln();
            let Some(last) = found.explanation.items.pop() else { continue };
            for item in &found.items {
                let log_odds = item.log_likelihood_ratio * model.evidence;
                found.explanation.items.push(ExplanationItem {
                    what: item.sentence.clone(),
                    value: item.log_likelihood_ratio,
                    log_odds,
                });
            }
            found.explanation.items.push(ExplanationItem { log_odds: -against, ..last });
            found.explanation.log_odds = found.explanation.items.iter().map(|item| item.log_odds).sum();
            found.relevance = found.explanation.relevance();
            found.decision_confidence = found.relevance.times(found.pattern_confidence);
        }
    }
}

/// Log-odds against none, without the rivals, who come last.
fn own(found: &PatternMatch) -> f64 {
    found.explanation.log_odds + rivals(found)
}

fn rivals(found: &PatternMatch) -> f64 {
    found.explanation.items.last().map_or(0.0, |item| -item.log_odds)
}

fn added(found: &PatternMatch, model: &Model) -> f64 {
    found.items.iter().map(|item| item.log_likelihood_ratio * model.evidence).sum()
}
