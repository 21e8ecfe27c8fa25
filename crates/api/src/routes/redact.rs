//! Takes a secret or personal data out of what is stored of an incident.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::RedactedPattern;
use selfheal_core::redact::{Redaction, RedactionError};
use selfheal_core::told::{count, many};
use selfheal_core::{Fact, PatternId};
use selfheal_store::{Redacted, RedactedKnowledge};
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
    /// What became knowledge of it, and copies of it elsewhere in the knowledge base.
    #[serde(default)]
    pub knowledge: RedactedKnowledgeView,
    /// Entries of the audit trail that hold it. They cannot be changed.
    pub audit_entries_left: Vec<String>,
    /// Names of services, targets and plans were redacted, too. False while the incident is not closed, or one of its actions
    /// still counts for a limit: the engine goes by them. Ask again then.
    #[serde(default)]
    pub names: bool,
    /// Where the database still holds it, as `table.column`, and in how many rows: other incidents, what was learned of a
    /// service, the trail.
    #[serde(default)]
    pub left: std::collections::BTreeMap<String, u64>,
    /// The configuration names it.
    #[serde(default)]
    pub configured: bool,
}

/// What was redacted of the knowledge base.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactedKnowledgeView {
    /// Rows that changed: patterns, drafts and their incidents, documents, records of merges, comments of changes.
    pub rows: u64,
    /// Patterns and drafts that changed.
    pub patterns: Vec<RedactedPatternView>,
    /// Patterns whose id still holds it: an id does not change.
    pub ids_left: Vec<String>,
    /// Patterns that came in with a pack, unchanged since, and hold it.
    pub foreign_left: Vec<String>,
}

/// What was redacted of one pattern or draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RedactedPatternView {
    pub pattern: String,
    /// Conditions that have a wildcard now where the text stood: they hold on more.
    pub conditions_changed: usize,
    /// Conditions that are gone: they said too little without the text. A rule without conditions is none.
    pub conditions_dropped: usize,
    /// Must-not terms that are gone.
    pub terms_dropped: usize,
    pub examples_changed: usize,
    /// Examples that are gone: the rule that is left says otherwise of them.
    pub examples_dropped: usize,
    /// It healed by itself and does so no more, until a person says so again.
    pub disarmed: bool,
}

impl From<&RedactedKnowledge> for RedactedKnowledgeView {
    fn from(done: &RedactedKnowledge) -> Self {
        let ids = |ids: &[PatternId]| ids.iter().map(ToString::to_string).collect();
        let pattern = |(id, done): &(PatternId, RedactedPattern)| RedactedPatternView {
            pattern: id.to_string(),
            conditions_changed: done.conditions_changed,
            conditions_dropped: done.conditions_dropped,
            terms_dropped: done.terms_dropped,
            examples_changed: done.examples_changed,
            examples_dropped: done.examples_dropped,
            disarmed: done.disarmed,
        };
        Self {
            rows: done.rows(),
            patterns: done.patterns.iter().map(pattern).collect(),
            ids_left: ids(&done.ids_left),
            foreign_left: ids(&done.foreign_left),
        }
    }
}

/// What the trail says of it: counts, and the patterns that changed by their ids, but for ids that hold the text themselves.
fn trail(redacted: &Redacted, redaction: &Redaction) -> serde_json::Value {
    let patterns: Vec<serde_json::Value> = redacted
        .knowledge
        .patterns
        .iter()
        .map(|(id, done)| {
            let id = (!redaction.finds_in_slug(id.as_str())).then_some(id);
            serde_json::json!({ "pattern": id, "changed": done })
        })
        .collect();
    serde_json::json!({
        "signals": redacted.signals, "facts": redacted.facts, "incident": redacted.incident, "events": redacted.events,
        "knowledge": { "rows": redacted.knowledge.rows(), "patterns": patterns },
        // The trail before knows plans by the hash that they had then.
        "plans": redacted.plans,
    })
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
    let cooldown = selfheal_core::Span::from_minutes(app.engine.config().self_healing.cooldown_minutes);
    let counting = now - selfheal_core::PING_PONG.max(cooldown).max(selfheal_core::HOUR);
    let redacted = tx.redact(id, &redaction, now, counting).await?;
    let left = tx.audit_entries_with(id, &redaction).await?;
    if redacted.is_nothing() {
        return Err(ApiError::Conflict {
            code: "nothing_redacted",
            what: "Nothing was redacted".into(),
            why: match left.len() {
                _ if !redacted.names && holds_name(&tx.incident(id).await?, &redaction) => {
                    "only names of services and plans hold it, which the engine goes by until the incident is closed and none of \
                     its actions counts for a limit any more".into()
                }
                0 => "nothing that is stored of this incident holds it".into(),
                n => format!("only {n} entries of the audit trail hold it, and they cannot be changed"),
            },
            next: "Ask again when it is closed. Else check the spelling, or look at the other incidents of that time.".into(),
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
        result: format!(
            "{}, {} and {}; {} not to act by themselves any more",
            count(redacted.signals, "signal"),
            count(redacted.facts, "fact"),
            count(redacted.knowledge.rows(), "row of the knowledge base"),
            many(redacted.knowledge.disarmed().count(), "pattern")
        ),
        // Never what was redacted, nor its digest: short secrets can be guessed from one.
        details: serde_json::json!({ "by": how, "redacted": trail(&redacted, &redaction), "reason": reason }),
    })
    .await?;
    tx.commit().await?;
    if let Err(error) = app.store().sweep().await {
        tracing::warn!(%error, "what was overwritten may stay in the database's log for a while");
    }
    // The home's snapshot of the knowledge base may still hold it: it is made anew at once.
    let mut tx = app.store().read().await?;
    app.engine.knowledge(&mut tx).await?;
    let still = tx.texts_left(&redaction).await?;
    drop(tx);
    let configured = serde_json::to_string(&*app.engine.config()).is_ok_and(|config| redaction.finds(&config));
    let state = incident.state.name().to_owned();
    let _ = app.engine.live().send(selfheal_engine::LiveEvent::IncidentChanged { incident: id, state });
    Ok(Json(RedactReply {
        signals: redacted.signals,
        facts: redacted.facts,
        incident: redacted.incident,
        events: redacted.events,
        knowledge: RedactedKnowledgeView::from(&redacted.knowledge),
        audit_entries_left: left.iter().map(ToString::to_string).collect(),
        names: redacted.names,
        left: still,
        configured,
    }))
}

/// Whether a name or a plan of the incident holds it.
fn holds_name(incident: &selfheal_core::Incident, redaction: &Redaction) -> bool {
    serde_json::to_value(incident).is_ok_and(|mut incident| redaction.with_names().json(&mut incident))
}

fn refused(why: impl Into<String>, next: &str) -> ApiError {
    ApiError::invalid("Nothing was redacted", why, next)
}
