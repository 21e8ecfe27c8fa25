//! The review of the knowledge base, what outcomes say of a pattern, and merging.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::draft::digest;
use selfheal_core::knowledge::review::{FailingExamples, Findings, Sameness, Shadowed, alternations, repeats, review};
use selfheal_core::knowledge::{Pattern, PatternStatus, merge, unmerge};
use selfheal_core::learn::{Outcomes, combine};
use selfheal_core::{PatternId, ProjectName, Span, Timestamp};
use selfheal_store::{ClusterStatus, Hits, Merge, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::Body;
use crate::view::{
    DraftWaiting, DuplicateView, EvidenceView, FailingView, FlappingView, HealthView, MergeView, PatternView,
    ProjectEvidence, RepeatView, ReviewView, ShadowedView, TooNarrowView, UnusedView, pattern_view,
};
use crate::{ApiError, App, Principal, Role};

/// Rows read of one table.
const ROWS: i64 = 100_000;
const DRAFTS: i64 = 1_000;
/// A confidence that turned so often within this time goes up and down.
const TURNS: usize = 3;
const TURNS_WITHIN: Span = Span::from_minutes(90 * 24 * 60);

/// What counts as unused, and as again and again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewQuery {
    /// 1 to 3,650; 90 by default.
    pub unused_days: u32,
    /// 1 to 3,650; 30 by default.
    pub period_days: u32,
    /// Fixes of one service within the period; at least 2, 3 by default.
    pub repeats: u32,
}

impl Default for ReviewQuery {
    fn default() -> Self {
        Self { unused_days: 90, period_days: 30, repeats: 3 }
    }
}

const fn days(days: u32) -> Span {
    let days = if days == 0 { 1 } else { days };
    Span::from_minutes(if days > 3_650 { 3_650 } else { days } as u64 * 24 * 60)
}

#[utoipa::path(get, operation_id = "review_knowledge", path = "/api/v1/knowledge/review", tag = "knowledge", params(ReviewQuery),
    responses((status = 200, body = ReviewView)))]
