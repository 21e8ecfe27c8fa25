//! Moments and spans in whole microseconds.
//!
//! The core never asks for the time; it is handed in. Microseconds are what PostgreSQL keeps, so a moment comes back
//! from either database as it went in, and the edge of a window is a comparison of integers.

use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, any offset, in the years 1 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Some(Self(at.timestamp_micros().clamp(FIRST, LAST)))
    }

    /// The span since `earlier`; zero when `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Span {
        Span((self.0 - earlier.0).max(0))
    }

    /// Whether RFC 3339 can write it, so that it comes back as it was.
    pub const fn is_writable(self) -> bool {
        self.0 >= FIRST && self.0 <= LAST
    }

    /// RFC 3339 in UTC, with as many digits as there are to show. What lies outside the years 1 to 9999 is written as their
    /// edge, so that whatever is written can be read again.
    pub fn to_rfc3339(self) -> String {
        DateTime::<Utc>::from_timestamp_micros(self.0.clamp(FIRST, LAST))
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z, in microseconds: what RFC 3339 can write.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

/// From microseconds since 1970, as stored.
impl From<i64> for Timestamp {
    fn from(micros: i64) -> Self {
        Self(micros)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("expected an RFC 3339 time, found `{text}`")))
    }
}

/// A length of time in microseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    pub const ZERO: Self = Self(0);

    /// Longer than any span that a configuration may hold; what is longer is cut to it.
    const LONGEST: u64 = 100 * 366 * 24 * 3_600 * 1_000;

    /// Negative spans are none.
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < 0 { 0 } else { micros })
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis > Self::LONGEST { Self::LONGEST as i64 } else { millis as i64 } * 1_000)
    }

    pub const fn from_secs(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1_000))
    }

    pub const fn from_minutes(minutes: u64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }

    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0 as u64)
    }
}

impl std::ops::Div<i64> for Span {
    type Output = Self;

    fn div(self, parts: i64) -> Self {
        Self(self.0 / parts)
    }
}

/// As a person reads it: `350ms`, `12s`, `3m 12s`, `2h 5m`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000;
        match seconds {
            0 => write!(f, "{}ms", self.0 / 1_000),
            1..60 => write!(f, "{seconds}s"),
            60..3_600 if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            60..3_600 => write!(f, "{}m {}s", seconds / 60, seconds % 60),
            _ if seconds % 3_600 < 60 => write!(f, "{}h", seconds / 3_600),
            _ => write!(f, "{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc_3339() {
        for (text, written) in [
            ("2026-02-28T14:02:00Z", "2026-02-28T14:02:00Z"),
            ("2026-02-28T15:02:00.25+01:00", "2026-02-28T14:02:00.250Z"),
            ("2026-02-28T14:02:00.000001Z", "2026-02-28T14:02:00.000001Z"),
        ] {
            assert_eq!(Timestamp::parse(text).map(Timestamp::to_rfc3339).as_deref(), Some(written));
        }
        assert_eq!(Timestamp::parse("yesterday"), None);
        for micros in [i64::MIN, FIRST - 1, FIRST, 0, LAST, LAST + 1, i64::MAX] {
            let json = serde_json::to_string(&Timestamp::from_micros(micros)).expect("serialises");
            let back: Timestamp = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!(back, Timestamp::from_micros(micros.clamp(FIRST, LAST)));
        }
    }

    #[test]
    fn shows_spans_as_people_say_them() {
        for (span, shown) in [
            (Span::from_millis(350), "350ms"),
            (Span::from_secs(12), "12s"),
            (Span::from_secs(192), "3m 12s"),
            (Span::from_minutes(10), "10m"),
            (Span::from_minutes(125), "2h 5m"),
        ] {
            assert_eq!(span.to_string(), shown);
        }
    }
}
