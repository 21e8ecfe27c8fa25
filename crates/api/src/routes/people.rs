//! What people do with incidents. Each is a fact with an audit entry in the same transaction.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::{
    Approval, Cause, Fact, Incident, IncidentId, PlanHash, RejectReason, Span, State as IncidentState,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incidents::view;
use super::overview::parse_id;
use crate::extract::Body;
use crate::view::{IncidentView, confirm_by_typing};
use crate::{ApiError, App, Principal, Role};

/// Characters of a comment or note.
const TEXT_LIMIT: usize = 4_000;
const SNOOZE_LIMIT_MINUTES: u64 = 7 * 24 * 60;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The plan that was looked at. Another one is not approved by this.
    pub plan_hash: String,
    /// The target's name, where the plan asks for it to be typed.
    #[schema(required)]
    pub typed_target: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    pub plan_hash: String,
    pub reason: RejectReason,
    #[schema(required)]
    pub comment: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Snooze {
    pub minutes: u64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    #[schema(required)]
    pub comment: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteText {
    pub text: String,
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/approve", tag = "incidents", params(("id" = String, Path)),
    request_body = Approve, responses((status = 200, body = IncidentView), (status = 409, body = crate::Problem)))]
pub async fn approve(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Approve>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Approving a fix")?;
    let now = app.now();
    let config = app.engine.config();
    act(&app, &who, &id, |incident| {
        let plan = plan_of(incident, &body.plan_hash)?;
        if let Some(wanted) = confirm_by_typing(plan)
            && body.typed_target.as_deref() != Some(wanted.as_str())
        {
            return Err(ApiError::Conflict {
                code: "confirmation_missing",
                what: "Not approved".into(),
                why: "this plan cannot be undone".into(),
                next: format!("Type the target's name to approve it: {wanted}"),
            });
        }
        let expires_at = match incident.state {
            IncidentState::AwaitingApproval { expires_at } if expires_at <= now => return Err(expired()),
            IncidentState::AwaitingApproval { expires_at } => expires_at,
            _ => now + config.limits.approval_expires(),
        };
        let plan_hash = PlanHash(body.plan_hash.clone());
        let approval = Approval { by: who.name.clone(), at: now, plan_hash, expires_at };
        Ok((Fact::Approved { approval }, "approval.granted", "approved".to_owned()))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/reject", tag = "incidents", params(("id" = String, Path)),
    request_body = Reject, responses((status = 200, body = IncidentView), (status = 409, body = crate::Problem)))]
pub async fn reject(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Reject>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Rejecting a fix")?;
    let comment = text(body.comment)?;
    act(&app, &who, &id, |incident| {
        plan_of(incident, &body.plan_hash)?;
        let fact = Fact::Rejected { by: who.name.clone(), reason: body.reason, comment: comment.clone() };
        Ok((fact, "approval.rejected", body.reason.as_str().to_owned()))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentView)))]
