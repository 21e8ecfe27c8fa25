//! The knowledge base.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::detect::template;
use selfheal_core::knowledge::{PackEntry, PatternScope, Rule};
use selfheal_core::matching::{KnowledgeBase, Query};
use selfheal_core::{
    Action, ActionKind, BasisPoints, Fingerprint, NewSignal, PatternId, ProjectName, ServiceName, Severity, SignalKind,
    SourceName,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Body;
use crate::view::{MatchView, PatternPage, PatternView, match_view, pattern_view};
use crate::{ApiError, App, Principal, Role};

const LINES_LIMIT: usize = 10_000;
const TOP_LIMIT: usize = 50;

#[utoipa::path(get, operation_id = "list_patterns", path = "/api/v1/patterns", tag = "knowledge", responses((status = 200, body = PatternPage)))]
pub async fn list(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<PatternPage>, ApiError> {
    let mut tx = app.store().read().await?;
    Ok(Json(PatternPage { patterns: tx.patterns().await?.iter().map(pattern_view).collect() }))
}

#[utoipa::path(get, operation_id = "show_pattern", path = "/api/v1/patterns/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, body = PatternView)))]
pub async fn show(
    State(app): State<Arc<App>>,
    _who: Principal,
    Path(id): Path<String>,
) -> Result<Json<PatternView>, ApiError> {
    let id = PatternId::from_name(&id);
    let mut tx = app.store().read().await?;
    let pattern = tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    Ok(Json(pattern_view(&pattern)))
}

/// Counts of the knowledge base and of what came of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KnowledgeStats {
    pub patterns: i64,
    pub active: i64,
    pub drafts: i64,
    pub auto_healable: i64,
    pub healing_events: i64,
    pub failures: i64,
}

#[utoipa::path(get, operation_id = "knowledge_stats", path = "/api/v1/patterns/stats", tag = "knowledge", responses((status = 200, body = KnowledgeStats)))]
pub async fn stats(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<KnowledgeStats>, ApiError> {
    let mut tx = app.store().read().await?;
    let counts = tx.pattern_counts().await?;
    let (healing_events, failures) = tx.count_events().await?;
    Ok(Json(KnowledgeStats {
        patterns: counts.patterns,
        active: counts.active,
        drafts: counts.drafts,
        auto_healable: counts.auto_healable,
        healing_events,
        failures,
    }))
}

/// A pattern as it is added or replaced. The id is the slug of the name.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PutPattern {
    pub name: String,
    pub description: String,
    pub project: Option<String>,
    pub service: Option<String>,
    /// A regular expression.
    pub rule: Option<String>,
    pub must_not: Vec<String>,
    pub root_cause: String,
    /// For example `service.restart`.
    pub action: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub checks: Vec<String>,
    /// 0 to 1; for a new pattern only, later outcomes move it. 0.5 where it is left out.
    pub confidence: Option<f64>,
    pub auto_healable: bool,
    pub require_approval: bool,
    pub infrastructure: bool,
}

#[utoipa::path(put, operation_id = "put_pattern", path = "/api/v1/patterns/{id}", tag = "knowledge", params(("id" = String, Path)),
    request_body = PutPattern, responses((status = 200, body = PatternView)))]
pub async fn put(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<PutPattern>,
) -> Result<Json<PatternView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let now = app.now();
    let given = body.confidence;
    let mut pattern = entry(body)?.into_pattern("person", now).map_err(|why| {
        ApiError::invalid("The pattern cannot be used", why, "Mend it and try again. Nothing was changed.")
    })?;
    if pattern.id != PatternId::from_name(&id) {
        return Err(ApiError::invalid(
            "The pattern cannot be used",
            format!("its name makes the id `{}`, the address says `{id}`", pattern.id),
            "Use the id that belongs to the name.",
        ));
    }
    let mut tx = app.store().write().await?;
    let before = tx.pattern(&pattern.id).await?;
    if let Some(before) = &before {
        pattern.created_at = before.created_at;
        pattern.use_count = before.use_count;
        pattern.attempts = before.attempts;
        pattern.examples = before.examples.clone();
        if given.is_none() {
            pattern.confidence = before.confidence;
        }
    }
    tx.put_pattern(&pattern).await?;
    tx.audit(NewEntry {
        at: now,
        event_type: if before.is_some() { "knowledge.edited" } else { "knowledge.added" },
        actor: who.name.clone(),
        incident_id: None,
        pattern_id: Some(pattern.id.clone()),
        confidence: Some(pattern.confidence),
        action: pattern.action.as_ref().map(|action| action.kind.to_string()),
        target: None,
        result: if pattern.auto_healable { "auto-healable".into() } else { "not auto-healable".into() },
        details: serde_json::json!({ "before": before, "after": pattern }),
    })
    .await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&pattern)))
}