pub async fn show(
    State(app): State<Arc<App>>,
    _who: Principal,
    Query(query): Query<ReviewQuery>,
) -> Result<Json<ReviewView>, ApiError> {
    let now = app.now();
    let mut tx = app.store().read().await?;
    let patterns = tx.patterns().await?;
    let hits = tx.all_hits().await?;
    let confirmed = tx.confirmed_counts().await?;
    let since = now - days(query.period_days);
    let successes = tx.successes_since(since, ROWS).await?;
    let steps = tx.confidence_steps_since(now - TURNS_WITHIN, ROWS).await?;
    let waiting = tx.draft_clusters(ClusterStatus::Waiting, DRAFTS).await?;
    let accepted = tx.draft_clusters(ClusterStatus::Accepted, DRAFTS).await?;
    let merged = tx.roots().await?;
    drop(tx);
    // Ten thousand rules are compiled: nobody else waits for that.
    let (patterns, findings) = tokio::task::spawn_blocking(move || {
        let findings = review(&patterns);
        (patterns, findings)
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))?;
    let by_id: HashMap<&PatternId, &Pattern> = patterns.iter().map(|pattern| (&pattern.id, pattern)).collect();
    let found = Found::of(&findings);
    let name = |id: &PatternId| by_id.get(id).map_or_else(String::new, |pattern| pattern.name.clone());
    let active = || patterns.iter().filter(|pattern| pattern.status == PatternStatus::Active);
    let idle_since = now - days(query.unused_days);
    let unused = active()
        .filter(|pattern| pattern.created_at <= idle_since)
        .map(|pattern| (pattern, hits.get(&pattern.id).and_then(|hits| hits.last)))
        .filter(|(_, last)| last.is_none_or(|last| last < idle_since))
        .map(|(pattern, last)| UnusedView {
            pattern: pattern.id.to_string(),
            last_hit: last.map(Timestamp::to_rfc3339),
        })
        .collect();
    let flapping = active()
        .filter_map(|pattern| {
            let turns = alternations(steps.get(&pattern.id)?);
            let confidence = pattern.confidence.as_decimal();
            (turns >= TURNS).then(|| FlappingView { pattern: pattern.id.to_string(), turns, confidence })
        })
        .collect();
    let fixes = successes
        .into_iter()
        .map(|one| (merged.get(&one.pattern).cloned().unwrap_or(one.pattern), one.service, one.at));
    let repeats = repeats(fixes, since, now, query.repeats.max(2)).into_iter().map(|repeat| {
        let pattern = by_id.get(&repeat.pattern);
        RepeatView {
            pattern: repeat.pattern.to_string(),
            service: repeat.service.to_string(),
            fixes: repeat.count,
            first: repeat.first.to_rfc3339(),
            last: repeat.last.to_rfc3339(),
            mean_hours_between: (repeat.between.as_micros() as f64 / 3.6e9 * 10.0).round() / 10.0,
            trend: repeat.trend,
            advice: advice(pattern.map_or("", |pattern| pattern.root_cause.as_str())),
        }
    });
    let too_narrow = accepted
        .iter()
        .filter(|cluster| cluster.decided_at.is_some_and(|at| at < cluster.last_seen))
        .map(|cluster| TooNarrowView {
            pattern: cluster.pattern.to_string(),
            last_missed: cluster.last_seen.to_rfc3339(),
        })
        .collect();
    Ok(Json(ReviewView {
        drafts: waiting
            .iter()
            .map(|cluster| DraftWaiting {
                draft: cluster.pattern.to_string(),
                name: name(&cluster.pattern),
                incidents: cluster.incidents,
                last_seen: cluster.last_seen.to_rfc3339(),
            })
            .collect(),
        duplicates: duplicates(&findings, &by_id, now),
        repeats: repeats.collect(),
        flapping,
        unused,
        too_narrow,
        health: active().map(|pattern| health(pattern, &found, &hits, &confirmed)).collect(),
        shadowed: findings
            .shadowed
            .iter()
            .map(|one| ShadowedView {
                pattern: one.pattern.to_string(),
                by: one.by.iter().map(ToString::to_string).collect(),
                same_fix: one.same_fix,
            })
            .collect(),
        failing: findings
            .failing
            .iter()
            .map(|one| FailingView {
                pattern: one.pattern.to_string(),
                error: one.error.clone(),
                missed: one.missed.clone(),
                wrong: one.wrong.clone(),
            })
            .collect(),
    }))
}

fn advice(root_cause: &str) -> String {
    let fix = "The fix treats a symptom: it works and is needed again.";
    match root_cause.trim() {
        "" => format!("{fix} Look for the cause and mend it."),
        cause => format!("{fix} Mend the cause: {cause}"),
    }
}

fn duplicates(findings: &Findings, by_id: &HashMap<&PatternId, &Pattern>, now: Timestamp) -> Vec<DuplicateView> {
    let view = |one: &selfheal_core::knowledge::review::Duplicate| {
        let (merged, keep) = (by_id.get(&one.merge)?, by_id.get(&one.keep)?);
        Some(DuplicateView {
            keep: one.keep.to_string(),
            merge: one.merge.to_string(),
            why: match one.why {
                Sameness::SameRule => "their rules are the same".to_owned(),
                Sameness::EachOthersExamples => "the rule of each holds on every example of the other".to_owned(),
                Sameness::SimilarText(alike) => format!("{} % of their words are the same", alike / 100),
            },
            against: merge(merged, keep, now).err().unwrap_or_default(),
        })
    };
    findings.duplicates.iter().filter_map(view).collect()
}

/// What was found of each pattern.
struct Found<'a> {
    shadowed: HashMap<&'a PatternId, &'a Shadowed>,
    failing: HashMap<&'a PatternId, &'a FailingExamples>,
}

