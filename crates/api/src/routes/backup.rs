//! Backup and restore.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio_stream::StreamExt;
use utoipa::ToSchema;

use crate::{ApiError, App, Principal, Role};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RestoreReply {
    /// When the backup was made, and by whom.
    pub made_at: String,
    pub made_by: String,
    /// Rows that the backup held.
    pub rows: u64,
    /// Where what was there before is saved, on the engine's machine; null where there was nothing.
    #[schema(required)]
    pub safety_backup: Option<String>,
    /// Starts of the last hour that the backup lacks and that still count.
    pub carried_starts: usize,
}

/// Streams the whole database, without the configuration. API tokens are in it as digests.
#[utoipa::path(post, operation_id = "make_backup", path = "/api/v1/backup", tag = "backup",
    responses((status = 200, content_type = "application/gzip", body = String, description = "The backup, compressed.")))]
pub async fn make(State(app): State<Arc<App>>, who: Principal) -> Result<Response, ApiError> {
    // It holds every log line, and the tokens' digests.
    who.require(Role::Admin, "Making a backup")?;
    let stream = app.backup(&who);
    Ok(([(header::CONTENT_TYPE, "application/gzip")], Body::from_stream(stream)).into_response())
}

/// Bytes of a body that is refused which are read all the same: a caller that is still sending when the answer comes would
/// only see a broken connection.
const SWALLOWED: usize = 16 * 1024 * 1024;

pub(super) async fn swallow(body: Body) {
    let (mut pieces, mut left) = (body.into_data_stream(), SWALLOWED);
    while let Some(Ok(piece)) = pieces.next().await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}

/// Replaces everything by a backup, after it was checked. Automation is paused afterwards.
#[utoipa::path(post, operation_id = "restore_backup", path = "/api/v1/restore", tag = "backup",
    request_body(content = String, content_type = "application/gzip", description = "A backup as it was made."),
    responses((status = 200, body = RestoreReply), (status = 409, body = crate::Problem), (status = 422, body = crate::Problem)))]
pub async fn restore(State(app): State<Arc<App>>, who: Principal, body: Body) -> Result<Json<RestoreReply>, ApiError> {
    if let Err(refused) = who.require(Role::Admin, "Restoring a backup") {
        swallow(body).await;
        return Err(refused);
    }
    let file = app.spool(body.into_data_stream()).await?;
    let restored = app.restore(&file, &who).await?;
    Ok(Json(RestoreReply {
        made_at: restored.contents.about.made_at.to_rfc3339(),
        rows: restored.contents.manifest.rows(),
        made_by: restored.contents.about.made_by,
        safety_backup: restored.safety.map(|path| path.display().to_string()),
        carried_starts: restored.carried,
    }))
}