fn entry(body: PutPattern) -> Result<PackEntry, ApiError> {
    let invalid = |why: String, next: &str| ApiError::invalid("The pattern cannot be used", why, next);
    if body.name.trim().is_empty() {
        return Err(invalid("it has no name".into(), "Give it a name that says what fails."));
    }
    let action = match body.action {
        None if body.parameters.is_empty() => None,
        None => return Err(invalid("there are parameters, but no action".into(), "Name the action.")),
        Some(name) => {
            let kind = ActionKind::parse(&name).ok_or_else(|| {
                let known: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
                invalid(format!("`{name}` is no action"), &format!("Choose one of {}.", known.join(", ")))
            })?;
            Some(Action { parameters: body.parameters, ..Action::new(kind) })
        }
    };
    let confidence = match body.confidence {
        None => BasisPoints::saturating(5_000),
        Some(value) => {
            BasisPoints::from_decimal(value).map_err(|error| invalid(error.to_string(), "Use a number such as 0.5."))?
        }
    };
    Ok(PackEntry {
        description: body.description,
        scope: PatternScope {
            project: body.project.map(ProjectName::new),
            service: body.service.map(ServiceName::new),
        },
        rule: body.rule.map(Rule::regex),
        must_not: body.must_not,
        action,
        checks: body.checks,
        confidence,
        auto_healable: body.auto_healable,
        require_approval: body.require_approval,
        infrastructure: body.infrastructure,
        ..PackEntry::new(body.name, body.root_cause)
    })
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchRequest {
    pub lines: Vec<String>,
    /// Matches per line, best first.
    pub top: Option<usize>,
    pub project: Option<String>,
    pub service: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MatchReply {
    /// One list per line, in order; empty where nothing fits.
    pub lines: Vec<Vec<MatchView>>,
}

#[utoipa::path(post, operation_id = "match_lines", path = "/api/v1/patterns/match", tag = "knowledge", request_body = MatchRequest,
    responses((status = 200, body = MatchReply)))]
pub async fn match_lines(
    State(app): State<Arc<App>>,
    _who: Principal,
    Body(body): Body<MatchRequest>,
) -> Result<Json<MatchReply>, ApiError> {
    if body.lines.len() > LINES_LIMIT {
        return Err(ApiError::invalid(
            "Too many lines at once",
            format!("expected at most {LINES_LIMIT}, found {}", body.lines.len()),
            "Send them in pieces.",
        ));
    }
    let now = app.now();
    let mut tx = app.store().read().await?;
    let patterns = tx.patterns().await?;
    drop(tx);
    let (base, _) = KnowledgeBase::new(patterns);
    let (project, service) =
        (ProjectName::new(body.project.unwrap_or_default()), ServiceName::new(body.service.unwrap_or_default()));
    let top = body.top.unwrap_or(3).clamp(1, TOP_LIMIT);
    let lines = body
        .lines
        .into_iter()
        .map(|text| {
            let signal = NewSignal {
                kind: SignalKind::Log,
                source: SourceName::new("match"),
                service: service.clone(),
                project: project.clone(),
                severity: Severity::High,
                fingerprint: Fingerprint::of(&[&text]),
                template: template(&text),
                text,
                attributes: BTreeMap::new(),
                trace_id: None,
                count: 1,
                first_seen: now,
                last_seen: now,
            };
            base.rank(&Query { project: &project, service: &service, signals: std::slice::from_ref(&signal) }, top)
                .iter()
                .map(|found| {
                    let pattern = base.pattern(&found.pattern);
                    let action = pattern.and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
                    match_view(found, action, pattern.map_or_else(String::new, |p| p.root_cause.clone()))
                })
                .collect()
        })
        .collect();
    Ok(Json(MatchReply { lines }))
}