impl<'a> Found<'a> {
    fn of(findings: &'a Findings) -> Self {
        Self {
            shadowed: findings.shadowed.iter().map(|one| (&one.pattern, one)).collect(),
            failing: findings.failing.iter().map(|one| (&one.pattern, one)).collect(),
        }
    }
}

fn health(
    pattern: &Pattern,
    found: &Found<'_>,
    hits: &HashMap<PatternId, Hits>,
    confirmed: &HashMap<PatternId, i64>,
) -> HealthView {
    let hits = hits.get(&pattern.id).copied().unwrap_or_default();
    let shadowed = found.shadowed.get(&pattern.id);
    let failing = found.failing.get(&pattern.id);
    HealthView {
        pattern: pattern.id.to_string(),
        hits: hits.count,
        last_hit: hits.last.map(Timestamp::to_rfc3339),
        confirmed_fixes: confirmed.get(&pattern.id).copied().unwrap_or_default(),
        shadowed_by: shadowed.map_or_else(Vec::new, |one| one.by.iter().map(ToString::to_string).collect()),
        failing_examples: failing.map_or(0, |one| one.missed.len() + one.wrong.len()),
    }
}

#[utoipa::path(get, operation_id = "pattern_evidence", path = "/api/v1/patterns/{id}/evidence", tag = "knowledge",
    params(("id" = String, Path)), responses((status = 200, body = EvidenceView)))]
pub async fn evidence(
    State(app): State<Arc<App>>,
    _who: Principal,
    Path(id): Path<String>,
) -> Result<Json<EvidenceView>, ApiError> {
    let id = PatternId::from_name(&id);
    let mut tx = app.store().read().await?;
    tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?;
    let merged = tx.roots().await?;
    let mut by_project: std::collections::BTreeMap<ProjectName, Outcomes> = Default::default();
    for (pattern, outcomes) in tx.outcomes_by_project().await? {
        if pattern != id && merged.get(&pattern) != Some(&id) {
            continue;
        }
        for (project, more) in outcomes {
            let sum = by_project.entry(project).or_default();
            *sum = sum.plus(more);
        }
    }
    let by_project: Vec<(ProjectName, Outcomes)> = by_project.into_iter().collect();
    let of = |project: &ProjectName| {
        let combined = combine(project, &by_project);
        ProjectEvidence {
            project: project.to_string(),
            successes: combined.local.successes,
            attempts: combined.local.attempts,
            foreign_successes: combined.foreign.successes,
            foreign_attempts: combined.foreign.attempts,
            expected: combined.expected.as_decimal(),
            at_least: combined.at_least.as_decimal(),
        }
    };
    let hits = tx.hits_of(&id).await?;
    Ok(Json(EvidenceView {
        pattern: id.to_string(),
        hits: hits.count,
        last_hit: hits.last.map(Timestamp::to_rfc3339),
        confirmed_fixes: tx.confirmed_counts().await?.get(&id).copied().unwrap_or_default(),
        merged_into: merged.get(&id).map(ToString::to_string),
        projects: by_project.iter().map(|(project, _)| of(project)).collect(),
        elsewhere: of(&ProjectName::new("")),
    }))
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The pattern that goes: it is disabled and keeps its history.
    pub merged: String,
    /// The pattern that stays.
    pub into: String,
    /// Say what would become of it, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[utoipa::path(post, operation_id = "merge_patterns", path = "/api/v1/knowledge/merge", tag = "knowledge", request_body = MergeRequest,
    responses((status = 200, body = MergeView), (status = 409, body = crate::Problem)))]
