//! Hour of the week: some failures come on Monday mornings, some with the nightly job.
//!
//! 168 bins, smoothed by a circular kernel: half of each incident's weight lies on the hours around it (a Gaussian of 1.5
//! hours), half on the same hours of all seven days, because a nightly job does not know weekdays.

use super::cause::Statistics;
use super::ratio::{Counted, log_ratio};
use super::{EvidenceItem, EvidenceKind};
use crate::Timestamp;

/// Hours of a week.
pub const WEEK: u8 = 168;
const DAYS: u8 = 7;
/// The kernel reaches this far, in hours.
const REACH: i32 = 5;
/// A Gaussian with a standard deviation of 1.5 hours at 0 to 5 hours, divided by its sum over -5 to 5.
const WEIGHTS: [f64; 6] = [0.266_011_7, 0.213_005_5, 0.109_360_7, 0.036_000_8, 0.007_598_8, 0.001_028_4];
/// One incident says little about 168 hours.
const WEIGHT: f64 = 10.0;
const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The hour of the week of a moment in UTC: 0 is Monday from midnight, 167 Sunday from 23:00.
pub const fn hour_of_week(at: Timestamp) -> u8 {
    // 1970 began on a Thursday.
    (at.as_micros().div_euclid(3_600_000_000) + 3 * 24).rem_euclid(WEEK as i64) as u8
}

/// How likely this hour is for an incident that began at another: sums to 1 over all hours.
fn kernel(from: u8, to: u8) -> f64 {
    let apart = (i32::from(to) - i32::from(from)).rem_euclid(i32::from(WEEK));
    let weight = |hours: i32, around: i32| {
        let near = hours.min(around - hours);
        if near <= REACH { WEIGHTS[near as usize] } else { 0.0 }
    };
    let day = i32::from(WEEK / DAYS);
    0.5 * weight(apart, i32::from(WEEK)) + 0.5 * weight(apart % day, day) / f64::from(DAYS)
}

fn near(statistics: &Statistics, hour: u8) -> Counted {
    let hits = statistics.hours.iter().map(|(from, count)| *count as f64 * kernel(*from % WEEK, hour)).sum();
    Counted { hits, of: statistics.incidents as f64 }
}

pub(super) fn item(onset: Timestamp, own: &Statistics, all: &Statistics) -> Option<EvidenceItem> {
    if own.incidents == 0 {
        return None;
    }
    let hour = hour_of_week(onset);
    let (own_near, all_near) = (near(own, hour), near(all, hour));
    // Nothing ever began around this hour.
    if all_near.hits <= 0.0 {
        return None;
    }
    let ratio = log_ratio(own_near, all_near, WEIGHT);
    let expected = own_near.of * all_near.hits / all_near.of.max(1.0);
    let sentence = format!(
        "It began on a {} at {:02}:00 UTC: of its {}, {:.2} weigh on that hour, {expected:.2} would as over all incidents",
        NAMES[usize::from(hour / 24)],
        hour % 24,
        super::order::incidents(own.incidents),
        own_near.hits,
    );
    Some(EvidenceItem::new(EvidenceKind::HourOfWeek, ratio, own_near.hits, expected, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_on_monday_in_utc() {
        for (time, hour) in [
            ("1970-01-01T00:00:00Z", 72),
            ("2026-11-23T00:00:00Z", 0),
            ("2026-11-22T23:59:59Z", 167),
            ("2026-11-24T03:30:00+01:00", 26),
            ("1969-12-29T00:00:00Z", 0),
        ] {
            assert_eq!(hour_of_week(Timestamp::parse(time).expect("a time")), hour, "{time}");
        }
    }

    #[test]
    fn the_kernel_spreads_each_incident_over_the_week_once() {
        for from in 0..WEEK {
            let sum: f64 = (0..WEEK).map(|to| kernel(from, to)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{from}: {sum}");
        }
        // By hand: half of the Gaussian's top, and a seventh of the other half.
        assert!((kernel(26, 26) - 0.266_011_7 * (0.5 + 0.5 / 7.0)).abs() < 1e-12);
        assert!((kernel(26, 26 + 24) - 0.266_011_7 * 0.5 / 7.0).abs() < 1e-12, "the same hour of the next day");
        assert_eq!(kernel(167, 0), kernel(0, 1), "the week is a circle");
    }
}
