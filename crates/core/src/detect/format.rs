//! Reads one record: JSON lines, or plain text with an optional time and level at its head.

use serde_json::Value;

use crate::{Level, LogRecord, Span, Timestamp};

/// Names under which the usual loggers put a field.
const MESSAGE: &[&str] = &["message", "msg", "log", "event", "text"];
const LEVEL: &[&str] = &["level", "lvl", "severity", "loglevel", "log.level", "levelname"];
const TIME: &[&str] = &["timestamp", "@timestamp", "time", "ts", "datetime"];
const SERVICE: &[&str] = &["service", "service.name", "service_name", "app"];
const TRACE: &[&str] = &["trace_id", "traceId", "trace.id"];
const STACK: &[&str] = &["stack", "stack_trace", "stacktrace", "exception", "error.stack_trace", "exc_info"];

/// Words of a plain line's head that may carry time and level.
const HEAD_WORDS: usize = 8;

/// Reads a record. Nothing is refused: what has no known format is a plain message. `received` is its time where it
/// carries none.
pub fn parse_record(raw: &str, received: Timestamp) -> LogRecord {
    let clean = without_nul(raw);
    let mut record = json(&clean, received).unwrap_or_else(|| plain(&clean, received));
    // A time that cannot be is none: of the future, or from before there were logs to follow.
    if record.at > received + FUTURE || record.at < EARLIEST {
        record.at = received;
    }
    record
}

/// How far ahead of ours the clock of a log's host may be: a zone that was not written, and a little more.
const FUTURE: Span = Span::from_minutes(15 * 60);
/// 1990-01-01T00:00:00Z.
const EARLIEST: Timestamp = Timestamp::from_micros(631_152_000_000_000);

/// PostgreSQL's text has no NUL.
fn without_nul(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

fn json(raw: &str, received: Timestamp) -> Option<LogRecord> {
    if !raw.starts_with('{') {
        return None;
    }
    let fields: serde_json::Map<String, Value> = serde_json::from_str(raw).ok()?;
    let get = |names: &[&str]| names.iter().find_map(|name| field(&fields, name));
    let mut message = get(MESSAGE)?;
    if let Some(stack) = get(STACK).filter(|stack| !message.contains(stack.as_str())) {
        message = format!("{message}\n{stack}");
    }
    Some(LogRecord {
        at: get(TIME).and_then(|text| time(&text)).unwrap_or(received),
        level: get(LEVEL).and_then(|word| level(&word)),
        named_service: get(SERVICE).map(|name| shortened(&name)),
        message,
        raw: raw.to_owned(),
        trace_id: get(TRACE),
    })
}

/// Characters of a name that is kept as evidence.
const NAME: usize = 100;

fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME).collect()
}

