//! How often a template is seen against its own baseline: the last hour, the last minutes, and ever.
//!
//! The ratio is `ln((observed + 1/2) / (expected + 1/2))`, the Gamma-Poisson estimate of an observed-to-expected ratio with
//! half a sight as prior on both sides (the information component of Norén et al. 2006): 0 where it is as always, and an
//! expectation close to nothing does not make a single sight a sensation.

use super::change::minutes;
use super::{EvidenceItem, EvidenceKind};
use crate::{ServiceName, Span, Timestamp};

/// The window of [`EvidenceKind::Frequency`].
pub const RATE_WINDOW: Span = Span::from_minutes(60);
/// The window of [`EvidenceKind::Burst`].
pub const BURST_WINDOW: Span = Span::from_minutes(5);
/// Sights count half after this many hours: a week.
const HALF_LIFE_HOURS: f64 = 168.0;
/// A template, or a service, has to be known for this long before the window for its rate to be a baseline.
const LEAST: Span = Span::from_minutes(60);
const HOUR: i64 = 3_600_000_000;
const MICRO: f64 = 1e6;
const DAY: f64 = 86_400.0;

/// How often a template was seen so far, with older sights counting less. Kept in whole hours: within one, nothing fades,
/// so that counting ten times a second rounds nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Baseline {
    pub first_seen: Timestamp,
    /// Hours since 1970 at which the sights have the weight that is stored.
    pub hour: i64,
    /// Millionths of a sight.
    pub weighted: i64,
}

impl Baseline {
    pub fn first(count: u64, at: Timestamp) -> Self {
        Self { first_seen: at, hour: hour(at), weighted: 0 }.with(count, at)
    }

    /// After more sights at a moment. What arrives late counts as much as it would have by now.
    #[must_use]
    pub fn with(self, count: u64, at: Timestamp) -> Self {
        let latest = self.hour.max(hour(at));
        let old = self.weighted as f64 * faded(latest - self.hour);
        let new = count as f64 * MICRO * faded(latest - hour(at));
        // A float beyond the integers becomes the largest one.
        Self { first_seen: self.first_seen.min(at), hour: latest, weighted: (old + new).round() as i64 }
    }

    /// Weighted sights as of a moment.
    pub fn sights(&self, at: Timestamp) -> f64 {
        self.weighted as f64 / MICRO * faded((hour(at) - self.hour).max(0))
    }

    /// The time in seconds that these sights fell into, weighted as they are.
    fn watched(&self, until: Timestamp) -> f64 {
        let hours = until.since(self.first_seen).as_secs_f64() / 3_600.0;
        let mean_life = HALF_LIFE_HOURS / std::f64::consts::LN_2;
        3_600.0 * mean_life * (1.0 - (-hours / HALF_LIFE_HOURS).exp2())
    }
}

fn faded(hours: i64) -> f64 {
    (-(hours as f64) / HALF_LIFE_HOURS).exp2()
}

const fn hour(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(HOUR)
}

/// What is known of one template's sights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sights {
    /// The last one.
    pub last_seen: Timestamp,
    /// Within [`RATE_WINDOW`] and [`BURST_WINDOW`] up to then.
    pub last_hour: u64,
    pub last_minutes: u64,
    /// All of them.
    pub baseline: Option<Baseline>,
    /// When the service was first seen to say anything.
    pub service_since: Option<Timestamp>,
}

impl Sights {
    /// Frequency and burst where there is a baseline; novelty where there cannot be one yet.
    pub fn items(&self, service: &ServiceName) -> Vec<EvidenceItem> {
        let Some(baseline) = &self.baseline else { return Vec::new() };
        let window = self.last_seen - RATE_WINDOW;
        if baseline.first_seen >= window {
            return self.novelty(baseline.first_seen, service).into_iter().collect();
        }
        if window.since(baseline.first_seen) < LEAST {
            return Vec::new();
        }
        // What is to be explained is no part of what is usual.
        let before = (baseline.sights(self.last_seen) - self.last_hour as f64).max(0.0);
        let per_second = before / baseline.watched(window);
        let item = |kind, seen: u64, window: Span| {
            let expected = per_second * window.as_secs_f64();
            let ratio = ((seen as f64 + 0.5) / (expected + 0.5)).ln();
            let sentence = format!(
                "Seen {} in the last {} on {service}, where {} are usual",
                times(seen),
                minutes(window),
                usual(expected)
            );
            EvidenceItem::new(kind, ratio, seen as f64, expected, sentence)
        };
        vec![
            item(EvidenceKind::Frequency, self.last_hour, RATE_WINDOW),
            item(EvidenceKind::Burst, self.last_minutes, BURST_WINDOW),
        ]
    }

    /// A template that has nothing to do with the failure would have shown itself on any day; one that comes with it shows
    /// itself today. After `n` days that is `n + 1` to 1.
    fn novelty(&self, first_seen: Timestamp, service: &ServiceName) -> Option<EvidenceItem> {
        let watched = first_seen.since(self.service_since?);
        if watched < LEAST {
            return None;
        }
        let days = watched.as_secs_f64() / DAY;
        let sentence =
            format!("First seen on {service} at {first_seen}, {} after the service was first seen", minutes(watched));
        Some(EvidenceItem::new(EvidenceKind::Novelty, (days + 1.0).ln(), 1.0, 1.0 / (days + 1.0), sentence))
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn usual(expected: f64) -> String {
    if expected < 0.1 { format!("{expected:.3}") } else { format!("{expected:.1}") }
}
