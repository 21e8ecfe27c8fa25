//! The queue of actions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::{Breaker, HOUR, State as IncidentState};

use crate::view::{ConnectionView, ExecutingView, QueueEntry, QueueView, SlotsView, incident_row, wait_view};
use crate::{ApiError, App, Principal};

#[utoipa::path(get, operation_id = "show_queue", path = "/api/v1/queue", tag = "automation", responses((status = 200, body = QueueView)))]
pub async fn show(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<QueueView>, ApiError> {
    let (config, now) = (app.engine.config(), app.now());
    let mut tx = app.store().read().await?;
    let mut entries = Vec::new();
    for (index, incident) in tx.incidents_in("queued").await?.iter().enumerate() {
        let IncidentState::Queued { since, expires_at, gate } = &incident.state else { continue };
        let waits = app.engine.waits(&mut tx, incident, now).await?;
        let waits = waits.and_then(|waits| wait_view(&waits, now));
        let counts = tx.signal_counts(incident.id).await?;
        let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
        entries.push(QueueEntry {
            position: index + 1,
            incident: incident_row(incident, &counts, now),
            action: plan.map(|plan| format!("{} {}", plan.verb(), plan.service)),
            gate: waits.as_ref().map_or_else(|| gate.gate.as_str().into(), |waits| waits.gate.clone()),
            reason: waits.as_ref().map_or_else(|| gate.reason.clone(), |waits| waits.reason.clone()),
            until: waits.as_ref().and_then(|waits| waits.until.clone()),
            until_resumed: waits.as_ref().is_some_and(|waits| waits.until_resumed),
            told: waits.map_or_else(|| "Its turn has come.".into(), |waits| waits.told),
            queued_at: since.to_rfc3339(),
            expires_at: expires_at.to_rfc3339(),
        });
    }
    let mut starts = tx.starts_since(now - HOUR).await?;
    starts.sort_unstable();
    let limit = config.self_healing.max_actions_per_hour;
    let frees = starts.len().checked_sub(limit as usize).and_then(|index| starts.get(index));
    let slots = SlotsView { used: starts.len(), limit, next_free_at: frees.map(|start| (*start + HOUR).to_rfc3339()) };
    let mut executing = None;
    if let Some(id) = tx.executing().await?
        && let Some(event) = tx.event(id).await?
    {
        executing = Some(ExecutingView {
            event: event.id.to_string(),
            incident: event.incident_id.to_string(),
            action: event.action,
            target: event.target,
            status: event.status,
            started_at: event.started_at.to_rfc3339(),
        });
    }
    let connections = tx.connections().await?.into_iter().map(|(name, health)| ConnectionView {
        name,
        failures: health.recent(now),
        open_until: match health.breaker() {
            Breaker::Open { until } if now < until => Some(until.to_rfc3339()),
            _ => None,
        },
    });
    Ok(Json(QueueView { entries, slots, executing, connections: connections.collect() }))
}