/// A field by its name, or by its path where the name has dots.
fn field(fields: &serde_json::Map<String, Value>, name: &str) -> Option<String> {
    let value = fields.get(name).or_else(|| {
        let (head, rest) = name.split_once('.')?;
        fields.get(head)?.get(rest)
    })?;
    match value {
        Value::String(text) if !text.is_empty() => Some(without_nul(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Words, and the numbers of Bunyan and Pino (10 trace to 60 fatal).
fn level(word: &str) -> Option<Level> {
    Level::parse(word).or_else(|| match word.parse::<u32>().ok()? {
        10 => Some(Level::Trace),
        20 => Some(Level::Debug),
        30 => Some(Level::Info),
        40 => Some(Level::Warn),
        50 => Some(Level::Error),
        60 => Some(Level::Fatal),
        _ => None,
    })
}

/// RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since 1970 told apart by their size.
fn time(text: &str) -> Option<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Some(at);
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)?;
    let micros = match number {
        _ if number < 1e11 => number * 1e6,
        _ if number < 1e14 => number * 1e3,
        _ if number < 1e17 => number,
        _ => number / 1e3,
    };
    Some(Timestamp::from_micros(micros as i64))
}

fn plain(raw: &str, received: Timestamp) -> LogRecord {
    let first = raw.lines().next().unwrap_or_default();
    let mut at = None;
    let mut found = None;
    let mut rest = 0;
    // The head is what stands before the message: words that are a time, a level or punctuation around them.
    for (start, word) in words(first).take(HEAD_WORDS) {
        let end = start + word.len();
        if at.is_none()
            && let Some(stamp) = stamp(first, start, end)
        {
            at = Some(stamp.0);
            rest = stamp.1;
        } else if start < rest {
            // Part of a time that was already read.
        } else if found.is_none()
            && let Some(level) = word_level(word)
        {
            found = Some(level);
            rest = end;
        }
    }
    LogRecord {
        at: at.unwrap_or(received),
        level: found,
        named_service: None,
        message: raw[rest..].trim_start_matches([' ', ':', '-', ']', '\t']).to_owned(),
        raw: raw.to_owned(),
        trace_id: None,
    }
}

fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_ascii_whitespace().map(move |word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// A time that starts at this word: `2026-02-28T14:02:00Z`, or date and time as two words (taken as UTC).
fn stamp(line: &str, start: usize, end: usize) -> Option<(Timestamp, usize)> {
    let word = line[start..end].trim_matches(['[', ']', ',']);
    if let Some(at) = Timestamp::parse(word) {
        return Some((at, end));
    }
    if word.len() != 10 || word.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (next_start, next) = words(&line[end..]).next().map(|(offset, next)| (end + offset, next))?;
    let clock = next.trim_matches(['[', ']', ',', 'Z']).replace(',', ".");
    Timestamp::parse(&format!("{word}T{clock}Z")).map(|at| (at, next_start + next.len()))
}

/// A level in a head is in capitals, in brackets, or ends with a colon: `ERROR`, `[error]`, `error:`.
fn word_level(word: &str) -> Option<Level> {
    let marked = word.starts_with(['[', '<', '|']) || word.ends_with([':', ']']);
    let capitals = word.chars().any(|c| c.is_ascii_uppercase()) && !word.chars().any(|c| c.is_ascii_lowercase());
    (marked || capitals).then(|| Level::parse(word)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_usual_heads() {
        let received = Timestamp::parse("2026-02-28T15:00:00Z").expect("a time");
        for (raw, at, level, message) in [
            ("2026-02-28T14:02:00Z ERROR db gone", Some("2026-02-28T14:02:00Z"), Some(Level::Error), "db gone"),
            (
                "2026-02-28 14:02:00,250 [worker-1] WARN slow",
                Some("2026-02-28T14:02:00.250Z"),
                Some(Level::Warn),
                "slow",
            ),
            ("[error] cannot bind", None, Some(Level::Error), "cannot bind"),
            ("error: linking failed", None, Some(Level::Error), "linking failed"),
            ("no error here", None, None, "no error here"),
            (
                r#"{"level":"error","msg":"db gone","ts":1772287320.5}"#,
                Some("2026-02-28T14:02:00.500Z"),
                Some(Level::Error),
                "db gone",
            ),
            (
                r#"{"level":50,"msg":"boom","time":1772287320500}"#,
                Some("2026-02-28T14:02:00.500Z"),
                Some(Level::Error),
                "boom",
            ),
            (r#"{"no":"message"}"#, None, None, r#"{"no":"message"}"#),
            (r#"{"broken": "#, None, None, r#"{"broken": "#),
        ] {
            let record = parse_record(raw, received);
            assert_eq!(record.at, at.map_or(received, |at| Timestamp::parse(at).expect("a time")), "{raw}");
            assert_eq!(record.level, level, "{raw}");
            assert_eq!(record.message, message, "{raw}");
        }
    }

    #[test]
    fn json_lines_carry_service_trace_and_stack() {
        let record = parse_record(
            r#"{"level":"error","message":"boom","service":{"name":"pay"},"trace_id":"abc","stack":"at x"}"#,
            Timestamp::EPOCH,
        );
        assert_eq!(record.named_service.as_deref(), Some("pay"));
        assert_eq!(record.trace_id.as_deref(), Some("abc"));
        assert_eq!(record.message, "boom\nat x");
    }

    #[test]
    fn a_time_that_cannot_be_is_none() {
        let received = Timestamp::parse("2026-02-28T14:00:00Z").expect("a time");
        for (time, kept) in [
            ("1e22", false),
            ("20260228140200123456789", false),
            ("\"9999-12-31T23:59:59Z\"", false),
            ("\"2026-03-01T05:00:01Z\"", false),
            ("\"2026-03-01T05:00:00Z\"", true),
            ("\"1989-12-31T23:59:59Z\"", false),
            ("\"2005-06-03T15:42:50Z\"", true),
        ] {
            let record = parse_record(&format!(r#"{{"level":"error","msg":"x","ts":{time}}}"#), received);
            assert_eq!(record.at != received, kept, "{time}");
        }
    }

    #[test]
    fn no_field_keeps_a_nul() {
        let record = parse_record(r#"{"msg":"a\u0000b","service":"s\u0000","trace_id":"\u0000"}"#, Timestamp::EPOCH);
        for text in [record.message, record.named_service.expect("named"), record.trace_id.expect("named")] {
            assert!(!text.contains('\0'), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_record(raw in "\\PC{0,80}") {
            let record = parse_record(&raw, Timestamp::EPOCH);
            prop_assert_eq!(record.raw, raw);
            prop_assert!(!parse_record("a\0b", Timestamp::EPOCH).message.contains('\0'));
        }
    }
}
