//! Fixes that help and are needed again and again: the symptom is treated, the cause is not.

use serde::{Deserialize, Serialize};

use crate::{PatternId, ServiceName, Span, Timestamp};

/// Whether failures come closer together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// The time between failures shrinks.
    Worse,
    Steady,
    /// The time between failures grows.
    Better,
}

/// One pattern's verified fixes of one service within a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub pattern: PatternId,
    pub service: ServiceName,
    pub count: u32,
    pub first: Timestamp,
    pub last: Timestamp,
    /// Mean time between failures: the period over their number.
    pub between: Span,
    pub trend: Trend,
}

/// The level of the one-sided Laplace test: 5 %.
const LEVEL: f64 = 1.645;

/// Patterns that fixed one service at least `least` times between two moments, most often first.
pub fn repeats(
    fixes: impl IntoIterator<Item = (PatternId, ServiceName, Timestamp)>,
    since: Timestamp,
    until: Timestamp,
    least: u32,
) -> Vec<Repeat> {
    let mut by_both: std::collections::BTreeMap<(PatternId, ServiceName), Vec<Timestamp>> = Default::default();
    for (pattern, service, at) in fixes {
        if since <= at && at <= until {
            by_both.entry((pattern, service)).or_default().push(at);
        }
    }
    let mut found: Vec<Repeat> = by_both
        .into_iter()
        .filter(|(_, times)| times.len() >= least.max(1) as usize)
        .filter_map(|((pattern, service), mut times)| {
            times.sort();
            Some(Repeat {
                pattern,
                service,
                count: times.len() as u32,
                first: *times.first()?,
                last: *times.last()?,
                between: Span::from_micros(until.since(since).as_micros() / times.len() as i64),
                trend: trend(&times, since, until),
            })
        })
        .collect();
    found.sort_by(|a, b| {
        (b.count, b.last).cmp(&(a.count, a.last)).then_with(|| (&a.pattern, &a.service).cmp(&(&b.pattern, &b.service)))
    });
    found
}

/// Laplace's test for a trend of a repairable system (IEC 61649 and MIL-HDBK-189): under a constant rate the mean of the times of
/// failure lies in the middle of the period.
fn trend(times: &[Timestamp], since: Timestamp, until: Timestamp) -> Trend {
    let period = until.since(since).as_micros() as f64;
    if period <= 0.0 || times.is_empty() {
        return Trend::Steady;
    }
    let n = times.len() as f64;
    let mean = times.iter().map(|at| at.since(since).as_micros() as f64 / period).sum::<f64>() / n;
    match (mean - 0.5) * (12.0 * n).sqrt() {
        u if u > LEVEL => Trend::Worse,
        u if u < -LEVEL => Trend::Better,
        _ => Trend::Steady,
    }
}

/// How often a confidence changed its direction, from its steps as before and after.
pub fn alternations(steps: &[(i64, i64)]) -> usize {
    let directions: Vec<i64> =
        steps.iter().map(|(before, after)| (after - before).signum()).filter(|direction| *direction != 0).collect();
    directions.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::EPOCH + Span::from_minutes(hours * 60)
    }

    fn found(hours: &[u64]) -> Vec<Repeat> {
        let fix = |hour: &u64| (PatternId::new("oom"), ServiceName::new("pay"), at(*hour));
        repeats(hours.iter().map(fix), at(0), at(100), 3)
    }

    #[test]
    fn counts_from_the_least_on_and_within_the_period() {
        assert_eq!(found(&[10, 20]), []);
        assert_eq!(found(&[10, 20, 101]), []);
        let three = found(&[20, 10, 90]);
        assert_eq!((three[0].count, three[0].first, three[0].last), (3, at(10), at(90)));
        assert_eq!(three[0].between, Span::from_minutes(100 * 60 / 3));
    }

    #[test]
    fn the_trend_goes_by_where_the_failures_lie() {
        for (hours, trend) in [
            (&[10, 30, 50, 70, 90][..], Trend::Steady),
            (&[60, 75, 85, 92, 96, 98], Trend::Worse),
            (&[2, 4, 8, 15, 25, 40], Trend::Better),
            (&[40, 50, 60], Trend::Steady),
        ] {
            assert_eq!(found(hours)[0].trend, trend, "{hours:?}");
        }
    }

    #[test]
    fn one_service_each() {
        let fixes = ["pay", "web"].into_iter().cycle().take(5).enumerate();
        let fixes = fixes.map(|(hour, service)| (PatternId::new("oom"), ServiceName::new(service), at(hour as u64)));
        let found = repeats(fixes, at(0), at(100), 3);
        assert_eq!(found.iter().map(|r| (r.service.as_str(), r.count)).collect::<Vec<_>>(), [("pay", 3)]);
    }

    #[test]
    fn a_confidence_that_goes_up_and_down() {
        for (steps, count) in [
            (&[][..], 0),
            (&[(5_000, 5_500), (5_500, 6_000)], 0),
            (&[(5_000, 5_500), (5_500, 4_500), (4_500, 5_000), (5_000, 5_000), (5_000, 4_000)], 3),
        ] {
            assert_eq!(alternations(steps), count, "{steps:?}");
        }
    }
}
