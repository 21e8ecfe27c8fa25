//! Takes a secret or personal data out of what is stored of an incident.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::Fact;
use selfheal_core::audit::NewEntry;
use selfheal_core::redact::{Redaction, RedactionError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::overview::parse_id;
use super::people::text;
use crate::extract::Body;
use crate::{ApiError, App, Principal, Role};

/// Exactly one of `text` and `regex`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactRequest {
    /// The text itself, in any case.
    pub text: Option<String>,
    pub regex: Option<String>,
    /// Why; kept in the audit trail, so it must not hold the text.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactReply {
    pub signals: u64,
    pub facts: u64,
    /// The incident itself: title, templates, root cause and the like.
    pub incident: bool,
    /// What actions said.
    pub events: u64,
    /// Entries of the audit trail that hold it. They cannot be changed.
    pub audit_entries_left: Vec<String>,
}

#[utoipa::path(post, operation_id = "redact_incident", path = "/api/v1/incidents/{id}/redact", tag = "incidents",
    params(("id" = String, Path)), request_body = RedactRequest,
    responses((status = 200, body = RedactReply), (status = 422, body = crate::Problem)))]
pub async fn redact(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<RedactRequest>,
) -> Result<Json<RedactReply>, ApiError> {
    who.require(Role::Admin, "Redacting what is stored")?;
    let id = parse_id(&id)?;
    let (redaction, how) = match (&body.text, &body.regex) {
        (Some(text), None) => (Redaction::text(text), "text"),
        (None, Some(regex)) => (Redaction::regex(regex), "regex"),
        _ => return Err(refused("expected either a text or a regular expression", "Say which of the two.")),
    };
    let redaction = redaction.map_err(|error| {
        let next = match error {
            RedactionError::TooShort => "Name more of it, or use a regular expression.",
            _ => "Change the expression so that it matches what is to be redacted, and only that.",
        };
        refused(error.to_string(), next)
    })?;
    let reason =
        text(Some(body.reason))?.ok_or_else(|| refused("the reason is empty", "Say why, for the audit trail."))?;
    if redaction.finds(&reason) {
        return Err(refused(
            "the reason holds what is to be redacted, and the audit trail would keep it",
            "Say why without naming it.",
        ));
    }
    let now = app.now();
    let mut tx = app.store().write().await?;
    let redacted = tx.redact(id, &redaction).await?;
    let left = tx.audit_entries_with(id, &redaction).await?;
    if redacted.is_nothing() {
        return Err(ApiError::Conflict {
            code: "nothing_redacted",
            what: "Nothing was redacted".into(),
            why: match left.len() {
                0 => "nothing that is stored of this incident holds it".into(),
                n => format!("only {n} entries of the audit trail hold it, and they cannot be changed"),
            },
            next: "Check the spelling, or look at the other incidents of that time.".into(),
        });
    }
    let note = Fact::Noted { by: who.name.clone(), text: format!("Redacted what is stored: {reason}") };
    let incident = tx.record(id, &note, now).await?;
    tx.audit(NewEntry {
        at: now,
        event_type: "incident.redacted",
        actor: who.name.clone(),
        incident_id: Some(id),
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: format!("{} signals and {} facts", redacted.signals, redacted.facts),
        // Never what was redacted, nor its digest: short secrets can be guessed from one.
        details: serde_json::json!({ "by": how, "redacted": redacted, "reason": reason }),
    })
    .await?;
    tx.commit().await?;
    if let Err(error) = app.store().sweep().await {
        tracing::warn!(%error, "what was overwritten may stay in the database's log for a while");
    }
    let state = incident.state.name().to_owned();
    let _ = app.engine.live().send(selfheal_engine::LiveEvent::IncidentChanged { incident: id, state });
    Ok(Json(RedactReply {
        signals: redacted.signals,
        facts: redacted.facts,
        incident: redacted.incident,
        events: redacted.events,
        audit_entries_left: left.iter().map(ToString::to_string).collect(),
    }))
}

fn refused(why: impl Into<String>, next: &str) -> ApiError {
    ApiError::invalid("Nothing was redacted", why, next)
}
