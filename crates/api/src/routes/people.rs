//! What people do with incidents: the requests, and who may make them. What they mean is the engine's to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::told::moment;
use selfheal_core::{Action, ActionKind, Cause, Fact, Incident, IncidentId, PlanHash, RejectReason, ServiceName, Span};
use selfheal_engine::{Choice, EngineError, PersonError};
use selfheal_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incidents::view;
use super::overview::parse_id;
use crate::extract::Body;
use crate::view::{Ability, IncidentView, capabilities};
use crate::{ApiError, App, Principal, Role};

/// Characters of a comment or note.
const TEXT_LIMIT: usize = 4_000;
const SNOOZE_LIMIT_MINUTES: u64 = 7 * 24 * 60;
/// Parameters of one action, and characters of one value.
const PARAMETERS_LIMIT: usize = 50;
const VALUE_LIMIT: usize = 1_000;

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

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    #[schema(required)]
    pub comment: Option<String>,
    /// Whether it was fixed by what Selfheal would have done; null where that is not said.
    #[serde(default)]
    #[schema(required)]
    pub did_the_same: Option<bool>,
    /// What fixed it, e.g. `service.restart`: shown as a confirmed fix, and moves no confidence.
    #[serde(default)]
    pub fixed_by: Option<String>,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// What is to run instead, or again. It needs an approval of its own.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// For example `service.restart`; the best candidate's fix where it is left out.
    #[schema(required)]
    pub action: Option<String>,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The incident's own service where it is left out.
    #[serde(default)]
    #[schema(required)]
    pub service: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The plan that was looked at.
    pub plan_hash: String,
    pub parameters: BTreeMap<String, String>,
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
    let (id, hash) = (parse_id(&id)?, PlanHash(body.plan_hash));
    let approved = app.engine.approve(id, &who.name, &who.person, &hash, body.typed_target.as_deref()).await;
    done(&app, &who, id, Ability::Approve, approved).await
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
    let (id, hash, comment) = (parse_id(&id)?, PlanHash(body.plan_hash), text(body.comment)?);
    done(&app, &who, id, Ability::Reject, app.engine.reject(id, &who.name, &hash, body.reason, comment).await).await
}

/// Chooses an action for an incident that is a person's, or tries the known fix again.
#[utoipa::path(post, operation_id = "choose_action", path = "/api/v1/incidents/{id}/choose", tag = "incidents", params(("id" = String, Path)),
    request_body = Choose, responses((status = 200, body = IncidentView), (status = 409, body = crate::Problem)))]
pub async fn choose(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Choose>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Choosing an action")?;
    let id = parse_id(&id)?;
    let action = match body.action {
        None if body.parameters.is_empty() => None,
        None => {
            return Err(ApiError::invalid(
                "No action was chosen",
                "there are parameters, but no action",
                "Name the action.",
            ));
        }
        Some(name) => Some(action(&name, body.parameters)?),
    };
    let choice = Choice { service: body.service.map(ServiceName::new), action };
    done(&app, &who, id, Ability::Choose, app.engine.choose(id, &who.name, choice).await).await
}

/// Changes parameters of the plan that waits: another plan, which needs another approval.
#[utoipa::path(post, operation_id = "edit_plan", path = "/api/v1/incidents/{id}/edit", tag = "incidents", params(("id" = String, Path)),
    request_body = Edit, responses((status = 200, body = IncidentView), (status = 409, body = crate::Problem)))]
pub async fn edit(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Edit>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Editing a plan")?;
    let (id, hash) = (parse_id(&id)?, PlanHash(body.plan_hash));
    limited(&body.parameters)?;
    done(&app, &who, id, Ability::Edit, app.engine.edit(id, &who.name, &hash, body.parameters).await).await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents", params(("id" = String, Path)), responses((status = 200, body = IncidentView)))]
pub async fn acknowledge(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Acknowledging an incident")?;
    let fact = Fact::Acknowledged { by: who.name.clone() };
    act(&app, &who, &id, Ability::Acknowledge, fact, "incident.acknowledged", "acknowledged").await
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
    let fact = Fact::Snoozed { by: who.name.clone(), until };
    act(&app, &who, &id, Ability::Snooze, fact, "incident.snoozed", &format!("until {}", moment(until))).await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/wake", tag = "incidents", params(("id" = String, Path)), responses((status = 200, body = IncidentView)))]
pub async fn wake(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Waking an incident")?;
    act(&app, &who, &id, Ability::Wake, Fact::Woken { by: who.name.clone() }, "incident.woken", "woken").await
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
    let cause = Cause::Person { by: who.name.clone(), comment: text(body.comment)? };
    let fact = Fact::Escalated { cause, gates: Vec::new() };
    act(&app, &who, &id, Ability::Escalate, fact, "incident.escalated", "escalated by a person").await
}

#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", tag = "incidents", params(("id" = String, Path)),
    request_body = Resolve, responses((status = 200, body = IncidentView)))]
