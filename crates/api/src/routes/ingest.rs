//! Puts text through the pipeline: for real, or as a rehearsal that changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::analyse::root_cause;
use selfheal_core::config::Config;
use selfheal_core::detect::{Joiner, parse_record, reduce};
use selfheal_core::known::Scene;
use selfheal_core::{
    DecisionKind, NAMED_SERVICE, NewSignal, ProjectName, ServiceName, SourceName, State as IncidentState, Timestamp,
    UNKNOWN_SERVICE, check_name,
};
use selfheal_engine::Rehearsal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incidents::view;
use crate::extract::Body;
use crate::long_work::long;
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
    /// The only service that the text speaks for, whatever its lines say of themselves.
    pub service: Option<String>,
    /// Its project; one of the inventory has its own.
    pub project: Option<String>,
    /// Show what would be made of it, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct IngestSignal {
    pub service: String,
    /// The service that the line itself names, where that is another one: it chooses nothing.
    #[schema(required)]
    pub named_service: Option<String>,
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
    /// How many kinds of failures a rehearsal judged: the latest, as many as are looked at of an incident. Null where it is none.
    #[schema(required)]
    pub judged: Option<usize>,
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

/// Takes text for one service. What an approver sends can lead to an action on that service, as what an approver chooses can;
/// a rehearsal leads to nothing, and needs no more than looking does.
#[utoipa::path(post, path = "/api/v1/ingest", tag = "ingest", request_body = IngestRequest,
    responses((status = 200, body = IngestReply),
        (status = 503, body = crate::Problem, description = "Not all of it was acknowledged: send it again.")))]
pub async fn ingest(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<IngestRequest>,
) -> Result<Json<IngestReply>, ApiError> {
    if !body.dry_run {
        who.require(Role::Approver, "Ingesting")?;
    }
    let whom = Whom::of(&body, &app.engine.config())?;
    let (dry_run, now) = (body.dry_run, app.now());
    let (asked, person) = (Arc::clone(&app), who.clone());
    let reply = long(&app, &who, move |_| async move {
        let (records, signals) = whom.signals(&body.text, now);
        let mut reply = reply_of(records, &signals);
        if dry_run {
            if let Some(rehearsed) = asked.engine.rehearse(&signals).await? {
                foreseen(&asked, &mut reply, &rehearsed, &signals, now).await?;
            }
        } else {
            taken(&asked, &person, &mut reply, &signals).await?;
        }
        Ok(reply)
    });
    reply.await.map(Json)
}

/// Characters of the name of a source.
const SOURCE: usize = 1_000;

/// Whom a text speaks for.
struct Whom {
    source: SourceName,
    service: ServiceName,
    project: ProjectName,
}

impl Whom {
    fn of(body: &IngestRequest, config: &Config) -> Result<Self, ApiError> {
        let unusable =
            |name: &str, most: usize| !(1..=most).contains(&name.chars().count()) || name.chars().any(char::is_control);
        for name in [&body.service, &body.project].into_iter().flatten() {
            let next = "Use the name that the inventory has.";
            check_name(name).map_err(|why| {
                ApiError::invalid("The name cannot be used", format!("the name of the service or project {why}"), next)
            })?;
            if unusable(name, 100) {
                let why = "expected 1 to 100 printable characters for a service or project";
                return Err(ApiError::invalid("The name cannot be used", why, next));
            }
        }
        if unusable(&body.source, SOURCE) {
            return Err(ApiError::invalid(
                "The name cannot be used",
                format!("expected 1 to {SOURCE} printable characters for the source"),
                "Name the file, or where the text comes from.",
            ));
        }
        let service = ServiceName::new(body.service.as_deref().unwrap_or(UNKNOWN_SERVICE));
        let project = match (config.service(&service), &body.project) {
            (Some(known), Some(asked)) if known.project.as_str() != asked => {
                return Err(ApiError::invalid(
                    "The project is another one",
                    format!("`{service}` belongs to the project `{}` of the inventory", known.project),
                    "Leave the project out, or name that one.",
                ));
            }
            (Some(known), _) => known.project.clone(),
            (None, Some(asked)) => ProjectName::new(asked),
            (None, None) => config.project_of(&service),
        };
        Ok(Self { source: SourceName::new(body.source.as_str()), service, project })
    }

    /// How many records a text has, and the kinds of failures among them.
    fn signals(&self, text: &str, now: Timestamp) -> (usize, Vec<NewSignal>) {
        let mut joiner = Joiner::default();
        let mut records: Vec<_> =
            text.lines().filter_map(|line| joiner.push(line)).map(|raw| parse_record(&raw, now)).collect();
        records.extend(joiner.flush().map(|raw| parse_record(&raw, now)));
        (records.len(), reduce(&records, &self.source, &self.service, &self.project))
    }
}

fn reply_of(records: usize, signals: &[NewSignal]) -> IngestReply {
    IngestReply {
        records,
        signals: signals
            .iter()
            .map(|signal| IngestSignal {
                service: signal.service.to_string(),
                named_service: signal.attributes.get(NAMED_SERVICE).cloned(),
                severity: signal.severity,
                template: signal.template.clone(),
                text: signal.text.clone(),
                count: signal.count,
                first_seen: signal.first_seen.to_rfc3339(),
                last_seen: signal.last_seen.to_rfc3339(),
            })
            .collect(),
        judged: None,
        incident: None,
        matches: Vec::new(),
        decision: None,
        reasons: Vec::new(),
        gates: Vec::new(),
    }
}

/// What a rehearsal found.
async fn foreseen(
    app: &App,
    reply: &mut IngestReply,
    rehearsed: &Rehearsal,
    signals: &[NewSignal],
    now: Timestamp,
) -> Result<(), ApiError> {
    let incident = &rehearsed.incident;
    reply.judged = Some(rehearsed.judged);
    reply.incident = Some(incident_row(incident, &[], now));
    if let Some(decided) = &incident.decided {
        let mut tx = app.store().read().await?;
        let mut candidates = Vec::new();
        let (project, service, since) = (&incident.project, &decided.service, Some(incident.onset));
        let scene = Scene { project, service, since, signals };
        for found in &decided.matches {
            let pattern = tx.pattern(&found.pattern).await?;
            let action = pattern.as_ref().and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
            let cause = pattern.map_or_else(String::new, |p| root_cause(&p, &scene));
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
    Ok(())
}

/// Takes the signals, and shows the worst incident that they belong to.
async fn taken(app: &App, who: &Principal, reply: &mut IngestReply, signals: &[NewSignal]) -> Result<(), ApiError> {
    let mut worst: Option<IncidentView> = None;
    for id in app.engine.take(signals, None).await? {
        let view = view(app, id, who).await?;
        if worst.as_ref().is_none_or(|worst| worst.incident.severity < view.incident.severity) {
            worst = Some(view);
        }
    }
    let Some(view) = worst else { return Ok(()) };
    reply.incident = Some(view.incident);
    if let Some(decision) = view.decision {
        reply.decision = Some(decision.kind);
        reply.reasons = decision.reasons;
        reply.matches = decision.candidates;
    }
    reply.gates = view.gates;
    Ok(())
}
