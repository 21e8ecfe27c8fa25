//! The knowledge base.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::knowledge::{PackEntry, Pattern, PatternStatus, Rule};
use selfheal_core::{
    Action, ActionKind, BasisPoints, PatternId, ProjectName, ServiceName, check_name, same_name, shown_name,
};
use selfheal_store::{PatternCursor, PatternFilter, PatternOrder};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::saving::Edit;
use crate::extract::{Body, Params};
use crate::limit::limit;
use crate::view::{PatternPage, PatternView, confidence_changes, pattern_view};
use crate::{ApiError, App, Principal, Role};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    pub family: Option<String>,
    #[param(inline)]
    pub status: Option<PatternStatus>,
    /// Patterns whose scope names this service.
    pub service: Option<String>,
    /// Patterns whose scope names this project.
    pub project: Option<String>,
    /// An action's name; `none` for patterns without one.
    pub action: Option<String>,
    pub auto_healable: Option<bool>,
    /// A part of the id, the name, the description or the root cause.
    pub q: Option<String>,
    /// By `id` where it is left out.
    #[param(inline)]
    pub sort: Option<SortBy>,
    /// 500 where it is left out.
    pub limit: Option<i64>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// What a list of patterns is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    Id,
    Name,
    Confidence,
    Uses,
    Updated,
}

impl From<SortBy> for PatternOrder {
    fn from(sort: SortBy) -> Self {
        match sort {
            SortBy::Id => Self::Id,
            SortBy::Name => Self::Name,
            SortBy::Confidence => Self::Confidence,
            SortBy::Uses => Self::Uses,
            SortBy::Updated => Self::Updated,
        }
    }
}

/// Patterns of one page where nothing else is said, and at most.
const PAGE: i64 = 500;
const PAGE_LIMIT: i64 = 1_000;

#[utoipa::path(get, operation_id = "list_patterns", path = "/api/v1/patterns", tag = "knowledge", params(ListQuery),
    responses((status = 200, body = PatternPage)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _who: Principal,
    Params(query): Params<ListQuery>,
) -> Result<Json<PatternPage>, ApiError> {
    let order = query.sort.map_or_else(PatternOrder::default, PatternOrder::from);
    let limit = limit(query.limit, PAGE, 1, PAGE_LIMIT)?;
    let filter = PatternFilter {
        family: query.family,
        status: query.status.map(PatternStatus::as_str),
        service: query.service,
        project: query.project,
        action: query.action,
        auto_healable: query.auto_healable,
        text: query.q.filter(|q| !q.trim().is_empty()),
        order,
        after: query.cursor.as_deref().map(parse_cursor).transpose()?,
        limit: limit + 1,
    };
    let mut tx = app.store().read().await?;
    let total = if filter.after.is_none() { Some(tx.count_patterns(&filter).await?) } else { None };
    let mut found = tx.list_patterns(&filter).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|last| cursor(&PatternCursor::of(order, last)));
    let shadow = tx.all_shadow_counts().await?;
    let view = |pattern: &Pattern| pattern_view(pattern, shadow.get(pattern.id.as_str()).copied().unwrap_or_default());
    Ok(Json(PatternPage { patterns: found.iter().map(view).collect(), total, next }))
}

fn cursor(at: &PatternCursor) -> String {
    format!("{}.{}.{}", at.number, at.id, at.word)
}

fn parse_cursor(text: &str) -> Result<PatternCursor, ApiError> {
    let mut parts = text.splitn(3, '.');
    let parsed = (|| {
        let number = parts.next()?.parse().ok()?;
        Some(PatternCursor { number, id: PatternId::new(parts.next()?), word: parts.next()?.to_owned() })
    })();
    parsed.ok_or_else(|| {
        ApiError::invalid(
            "The page cannot be found",
            format!("`{text}` is no `next` of a page"),
            "Begin again without `cursor`.",
        )
    })
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
    let history = confidence_changes(&tx.confidence_history(&pattern.id).await?);
    Ok(Json(PatternView { history, ..pattern_view(&pattern, shadow) }))
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
    /// Patterns of each family; those without one under the empty name.
    #[serde(default)]
    pub by_family: BTreeMap<String, i64>,
}

