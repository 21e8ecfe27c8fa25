//! Drafts: looked at, accepted, rejected.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::PatternId;
use selfheal_core::knowledge::{Pattern, PatternStatus};
use selfheal_engine::{AcceptedDraft, PersonError};
use selfheal_store::ClusterStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::patterns::{PutPattern, entry};
use super::people::text;
use crate::extract::Body;
use crate::view::{DraftPage, DraftView, PatternView, draft_view, pattern_view};
use crate::{ApiError, App, Principal, Role};

/// Drafts shown at once; more do not wait.
const LIMIT: i64 = 1_000;

#[utoipa::path(get, operation_id = "list_drafts", path = "/api/v1/knowledge/drafts", tag = "knowledge",
    responses((status = 200, body = DraftPage)))]
pub async fn list(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<DraftPage>, ApiError> {
    let mut tx = app.store().read().await?;
    let clusters = tx.draft_clusters(ClusterStatus::Waiting, LIMIT).await?;
    let by_pattern: HashMap<&PatternId, _> = clusters.iter().map(|cluster| (&cluster.pattern, cluster)).collect();
    let patterns = tx.drafts().await?;
    let mut drafts: Vec<DraftView> =
        patterns.iter().map(|pattern| draft_view(pattern, by_pattern.get(&pattern.id).copied())).collect();
    drafts.sort_by(|a, b| {
        (b.incidents, &b.last_seen).cmp(&(a.incidents, &a.last_seen)).then_with(|| a.pattern.id.cmp(&b.pattern.id))
    });
    Ok(Json(DraftPage { drafts }))
}

/// A draft as it shall be.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AcceptDraft {
    /// `digest` of the draft that was looked at.
    pub digest: String,
    /// What shall be different; nothing where it is left out.
    pub change: PutPattern,
}

#[utoipa::path(post, operation_id = "accept_draft", path = "/api/v1/knowledge/drafts/{id}/accept", tag = "knowledge",
    params(("id" = String, Path)), request_body = AcceptDraft,
    responses((status = 200, body = PatternView), (status = 409, body = crate::Problem), (status = 422, body = crate::Problem)))]
pub async fn accept(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<AcceptDraft>,
) -> Result<Json<PatternView>, ApiError> {
    who.require(Role::Admin, "Accepting a draft")?;
    let seen = draft(&app, &id).await?;
    let digest = seen_digest(body.digest, &seen.id)?;
    let body = body.change;
    let body = PutPattern { name: if body.name.trim().is_empty() { seen.name.clone() } else { body.name }, ..body };
    let wanted = entry(body, Some(&seen))?.into_pattern("draft", app.now()).map_err(|why| {
        ApiError::invalid("The draft cannot be accepted", why, "Mend it and try again. Nothing was changed.")
    })?;
    let pattern = app
        .engine
        .accept_draft(&who.name, AcceptedDraft { draft: seen.id, digest, wanted })
        .await
        .map_err(ApiError::from)?;
    Ok(Json(pattern_view(&pattern, Default::default())))
}

/// What every decision about a draft has to name.
fn seen_digest(digest: String, id: &PatternId) -> Result<String, ApiError> {
    if digest.trim().is_empty() {
        return Err(ApiError::invalid(
            "Nothing was decided",
            format!("it is not said which version of `{id}` was looked at"),
            "Send the `digest` that the list of drafts shows.",
        ));
    }
    Ok(digest)
}

/// Why a draft is not wanted.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RejectDraft {
    /// `digest` of the draft that was looked at.
    pub digest: String,
    pub reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RejectedDraft {
    /// The draft that is gone. The same incidents are not drafted again.
    pub rejected: String,
}

#[utoipa::path(post, operation_id = "reject_draft", path = "/api/v1/knowledge/drafts/{id}/reject", tag = "knowledge",
    params(("id" = String, Path)), request_body = RejectDraft,
    responses((status = 200, body = RejectedDraft), (status = 409, body = crate::Problem), (status = 422, body = crate::Problem)))]
pub async fn reject(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<RejectDraft>,
) -> Result<Json<RejectedDraft>, ApiError> {
    who.require(Role::Admin, "Rejecting a draft")?;
    let id = PatternId::from_name(&id);
    let digest = seen_digest(body.digest, &id)?;
    let reason = text(body.reason)?;
    let rejected: Result<(), PersonError> = app.engine.reject_draft(&id, &digest, &who.name, reason).await;
    rejected.map_err(ApiError::from)?;
    Ok(Json(RejectedDraft { rejected: id.to_string() }))
}

async fn draft(app: &App, id: &str) -> Result<Pattern, ApiError> {
    let id = PatternId::from_name(id);
    let found = app.store().read().await?.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    if found.status == PatternStatus::Draft {
        return Ok(found);
    }
    Err(ApiError::Conflict {
        code: "no_draft",
        what: "There is nothing to accept".into(),
        why: format!("`{id}` is {} and no draft", found.status.as_str()),
        next: "List the drafts that wait: selfheal knowledge drafts.".into(),
    })
}
