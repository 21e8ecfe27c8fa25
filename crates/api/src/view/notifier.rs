//! Notifiers, without what lets one in.

use selfheal_core::{NoticeKind, Severity, Timestamp};
use selfheal_engine::NotifierStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifierList {
    pub notifiers: Vec<NotifierView>,
    /// Until when only what is critical is told; absent outside the quiet hours.
    #[schema(required)]
    pub quiet_until: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifierView {
    pub name: String,
    /// `webhook`, `slack`, `email`, or what the host brings: `native`, `log`.
    pub kind: String,
    /// Where it leads, for people.
    pub place: String,
    /// False for one that is not told anything: the desktop's, switched off.
    pub active: bool,
    /// Why it cannot be used, and what next.
    #[schema(required)]
    pub problem: Option<String>,
    pub min_severity: Severity,
    pub kinds: Vec<NoticeKind>,
    /// Since the engine was started.
    #[schema(required)]
    pub last_success: Option<NotifierReading>,
    #[schema(required)]
    pub last_error: Option<NotifierReading>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifierReading {
    pub at: String,
    /// What the other side answered, or why nothing arrived.
    pub what: String,
}

/// What came of a test.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifierTestView {
    pub name: String,
    pub ok: bool,
    /// What the other side answered, or why nothing arrived.
    pub what: String,
    /// What to do about it; empty where it arrived.
    pub next: String,
    pub milliseconds: u64,
}

pub fn notifier_view(status: NotifierStatus) -> NotifierView {
    let reading =
        |told: Option<(Timestamp, String)>| told.map(|(at, what)| NotifierReading { at: at.to_rfc3339(), what });
    let (min_severity, kinds) = match &status.spec {
        Some(spec) => (spec.min_severity, spec.kinds.iter().copied().collect()),
        None => (Severity::Info, NoticeKind::ALL.to_vec()),
    };
    NotifierView {
        name: status.name.to_string(),
        kind: status.kind.to_owned(),
        place: status.place,
        active: status.active,
        problem: status.broken.map(|broken| format!("{broken}.")),
        min_severity,
        kinds,
        last_success: reading(status.told.success),
        last_error: reading(status.told.error),
    }
}
