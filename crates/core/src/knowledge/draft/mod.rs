//! Drafts: patterns made from incidents that nobody knew.
//!
//! Incidents that ended without a satisfied rule are gathered into clusters by what their first line says. From a cluster
//! comes a pattern in status draft: it never matches and never acts until a person has read and accepted it. Everything that
//! goes into it went through [`scrub`] first.

mod generalise;
mod make;
mod scrub;
mod separate;

use serde::{Deserialize, Serialize};

use super::Pattern;
use crate::detect::{jaccard, tokens};
use crate::{Action, BasisPoints, IncidentId, ServiceName, Severity, Signal, SignalKind, Timestamp};

pub use generalise::{common_template, generalise};
pub(super) use generalise::{from_template, says_enough};
pub use make::{Draft, DraftInput, NearMiss, draft_rule, make_draft, near_miss_words};
pub use scrub::scrub;
pub use separate::{Separation, separate};

/// What an accepted draft starts from.
pub const DRAFT_CONFIDENCE: BasisPoints = BasisPoints::saturating(5_000);

/// Lines kept of one incident, and characters of one line.
const TEXTS: usize = 20;
const TEXT_LENGTH: usize = 2_000;

/// An incident of a cluster, with what is kept of it. Everything written by a program or a person is scrubbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub incident: IncidentId,
    pub service: ServiceName,
    pub severity: Severity,
    /// Of the first line.
    pub kind: SignalKind,
    /// The name of the alert, where that was the first signal.
    pub alert: Option<String>,
    pub template: String,
    /// What the incident's signals said; the first is the one that says what failed.
    pub texts: Vec<String>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub resolution: Option<Resolution>,
}

/// How an incident that nobody knew was resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// What a person wrote.
    pub comment: Option<String>,
    /// What fixed it, where that is known.
    pub action: Option<Action>,
    /// The action ran here and its effect was verified; otherwise a person said so.
    pub verified: bool,
}

impl Member {
    /// What is kept of an incident, from its signals. `None` without any.
    pub fn of(
        incident: IncidentId,
        severity: Severity,
        signals: &[Signal],
        resolution: Option<Resolution>,
    ) -> Option<Self> {
        // A log line says more than a check that failed because of the same.
        let rank = |signal: &&Signal| match signal.seen.kind {
            SignalKind::Log => 0,
            SignalKind::Ci => 1,
            SignalKind::Alert => 2,
            SignalKind::Metric => 3,
            SignalKind::Health => 4,
        };
        let first = signals.iter().min_by_key(|signal| (rank(signal), signal.seen.first_seen, signal.id))?;
        let others = signals.iter().filter(|signal| signal.id != first.id);
        let texts: Vec<String> = std::iter::once(first)
            .chain(others)
            .take(TEXTS)
            .map(|signal| shortened(&scrub(&signal.seen.text)))
            .collect();
        Some(Self {
            incident,
            service: first.seen.service.clone(),
            severity,
            kind: first.seen.kind,
            alert: first.seen.attributes.get("alertname").filter(|_| first.seen.kind == SignalKind::Alert).cloned(),
            template: crate::detect::template(&texts[0]),
            texts,
            first_seen: signals.iter().map(|signal| signal.seen.first_seen).min()?,
            last_seen: signals.iter().map(|signal| signal.seen.last_seen).max()?,
            resolution: resolution.map(|resolution| Resolution {
                comment: resolution.comment.map(|comment| shortened(&scrub(&comment))),
                ..resolution
            }),
        })
    }

    /// Everything that it said: what negative terms are looked for in.
    pub fn whole_text(&self) -> String {
        self.texts.join("\n")
    }

    /// Whether it belongs to a cluster that began with this member. Health checks have the same words for every service, alerts
    /// are told apart by their names, and everything else by the words of its template.
    pub fn is_like(&self, first: &ClusterHead<'_>, least: BasisPoints) -> Option<u32> {
        if self.kind != first.kind || self.alert.as_deref() != first.alert {
            return None;
        }
        if self.kind == SignalKind::Health && self.service != *first.service {
            return None;
        }
        if self.alert.is_some() || self.template == first.template {
            return Some(10_000);
        }
        let alike = jaccard(&tokens(&self.template), &tokens(first.template));
        (alike >= least.get()).then_some(alike)
    }
}

/// What a cluster is told by: its first member.
#[derive(Clone, Copy, Debug)]
pub struct ClusterHead<'a> {
    pub kind: SignalKind,
    pub service: &'a ServiceName,
    pub alert: Option<&'a str>,
    pub template: &'a str,
}

/// Tells whether a person has edited a draft since it was made.
pub fn digest(pattern: &Pattern) -> String {
    crate::sha256_hex(serde_json::to_vec(pattern).unwrap_or_default())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_LENGTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
