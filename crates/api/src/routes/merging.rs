//! Two patterns that are one: merging, and taking a merge back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::draft::digest;
use selfheal_core::knowledge::{Pattern, PatternStatus, merge, restored, unmerge};
use selfheal_core::{PatternId, Timestamp};
use selfheal_store::{Merge, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Body;
use crate::view::{MergeView, PatternView, pattern_view};
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The pattern that goes: it is disabled and keeps its history.
    pub merged: String,
    /// The pattern that stays.
    pub into: String,
    /// Say what would become of it, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[utoipa::path(post, operation_id = "merge_patterns", path = "/api/v1/knowledge/merge", tag = "knowledge", request_body = MergeRequest,
    responses((status = 200, body = MergeView), (status = 409, body = crate::Problem)))]
pub async fn merge_patterns(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<MergeRequest>,
) -> Result<Json<MergeView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let merged = stored(&mut tx, &body.merged).await?;
    let into = stored(&mut tx, &body.into).await?;
    let both = merge(&merged, &into, now).map_err(|reasons| ApiError::Conflict {
        code: "cannot_merge",
        what: format!("`{}` was not merged into `{}`", merged.id, into.id),
        why: reasons.join("; "),
        next: "Change what stands against it, or keep both.".into(),
    })?;
    let view =
        |dry_run| MergeView { merged: merged.id.to_string(), into: pattern_view(&both, Default::default()), dry_run };
    if body.dry_run {
        return Ok(Json(view(true)));
    }
    tx.put_pattern(&both).await?;
    tx.put_pattern(&Pattern { status: PatternStatus::Disabled, updated_at: now, ..merged.clone() }).await?;
    let undo = Merge {
        id: 0,
        merged_before: merged.clone(),
        into_before: into.clone(),
        into_after: both.clone(),
        by: who.name.clone(),
        at: now,
    };
    let id = tx.put_merge(&undo).await?;
    let details = serde_json::json!({
        "merge": id, "merged": merged.id, "merged_digest": digest(&merged), "before_digest": digest(&into),
        "after_digest": digest(&both),
    });
    tx.audit(about("knowledge.merged", &who.name, &both, format!("`{}` is part of it now", merged.id), details, now))
        .await?;
    tx.commit().await?;
    Ok(Json(view(false)))
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmergeRequest {
    /// The pattern that was merged into another one.
    pub merged: String,
}

#[utoipa::path(post, operation_id = "unmerge_patterns", path = "/api/v1/knowledge/unmerge", tag = "knowledge",
    request_body = UnmergeRequest, responses((status = 200, body = PatternView), (status = 409, body = crate::Problem)))]
pub async fn unmerge_patterns(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<UnmergeRequest>,
) -> Result<Json<PatternView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let merged = stored(&mut tx, &body.merged).await?;
    let refused = |why: String, next: &str| ApiError::Conflict {
        code: "cannot_unmerge",
        what: format!("`{}` was not taken out again", merged.id),
        why,
        next: next.to_owned(),
    };
    let Some(undo) = tx.merge_of(&merged.id).await? else {
        return Err(refused("it was not merged into another pattern".into(), "There is nothing to undo."));
    };
    if merged.status != PatternStatus::Disabled {
        return Err(refused(
            "it has been made active again".into(),
            "Take its parts out of the other pattern: selfheal knowledge edit.",
        ));
    }
    let into = &undo.into_before.id;
    let alone =
        format!("To have `{}` back and leave `{into}` as it is: selfheal knowledge enable {}", merged.id, merged.id);
    let Some(stored) = tx.pattern(into).await? else {
        return Err(refused(format!("`{into}` has been removed since"), &alone));
    };
    // What attempts under its id taught the other one goes back with it.
    let taught = tx.taught_since(&merged.id, into, undo.at).await?;
    let before = unmerge(&undo.merged_before, &undo.into_before, &undo.into_after, &stored, taught, now)
        .map_err(|why| refused(why, &alone))?;
    let back = restored(&undo.merged_before, &merged, taught, now);
    tx.put_pattern(&before).await?;
    tx.put_pattern(&back).await?;
    tx.undo_merge(undo.id, now).await?;
    let details = serde_json::json!({
        "merge": undo.id, "into": before.id, "after_digest": digest(&before),
        "moved": { "confidence": taught.confidence, "uses": taught.uses, "attempts": taught.attempts },
    });
    tx.audit(about("knowledge.unmerged", &who.name, &back, format!("taken out of `{}`", before.id), details, now))
        .await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&back, Default::default())))
}

async fn stored(tx: &mut Tx, id: &str) -> Result<Pattern, ApiError> {
    let id = PatternId::from_name(id);
    tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))
}

fn about(
    event_type: &'static str,
    by: &str,
    pattern: &Pattern,
    result: String,
    details: serde_json::Value,
    now: Timestamp,
) -> NewEntry {
    NewEntry {
        at: now,
        event_type,
        actor: by.to_owned(),
        incident_id: None,
        pattern_id: Some(pattern.id.clone()),
        confidence: Some(pattern.confidence),
        action: pattern.action.as_ref().map(|action| action.kind.to_string()),
        target: None,
        result,
        details,
    }
}
