//! The knowledge base.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::detect::template;
use selfheal_core::knowledge::{PackEntry, Pattern, Rule};
use selfheal_core::matching::Query;
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
    let shadow = tx.all_shadow_counts().await?;
    let view = |pattern: &Pattern| pattern_view(pattern, shadow.get(pattern.id.as_str()).copied().unwrap_or_default());
    Ok(Json(PatternPage { patterns: tx.patterns().await?.iter().map(view).collect() }))
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
    let shadow = tx.shadow_counts(&pattern.id).await?;
    Ok(Json(pattern_view(&pattern, shadow)))
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

#[utoipa::path(get, operation_id = "knowledge_stats", path = "/api/v1/knowledge/stats", tag = "knowledge", responses((status = 200, body = KnowledgeStats)))]
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

/// A pattern as it is added or changed. The id is the slug of the name. What is left out of a change stays as it is: a
/// safety mark is only ever taken away by saying `false`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PutPattern {
    pub name: String,
    pub description: Option<String>,
    pub project: Option<String>,
    pub service: Option<String>,
    /// A regular expression.
    pub rule: Option<String>,
    pub must_not: Option<Vec<String>>,
    pub root_cause: Option<String>,
    /// For example `service.restart`.
    pub action: Option<String>,
    pub parameters: Option<BTreeMap<String, String>>,
    pub checks: Option<Vec<String>>,
    /// 0 to 1. 0.5 for a new pattern; later outcomes move it.
    pub confidence: Option<f64>,
    pub auto_healable: Option<bool>,
    pub require_approval: Option<bool>,
    pub infrastructure: Option<bool>,
    /// Tried out: what it would do is recorded, a person does it.
    pub shadow: Option<bool>,
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
    let mut tx = app.store().write().await?;
    let before = tx.pattern(&PatternId::from_name(&body.name)).await?;
    let mut pattern = entry(body, before.as_ref())?.into_pattern("person", now).map_err(|why| {
        ApiError::invalid("The pattern cannot be used", why, "Mend it and try again. Nothing was changed.")
    })?;
    if pattern.id != PatternId::from_name(&id) {
        return Err(ApiError::invalid(
            "The pattern cannot be used",
            format!("its name makes the id `{}`, the address says `{id}`", pattern.id),
            "Use the id that belongs to the name.",
        ));
    }
    if let Some(before) = &before {
        pattern.created_at = before.created_at;
        pattern.use_count = before.use_count;
        pattern.attempts = before.attempts;
        pattern.status = before.status;
        pattern.provenance = before.provenance.clone();
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
    let shadow = tx.shadow_counts(&pattern.id).await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&pattern, shadow)))
}

/// Characters of any one field.
const FIELD_LIMIT: usize = 10_000;

/// What a change makes of a pattern, or of nothing.
pub(super) fn entry(body: PutPattern, before: Option<&Pattern>) -> Result<PackEntry, ApiError> {
    let invalid = |why: String, next: &str| ApiError::invalid("The pattern cannot be used", why, next);
    if body.name.trim().is_empty() || body.name.chars().count() > 200 {
        return Err(invalid("its name must have 1 to 200 characters".into(), "Give it a name that says what fails."));
    }
    let texts = [&body.description, &body.rule, &body.root_cause];
    if texts.into_iter().flatten().any(|text| text.chars().count() > FIELD_LIMIT) {
        return Err(invalid(format!("a field is longer than {FIELD_LIMIT} characters"), "Shorten it."));
    }
    let mut entry = before.map_or_else(|| PackEntry::new(body.name.clone(), String::new()), PackEntry::from);
    entry.name = body.name;
    if let Some(name) = body.action {
        let kind = ActionKind::parse(&name).ok_or_else(|| {
            let known: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
            invalid(format!("`{name}` is no action"), &format!("Choose one of {}.", known.join(", ")))
        })?;
        let kept = entry.action.take().filter(|action| action.kind == kind);
        entry.action = Some(kept.unwrap_or_else(|| Action::new(kind)));
    }
    match (&mut entry.action, body.parameters) {
        (_, None) => {}
        (Some(action), Some(parameters)) => action.parameters = parameters,
        (None, Some(parameters)) if parameters.is_empty() => {}
        (None, Some(_)) => return Err(invalid("there are parameters, but no action".into(), "Name the action.")),
    }
    if let Some(value) = body.confidence {
        entry.confidence = BasisPoints::from_decimal(value)
            .map_err(|error| invalid(error.to_string(), "Use a number such as 0.5."))?;
    }
    set(&mut entry.description, body.description);
    set(&mut entry.root_cause, body.root_cause);
    set(&mut entry.must_not, body.must_not);
    set(&mut entry.checks, body.checks);
    set(&mut entry.auto_healable, body.auto_healable);
    set(&mut entry.require_approval, body.require_approval);
    set(&mut entry.infrastructure, body.infrastructure);
    set(&mut entry.shadow, body.shadow);
    set(&mut entry.rule, body.rule.map(|expression| Some(Rule::regex(expression))));
    set(&mut entry.scope.project, body.project.map(|project| Some(ProjectName::new(project))));
    set(&mut entry.scope.service, body.service.map(|service| Some(ServiceName::new(service))));
    if entry.root_cause.trim().is_empty() {
        return Err(invalid("it says no root cause".into(), "Say why this happens: --root-cause TEXT."));
    }
    Ok(entry)
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
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

#[utoipa::path(post, operation_id = "match_lines", path = "/api/v1/knowledge/match", tag = "knowledge", request_body = MatchRequest,
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
    let base = app.engine.knowledge(&mut tx).await?;
    drop(tx);
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
                    let action = pattern.as_ref().and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
                    match_view(found, action, pattern.map_or_else(String::new, |p| p.root_cause.clone()))
                })
                .collect()
        })
        .collect();
    Ok(Json(MatchReply { lines }))
}
