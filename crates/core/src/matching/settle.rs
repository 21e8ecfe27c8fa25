//! How relevant candidates are to each other: exactly 1.00 where one rule holds, shared where rules compete, and below the
//! ceiling of text where none holds.

use super::base::Candidate;
use super::{RuleOutcome, TextMatch};
use crate::BasisPoints;

/// Without a satisfied rule the text can at most be this relevant; whatever the product, it never acts by itself.
const TEXT_CEILING: f64 = 0.95;

/// What the text alone says, 0 to 1.
///
/// Normalised against the lesser of the pattern's own best and the query's best: a short line that is all in the pattern,
/// and a short pattern that is all in the line, are both a full match.
pub(super) fn text_relevance(text: &TextMatch<'_>) -> f64 {
    (text.score / text.best.min(text.query.best()).max(f64::MIN_POSITIVE)).min(1.0)
}

/// Gives every candidate its relevance.
pub(super) fn settle(candidates: &mut [Candidate]) {
    let holding: Vec<usize> = (0..candidates.len()).filter(|i| candidates[*i].rule.is_satisfied()).collect();
    // The more specific rule wins before anything is shared: scope first, then literal characters.
    let specificity = |c: &Candidate| (c.pattern.scope.specificity(), c.literal_characters);
    let finest = holding.iter().map(|i| specificity(&candidates[*i])).max();
    let winners: Vec<usize> =
        holding.iter().copied().filter(|i| Some(specificity(&candidates[*i])) == finest).collect();
    // The same fix does not compete.
    let differing = winners.iter().any(|i| candidates[*i].pattern.action != candidates[winners[0]].pattern.action);
    let total: f64 = winners.iter().map(|i| candidates[*i].text.max(0.01)).sum();
    for i in 0..candidates.len() {
        let relevance = match &candidates[i].rule {
            RuleOutcome::RuledOut { .. } => BasisPoints::ZERO,
            RuleOutcome::Satisfied { .. } if winners.contains(&i) && !differing => BasisPoints::ONE,
            RuleOutcome::Satisfied { .. } if winners.contains(&i) => score(candidates[i].text.max(0.01) / total),
            // A less specific rule that holds is set aside by the one that won: it keeps what its text is worth.
            _ => score(candidates[i].text * TEXT_CEILING),
        };
        if differing && winners.contains(&i) {
            candidates[i].competitors =
                winners.iter().filter(|w| **w != i).map(|w| candidates[*w].pattern.id.clone()).collect();
        }
        candidates[i].relevance = relevance;
    }
}

fn score(value: f64) -> BasisPoints {
    BasisPoints::from_decimal(value.clamp(0.0, 1.0)).unwrap_or_default()
}
