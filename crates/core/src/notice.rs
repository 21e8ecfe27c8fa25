//! What people are told, before it is known through which channel.
//!
//! Invariant: a notice is made once and kept as it is, with its id, until each notifier has been told: whoever receives it
//! twice (after a crash) can see that it is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Incident, IncidentId, ServiceName, Severity, State, Timestamp};

/// What about an incident people are told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    Escalated,
    ApprovalNeeded,
    Queued,
}

impl NoticeKind {
    pub const ALL: [Self; 3] = [Self::Escalated, Self::ApprovalNeeded, Self::Queued];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Escalated => "escalated",
            Self::ApprovalNeeded => "approval_needed",
            Self::Queued => "queued",
        }
    }

    /// Whether it is still so. An incident that has gone on meanwhile is not told about.
    pub fn fits(self, incident: &Incident) -> bool {
        match (self, &incident.state) {
            (Self::Escalated, State::Escalated { .. }) | (Self::Queued, State::Queued { .. }) => true,
            (Self::ApprovalNeeded, _) => {
                incident.awaits_a_person() && !incident.approval.as_ref().is_some_and(crate::Approval::is_complete)
            }
            _ => false,
        }
    }
}

/// What a notifier shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every notifier and every try: what a receiver knows it by.
    pub id: String,
    pub at: Timestamp,
    pub severity: Severity,
    /// One line.
    pub title: String,
    pub body: String,
    pub about: About,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum About {
    Incident {
        kind: NoticeKind,
        incident: IncidentId,
        service: ServiceName,
        /// The state's name when the notice was made.
        state: String,
        /// Tells this incident from another home's of the same number.
        opened_at: Timestamp,
    },
    /// What was held back in the quiet hours, and still is so at their end.
    Summary { incidents: Vec<IncidentId> },
    /// Somebody wants to see whether a notifier works.
    Test,
}

impl About {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Incident { kind, .. } => kind.as_str(),
            Self::Summary { .. } => "summary",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// `nonce` tells two notices of one kind about one incident apart; the same nonce gives the same id.
    pub fn of(kind: NoticeKind, incident: &Incident, at: Timestamp, nonce: &str) -> Self {
        Self {
            id: id(&[nonce, kind.as_str(), &incident.id.to_string(), &incident.opened_at.to_string()]),
            at,
            severity: incident.severity,
            title: title(kind, incident),
            body: body(incident),
            about: About::Incident {
                kind,
                incident: incident.id,
                service: incident.service.clone(),
                state: incident.state.name().to_owned(),
                opened_at: incident.opened_at,
            },
        }
    }

    /// One notice for many that were held back. Known by them, so that another try has the same id.
    pub fn summary(notices: &[&Self], at: Timestamp) -> Self {
        let mut incidents: Vec<IncidentId> = notices.iter().filter_map(|notice| notice.incident()).collect();
        incidents.sort();
        incidents.dedup();
        let ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
        Self {
            id: id(&ids),
            at,
            severity: notices.iter().map(|notice| notice.severity).max().unwrap_or(Severity::Info),
            title: format!("{} notices from the quiet hours", notices.len()),
            body: notices.iter().map(|notice| notice.in_one_line()).collect::<Vec<_>>().join("\n"),
            about: About::Summary { incidents },
        }
    }

    /// Clearly marked, so that nobody is called out of bed by it.
    pub fn test(notifier: &str, at: Timestamp) -> Self {
        Self {
            id: id(&["test", notifier, &at.to_string()]),
            at,
            severity: Severity::Info,
            title: "Test notice of Selfheal".into(),
            body: format!("This is a test of the notifier `{notifier}`. Nothing is wrong, and nothing is to be done."),
            about: About::Test,
        }
    }

    pub const fn incident(&self) -> Option<IncidentId> {
        match self.about {
            About::Incident { incident, .. } => Some(incident),
            About::Summary { .. } | About::Test => None,
        }
    }

    fn in_one_line(&self) -> String {
        let number = self.incident().map_or_else(String::new, |incident| format!(", incident {incident}"));
        let body = self.body.split('\n').filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        format!("- {} ({}{number}): {body}", self.title, self.severity.as_str())
    }
}

fn id(parts: &[&str]) -> String {
    let mut digest = crate::digest::hex(parts.join("\n"));
    digest.truncate(32);
    digest
}

fn title(kind: NoticeKind, incident: &Incident) -> String {
    match kind {
        NoticeKind::Escalated => format!("{} needs you", incident.service),
        NoticeKind::ApprovalNeeded => format!("{}: approve a fix?", incident.service),
        NoticeKind::Queued => format!("{}: a fix is waiting", incident.service),
    }
}

fn body(incident: &Incident) -> String {
    let what = match &incident.state {
        State::Escalated { reason, .. } => reason.clone(),
        State::Queued { gate, .. } | State::Decided { held: Some(crate::Held { gate, .. }) } => gate.reason.clone(),
        _ => incident
            .decided
            .as_ref()
            .and_then(|decided| decided.plan.as_ref())
            .map_or_else(String::new, |plan| format!("{} on {}", plan.action.kind, plan.service)),
    };
    format!("{}\n{what}", incident.title)
}
