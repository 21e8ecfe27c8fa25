//! Times as people read them: how long ago, and the clock on their own wall. Programs get RFC 3339 in UTC by `--json`.
//!
//! The one place in which the command line asks what time it is, and where.

use chrono::{DateTime, Local, TimeZone};
use selfheal_api::SystemClock;
use selfheal_api::ports::Clock;
use selfheal_core::{Span, Timestamp};

/// From here on a time is told by its date.
const DAY: Span = Span::from_minutes(24 * 60);

/// `2m ago`, `in 12m`; the date where it is days away.
pub fn ago(rfc3339: &str) -> String {
    told(rfc3339, |at, now| relative(at, now).unwrap_or_else(|| format(at, "%Y-%m-%d %H:%M", &Local)))
}

/// The moment of an entry, as it stands in a record that is read again later: `06:44:33`, with its date where it was not
/// within the last day.
pub fn clock(rfc3339: &str) -> String {
    told(rfc3339, |at, now| {
        let near = relative(at, now).is_some();
        format(at, if near { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }, &Local)
    })
}

/// A moment to come or gone, with the clock and how far away it is: `07:12 (in 28m)`.
pub fn at(rfc3339: &str) -> String {
    told(rfc3339, |at, now| match relative(at, now) {
        Some(relative) => format!("{} ({relative})", format(at, "%H:%M", &Local)),
        None => format(at, "%Y-%m-%d %H:%M", &Local),
    })
}

/// Which clock is meant: `UTC+01:00`.
pub fn zone() -> String {
    format!("UTC{}", format(SystemClock.now(), "%:z", &Local))
}

/// A sentence of the interface with the times in it as people read them. Not for what a log says: that stays as it is.
pub fn sentence(text: &str) -> String {
    let (mut said, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((start, end)) = found(rest) {
        // In a sentence of the interface a moment stands as a mark, in braces.
        let marked = rest[..start].ends_with('{') && rest[end..].starts_with('}');
        said.push_str(&rest[..start - usize::from(marked)]);
        said.push_str(&at(&rest[start..end]));
        rest = &rest[end + usize::from(marked)..];
    }
    said.push_str(rest);
    said
}

/// Where the next time in RFC 3339 and UTC stands.
fn found(text: &str) -> Option<(usize, usize)> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    (0..bytes.len().checked_sub(SHAPE.len())?).find_map(|start| {
        let alike = SHAPE.iter().zip(&bytes[start..]).all(|(shape, byte)| match shape {
            b'0' => byte.is_ascii_digit(),
            sign => sign == byte,
        });
        let before = start > 0 && bytes[start - 1].is_ascii_alphanumeric();
        let mut end = start + SHAPE.len();
        if bytes.get(end) == Some(&b'.') {
            end += 1 + bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        (alike && !before && bytes.get(end) == Some(&b'Z')).then_some((start, end + 1))
    })
}

/// A text that is no time is shown as it is.
fn told(rfc3339: &str, words: impl Fn(Timestamp, Timestamp) -> String) -> String {
    Timestamp::parse(rfc3339).map_or_else(|| rfc3339.to_owned(), |at| words(at, SystemClock.now()))
}

fn relative(at: Timestamp, now: Timestamp) -> Option<String> {
    let (away, ahead) = if at > now { (at.since(now), true) } else { (now.since(at), false) };
    if away >= DAY {
        return None;
    }
    // Never sooner than it is, and never longer ago.
    let seconds = (away.as_micros() + if ahead { 999_999 } else { 0 }) / 1_000_000;
    let minutes = (seconds + if ahead { 59 } else { 0 }) / 60;
    let words = match seconds {
        0 => return Some("now".to_owned()),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m"),
        _ => Span::from_minutes(minutes as u64).to_string(),
    };
    Some(if ahead { format!("in {words}") } else { format!("{words} ago") })
}

fn format<Z: TimeZone<Offset: std::fmt::Display>>(at: Timestamp, shape: &str, zone: &Z) -> String {
    let at = DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
    at.with_timezone(zone).format(shape).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_and_how_far_ahead() {
        let now = Timestamp::parse("2026-11-30T06:44:33.922365Z").expect("a time");
        for (at, expected) in [
            ("2026-11-30T06:44:33.9Z", Some("now")),
            ("2026-11-30T06:44:34.5Z", Some("in 1s")),
            ("2026-11-30T06:44:32.9Z", Some("1s ago")),
            ("2026-11-30T06:43:33Z", Some("1m ago")),
            ("2026-11-30T06:42:00Z", Some("2m ago")),
            ("2026-11-30T04:39:33Z", Some("2h 5m ago")),
            ("2026-11-30T07:12:34Z", Some("in 29m")),
            ("2026-11-30T06:59:33.9Z", Some("in 15m")),
            ("2026-11-29T06:44:34Z", Some("23h 59m ago")),
            ("2026-11-29T06:44:33.922365Z", None),
            ("2026-12-02T00:00:00Z", None),
        ] {
            assert_eq!(relative(Timestamp::parse(at).expect("a time"), now).as_deref(), expected, "{at}");
        }
    }

    #[test]
    fn the_clock_is_that_of_the_zone() {
        let at = Timestamp::parse("2026-11-30T23:44:33Z").expect("a time");
        let zone = chrono::FixedOffset::east_opt(3_600).expect("an offset");
        assert_eq!(format(at, "%Y-%m-%d %H:%M:%S %:z", &zone), "2026-12-01 00:44:33 +01:00");
    }

    #[test]
    fn times_in_a_sentence_are_found_and_nothing_else() {
        for (text, found_text) in [
            ("Frees up at 2026-11-30T06:44:33.922365Z.", Some("2026-11-30T06:44:33.922365Z")),
            ("until 2026-11-30T06:44:33Z, é", Some("2026-11-30T06:44:33Z")),
            ("é2026-11-30T06:44:33Z", Some("2026-11-30T06:44:33Z")),
            ("2026-11-30T06:44:33+01:00", None),
            ("x2026-11-30T06:44:33Z", None),
            ("2026-11-30", None),
            ("", None),
        ] {
            assert_eq!(found(text).map(|(start, end)| &text[start..end]), found_text, "{text}");
        }
        let said = sentence("from {2020-01-02T03:04:05Z} to 2020-01-03T03:04:05Z, until é");
        assert!(
            said.starts_with("from 2020-01-0") && said.ends_with(", until é") && !said.contains(['Z', '{', '}']),
            "{said}"
        );
    }
}
