//! Evidence beside the text: how often a failure is seen, and when.
//!
//! Each item is a log-likelihood ratio in natural units: how much more likely what was seen is if this pattern is the cause
//! than it is over all incidents. It is within [`LIMIT`] of zero, and there is none (which is exactly 0) where nothing is
//! known. The sentence and the two numbers let a person check it by hand. Nothing here authorises an action.

mod cause;
mod change;
mod hours;
mod order;
mod rate;
mod ratio;
mod share;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PatternMatch, RuleOutcome, tokenise};
use crate::{Fingerprint, NewSignal, PatternId, ServiceName, Timestamp};

pub use cause::{ConfirmedCause, Statistics};
pub use change::{SeenChange, nearest_change, reach, strength};
pub use hours::{WEEK, hour_of_week};
pub use order::{PAIRS, sequences};
pub use rate::{BURST_WINDOW, Baseline, RATE_WINDOW, Sights};
pub use share::shares;

/// No item says more than this, in either direction: e squared, 7.4 to 1.
pub const LIMIT: f64 = 2.0;

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The rate of the last hour against the template's own baseline.
    Frequency,
    /// The rate of the last minutes against it.
    Burst,
    /// The template was never seen on this service before.
    Novelty,
    /// How often the pattern was the confirmed cause here.
    Share,
    /// A change before the onset, and how often this pattern follows one.
    Change,
    /// Which signal came first, and which second.
    Order,
    HourOfWeek,
}

impl EvidenceKind {
    pub const ALL: [Self; 7] =
        [Self::Frequency, Self::Burst, Self::Novelty, Self::Share, Self::Change, Self::Order, Self::HourOfWeek];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frequency => "frequency",
            Self::Burst => "burst",
            Self::Novelty => "novelty",
            Self::Share => "share",
            Self::Change => "change",
            Self::Order => "order",
            Self::HourOfWeek => "hour_of_week",
        }
    }
}

/// One piece of evidence for or against one pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceItem {
    pub kind: EvidenceKind,
    /// Natural logarithm of the likelihood ratio, from -[`LIMIT`] to [`LIMIT`], with four digits.
    pub log_likelihood_ratio: f64,
    /// What was seen, and what was to be expected without this cause; both in the unit that the sentence names.
    pub observed: f64,
    pub expected: f64,
    pub sentence: String,
}

impl EvidenceItem {
    /// Bounds the ratio and rounds every number to four digits, so that what is shown is what counts.
    fn new(kind: EvidenceKind, ratio: f64, observed: f64, expected: f64, sentence: String) -> Self {
        Self {
            kind,
            log_likelihood_ratio: rounded(bounded(ratio)),
            observed: rounded(observed),
            expected: rounded(expected),
            sentence,
        }
    }
}

/// Within the limit; what is no number says nothing.
fn bounded(ratio: f64) -> f64 {
    if ratio.is_nan() { 0.0 } else { ratio.clamp(-LIMIT, LIMIT) }
}

fn rounded(value: f64) -> f64 {
    // Adding zero makes -0 to 0.
    (value * 1e4).round() / 1e4 + 0.0
}

/// What is known besides the text, read from the store for all candidates at once.
#[derive(Clone, Debug)]
pub struct Background {
    /// The service that the candidates were matched on.
    pub service: ServiceName,
    pub onset: Timestamp,
    /// Of the signals' templates.
    pub sights: BTreeMap<Fingerprint, Sights>,
    /// The change nearest before the onset, on the service or upstream of it.
    pub change: Option<SeenChange>,
    /// What confirmed causes taught over all patterns, and of each candidate.
    pub all: Statistics,
    pub patterns: BTreeMap<PatternId, Statistics>,
}

impl Background {
    /// Nothing is known.
    pub fn none(service: ServiceName, onset: Timestamp) -> Self {
        Self {
            service,
            onset,
            sights: BTreeMap::new(),
            change: None,
            all: Statistics::default(),
            patterns: BTreeMap::new(),
        }
    }
}

/// The evidence for and against each candidate, in the order of [`EvidenceKind`]. `matched` are the signals that were matched:
/// the candidates' rules point into them; `signals` are all of the incident's. The order of candidates and of signals changes
/// nothing.
pub fn items(
    candidates: &[PatternMatch],
    matched: &[NewSignal],
    signals: &[NewSignal],
    background: &Background,
) -> BTreeMap<PatternId, Vec<EvidenceItem>> {
    let known = |id: &PatternId| background.patterns.get(id).cloned().unwrap_or_default();
    let statistics: BTreeMap<PatternId, Statistics> =
        candidates.iter().map(|found| (found.pattern.clone(), known(&found.pattern))).collect();
    let mut shares = shares(&statistics, &background.service);
    let keys = sequences(signals);
    candidates
        .iter()
        .map(|found| {
            let own = &statistics[&found.pattern];
            let all = &background.all;
            let sights = rests_on(found, matched).and_then(|signal| background.sights.get(&signal.fingerprint));
            let mut items = sights.map_or_else(Vec::new, |sights| sights.items(&background.service));
            items.extend(shares.remove(&found.pattern));
            items.extend(change::item(background.change.as_ref(), background.onset, own, all));
            items.extend(order::item(&keys, signals, own, all));
            items.extend(hours::item(background.onset, own, all));
            (found.pattern.clone(), items)
        })
        .collect()
}

/// The signal that a match rests on: the one its rule holds on, otherwise the one whose words carry most of its score.
pub fn rests_on<'a>(found: &PatternMatch, signals: &'a [NewSignal]) -> Option<&'a NewSignal> {
    if let RuleOutcome::Satisfied { signal, .. } = found.rule {
        return signals.get(signal);
    }
    let carried = |signal: &NewSignal| -> f64 {
        let words = tokenise(&signal.text);
        found.terms.iter().filter(|term| words.contains(&term.term)).map(|term| term.score).sum()
    };
    signals
        .iter()
        .map(|signal| (carried(signal), signal))
        .filter(|(score, _)| *score > 0.0)
        .max_by(|(a, left), (b, right)| a.total_cmp(b).then_with(|| right.fingerprint.0.cmp(&left.fingerprint.0)))
        .map(|(_, signal)| signal)
}
