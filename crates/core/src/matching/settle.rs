//! How relevant candidates are to each other: exactly 1.00 where one rule holds, shared where rules compete, and otherwise
//! how probably the text belongs to each of them.

use std::sync::Arc;

use super::base::Candidate;
use super::others::log_sums_of_others;
use super::relevance::{Features, Model};
use super::{Basis, Explanation, RuleOutcome};
use crate::knowledge::Pattern;

/// Log-odds of a candidate whose text was not found in the line at all.
const NOTHING: f64 = -12.0;

/// Gives every candidate its relevance and the explanation of it. Returns the patterns whose rules hold most specifically,
/// by id.
pub(super) fn settle(candidates: &mut [Candidate], model: &Model) -> Vec<Arc<Pattern>> {
    // The more specific rule wins before anything is shared: scope first, then literal characters.
    let specificity = |c: &Candidate| (c.pattern.scope.specificity(), c.literal_characters);
    let finest = candidates.iter().filter(|one| one.rule.is_satisfied()).map(specificity).max();
    let wins: Vec<bool> =
        candidates.iter().map(|one| one.rule.is_satisfied() && Some(specificity(one)) == finest).collect();
    let mut winners: Vec<Arc<Pattern>> = candidates
        .iter()
        .zip(&wins)
        .filter(|(_, wins)| **wins)
        .map(|(candidate, _)| Arc::clone(&candidate.pattern))
        .collect();
    winners.sort_by(|a, b| a.id.cmp(&b.id));
    // The same fix does not compete.
    let differing = winners.iter().any(|pattern| !pattern.has_same_fix(&winners[0]));
    for (candidate, wins) in candidates.iter_mut().zip(&wins) {
        candidate.explanation.basis = match &candidate.rule {
            RuleOutcome::RuledOut { .. } => Basis::RuledOut,
            RuleOutcome::Satisfied { .. } if *wins && differing => Basis::Competing,
            RuleOutcome::Satisfied { .. } if *wins => Basis::Rule,
            RuleOutcome::Satisfied { .. } => Basis::SetAside,
            _ => Basis::Text,
        };
    }
    // Whoever is in the running is a rival of those that text speaks for, also the winners; these have only each other.
    let rivals = |of: &dyn Fn(Basis) -> bool, none| -> Vec<Option<(usize, f64)>> {
        let among: Vec<usize> = (0..candidates.len()).filter(|i| of(candidates[*i].explanation.basis)).collect();
        let odds: Vec<f64> = among.iter().map(|i| log_odds(candidates[*i].features.as_ref(), model)).collect();
        let mut against = vec![None; candidates.len()];
        for (i, sum) in among.iter().zip(log_sums_of_others(&odds, none)) {
            against[*i] = Some((among.len() - 1, sum));
        }
        against
    };
    let to_text = rivals(&|basis| basis != Basis::RuledOut, true);
    // Rivals whose rules hold too leave no room for "none of these".
    let to_rules = rivals(&|basis| basis == Basis::Competing, false);
    for (i, candidate) in candidates.iter_mut().enumerate() {
        let basis = candidate.explanation.basis;
        let (against, what) = match basis {
            Basis::Competing => (to_rules[i], "patterns whose rules hold too"),
            Basis::SetAside | Basis::Text => (to_text[i], "other patterns, or none"),
            Basis::Rule | Basis::RuledOut => (None, ""),
        };
        if let Some((rivals, against)) = against {
            candidate.explanation = match &candidate.features {
                Some(features) => Explanation::text(basis, model, features),
                None => {
                    let mut explanation = Explanation::of(basis);
                    explanation.add("none of its words", 0.0, NOTHING);
                    explanation
                }
            };
            candidate.explanation.add(what, rivals as f64, -against);
        }
        candidate.relevance = candidate.explanation.relevance();
    }
    winners
}

fn log_odds(features: Option<&Features>, model: &Model) -> f64 {
    features.map_or(NOTHING, |features| model.log_odds(features))
}
