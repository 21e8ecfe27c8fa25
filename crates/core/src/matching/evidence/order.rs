//! The order of signals: which one a failure begins with, and which comes second.
//!
//! Counted are the first template and the first two (a bigram), and the same by kind of signal. Templates belong to one
//! service; kinds are what another service, which never saw these templates, can still learn from.

use super::cause::Statistics;
use super::ratio::{Counted, log_ratio};
use super::{EvidenceItem, EvidenceKind};
use crate::{NewSignal, SignalKind};

/// The sequence that counts incidents with at least two signals.
pub const PAIRS: &str = "pairs";
const WEIGHT: f64 = 2.0;

/// What is counted of an incident's signals, from the most to the least telling; none without signals. Of signals seen at
/// the same moment the order is not known: then their fingerprints decide, which is at least always the same.
pub fn sequences(signals: &[NewSignal]) -> Vec<String> {
    let order = first_two(signals);
    let template = |signal: &NewSignal| signal.fingerprint.0.clone();
    match order.as_slice() {
        [] => Vec::new(),
        [first] => vec![format!("t:{}", template(first)), format!("k:{}", kind(first.kind))],
        [first, second, ..] => vec![
            format!("t:{}>{}", template(first), template(second)),
            format!("t:{}", template(first)),
            format!("k:{}>{}", kind(first.kind), kind(second.kind)),
            format!("k:{}", kind(first.kind)),
            PAIRS.to_owned(),
        ],
    }
}

/// The earliest two signals with different fingerprints.
fn first_two(signals: &[NewSignal]) -> Vec<&NewSignal> {
    let mut order: Vec<&NewSignal> = signals.iter().collect();
    order.sort_by(|a, b| (a.first_seen, &a.fingerprint.0).cmp(&(b.first_seen, &b.fingerprint.0)));
    let mut found: Vec<&NewSignal> = Vec::new();
    for signal in order {
        if found.iter().all(|earlier| earlier.fingerprint != signal.fingerprint) {
            found.push(signal);
        }
        if found.len() == 2 {
            break;
        }
    }
    found
}

pub(super) fn item(keys: &[String], signals: &[NewSignal], own: &Statistics, all: &Statistics) -> Option<EvidenceItem> {
    // The most telling sequence that was ever seen; a pair where the incident has two signals, otherwise the first alone.
    let paired = keys.iter().any(|key| key == PAIRS);
    let count = |s: &Statistics, key: &str| s.sequences.get(key).copied().unwrap_or_default();
    let key = keys.iter().find(|key| {
        let fits = !paired || key.contains('>');
        fits && *key != PAIRS && count(all, key) > 0
    })?;
    let of = |s: &Statistics| if paired { count(s, PAIRS) } else { s.incidents };
    let counted = |s: &Statistics| Counted { hits: count(s, key) as f64, of: of(s) as f64 };
    let (own_seen, all_seen) = (counted(own), counted(all));
    if own_seen.of <= 0.0 {
        return None;
    }
    let ratio = log_ratio(own_seen, all_seen, WEIGHT);
    let expected = own_seen.of * all_seen.hits / all_seen.of.max(1.0);
    let by_template = key.starts_with("t:");
    let names: Vec<String> = first_two(signals).into_iter().map(|signal| named(signal, by_template)).collect();
    let order = match names.as_slice() {
        [first, second] if paired => format!("{first} came first, then {second}"),
        [first, ..] => format!("{first} came first"),
        [] => return None,
    };
    let sentence = format!(
        "{order}: so in {} of its {}, {expected:.1} would be as over all incidents",
        count(own, key),
        incidents(of(own))
    );
    Some(EvidenceItem::new(EvidenceKind::Order, ratio, own_seen.hits, expected, sentence))
}

/// Characters of a template that a sentence shows.
const SHOWN: usize = 60;

fn named(signal: &NewSignal, by_template: bool) -> String {
    if !by_template {
        return format!("a {} signal", kind(signal.kind));
    }
    let line = signal.template.lines().next().unwrap_or_default();
    let cut = line.floor_char_boundary(SHOWN);
    format!("`{}{}`", &line[..cut], if cut < line.len() { "…" } else { "" })
}

pub(super) fn incidents(count: u64) -> String {
    if count == 1 { "1 confirmed incident".to_owned() } else { format!("{count} confirmed incidents") }
}

const fn kind(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Log => "log",
        SignalKind::Health => "health",
        SignalKind::Metric => "metric",
        SignalKind::Alert => "alert",
        SignalKind::Ci => "ci",
    }
}