pub async fn acknowledge(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Acknowledging an incident")?;
    act(&app, &who, &id, |_| {
        Ok((Fact::Acknowledged { by: who.name.clone() }, "incident.acknowledged", "acknowledged".to_owned()))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/snooze", tag = "incidents", params(("id" = String, Path)),
    request_body = Snooze, responses((status = 200, body = IncidentView)))]
pub async fn snooze(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Snooze>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Snoozing an incident")?;
    if body.minutes == 0 || body.minutes > SNOOZE_LIMIT_MINUTES {
        return Err(ApiError::invalid(
            "The duration cannot be used",
            format!("expected 1 to {SNOOZE_LIMIT_MINUTES} minutes, found {}", body.minutes),
            "Choose another duration.",
        ));
    }
    let until = app.now() + Span::from_minutes(body.minutes);
    act(&app, &who, &id, |_| {
        Ok((Fact::Snoozed { by: who.name.clone(), until }, "incident.snoozed", format!("until {until}")))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/wake", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentView)))]
pub async fn wake(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Waking an incident")?;
    act(&app, &who, &id, |_| Ok((Fact::Woken { by: who.name.clone() }, "incident.woken", "woken".to_owned()))).await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/escalate", tag = "incidents", params(("id" = String, Path)),
    request_body = Comment, responses((status = 200, body = IncidentView)))]
pub async fn escalate(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Comment>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Escalating an incident")?;
    let comment = text(body.comment)?;
    act(&app, &who, &id, |_| {
        let cause = Cause::Person { by: who.name.clone(), comment: comment.clone() };
        Ok((Fact::Escalated { cause, gates: Vec::new() }, "incident.escalated", "escalated by a person".to_owned()))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", tag = "incidents", params(("id" = String, Path)),
    request_body = Comment, responses((status = 200, body = IncidentView)))]
pub async fn resolve(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Comment>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Resolving an incident")?;
    let comment = text(body.comment)?;
    let watch_until = app.now() + app.engine.config().verification.watch();
    act(&app, &who, &id, |_| {
        let fact = Fact::ResolvedByPerson { by: who.name.clone(), comment: comment.clone(), watch_until };
        Ok((fact, "incident.resolved", "resolved by hand".to_owned()))
    })
    .await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/note", tag = "incidents", params(("id" = String, Path)),
    request_body = NoteText, responses((status = 200, body = IncidentView)))]
pub async fn note(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<NoteText>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Adding a note")?;
    let note = text(Some(body.text))?
        .ok_or_else(|| ApiError::invalid("The note is empty", "expected some text", "Write the note and try again."))?;
    act(&app, &who, &id, |_| {
        Ok((Fact::Noted { by: who.name.clone(), text: note.clone() }, "incident.noted", "note added".to_owned()))
    })
    .await
}

/// Records what a person did, and what it leads to.
async fn act(
    app: &App,
    who: &Principal,
    id: &str,
    fact: impl FnOnce(&Incident) -> Result<(Fact, &'static str, String), ApiError>,
) -> Result<Json<IncidentView>, ApiError> {
    let (id, now): (IncidentId, _) = (parse_id(id)?, app.now());
    let mut tx = app.store().write().await?;
    let before = tx.incident(id).await?;
    let (fact, event_type, result) = fact(&before)?;
    let incident = tx.record(id, &fact, now).await?;
    let plan = before.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    // What people wrote stays where it can be redacted; the trail keeps its digest.
    let fact_digest = selfheal_core::sha256_hex(serde_json::to_vec(&fact).unwrap_or_default());
    let entry = NewEntry {
        at: now,
        event_type,
        actor: who.name.clone(),
        incident_id: Some(id),
        pattern_id: plan.map(|plan| plan.pattern.clone()),
        confidence: before.decided.as_ref().map(|decided| decided.decision.confidence.shown()),
        action: plan.map(|plan| plan.action.kind.to_string()),
        target: plan.map(|plan| plan.target.canonical()),
        result,
        details: serde_json::json!({
            "fact": fact.name(),
            "fact_digest": fact_digest,
            "plan_hash": plan.map(selfheal_core::Plan::hash),
        }),
    };
    tx.audit(entry.on_evidence(fact_digest)).await?;
    tx.commit().await?;
    let state = incident.state.name().to_owned();
    let _ = app.engine.live().send(selfheal_engine::LiveEvent::IncidentChanged { incident: id, state });
    app.engine.nudge();
    view(app, id, who).await.map(Json)
}

/// The plan that waits, if it is the one that was looked at.
fn plan_of<'a>(incident: &'a Incident, hash: &str) -> Result<&'a selfheal_core::Plan, ApiError> {
    let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    match plan {
        Some(plan) if incident.awaits_a_person() && plan.hash().0 == hash => Ok(plan),
        Some(_) if incident.awaits_a_person() => Err(ApiError::Conflict {
            code: "plan_changed",
            what: "The plan has changed".into(),
            why: "the situation is not the one that this plan was made for".into(),
            next: "Look at the new plan and decide again.".into(),
        }),
        _ => Err(ApiError::Conflict {
            code: "no_plan_waits",
            what: "Nothing waits for approval".into(),
            why: format!("the incident is {}", incident.state.name().replace('_', " ")),
            next: "Look at the incident again: it has changed.".into(),
        }),
    }
}

fn expired() -> ApiError {
    ApiError::Conflict {
        code: "approval_expired",
        what: "Too late".into(),
        why: "the approval has expired and nothing ran".into(),
        next: "The incident is being escalated: take it from there.".into(),
    }
}

/// What a person wrote: trimmed, `None` where it is empty, within limits.
pub(super) fn text(text: Option<String>) -> Result<Option<String>, ApiError> {
    let text = text.map(|text| text.trim().replace('\0', "\u{fffd}")).filter(|text| !text.is_empty());
    match &text {
        Some(long) if long.chars().count() > TEXT_LIMIT => Err(ApiError::invalid(
            "The text is too long",
            format!("expected at most {TEXT_LIMIT} characters"),
            "Shorten it, or put the rest where it belongs and link to it.",
        )),
        _ => Ok(text),
    }
}
