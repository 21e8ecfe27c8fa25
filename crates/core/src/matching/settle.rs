//! How relevant candidates are to each other: exactly 1.00 where one rule holds, shared where rules compete, and otherwise
//! how probably the text belongs to each of them.

use super::base::Candidate;
use super::relevance::{Features, Model, log_sum};
use super::{Basis, Explanation, RuleOutcome};

/// Log-odds of a candidate whose text was not found in the line at all.
const NOTHING: f64 = -12.0;

/// Gives every candidate its relevance and the explanation of it.
pub(super) fn settle(candidates: &mut [Candidate], model: &Model) {
    let holding: Vec<usize> = (0..candidates.len()).filter(|i| candidates[*i].rule.is_satisfied()).collect();
    // The more specific rule wins before anything is shared: scope first, then literal characters.
    let specificity = |c: &Candidate| (c.pattern.scope.specificity(), c.literal_characters);
    let finest = holding.iter().map(|i| specificity(&candidates[*i])).max();
    let winners: Vec<usize> =
        holding.iter().copied().filter(|i| Some(specificity(&candidates[*i])) == finest).collect();
    // The same fix does not compete.
    let differing = winners.iter().any(|i| candidates[*i].pattern.action != candidates[winners[0]].pattern.action);
    let own: Vec<f64> = candidates.iter().map(|candidate| log_odds(candidate.features.as_ref(), model)).collect();
    let in_the_running =
        |i: usize, candidates: &[Candidate]| !matches!(candidates[i].rule, RuleOutcome::RuledOut { .. });
    for i in 0..candidates.len() {
        let wins = winners.contains(&i);
        let (basis, rivals) = match &candidates[i].rule {
            RuleOutcome::RuledOut { .. } => (Basis::RuledOut, Vec::new()),
            RuleOutcome::Satisfied { .. } if wins && !differing => (Basis::Rule, Vec::new()),
            RuleOutcome::Satisfied { .. } if wins => {
                (Basis::Competing, winners.iter().copied().filter(|w| *w != i).collect())
            }
            satisfied => {
                let basis = if satisfied.is_satisfied() { Basis::SetAside } else { Basis::Text };
                (basis, (0..candidates.len()).filter(|j| *j != i && in_the_running(*j, candidates)).collect())
            }
        };
        let explanation = match basis {
            Basis::Rule | Basis::RuledOut => Explanation::of(basis),
            _ => {
                let mut explanation = match &candidates[i].features {
                    Some(features) => Explanation::text(basis, model, features),
                    None => {
                        let mut explanation = Explanation::of(basis);
                        explanation.add("none of its words", 0.0, NOTHING);
                        explanation
                    }
                };
                let odds: Vec<f64> = rivals.iter().map(|j: &usize| own[*j]).collect();
                // Rivals whose rules hold too leave no room for "none of these".
                let against = log_sum(&odds, basis != Basis::Competing);
                let what =
                    if basis == Basis::Competing { "patterns whose rules hold too" } else { "other patterns, or none" };
                explanation.add(what, odds.len() as f64, -against);
                explanation
            }
        };
        if basis == Basis::Competing {
            candidates[i].competitors = rivals.iter().map(|w| candidates[*w].pattern.id.clone()).collect();
        }
        candidates[i].relevance = explanation.relevance();
        candidates[i].explanation = explanation;
    }
}

fn log_odds(features: Option<&Features>, model: &Model) -> f64 {
    features.map_or(NOTHING, |features| model.log_odds(features))
}
