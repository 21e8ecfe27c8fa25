//! Puts text through the pipeline: for real, or as a rehearsal that changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::analyse::root_cause;
use selfheal_core::detect::{Joiner, parse_record, reduce};
use selfheal_core::{DecisionKind, ProjectName, ServiceName, SourceName, State as IncidentState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incidents::view;
use crate::extract::Body;
use crate::view::{
    GateView, IncidentRow, IncidentView, MatchView, Reason, decision_view, gate_views, incident_row, match_view,
};
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IngestRequest {
    /// Log text, any number of lines.
    pub text: String,
    /// What the text is called in evidence, e.g. the file's name.
    pub source: String,
    pub service: Option<String>,
    pub project: Option<String>,
    /// Show what would be made of it, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct IngestSignal {
    pub service: String,
    pub severity: selfheal_core::Severity,
    pub template: String,
    pub text: String,
    pub count: u64,
    pub first_seen: String,
    pub last_seen: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct IngestReply {
    pub records: usize,
    pub signals: Vec<IngestSignal>,
    /// The worst incident that the text led to; null where it holds no signal.
    #[schema(required)]
    pub incident: Option<IncidentRow>,
    pub matches: Vec<MatchView>,
    /// What the decision table says; null where nothing is decided yet.
    #[schema(required)]
    pub decision: Option<DecisionKind>,
    pub reasons: Vec<Reason>,
    pub gates: Vec<GateView>,
}

#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest", request_body = IngestRequest,
    responses((status = 200, body = IngestReply),
        (status = 503, body = crate::Problem, description = "Nothing was acknowledged: send it again.")))]
pub async fn ingest(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<IngestRequest>,
) -> Result<Json<IngestReply>, ApiError> {
    if !body.dry_run {
        who.require(Role::Approver, "Ingesting")?;
    }
    for name in [&body.service, &body.project].into_iter().flatten() {
        let usable = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !usable {
            return Err(ApiError::invalid(
                "The name cannot be used",
                "expected 1 to 100 printable characters for a service or project",
                "Use the name that the inventory has.",
            ));
        }
    }
    let now = app.now();
    let mut joiner = Joiner::default();
    let mut records: Vec<_> =
        body.text.lines().filter_map(|line| joiner.push(line)).map(|raw| parse_record(&raw, now)).collect();
    records.extend(joiner.flush().map(|raw| parse_record(&raw, now)));
    let service = ServiceName::new(body.service.unwrap_or_else(|| "unknown".into()));
    let project = body.project.map_or_else(|| app.engine.config().project_of(&service), ProjectName::new);
    let signals = reduce(&records, &SourceName::new(body.source), &service, &project);
    let mut reply = IngestReply {
        records: records.len(),
        signals: signals
            .iter()
            .map(|signal| IngestSignal {
                service: signal.service.to_string(),
                severity: signal.severity,
                template: signal.template.clone(),
                text: signal.text.clone(),
                count: signal.count,
                first_seen: signal.first_seen.to_rfc3339(),
                last_seen: signal.last_seen.to_rfc3339(),
            })
            .collect(),
        incident: None,
        matches: Vec::new(),
        decision: None,
        reasons: Vec::new(),
        gates: Vec::new(),
    };
    if body.dry_run {
        if let Some(incident) = app.engine.rehearse(&signals).await? {
            reply.incident = Some(incident_row(&incident, &[], now));
            if let Some(decided) = &incident.decided {
                let mut tx = app.store().read().await?;
                let mut candidates = Vec::new();
                for found in &decided.matches {
                    let pattern = tx.pattern(&found.pattern).await?;
                    let action = pattern.as_ref().and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
                    let cause = pattern.map_or_else(String::new, |p| root_cause(&p, &incident, &decided.service));
                    candidates.push(match_view(found, action, cause));
                }
                let decision = decision_view(decided, now, candidates);
                reply.decision = Some(decision.kind);
                reply.reasons = decision.reasons;
                reply.matches = decision.candidates;
            }
            reply.gates = gate_views(&incident.gates);
            // Decided one way, and stopped all the same: the reason belongs beside the decision.
            if let (IncidentState::Escalated { reason, .. }, Some(DecisionKind::Auto | DecisionKind::Suggest)) =
                (&incident.state, reply.decision)
            {
                reply.reasons.push(Reason { code: "escalated".into(), text: reason.clone() });
            }
        }
    } else {
        let mut worst: Option<IncidentView> = None;
        for id in app.engine.take(&signals, None).await? {
            let view = view(&app, id, &who).await?;
            if worst.as_ref().is_none_or(|worst| worst.incident.severity < view.incident.severity) {
                worst = Some(view);
            }
        }
        let Some(view) = worst else { return Ok(Json(reply)) };
        reply.incident = Some(view.incident);
        if let Some(decision) = view.decision {
            reply.decision = Some(decision.kind);
            reply.reasons = decision.reasons;
            reply.matches = decision.candidates;
        }
        reply.gates = view.gates;
    }
    Ok(Json(reply))
}