#[utoipa::path(get, operation_id = "knowledge_stats", path = "/api/v1/knowledge/stats", tag = "knowledge", responses((status = 200, body = KnowledgeStats)))]
pub async fn stats(State(app): State<Arc<App>>, _who: Principal) -> Result<Json<KnowledgeStats>, ApiError> {
    let mut tx = app.store().read().await?;
    let counts = tx.pattern_counts().await?;
    let (healing_events, failures) = tx.count_events().await?;
    let by_family = tx.patterns_by_family().await?;
    Ok(Json(KnowledgeStats {
        patterns: counts.patterns,
        active: counts.active,
        drafts: counts.drafts,
        auto_healable: counts.auto_healable,
        healing_events,
        failures,
        by_family,
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
    /// It may act by itself from now on in a way in which it may not yet.
    pub may_act: bool,
}

#[utoipa::path(put, operation_id = "put_pattern", path = "/api/v1/patterns/{id}", tag = "knowledge", params(("id" = String, Path)),
    request_body = PutPattern,
    responses((status = 200, body = PatternView), (status = 409, body = crate::Problem)))]
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
    if let Some(before) = before.as_ref().filter(|before| !same_name(&before.name, &body.name)) {
        return Err(id_taken(before, &body.name));
    }
    let may_act = body.may_act;
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
    let edit = Edit { before: before.as_ref(), after: &pattern, may_act, by: &who.name, at: now };
    edit.save(&mut tx, Default::default()).await?;
    let shadow = tx.shadow_counts(&pattern.id).await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&pattern, shadow)))
}

/// An id that another name has: saving would overwrite a pattern that was not named.
pub(super) fn id_taken(other: &Pattern, name: &str) -> ApiError {
    ApiError::Conflict {
        code: "id_taken",
        what: "The pattern was not saved".into(),
        why: format!(
            "`{}` would have the id `{}`, and that is the pattern `{}`",
            shown_name(name),
            other.id,
            other.name
        ),
        next: format!(
            "Choose a name that differs in a letter or digit. To change that pattern, write its name as it is; to rename it: selfheal knowledge edit {}.",
            other.id
        ),
    }
}

/// Whether a pattern is matched.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPatternStatus {
    pub active: bool,
    /// It may act by itself from now on in a way in which it may not yet.
    #[serde(default)]
    pub may_act: bool,
}

/// Takes a pattern out of matching and keeps it, or puts it back. One that was merged into another is its own again then, and
/// the other one stays as it is.
#[utoipa::path(post, operation_id = "set_pattern_status", path = "/api/v1/patterns/{id}/status", tag = "knowledge",
    params(("id" = String, Path)), request_body = SetPatternStatus,
    responses((status = 200, body = PatternView), (status = 404, body = crate::Problem), (status = 409, body = crate::Problem)))]
pub async fn set_status(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(body): Body<SetPatternStatus>,
) -> Result<Json<PatternView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let id = PatternId::from_name(&id);
    let now = app.now();
    let mut tx = app.store().write().await?;
    let before = tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    if before.status == PatternStatus::Draft {
        return Err(ApiError::Conflict {
            code: "is_a_draft",
            what: format!("`{id}` was not changed"),
            why: "it is a draft, which is accepted or rejected".into(),
            next: "Look at it: selfheal knowledge drafts.".into(),
        });
    }
    let status = if body.active { PatternStatus::Active } else { PatternStatus::Disabled };
    let after = Pattern { status, updated_at: now, ..before.clone() };
    if status != before.status {
        let mut details = serde_json::Map::new();
        if body.active
            && let Some(merge) = tx.merge_of(&id).await?
        {
            tx.undo_merge(merge.id, now).await?;
            details.insert("was_part_of".into(), merge.into_before.id.as_str().into());
        }
        let edit = Edit { before: Some(&before), after: &after, may_act: body.may_act, by: &who.name, at: now };
        edit.save(&mut tx, details).await?;
    }
    let shadow = tx.shadow_counts(&id).await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&after, shadow)))
}

/// Characters of any one field.
const FIELD_LIMIT: usize = 10_000;

/// What a change makes of a pattern, or of nothing.
pub(super) fn entry(body: PutPattern, before: Option<&Pattern>) -> Result<PackEntry, ApiError> {
    let invalid = |why: String, next: &str| ApiError::invalid("The pattern cannot be used", why, next);
    if let Err(why) = check_name(&body.name) {
        return Err(invalid(format!("its name {why}"), "Give it a name that says what fails, in one line."));
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
