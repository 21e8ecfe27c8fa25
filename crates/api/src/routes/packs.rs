//! Packs: whole files of patterns, in and out.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use selfheal_core::PatternId;
use selfheal_core::knowledge::{PatternStatus, write_pack};
use serde::Deserialize;
use utoipa::IntoParams;

use super::backup::swallow;
use crate::extract::Params;
use crate::long_work::long;
use crate::packs::ImportOptions;
use crate::view::ImportReply;
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct ImportQuery {
    /// The file's name, for the record.
    file: String,
    /// Also replace what was written or edited here, or has outcomes of its own. Outcomes and safety marks stay.
    replace: bool,
    /// Import what is fine although something is wrong.
    skip_bad: bool,
    /// Change nothing, and say what would change.
    dry_run: bool,
}

/// Imports a pack (YAML) or an ICDEV database (SQLite). Imported patterns are trusted at most 0.60 and never heal by
/// themselves.
#[utoipa::path(post, operation_id = "import_knowledge", path = "/api/v1/knowledge/import", tag = "knowledge", params(ImportQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file, at most 256 MiB."),
    responses((status = 200, body = ImportReply), (status = 422, body = crate::Problem)))]
pub async fn import(
    State(app): State<Arc<App>>,
    who: Principal,
    Params(query): Params<ImportQuery>,
    body: Body,
) -> Result<Json<ImportReply>, ApiError> {
    if let Err(refused) = who.require(Role::Admin, "Importing knowledge") {
        swallow(body).await;
        return Err(refused);
    }
    let file = app.receive_pack(body.into_data_stream()).await?;
    let options =
        ImportOptions { file: query.file, replace: query.replace, skip_bad: query.skip_bad, dry_run: query.dry_run };
    Ok(Json(app.import_knowledge(&file, options, &who).await?))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub struct ExportQuery {
    /// Only patterns of this family.
    family: Option<String>,
    /// Only these, by id, with commas between them.
    patterns: Option<String>,
}

/// Exports patterns as a pack that reads back equal. Drafts and disabled patterns only where they are named: a pack has no
/// drafts.
#[utoipa::path(get, operation_id = "export_knowledge", path = "/api/v1/knowledge/export", tag = "knowledge", params(ExportQuery),
    responses((status = 200, content_type = "application/yaml", body = String), (status = 404, body = crate::Problem)))]
pub async fn export(
    State(app): State<Arc<App>>,
    who: Principal,
    Params(query): Params<ExportQuery>,
) -> Result<Response, ApiError> {
    let asked = Arc::clone(&app);
    let text = long(&app, &who, move |_| async move { exported(&asked, query).await }).await?;
    Ok(([(header::CONTENT_TYPE, "application/yaml")], text).into_response())
}

async fn exported(app: &App, query: ExportQuery) -> Result<String, ApiError> {
    let wanted: Option<BTreeSet<PatternId>> = query
        .patterns
        .map(|ids| ids.split(',').map(str::trim).filter(|id| !id.is_empty()).map(PatternId::from_name).collect());
    let all = app.store().read().await?.kept_patterns().await?;
    if let Some(missing) = wanted.iter().flatten().find(|id| all.iter().all(|kept| kept.pattern.id != **id)) {
        return Err(ApiError::no_pattern(missing));
    }
    let chosen: Vec<_> = all
        .into_iter()
        .filter(|kept| match &wanted {
            Some(wanted) => wanted.contains(&kept.pattern.id),
            None => kept.pattern.status == PatternStatus::Active,
        })
        .filter(|kept| query.family.as_ref().is_none_or(|family| *family == kept.pattern.family))
        .map(|kept| (kept.pattern, kept.document))
        .collect();
    Ok(write_pack(&chosen))
}
