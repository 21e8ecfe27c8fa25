//! The automation switch.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::audit::{NewEntry, TrailError};
use selfheal_core::{Posture, Span, Timestamp};
use selfheal_store::Automation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::text;
use crate::extract::Body;
use crate::view::{AutomationView, Capability};
use crate::{ApiError, App, Principal, Role};

/// A pause of more than a week is a decision, not a pause.
const MINUTES_LIMIT: u64 = 7 * 24 * 60;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAutomation {
    pub posture: Posture,
    /// For how long; until it is set again without.
    #[schema(required)]
    pub minutes: Option<u64>,
    #[schema(required)]
    pub reason: Option<String>,
    /// Take the database as it is, where it is not the one that the home knows. Needs the role admin.
    #[serde(default)]
    pub accept_database: bool,
}

#[utoipa::path(get, operation_id = "show_automation", path = "/api/v1/automation", tag = "automation", responses((status = 200, body = AutomationView)))]
pub async fn show(State(app): State<Arc<App>>, who: Principal) -> Result<Json<AutomationView>, ApiError> {
    let mut tx = app.store().read().await?;
    let automation = tx.automation(app.now()).await?;
    Ok(Json(automation_view(&app, &automation, &who)))
}

#[utoipa::path(put, operation_id = "set_automation", path = "/api/v1/automation", tag = "automation", request_body = SetAutomation,
    responses((status = 200, body = AutomationView)))]
pub async fn set(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(wanted): Body<SetAutomation>,
) -> Result<Json<AutomationView>, ApiError> {
    // Stopping is open to everyone who may approve; letting loose is not more than that either, but never a viewer's.
    who.require(Role::Approver, "Setting the automation switch")?;
    if wanted.minutes.is_some_and(|minutes| minutes == 0 || minutes > MINUTES_LIMIT) {
        return Err(ApiError::invalid(
            "The duration cannot be used",
            format!("expected 1 to {MINUTES_LIMIT} minutes"),
            "Leave it out to set the switch until it is set again.",
        ));
    }
    if wanted.accept_database {
        who.require(Role::Admin, "Accepting another database")?;
        accept_database(&app, &who).await?;
    }
    let until = wanted.minutes.map(|minutes| app.now() + Span::from_minutes(minutes));
    let automation = app.set_posture(wanted.posture, until, text(wanted.reason)?, &who.name).await?;
    Ok(Json(automation_view(&app, &automation, &who)))
}

/// A person takes an older or another database as it is. On record with what was expected and what was found.
async fn accept_database(app: &App, who: &Principal) -> Result<(), ApiError> {
    let now = app.now();
    let checked = crate::audit::check(app).await?;
    // What the chain itself shows is no matter of anybody's word.
    let chain_holds = matches!(checked.first_bad, None | Some(TrailError::Seal(_)));
    let faults = if chain_holds { checked.faults() } else { Vec::new() };
    let mut tx = app.store().write().await?;
    let distrust = app.engine.distrust(&mut tx).await?;
    // Strangers and unsealed entries leave what the home keeps as it is.
    let replaced = distrust.is_some() || !checked.problems.is_empty();
    let why = distrust.or_else(|| (!faults.is_empty()).then(|| (faults.join("; "), None)));
    if let Some((why, expected)) = why {
        let keys: Vec<String> = tx.audit_keys().await?.iter().map(|key| key.id().to_string()).collect();
        let found = tx.audit_head().await?.map(|(id, hash)| serde_json::json!({ "id": id, "hash": hash }));
        tx.audit(NewEntry {
            at: now,
            event_type: "automation.database_accepted",
            actor: who.name.clone(),
            incident_id: None,
            pattern_id: None,
            confidence: None,
            action: None,
            target: None,
            result: "accepted as it is".into(),
            details: serde_json::json!({ "expected": expected, "found": found, "keys": keys, "why": why }),
        })
        .await?;
        tx.commit().await?;
        match replaced {
            true => crate::audit::replaced(app).await,
            false => *app.trail.lock().await = None,
        }
        app.engine.trail_replaced();
        app.engine.trust().await?;
    }
    Ok(())
}

pub fn automation_view(app: &App, automation: &Automation, who: &Principal) -> AutomationView {
    let now = app.now();
    let ceiling = app.engine.ceiling();
    let over = automation.until.is_some_and(|until| until <= now);
    AutomationView {
        posture: automation.effective(now),
        effective: automation.effective(now).min(ceiling),
        ceiling,
        until: automation.until.filter(|_| !over).map(Timestamp::to_rfc3339),
        set_by: automation.set_by.clone(),
        set_at: automation.set_at.to_rfc3339(),
        reason: automation.reason.clone(),
        brake: app.engine.brake(),
        can_change: match who.role >= Role::Approver {
            true => Capability::yes(),
            false => Capability::no("This needs the role approver; you are viewer."),
        },
    }
}
