//! What comes in: one raw input each, and the signal that an observation worth attention becomes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ProjectName, ServiceName, Severity, SignalId, SourceName, Timestamp};

/// One raw input from a source or a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Log(LogRecord),
    Health(HealthReading),
}

/// A log record: one line, or a line with the continuation lines (a stack trace) that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// The record's own time where it carries one, otherwise when it was read.
    pub at: Timestamp,
    pub level: Option<Level>,
    /// The service that the record names, where its format has such a field. Evidence, and no more: whom a record speaks for
    /// is its source's to say.
    pub named_service: Option<String>,
    /// What was said, without the header (time, level).
    pub message: String,
    /// The record as it stood in the log.
    pub raw: String,
    pub trace_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// Reads the usual spellings of log levels in any case; `None` for a word that is no level.
    pub fn parse(word: &str) -> Option<Self> {
        let lower = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
        Some(match lower.as_str() {
            "trace" | "trc" | "finest" | "finer" => Self::Trace,
            "debug" | "dbg" | "debg" | "fine" => Self::Debug,
            "info" | "inf" | "information" | "notice" | "note" => Self::Info,
            "warn" | "warning" | "wrn" => Self::Warn,
            "error" | "err" | "eror" | "severe" | "failure" => Self::Error,
            "fatal" | "critical" | "crit" | "panic" | "emerg" | "emergency" | "alert" => Self::Fatal,
            _ => return None,
        })
    }

    pub const fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Fatal)
    }
}

/// The result of one health check.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthReading {
    pub at: Timestamp,
    pub service: ServiceName,
    pub check: String,
    pub ok: bool,
    /// What was seen, e.g. `connection refused` or `HTTP 503`.
    pub detail: String,
}

/// Where a signal came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    Log,
    Health,
    Metric,
    Alert,
    Ci,
}

/// An observation worth attention, normalised. Repeats of one fingerprint are counted, not listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSignal {
    pub kind: SignalKind,
    pub source: SourceName,
    pub service: ServiceName,
    pub project: ProjectName,
    pub severity: Severity,
    pub fingerprint: Fingerprint,
    pub template: String,
    /// An exemplar, as it was seen.
    pub text: String,
    pub attributes: BTreeMap<String, String>,
    pub trace_id: Option<String>,
    pub count: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

/// The attribute of a log signal that keeps which service its line names, where that is not the one it speaks for.
pub const NAMED_SERVICE: &str = "named_service";

/// The service of what nobody said whom it speaks for. No service of the inventory is called that.
pub const UNKNOWN_SERVICE: &str = "unknown";

/// A signal as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    pub id: SignalId,
    #[serde(flatten)]
    pub seen: NewSignal,
}

/// What makes two signals the same: a digest of kind, service and template (or check).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    pub fn of(parts: &[&str]) -> Self {
        let mut digest = crate::digest::hex(parts.join("\u{1f}"));
        digest.truncate(16);
        Self(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_levels_in_their_usual_spellings() {
        for (word, level) in [
            ("ERROR", Some(Level::Error)),
            ("[err]", Some(Level::Error)),
            ("Warning:", Some(Level::Warn)),
            ("SEVERE", Some(Level::Error)),
            ("CRIT", Some(Level::Fatal)),
            ("information", Some(Level::Info)),
            ("errors", None),
            ("", None),
        ] {
            assert_eq!(Level::parse(word), level, "{word}");
        }
    }
}
