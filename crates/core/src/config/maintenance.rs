//! Maintenance windows: while one holds a service, nothing runs on its target (gate 2).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ServiceName, Span, Timestamp};

/// One window: either `cron` with `minutes`, or `from` with `until`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceWindow {
    #[schemars(extend("format" = "name"))]
    pub name: String,
    /// The services that it holds; all where the list is empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// When it starts, again and again: minute, hour, day of month, month, day of week (`0 2 * * sun`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "line"))]
    pub cron: Option<String>,
    /// How long each lasts, for `cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10080))]
    pub minutes: Option<u64>,
    /// The time zone that `cron` means, such as `Europe/Berlin`; UTC without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "line"))]
    pub zone: Option<String>,
    /// When it starts, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub from: Option<Timestamp>,
    /// When it ends, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub until: Option<Timestamp>,
}

/// The longest that a recurring window may last.
const LONGEST_MINUTES: u64 = 7 * 24 * 60;
/// Starts looked at for one window: what starts more often than this within its own length holds without end.
const STARTS: usize = 1_000;

impl MaintenanceWindow {
    pub fn concerns(&self, service: &ServiceName) -> bool {
        self.services.is_empty() || self.services.contains(service)
    }

    /// When the window that is open at `now` ends; `Ok(None)` where none is open. What cannot be evaluated is an error, and
    /// refuses.
    pub fn holds_until(&self, now: Timestamp) -> Result<Option<Timestamp>, String> {
        match (self.schedule()?, self.from, self.until) {
            (None, Some(from), Some(until)) => Ok((from <= now && now < until).then_some(until)),
            (None, ..) => Err(format!("maintenance window `{}` has no `from` and `until`", self.name)),
            (Some((cron, zone, length)), ..) => {
                // A window that starts at exactly `now - length` is over.
                let earliest = utc(now - length)?.with_timezone(&zone);
                let mut end = None;
                for start in cron.iter_after(earliest).take(STARTS) {
                    let start = Timestamp::from(start.with_timezone(&Utc));
                    if start > now {
                        break;
                    }
                    if now < start + length {
                        end = Some(start + length);
                    }
                }
                Ok(end)
            }
        }
    }

    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let name = &self.name;
        let both = self.cron.is_some() && (self.from.is_some() || self.until.is_some());
        if both || (self.cron.is_none() && (self.from.is_none() || self.until.is_none())) {
            return Some(format!(
                "maintenance window `{name}` does not say when; expected `cron` and `minutes`, or `from` and `until`"
            ));
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| until <= from) {
            return Some(format!("maintenance window `{name}` ends before it starts; expected `until` after `from`"));
        }
        if self.cron.is_none() && (self.minutes.is_some() || self.zone.is_some()) {
            return Some(format!(
                "maintenance window `{name}`: `minutes` and `zone` belong to `cron`; expected `from` and `until` alone, or `cron`"
            ));
        }
        self.schedule().err()
    }

    fn schedule(&self) -> Result<Option<(Cron, Tz, Span)>, String> {
        let Some(cron) = &self.cron else { return Ok(None) };
        let name = &self.name;
        let parsed = cron.parse::<Cron>().map_err(|_| {
            format!(
                "maintenance window `{name}`: `{cron}` names no times; expected minute, hour, day of month, month and day of week, such as `0 2 * * sun`"
            )
        })?;
        let zone = match &self.zone {
            None => Tz::UTC,
            Some(zone) => zone.parse().map_err(|_| {
                format!(
                    "maintenance window `{name}`: the time zone `{zone}` is not known; expected a name such as Europe/Berlin or UTC"
                )
            })?,
        };
        match self.minutes {
            Some(minutes) if (1..=LONGEST_MINUTES).contains(&minutes) => {
                Ok(Some((parsed, zone, Span::from_minutes(minutes))))
            }
            _ => Err(format!(
                "maintenance window `{name}`: expected `minutes` from 1 to {LONGEST_MINUTES}, how long each one lasts"
            )),
        }
    }
}

fn utc(at: Timestamp) -> Result<DateTime<Utc>, String> {
    DateTime::<Utc>::from_timestamp_micros(at.as_micros()).ok_or_else(|| format!("{at} is outside the calendar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn cron(cron: &str, minutes: u64, zone: Option<&str>) -> MaintenanceWindow {
        MaintenanceWindow {
            name: "w".into(),
            cron: Some(cron.into()),
            minutes: Some(minutes),
            zone: zone.map(str::to_owned),
            ..Default::default()
        }
    }

    #[test]
    fn a_window_holds_from_its_start_to_just_before_its_end() {
        let once = MaintenanceWindow {
            name: "w".into(),
            from: Some(at("2026-03-01T22:00:00Z")),
            until: Some(at("2026-03-02T02:00:00Z")),
            ..Default::default()
        };
        let sunday = cron("0 2 * * sun", 90, None);
        // In Berlin the clock goes from 02:00 to 03:00 on 29 March 2026; 03:30 there is 01:30 UTC.
        let berlin = cron("30 3 * * *", 60, Some("Europe/Berlin"));
        let every_minute = cron("* * * * *", 5, None);
        for (window, now, end) in [
            (&once, "2026-03-01T21:59:59.999999Z", None),
            (&once, "2026-03-01T22:00:00Z", Some("2026-03-02T02:00:00Z")),
            (&once, "2026-03-02T01:59:59.999999Z", Some("2026-03-02T02:00:00Z")),
            (&once, "2026-03-02T02:00:00Z", None),
            (&sunday, "2026-03-01T01:59:59.999999Z", None),
            (&sunday, "2026-03-01T02:00:00Z", Some("2026-03-01T03:30:00Z")),
            (&sunday, "2026-03-01T03:29:59.999999Z", Some("2026-03-01T03:30:00Z")),
            (&sunday, "2026-03-01T03:30:00Z", None),
            (&sunday, "2026-03-02T02:30:00Z", None),
            (&berlin, "2026-03-28T02:30:00Z", Some("2026-03-28T03:30:00Z")),
            (&berlin, "2026-03-29T01:30:00Z", Some("2026-03-29T02:30:00Z")),
            (&berlin, "2026-03-30T02:30:00Z", None),
            // Windows that overlap: the last one that has started.
            (&every_minute, "2026-03-30T02:30:30Z", Some("2026-03-30T02:35:00Z")),
        ] {
            assert_eq!(window.holds_until(at(now)), Ok(end.map(at)), "{window:?} at {now}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let from = Some(at("2026-03-01T22:00:00Z"));
        for (window, expected) in [
            (MaintenanceWindow { name: "w".into(), ..Default::default() }, "expected `cron` and `minutes`"),
            (MaintenanceWindow { from, ..cron("0 2 * * *", 1, None) }, "expected `cron` and `minutes`"),
            (MaintenanceWindow { name: "w".into(), from, until: from, ..Default::default() }, "ends before it starts"),
            (cron("0 25 * * *", 60, None), "`0 25 * * *`"),
            (cron("0 2 * *", 60, None), "minute, hour"),
            (cron("0 2 * * *", 0, None), "from 1 to 10080"),
            (cron("0 2 * * *", 60, Some("Mars/Base")), "`Mars/Base` is not known"),
        ] {
            let problem = window.problem().unwrap_or_default();
            assert!(problem.contains(expected), "{window:?}: {problem}");
        }
        assert_eq!(cron("0 2 * * sun", 60, Some("Europe/Berlin")).problem(), None);
    }
}
