//! Changes before the onset: how near the last one was, and how often this pattern follows one.

use super::cause::Statistics;
use super::ratio::{Counted, log_ratio};
use super::{EvidenceItem, EvidenceKind};
use crate::{BasisPoints, Change, Span, Timestamp};

/// Pseudo-incidents that each pattern begins with.
const WEIGHT: f64 = 2.0;
/// A change this many half-lives back is none: it would weigh less than half a percent.
const HALF_LIVES: i64 = 8;

/// The change nearest before an onset, and what is left of its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenChange {
    pub change: Change,
    pub strength: BasisPoints,
}

/// What is left of a change after some time: 1 at once, halved per half-life, 0 after eight of them.
pub fn strength(age: Span, half_life: Span) -> BasisPoints {
    if age.as_micros() >= reach(half_life).as_micros() {
        return BasisPoints::ZERO;
    }
    let left = (-(age.as_micros() as f64) / half_life.as_micros() as f64).exp2();
    BasisPoints::from_decimal(left.clamp(0.0, 1.0)).unwrap_or_default()
}

/// How far back a change counts at all.
pub const fn reach(half_life: Span) -> Span {
    Span::from_micros(half_life.as_micros().saturating_mul(HALF_LIVES))
}

/// The latest change at or before the onset that still counts; of several at one moment the one recorded last.
pub fn nearest_change(changes: &[Change], onset: Timestamp, half_life: Span) -> Option<SeenChange> {
    let change = changes.iter().filter(|change| change.at <= onset).max_by_key(|change| (change.at, change.id))?;
    let strength = strength(onset.since(change.at), half_life);
    (strength > BasisPoints::ZERO).then(|| SeenChange { change: change.clone(), strength })
}

pub(super) fn item(
    seen: Option<&SeenChange>,
    onset: Timestamp,
    own: &Statistics,
    all: &Statistics,
) -> Option<EvidenceItem> {
    // Where nobody ever recorded a change, its absence says nothing.
    if own.incidents == 0 || (all.change == 0 && seen.is_none()) {
        return None;
    }
    let counted = |s: &Statistics| Counted { hits: s.change as f64 / 1e4, of: s.incidents as f64 };
    let (with, of_all) = (counted(own), counted(all));
    let without = |c: Counted| Counted { hits: c.of - c.hits, of: c.of };
    let present = log_ratio(with, of_all, WEIGHT);
    let absent = log_ratio(without(with), without(of_all), WEIGHT);
    let weight = seen.map_or(0.0, |seen| seen.strength.as_decimal());
    // A change that has faded by half is half a change.
    let ratio = weight * present + (1.0 - weight) * absent;
    let expected = with.of * of_all.hits / of_all.of.max(1.0);
    let what = seen.map_or_else(
        || "No change shortly before".to_owned(),
        |seen| {
            let ago = minutes(onset.since(seen.change.at));
            format!("{} {ago} before it began, which counts {:.2}", capital(&seen.change.words()), weight)
        },
    );
    let sentence = format!(
        "{what}; of its {}, {:.1} followed a change, {expected:.1} would as over all incidents",
        super::order::incidents(own.incidents),
        with.hits
    );
    Some(EvidenceItem::new(EvidenceKind::Change, ratio, with.hits, expected, sentence))
}

/// For people: `4 minutes`, `40 seconds`, `3 hours`.
pub(super) fn minutes(span: Span) -> String {
    let seconds = span.as_micros() / 1_000_000;
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}
