//! Maintenance: while it holds a service, nothing runs on its target.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::config::MaintenanceWindow;
use selfheal_core::told::count;
use selfheal_core::{ServiceName, Span, Timestamp};
use selfheal_store::{Maintenance, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::text;
use crate::extract::Body;
use crate::view::{MaintenancePage, MaintenanceView};
use crate::{ApiError, App, Principal, Role};

/// Maintenance of more than a month is a configuration.
const MINUTES_LIMIT: u64 = 31 * 24 * 60;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announce {
    /// All services where it is left out.
    #[schema(required)]
    pub service: Option<String>,
    pub minutes: u64,
    /// RFC 3339; now where it is left out.
    #[serde(default)]
    #[schema(required)]
    pub starts_at: Option<String>,
    #[schema(required)]
    pub reason: Option<String>,
}

#[utoipa::path(get, operation_id = "list_maintenance", path = "/api/v1/maintenance", tag = "automation", responses((status = 200, body = MaintenancePage)))]
pub async fn list(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<MaintenancePage>, ApiError> {
    let mut tx = app.store().read().await?;
    page(&app, &mut tx).await.map(Json)
}

#[utoipa::path(post, operation_id = "announce_maintenance", path = "/api/v1/maintenance", tag = "automation", request_body = Announce,
    responses((status = 200, body = MaintenancePage)))]
pub async fn announce(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<Announce>,
) -> Result<Json<MaintenancePage>, ApiError> {
    who.require(Role::Approver, "Announcing maintenance")?;
    let invalid = |why: String, next: &str| ApiError::invalid("The maintenance cannot be announced", why, next);
    if body.minutes == 0 || body.minutes > MINUTES_LIMIT {
        return Err(invalid(format!("expected 1 to {MINUTES_LIMIT} minutes"), "Choose another duration."));
    }
    if let Some(name) = &body.service
        && app.engine.config().service(&ServiceName::new(name)).is_none()
    {
        return Err(invalid(format!("`{name}` is no service of the inventory"), "Name one, or leave it out for all."));
    }
    let now = app.now();
    let starts_at = match &body.starts_at {
        None => now,
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            invalid(format!("`{text}` is no time"), "Write it like 2026-12-01T22:00:00Z, or leave it out for now.")
        })?,
    };
    let new = Maintenance {
        id: 0,
        service: body.service,
        starts_at,
        ends_at: starts_at + Span::from_minutes(body.minutes),
        reason: text(body.reason)?,
        set_by: who.name.clone(),
        set_at: now,
    };
    if new.ends_at <= now {
        return Err(invalid("it would be over already".into(), "Let it start later or last longer."));
    }
    let mut tx = app.store().write().await?;
    let id = tx.put_maintenance(&new).await?;
    tx.audit(entry("automation.maintenance_announced", &Maintenance { id, ..new }, &who, now)).await?;
    let page = page(&app, &mut tx).await?;
    tx.commit().await?;
    changed(&app);
    Ok(Json(page))
}

#[utoipa::path(delete, operation_id = "end_maintenance", path = "/api/v1/maintenance/{id}", tag = "automation", params(("id" = String, Path)),
    responses((status = 200, body = MaintenancePage)))]
pub async fn end(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<MaintenancePage>, ApiError> {
    who.require(Role::Approver, "Ending maintenance")?;
    let missing = || ApiError::NotFound(format!("maintenance `{id}` that is not over"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let ended = tx.end_maintenance(number, now).await?.ok_or_else(missing)?;
    tx.audit(entry("automation.maintenance_ended", &ended, &who, now)).await?;
    let page = page(&app, &mut tx).await?;
    tx.commit().await?;
    // What waited for its end is looked at now.
    app.engine.maintenance_changed().await?;
    changed(&app);
    Ok(Json(page))
}

fn changed(app: &App) {
    let _ = app.engine.live().send(selfheal_engine::LiveEvent::AutomationChanged);
    app.engine.nudge();
}

fn entry(event_type: &'static str, maintenance: &Maintenance, who: &Principal, now: Timestamp) -> NewEntry {
    NewEntry {
        at: now,
        event_type,
        actor: who.name.clone(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: maintenance.service.clone(),
        result: format!("{} to {}", maintenance.starts_at, maintenance.ends_at),
        details: serde_json::json!({ "maintenance": maintenance.id }),
    }
}

async fn page(app: &App, tx: &mut Tx) -> Result<MaintenancePage, ApiError> {
    let now = app.now();
    let announced = tx.maintenance(now).await?;
    let configured = app.engine.config().maintenance.iter().map(|window| of_config(window, now)).collect::<Vec<_>>();
    let windows = announced.into_iter().map(|window| of_person(window, now)).chain(configured).collect();
    Ok(MaintenancePage { windows })
}

fn of_person(window: Maintenance, now: Timestamp) -> MaintenanceView {
    MaintenanceView {
        id: Some(window.id.to_string()),
        name: window.reason.clone().unwrap_or_else(|| "Maintenance".into()),
        services: window.service.into_iter().collect(),
        schedule: None,
        active: window.starts_at <= now && now < window.ends_at,
        starts_at: Some(window.starts_at.to_rfc3339()),
        ends_at: Some(window.ends_at.to_rfc3339()),
        set_by: Some(window.set_by),
        reason: window.reason,
    }
}

fn of_config(window: &MaintenanceWindow, now: Timestamp) -> MaintenanceView {
    // The configuration was checked when it was read: what cannot be evaluated is held, and shown so.
    let holds = window.holds_until(now).unwrap_or(Some(now));
    let zone = window.zone.as_deref().unwrap_or("UTC");
    MaintenanceView {
        id: None,
        name: window.name.clone(),
        services: window.services.iter().map(ToString::to_string).collect(),
        schedule: window
            .cron
            .as_ref()
            .map(|cron| format!("{cron} ({zone}) for {}", count(window.minutes.unwrap_or_default(), "minute"))),
        active: holds.is_some(),
        starts_at: window.from.map(Timestamp::to_rfc3339),
        ends_at: window.until.or(holds).map(Timestamp::to_rfc3339),
        set_by: None,
        reason: None,
    }
}
