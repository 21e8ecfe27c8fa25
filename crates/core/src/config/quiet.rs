//! Quiet hours: a span of each day, in a zone whose offset is handed in.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub from: ClockTime,
    /// The first moment that is no longer quiet. Before `from`: on the next day.
    pub to: ClockTime,
    #[serde(default)]
    pub zone: Zone,
}

/// A time of day, `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("format" = "clock-time"))]
pub struct ClockTime {
    /// Since midnight, below 1440.
    minutes: u16,
}

/// Whose clock: the host's, UTC, or a fixed offset such as `+02:00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("format" = "utc-offset"))]
pub enum Zone {
    #[default]
    Local,
    Fixed {
        minutes: i16,
    },
}

impl QuietHours {
    /// When the quiet hours end that hold at this moment; `None` where none do. `local` is the host's offset from UTC in
    /// seconds, at this moment.
    pub fn until(&self, now: Timestamp, local: i32) -> Option<Timestamp> {
        let offset = match self.zone {
            Zone::Local => i64::from(local) * 1_000_000,
            Zone::Fixed { minutes } => i64::from(minutes) * MINUTE,
        };
        let (from, to) = (self.from.micros(), self.to.micros());
        let time = (now.as_micros() + offset).rem_euclid(DAY);
        // Everything is measured from `from`, so that midnight is nothing special.
        let (length, passed) = ((to - from).rem_euclid(DAY), (time - from).rem_euclid(DAY));
        (passed < length).then(|| Timestamp::from_micros(now.as_micros() + length - passed))
    }

    /// Whether they hold at no moment at all.
    pub const fn is_empty(&self) -> bool {
        self.from.minutes == self.to.minutes
    }
}

impl ClockTime {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        // Not just any number of two characters: `+7` is one as well.
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let two = |text: &str| digits(text).then(|| text.parse::<u16>().ok()).flatten();
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        (hours < 24 && minutes < 60).then_some(Self { minutes: hours * 60 + minutes })
    }

    fn micros(self) -> i64 {
        i64::from(self.minutes) * MINUTE
    }
}

impl Zone {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "local" => return Some(Self::Local),
            "UTC" | "Z" => return Some(Self::Fixed { minutes: 0 }),
            _ => {}
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        ClockTime::parse(rest).map(|time| Self::Fixed { minutes: sign * time.minutes as i16 })
    }
}

impl std::fmt::Display for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Fixed { minutes: 0 } => f.write_str("UTC"),
            Self::Fixed { minutes } => {
                let sign = if *minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{}", ClockTime { minutes: minutes.unsigned_abs() })
            }
        }
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = || format!("expected a time of day such as \"22:00\", found `{text}`");
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(error()))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = || format!("expected local, UTC or an offset such as \"+02:00\", found `{text}`");
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
        let (from, to) = (ClockTime::parse(from), ClockTime::parse(to));
        QuietHours { from: from.expect("a time"), to: to.expect("a time"), zone: Zone::parse(zone).expect("a zone") }
    }

    #[test]
    fn quiet_hours_at_their_edges() {
        for (from, to, zone, local_hours, at, until) in [
            ("22:00", "07:00", "UTC", 0, "2026-03-01T21:59:59.999999Z", None),
            ("22:00", "07:00", "UTC", 0, "2026-03-01T22:00:00Z", Some("2026-03-02T07:00:00Z")),
            ("22:00", "07:00", "UTC", 0, "2026-03-02T06:59:59.999999Z", Some("2026-03-02T07:00:00Z")),
            ("22:00", "07:00", "UTC", 0, "2026-03-02T07:00:00Z", None),
            // Within one day.
            ("12:00", "13:30", "UTC", 0, "2026-03-01T13:29:00Z", Some("2026-03-01T13:30:00Z")),
            ("12:00", "13:30", "UTC", 0, "2026-03-01T13:30:00Z", None),
            // The same moment in three zones.
            ("22:00", "07:00", "+02:00", 0, "2026-03-01T20:00:00Z", Some("2026-03-02T05:00:00Z")),
            ("22:00", "07:00", "-05:30", 0, "2026-03-01T20:00:00Z", None),
            ("22:00", "07:00", "local", 3, "2026-03-01T20:00:00Z", Some("2026-03-02T04:00:00Z")),
            // Never.
            ("07:00", "07:00", "UTC", 0, "2026-03-01T07:00:00Z", None),
        ] {
            let at = Timestamp::parse(at).expect("a time");
            let found = quiet(from, to, zone).until(at, local_hours * 3_600);
            assert_eq!(found, until.and_then(Timestamp::parse), "{from} to {to} {zone} at {at}");
        }
    }

    #[test]
    fn times_and_zones_are_read_strictly() {
        for (text, read) in [("22:00", true), ("24:00", false), ("7:00", false), ("07:60", false), ("+7:00", false)] {
            assert_eq!(ClockTime::parse(text).is_some(), read, "{text}");
        }
        for (text, shown) in [
            ("local", Some("local")),
            ("UTC", Some("UTC")),
            ("+02:00", Some("+02:00")),
            ("-05:30", Some("-05:30")),
            ("CET", None),
            ("", None),
        ] {
            assert_eq!(Zone::parse(text).map(|zone| zone.to_string()).as_deref(), shown, "{text}");
        }
    }
}
