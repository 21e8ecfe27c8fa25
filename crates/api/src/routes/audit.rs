//! The audit trail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::overview::parse_id;
use crate::extract::Params;
use crate::view::{AuditPage, ChainView, audit_entry};
use crate::{ApiError, App, Principal};

const PAGE: i64 = 100;
const PAGE_LIMIT: i64 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    pub incident: Option<String>,
    pub limit: Option<i64>,
    /// Entries before this id; the latest where it is left out.
    pub before: Option<String>,
}

#[utoipa::path(get, operation_id = "list_audit", path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = AuditPage)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Principal,
    Params(query): Params<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let incident = query.incident.as_deref().map(parse_id).transpose()?;
    let before = query.before.as_deref().map(str::parse).transpose().map_err(|error: selfheal_core::InvalidId| {
        ApiError::invalid("No such audit entry", error.to_string(), "Leave `before` out for the latest entries.")
    })?;
    let limit = query.limit.unwrap_or(PAGE).clamp(1, PAGE_LIMIT);
    let mut tx = app.store().read().await?;
    let entries = tx.audit_entries(incident, before, limit).await?;
    Ok(Json(AuditPage { entries: entries.into_iter().map(audit_entry).collect() }))
}

/// Checks the whole chain.
#[utoipa::path(get, operation_id = "verify_audit", path = "/api/v1/audit/verify", tag = "audit", responses((status = 200, body = ChainView)))]
pub async fn verify(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<ChainView>, ApiError> {
    let mut tx = app.store().read().await?;
    let (verified, first_bad) = tx.verify_audit().await?;
    let entries = tx.audit_count().await? as u64;
    Ok(Json(ChainView {
        ok: first_bad.is_none(),
        verified,
        entries,
        first_bad: first_bad.map(|error| error.to_string()),
    }))
}