pub async fn resolve(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<Resolve>,
) -> Result<Json<IncidentView>, ApiError> {
    who.require(Role::Approver, "Resolving an incident")?;
    let (id, comment) = (parse_id(&id)?, text(body.comment)?);
    let fix = match body.fixed_by {
        Some(name) => Some(action(&name, body.parameters)?),
        None => None,
    };
    done(&app, &who, id, Ability::Resolve, app.engine.resolve(id, &who.name, comment, body.did_the_same, fix).await)
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
    act(
        &app,
        &who,
        &id,
        Ability::Note,
        Fact::Noted { by: who.name.clone(), text: note },
        "incident.noted",
        "note added",
    )
    .await
}

async fn act(
    app: &App,
    who: &Principal,
    id: &str,
    ability: Ability,
    fact: Fact,
    event_type: &'static str,
    result: &str,
) -> Result<Json<IncidentView>, ApiError> {
    let id: IncidentId = parse_id(id)?;
    done(app, who, id, ability, app.engine.act(id, &who.name, fact, event_type, result).await).await
}

/// The incident as it is now, or why that could not be done with it.
async fn done(
    app: &App,
    who: &Principal,
    id: IncidentId,
    ability: Ability,
    outcome: Result<Incident, PersonError>,
) -> Result<Json<IncidentView>, ApiError> {
    let error = match outcome {
        Ok(_) => return view(app, id, who).await.map(Json),
        Err(error) => error,
    };
    let code = match &error {
        PersonError::Engine(EngineError::Store(StoreError::Illegal(_))) => "illegal_state",
        PersonError::Refused(refusal) if NOT_NOW.contains(&refusal.code) => refusal.code,
        _ => return Err(error.into()),
    };
    Err(not_now(app, who, id, ability, code).await.unwrap_or_else(|| error.into()))
}

/// Refusals whose reason is the state that the incident is in.
const NOT_NOW: [&str; 3] = ["no_plan_waits", "no_choice_now", "approved_already"];

/// What state the incident is in, since when, why that forbids it, and what can be done instead: by the same rule as the
/// buttons. `None` where that rule knows of no reason.
async fn not_now(app: &App, who: &Principal, id: IncidentId, ability: Ability, code: &'static str) -> Option<ApiError> {
    let mut tx = app.store().read().await.ok()?;
    let (incident, facts) = (tx.incident(id).await.ok()?, tx.facts(id).await.ok()?);
    let (can, _) = capabilities(&incident, &facts, who);
    let why = can.of(ability).reason.clone()?;
    let why = why.trim_end_matches('.').to_owned();
    Some(ApiError::Conflict { code, what: ability.not_done().into(), why, next: can.instead() })
}

fn action(name: &str, parameters: BTreeMap<String, String>) -> Result<Action, ApiError> {
    let kind = ActionKind::parse(name).ok_or_else(|| {
        let known: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        ApiError::invalid(
            "The action cannot be chosen",
            format!("`{name}` is no action"),
            format!("Choose one of {}.", known.join(", ")),
        )
    })?;
    limited(&parameters)?;
    Ok(Action { parameters, ..Action::new(kind) })
}

fn limited(parameters: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let long = parameters.iter().any(|(name, value)| name.len() > VALUE_LIMIT || value.len() > VALUE_LIMIT);
    if long || parameters.len() > PARAMETERS_LIMIT {
        return Err(ApiError::invalid(
            "The parameters cannot be used",
            format!("expected at most {PARAMETERS_LIMIT} of at most {VALUE_LIMIT} characters each"),
            "Shorten them.",
        ));
    }
    Ok(())
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
