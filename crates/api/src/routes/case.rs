//! The case file of an incident.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use selfheal_core::audit::evidence_digest;
use selfheal_engine::EVIDENCE_LIMIT;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::incidents::view;
use super::overview::parse_id;
use crate::extract::Params;
use crate::view::{CaseParts, audit_entry, case_document, html, markdown};
use crate::{ApiError, App, Principal};

/// Entries of the trail that a case file lists. An incident has a few dozen.
const ENTRIES: i64 = 2_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseFormat {
    #[default]
    Md,
    Html,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaseQuery {
    /// `md` (the default) or `html`: one file that needs nothing else.
    #[param(inline)]
    pub format: Option<CaseFormat>,
}

/// The incident as a report for people who were not there.
#[utoipa::path(get, operation_id = "incident_case", path = "/api/v1/incidents/{id}/case", tag = "incidents",
    params(("id" = String, Path), CaseQuery),
    responses((status = 200, description = "text/markdown or text/html", content_type = "text/html", body = String)))]
pub async fn case(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Params(query): Params<CaseQuery>,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let incident = view(&app, id, &who).await?;
    let looked = crate::audit::look(&app).await?;
    let mut tx = app.store().read().await?;
    let signals = tx.signals_of(id, EVIDENCE_LIMIT).await?;
    let filter = selfheal_store::AuditFilter { incident: Some(id), ..Default::default() };
    let total = tx.audit_count(&filter).await?;
    let entries = match tx.audit_range(Some(id), None).await? {
        Some(range) => tx.audit_page(&range, None, ENTRIES).await?,
        None => Vec::new(),
    };
    drop(tx);
    let audit: Vec<_> = entries.into_iter().map(audit_entry).collect();
    let document = case_document(&CaseParts {
        view: &incident,
        audit: &audit,
        left_out: total - audit.len() as i64,
        evidence_now: &evidence_digest(&signals),
        chain: &looked.report,
        verdict: looked.verdict,
        fault: looked.first_bad.as_deref(),
        written_at: &app.now().to_rfc3339(),
        written_by: &who.name,
    });
    let (kind, text) = match query.format.unwrap_or_default() {
        CaseFormat::Md => ("text/markdown; charset=utf-8", markdown(&document)),
        CaseFormat::Html => ("text/html; charset=utf-8", html(&document)),
    };
    // It holds lines that strangers wrote: shown as what it is, and nothing in it runs.
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, text).into_response())
}
