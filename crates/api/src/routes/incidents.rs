//! Incidents, to look at.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::{Group, IncidentId, RECENT, Timestamp};
use selfheal_engine::known_of;
use selfheal_store::IncidentFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::overview::parse_id;
use crate::extract::Params;
use crate::limit::limit;
use crate::view::{IncidentPage, IncidentView, Parts, incident_row, incident_view};
use crate::{ApiError, App, Principal};

const PAGE: i64 = 100;
const PAGE_LIMIT: i64 = 500;
/// Signals of an incident that are shown.
const SIGNALS: i64 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// One group of the inbox; all where it is left out.
    pub group: Option<Group>,
    /// Words of title or service.
    pub q: Option<String>,
    pub limit: Option<i64>,
    /// `next` of the page before.
    pub after: Option<String>,
}

#[utoipa::path(get, operation_id = "list_incidents", path = "/api/v1/incidents", tag = "incidents", params(ListQuery),
    responses((status = 200, body = IncidentPage)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Principal,
    Params(query): Params<ListQuery>,
) -> Result<Json<IncidentPage>, ApiError> {
    let states = match query.group {
        None => vec![],
        Some(Group::NeedsYou) => vec!["awaiting_approval", "escalated", "decided"],
        Some(Group::InProgress) => vec!["detected", "queued", "healing", "verifying", "snoozed"],
        Some(Group::RecentlyFixed) => vec!["resolved", "closed"],
        Some(Group::Closed) => vec!["closed"],
    };
    let limit = limit(query.limit, PAGE, 1, PAGE_LIMIT)?;
    let after = query.after.as_deref().map(parse_after).transpose()?;
    let now = app.now();
    let recent = now - RECENT;
    let filter = IncidentFilter {
        states,
        text: query.q.filter(|q| !q.trim().is_empty()),
        closed_since: (query.group == Some(Group::RecentlyFixed)).then_some(recent),
        closed_before: (query.group == Some(Group::Closed)).then_some(recent),
        after,
        limit: limit + 1,
    };
    let mut tx = app.store().read().await?;
    let mut found = tx.list_incidents(&filter).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| format!("{}.{}", last.updated_at.as_micros(), last.id));
    let mut incidents = Vec::with_capacity(found.len());
    for incident in &found {
        let counts = tx.signal_counts(incident.id).await?;
        incidents.push(incident_row(incident, &counts, now));
    }
    Ok(Json(IncidentPage { incidents, next }))
}

#[utoipa::path(get, operation_id = "show_incident", path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)),
    responses((status = 200, body = IncidentView)))]
pub async fn show(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, ApiError> {
    view(&app, parse_id(&id)?, &who).await.map(Json)
}

pub async fn view(app: &App, id: IncidentId, who: &Principal) -> Result<IncidentView, ApiError> {
    let mut tx = app.store().read().await?;
    let incident = tx.incident(id).await?;
    let signals = tx.signals_of(id, SIGNALS).await?;
    let counts = tx.signal_counts(id).await?;
    let facts = tx.facts(id).await?;
    let effects = tx.effects_of(id).await?;
    let mut patterns = HashMap::new();
    for found in incident.decided.iter().flat_map(|decided| &decided.matches) {
        if let Some(pattern) = tx.pattern(&found.pattern).await? {
            patterns.insert(pattern.id.to_string(), pattern);
        }
    }
    let (config, now) = (app.engine.config(), app.now());
    let known = known_of(&mut tx, &incident, &config).await?;
    let waits = app.engine.waits(&mut tx, &incident, now).await?;
    drop(tx);
    let parts = Parts {
        incident: &incident,
        signals: &signals,
        counts: &counts,
        facts: &facts,
        effects: &effects,
        patterns: &patterns,
        known: &known,
        waits: waits.as_ref(),
    };
    Ok(incident_view(&parts, &config, who, now))
}

fn parse_after(text: &str) -> Result<(Timestamp, IncidentId), ApiError> {
    let parsed = text.split_once('.').and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id.parse().ok()?)));
    let (at, id) = parsed.ok_or_else(|| {
        ApiError::invalid(
            "The page cannot be found",
            format!("`{text}` is no `next` of a page"),
            "Begin again without `after`.",
        )
    })?;
    Ok((Timestamp::from_micros(at), id))
}