pub async fn merge_patterns(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<MergeRequest>,
) -> Result<Json<MergeView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let merged = stored(&mut tx, &body.merged).await?;
    let into = stored(&mut tx, &body.into).await?;
    let both = merge(&merged, &into, now).map_err(|reasons| ApiError::Conflict {
        code: "cannot_merge",
        what: format!("`{}` was not merged into `{}`", merged.id, into.id),
        why: reasons.join("; "),
        next: "Change what stands against it, or keep both.".into(),
    })?;
    let view =
        |dry_run| MergeView { merged: merged.id.to_string(), into: pattern_view(&both, Default::default()), dry_run };
    if body.dry_run {
        return Ok(Json(view(true)));
    }
    tx.put_pattern(&both).await?;
    tx.put_pattern(&Pattern { status: PatternStatus::Disabled, updated_at: now, ..merged.clone() }).await?;
    let undo = Merge {
        id: 0,
        merged_before: merged.clone(),
        into_before: into.clone(),
        into_after: both.clone(),
        by: who.name.clone(),
        at: now,
    };
    let id = tx.put_merge(&undo).await?;
    let details = serde_json::json!({
        "merge": id, "merged": merged.id, "merged_digest": digest(&merged), "before_digest": digest(&into),
        "after_digest": digest(&both),
    });
    tx.audit(about("knowledge.merged", &who.name, &both, format!("`{}` is part of it now", merged.id), details, now))
        .await?;
    tx.commit().await?;
    Ok(Json(view(false)))
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmergeRequest {
    /// The pattern that was merged into another one.
    pub merged: String,
}

#[utoipa::path(post, operation_id = "unmerge_patterns", path = "/api/v1/knowledge/unmerge", tag = "knowledge",
    request_body = UnmergeRequest, responses((status = 200, body = PatternView), (status = 409, body = crate::Problem)))]
pub async fn unmerge_patterns(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<UnmergeRequest>,
) -> Result<Json<PatternView>, ApiError> {
    who.require(Role::Admin, "Changing the knowledge base")?;
    let now = app.now();
    let mut tx = app.store().write().await?;
    let merged = stored(&mut tx, &body.merged).await?;
    let refused = |why: String, next: &str| ApiError::Conflict {
        code: "cannot_unmerge",
        what: format!("`{}` was not taken out again", merged.id),
        why,
        next: next.to_owned(),
    };
    let Some(undo) = tx.merge_of(&merged.id).await? else {
        return Err(refused("it was not merged into another pattern".into(), "There is nothing to undo."));
    };
    if merged.status != PatternStatus::Disabled {
        return Err(refused(
            "it has been made active again".into(),
            "Remove its parts from the other pattern by hand.",
        ));
    }
    let into = stored(&mut tx, undo.into_before.id.as_str()).await?;
    let before = unmerge(&undo.merged_before, &undo.into_before, &undo.into_after, &into, now)
        .map_err(|why| refused(why, "Edit both by hand; the merge's bodies are in the backup of that day."))?;
    // What an attempt that was under way taught it meanwhile stays.
    let back = Pattern {
        confidence: merged.confidence,
        use_count: merged.use_count,
        attempts: merged.attempts,
        updated_at: now,
        ..undo.merged_before
    };
    tx.put_pattern(&before).await?;
    tx.put_pattern(&back).await?;
    tx.undo_merge(undo.id, now).await?;
    let details = serde_json::json!({ "merge": undo.id, "into": before.id, "after_digest": digest(&before) });
    tx.audit(about("knowledge.unmerged", &who.name, &back, format!("taken out of `{}`", before.id), details, now))
        .await?;
    tx.commit().await?;
    Ok(Json(pattern_view(&back, Default::default())))
}

async fn stored(tx: &mut Tx, id: &str) -> Result<Pattern, ApiError> {
    let id = PatternId::from_name(id);
    tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))
}

fn about(
    event_type: &'static str,
    by: &str,
    pattern: &Pattern,
    result: String,
    details: serde_json::Value,
    now: Timestamp,
) -> NewEntry {
    NewEntry {
        at: now,
        event_type,
        actor: by.to_owned(),
        incident_id: None,
        pattern_id: Some(pattern.id.clone()),
        confidence: Some(pattern.confidence),
        action: pattern.action.as_ref().map(|action| action.kind.to_string()),
        target: None,
        result,
        details,
    }
}
