//! The digest of the evidence that a decision was made on.
//!
//! Only this digest goes into the trail. The lines themselves stay in their own table, where they can be redacted and expire:
//! the chain covers the digest and not the lines, so it stays whole. Whoever kept a copy of the lines can show that they are
//! the ones; whoever has only the digest learns nothing but what they can guess word by word.

use serde::Serialize;

use crate::{Signal, SignalId};

/// One signal as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvidenceLine<'a> {
    pub id: SignalId,
    pub text: &'a str,
    pub count: u64,
}

impl<'a> From<&'a Signal> for EvidenceLine<'a> {
    fn from(signal: &'a Signal) -> Self {
        Self { id: signal.id, text: &signal.seen.text, count: signal.seen.count }
    }
}

/// SHA-256 over the signals' ids, texts and counts as JSON, in the order of their ids, whatever order they were read in.
pub fn evidence_digest(signals: &[Signal]) -> String {
    let mut lines: Vec<EvidenceLine<'_>> = signals.iter().map(EvidenceLine::from).collect();
    lines.sort_by_key(|line| line.id);
    crate::digest::of_json(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fingerprint, NewSignal, ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp};

    fn signal(id: i64, text: &str, count: u64) -> Signal {
        let seen = NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new("a"),
            project: ProjectName::new("p"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[text]),
            template: text.into(),
            text: text.into(),
            attributes: Default::default(),
            trace_id: None,
            count,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        };
        Signal { id: SignalId(id), seen }
    }

    #[test]
    fn the_digest_is_that_of_ids_texts_and_counts_in_any_order() {
        let (a, b) = (signal(1, "a", 1), signal(2, "b", 7));
        let digest = evidence_digest(&[a.clone(), b.clone()]);
        // Pinned: whoever kept the lines must be able to show in years that they are the ones.
        let json = r#"[{"id":"1","text":"a","count":1},{"id":"2","text":"b","count":7}]"#;
        assert_eq!(digest, crate::sha256_hex(json));
        assert_eq!(digest, evidence_digest(&[b.clone(), a.clone()]));
        for other in [signal(3, "b", 7), signal(2, "[redacted]", 7), signal(2, "b", 8)] {
            assert_ne!(digest, evidence_digest(&[a.clone(), other]));
        }
        assert_ne!(digest, evidence_digest(&[a]));
    }
}
