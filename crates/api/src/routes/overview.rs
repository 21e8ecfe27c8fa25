//! What every screen shows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::State as IncidentState;
use selfheal_core::{IncidentId, RECENT, ResolvedBy, Timestamp};
use selfheal_engine::Role as EngineState;
use selfheal_store::Tx;

use super::automation::automation_view;
use crate::view::{AuditState, Counts, EngineRole, EngineView, Me, Overview, QuietView, Verdict};
use crate::{ApiError, App, Principal};

#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", responses((status = 200, body = Overview)))]
pub async fn overview(State(app): State<Arc<App>>, who: Principal) -> Result<Json<Overview>, ApiError> {
    build(&app, &who).await.map(Json)
}

pub async fn build(app: &App, who: &Principal) -> Result<Overview, ApiError> {
    let (config, now) = (app.engine.config(), app.now());
    let mut tx = app.store().read().await?;
    let automation = automation_view(app, &tx.automation(now).await?, who);
    let holder = tx.lease_holder(now).await?;
    let mut quiet = quiet(&mut tx, now).await?;
    quiet.sources_watched = config.sources.len();
    quiet.checks_watched = config.services.iter().map(|service| service.health_checks.len()).sum();
    let counts = counts(&mut tx, now).await?;
    drop(tx);
    let audit = chain(app).await?;
    let status = app.engine.status();
    let problem = status.problems.iter().next().map(|(about, problem)| format!("{about}: {problem}"));
    Ok(Overview {
        version: env!("CARGO_PKG_VERSION").into(),
        automation,
        engine: EngineView {
            role: match status.role {
                EngineState::Starting => EngineRole::Starting,
                EngineState::Leader => EngineRole::Leader,
                EngineState::Follower => EngineRole::Follower,
                EngineState::Stopped => EngineRole::Stopped,
            },
            holder,
            problem,
        },
        quiet,
        counts,
        audit,
        me: Me { name: who.name.clone(), role: who.role },
        demo: app.demo.as_ref().map(|demo| demo.scenarios()),
        now: now.to_rfc3339(),
    })
}

async fn quiet(tx: &mut Tx, now: Timestamp) -> Result<QuietView, ApiError> {
    let day = now - RECENT;
    let fixed = tx.resolved_since(day).await?;
    let by = |incident: &selfheal_core::Incident| match incident.state {
        IncidentState::Resolved { by, .. } | IncidentState::Closed { by, .. } => Some(by),
        _ => None,
    };
    let healed = |who: ResolvedBy| fixed.iter().filter(|incident| by(incident) == Some(who)).count();
    Ok(QuietView {
        since: tx.latest_signal().await?.map(Timestamp::to_rfc3339),
        signals_today: tx.signals_since(day).await?,
        fixed_today: healed(ResolvedBy::AutomaticFix) + healed(ResolvedBy::ApprovedFix) + healed(ResolvedBy::Person),
        fixed_today_by_itself: healed(ResolvedBy::AutomaticFix),
        sources_watched: 0,
        checks_watched: 0,
    })
}

async fn counts(tx: &mut Tx, now: Timestamp) -> Result<Counts, ApiError> {
    let fixed = tx.count_fixed(now - RECENT).await?;
    let mut count = async |states: &[&'static str]| {
        let mut sum = 0;
        for state in states {
            sum += tx.count_incidents(state).await?;
        }
        Ok::<_, ApiError>(sum)
    };
    Ok(Counts {
        needs_you: count(&["awaiting_approval", "escalated", "decided"]).await?,
        in_progress: count(&["detected", "queued", "healing", "verifying", "snoozed"]).await?,
        recently_fixed: fixed,
    })
}

async fn chain(app: &App) -> Result<AuditState, ApiError> {
    let crate::audit::Looked { report, verdict, first_bad } = crate::audit::look(app).await?;
    Ok(AuditState { entries: report.entries, ok: verdict == Verdict::Verified, verdict, first_bad })
}

/// An incident's id as it stands in an address.
pub fn parse_id(text: &str) -> Result<IncidentId, ApiError> {
    text.parse().map_err(|error: selfheal_core::InvalidId| {
        ApiError::invalid("No such incident", error.to_string(), "`selfheal incidents list` shows the ids.")
    })
}
