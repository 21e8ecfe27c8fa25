//! Reduces a batch of log records to signals: one per fingerprint, counted.
//!
//! High-rate input never reaches the database line by line; what does is a counter and an exemplar.
//!
//! The lines of a source speak for the source's service and for no other one: who can write a line must not choose what is
//! acted on. A service that a line names is kept beside it as evidence.

use std::collections::BTreeMap;

use super::template;
use crate::{
    Fingerprint, Level, LogRecord, NAMED_SERVICE, NewSignal, ProjectName, ServiceName, Severity, SignalKind, SourceName,
};

/// The error signals in a batch, in the order of their first sight, all of them of the one service and project that the source
/// speaks for. Lines below error level are no signals.
pub fn reduce(
    records: &[LogRecord],
    source: &SourceName,
    service: &ServiceName,
    project: &ProjectName,
) -> Vec<NewSignal> {
    let mut order: Vec<Fingerprint> = Vec::new();
    let mut signals: BTreeMap<Fingerprint, NewSignal> = BTreeMap::new();
    for record in records {
        let Some(severity) = severity(record) else { continue };
        let template = template(&record.message);
        let fingerprint = Fingerprint::of(&["log", project.as_str(), service.as_str(), &template]);
        match signals.get_mut(&fingerprint) {
            Some(signal) => {
                signal.count += 1;
                signal.first_seen = signal.first_seen.min(record.at);
                signal.last_seen = signal.last_seen.max(record.at);
                signal.severity = signal.severity.max(severity);
            }
            None => {
                order.push(fingerprint.clone());
                signals.insert(
                    fingerprint.clone(),
                    NewSignal {
                        kind: SignalKind::Log,
                        source: source.clone(),
                        service: service.clone(),
                        project: project.clone(),
                        severity,
                        fingerprint,
                        template,
                        text: record.message.clone(),
                        attributes: named(record, service),
                        trace_id: record.trace_id.clone(),
                        count: 1,
                        first_seen: record.at,
                        last_seen: record.at,
                    },
                );
            }
        }
    }
    order.iter().filter_map(|fingerprint| signals.remove(fingerprint)).collect()
}

/// What the exemplar's line says of itself: shown, and never gone by.
fn named(record: &LogRecord, service: &ServiceName) -> BTreeMap<String, String> {
    let name = record.named_service.as_ref().filter(|name| *name != service.as_str());
    name.map(|name| (NAMED_SERVICE.to_owned(), name.clone())).into_iter().collect()
}

/// An error line is a signal of high severity, a fatal one of critical severity. A record without a level counts as an
/// error when it is a stack trace: nobody prints those for pleasure.
fn severity(record: &LogRecord) -> Option<Severity> {
    match record.level {
        Some(Level::Fatal) => Some(Severity::Critical),
        Some(Level::Error) => Some(Severity::High),
        Some(_) => None,
        None => is_stack_trace(&record.message).then_some(Severity::High),
    }
}

fn is_stack_trace(message: &str) -> bool {
    message.contains("\nTraceback (most recent call last)")
        || message.starts_with("Traceback (most recent call last)")
        || message.contains("\n\tat ")
        || (message.starts_with("panic:") && message.contains("\ngoroutine "))
        || (message.starts_with("thread '") && message.contains("panicked at"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Span, Timestamp, detect::parse_record};

    const START: Timestamp = Timestamp::from_micros(1_772_000_000_000_000);

    fn reduce_lines(lines: &[&str]) -> Vec<NewSignal> {
        let records: Vec<_> =
            lines.iter().enumerate().map(|(i, line)| parse_record(line, START + Span::from_millis(i as u64))).collect();
        reduce(&records, &SourceName::new("log"), &ServiceName::new("pay"), &ProjectName::new("shop"))
    }

    #[test]
    fn repeats_are_counted_and_order_is_kept() {
        let signals = reduce_lines(&["ERROR b 1", "INFO fine", "ERROR a", "ERROR b 2", "FATAL b 3"]);
        let seen: Vec<_> = signals.iter().map(|s| (s.template.as_str(), s.count, s.severity)).collect();
        assert_eq!(seen, [("b <*>", 3, Severity::Critical), ("a", 1, Severity::High)]);
        assert_eq!((signals[0].first_seen, signals[0].last_seen), (START, START + Span::from_millis(4)));
    }

    #[test]
    fn a_line_speaks_for_its_source_whatever_it_says_of_itself() {
        let signals = reduce_lines(&[
            r#"{"level":"error","service":"db","project":"core","message":"FATAL ERROR: Reached heap limit"}"#,
            r#"{"level":"error","service.name":"mail","message":"FATAL ERROR: Reached heap limit"}"#,
            r#"{"level":"error","service":"pay","message":"own"}"#,
        ]);
        let seen: Vec<_> = signals
            .iter()
            .map(|s| {
                (s.service.as_str(), s.project.as_str(), s.count, s.attributes.get(NAMED_SERVICE).map(String::as_str))
            })
            .collect();
        assert_eq!(seen, [("pay", "shop", 2, Some("db")), ("pay", "shop", 1, None)]);
    }

    #[test]
    fn only_errors_and_traces_are_signals() {
        for (line, signals) in [
            ("WARN disk nearly full", 0),
            ("just words about an error", 0),
            ("java.lang.Error: x\n\tat a.b(C.java:1)", 1),
            ("Traceback (most recent call last):\n  File \"x\"\nValueError: y", 1),
        ] {
            assert_eq!(reduce_lines(&[line]).len(), signals, "{line}");
        }
    }
}
