//! Changes: what people and pipelines deploy, configure and restart, for time correlation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::audit::NewEntry;
use selfheal_core::told::moment;
use selfheal_core::{Change, ChangeKind, ProjectName, ServiceName, Span, Timestamp, check_name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::people::text;
use crate::extract::{Body, Params};
use crate::limit::limit;
use crate::view::{ChangePage, ChangeView, change_view};
use crate::{ApiError, App, Principal, Role};

/// Characters of a name or version.
const NAME_LIMIT: usize = 200;
/// A pipeline's clock may be ahead of ours by this.
const AHEAD: Span = Span::from_minutes(5);
const PAGE: i64 = 50;
const PAGE_LIMIT: i64 = 500;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordChange {
    pub service: String,
    pub kind: ChangeKind,
    #[serde(default)]
    #[schema(required)]
    pub version: Option<String>,
    /// RFC 3339; now where it is left out.
    #[serde(default)]
    #[schema(required)]
    pub at: Option<String>,
    #[serde(default)]
    #[schema(required)]
    pub comment: Option<String>,
    /// Where it is left out the inventory's, or `default` for a service that is not in it.
    #[serde(default)]
    #[schema(required)]
    pub project: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuery {
    /// Only of this service.
    pub service: Option<String>,
    /// 1 to 500; 50 where it is left out.
    pub limit: Option<i64>,
}

#[utoipa::path(post, operation_id = "record_change", path = "/api/v1/changes", tag = "knowledge", request_body = RecordChange,
    responses((status = 200, body = ChangeView)))]
pub async fn record(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<RecordChange>,
) -> Result<Json<ChangeView>, ApiError> {
    who.require(Role::Approver, "Recording a change")?;
    let service = ServiceName::new(name("service", &body.service)?);
    let version = body.version.as_deref().map(|version| name("version", version)).transpose()?;
    let config = app.engine.config();
    let known = config.service(&service);
    let project = match &body.project {
        Some(project) => ProjectName::new(name("project", project)?),
        None => config.project_of(&service),
    };
    let now = app.now();
    let at = match &body.at {
        None => now,
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            invalid(format!("`{text}` is no time"), "Write it like 2026-12-01T22:00:00Z, or leave it out for now.")
        })?,
    };
    if at > now + AHEAD {
        return Err(invalid(format!("{} has not come yet", moment(at)), "Record a change when it has taken effect."));
    }
    let change = Change {
        id: 0,
        at,
        project,
        service,
        kind: body.kind,
        version,
        actor: who.name.clone(),
        comment: text(body.comment)?,
        event: None,
    };
    let mut tx = app.store().write().await?;
    let change = Change { id: tx.put_change(&change).await?, ..change };
    tx.audit(NewEntry {
        at: now,
        event_type: "knowledge.change_recorded",
        actor: who.name.clone(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: Some(change.service.to_string()),
        result: format!("{} at {}", change.words(), change.at),
        details: serde_json::json!({ "change": change.id, "kind": change.kind, "version": change.version }),
    })
    .await?;
    tx.commit().await?;
    Ok(Json(change_view(&change, known.is_some())))
}

#[utoipa::path(get, operation_id = "list_changes", path = "/api/v1/changes", tag = "knowledge", params(ChangeQuery),
    responses((status = 200, body = ChangePage)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Principal,
    Params(query): Params<ChangeQuery>,
) -> Result<Json<ChangePage>, ApiError> {
    let service = query.service.map(ServiceName::new);
    let limit = limit(query.limit, PAGE, 1, PAGE_LIMIT)?;
    let mut tx = app.store().read().await?;
    let changes = tx.latest_changes(service.as_ref(), limit).await?;
    let config = app.engine.config();
    let views = changes.iter().map(|change| change_view(change, config.service(&change.service).is_some()));
    Ok(Json(ChangePage { changes: views.collect() }))
}

fn invalid(why: impl Into<String>, next: &str) -> ApiError {
    ApiError::invalid("The change cannot be recorded", why.into(), next)
}

fn name(what: &str, text: &str) -> Result<String, ApiError> {
    let next = "Write it as the inventory or the pipeline names it.";
    let trimmed = text.trim();
    check_name(trimmed).map_err(|why| invalid(format!("the {what} {why}"), next))?;
    if trimmed.chars().count() > NAME_LIMIT {
        return Err(invalid(format!("the {what} has to be 1 to {NAME_LIMIT} characters"), next));
    }
    Ok(selfheal_core::normal_name(trimmed))
}
