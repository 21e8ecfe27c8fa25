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
                found.explanation.items.push(ExplanationItem {
                    what: item.sentence.clone(),
                    value: item.log_likelihood_ratio,
                    log_odds: model.evidence(item),
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
    found.items.iter().map(|item| model.evidence(item)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{EvidenceItem, EvidenceKind, Explanation, RuleOutcome};
    use crate::{BasisPoints, DecisionConfidence, PatternId};

    fn found(name: &str, basis: Basis, own: f64, rivals: f64, ratio: Option<f64>) -> PatternMatch {
        let mut explanation = Explanation { basis, ..Explanation::default() };
        if basis != Basis::Rule {
            explanation.add("text", 1.0, own);
            explanation.add("rivals", 1.0, -rivals);
        }
        let item = |log_likelihood_ratio| EvidenceItem {
            kind: EvidenceKind::Order,
            log_likelihood_ratio,
            observed: 1.0,
            expected: 1.0,
            sentence: "came first".into(),
        };
        PatternMatch {
            pattern: PatternId::new(name),
            name: name.into(),
            relevance: explanation.relevance(),
            pattern_confidence: BasisPoints::ONE,
            outcomes: 0,
            decision_confidence: DecisionConfidence::ZERO,
            rule: RuleOutcome::None,
            terms: vec![],
            competitors: vec![],
            same_fix: vec![],
            evidence: Default::default(),
            explanation,
            items: ratio.map(item).into_iter().collect(),
        }
    }

    fn model() -> Model {
        Model { evidence: [(EvidenceKind::Order, 1.0)].into(), ..Model::default() }
    }

    #[test]
    fn what_one_gains_the_others_lose_and_the_items_still_add_up() {
        // Odds 1, 1 and 1 (none): a third each. The first is made three times as likely: 3 of 5 against 1 of 5.
        let rivals = 2.0f64.ln();
        let mut matches =
            [found("a", Basis::Text, 0.0, rivals, Some(3.0f64.ln())), found("b", Basis::Text, 0.0, rivals, None)];
        weigh_items(&mut matches, &model());
        assert_eq!(matches.each_ref().map(|found| found.relevance.get()), [6_000, 2_000]);
        for found in &matches {
            let sum: f64 = found.explanation.items.iter().map(|item| item.log_odds).sum();
            assert!((sum - found.explanation.log_odds).abs() < 1e-9);
        }
    }

    #[test]
    fn rules_that_compete_share_all_of_it() {
        let mut matches =
            [found("a", Basis::Competing, 0.0, 0.0, Some(3.0f64.ln())), found("b", Basis::Competing, 0.0, 0.0, None)];
        weigh_items(&mut matches, &model());
        assert_eq!(matches.each_ref().map(|found| found.relevance.get()), [7_500, 2_500]);
    }

    #[test]
    fn a_rule_that_holds_alone_is_not_moved_and_nothing_known_changes_nothing() {
        let mut matches = [found("a", Basis::Rule, 0.0, 0.0, Some(-2.0)), found("b", Basis::Text, 0.5, 0.7, None)];
        let before = matches.clone();
        weigh_items(&mut matches, &model());
        assert_eq!(matches, before);
    }
}
