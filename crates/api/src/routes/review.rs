//! The review of the knowledge base, and what outcomes say of a pattern.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use selfheal_core::knowledge::review::{
    FailingExamples, Findings, Sameness, Shadowed, alternations, repeats, review_unless,
};
use selfheal_core::knowledge::{Pattern, PatternStatus, merge};
use selfheal_core::learn::{Outcomes, combine};
use selfheal_core::{PatternId, ProjectName, Span, Timestamp};
use selfheal_store::{ClusterStatus, Hits};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::Params;
use crate::long_work::{Stop, long};
use crate::view::{
    DraftWaiting, DuplicateView, EvidenceView, FailingView, FlappingView, HealthView, ProjectEvidence, RepeatView,
    ReviewView, ShadowedView, TooNarrowView, UnusedView,
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

/// Looks at every pattern beside every other one, which is the work of those who tend the knowledge base: it needs the role
/// approver.
#[utoipa::path(get, operation_id = "review_knowledge", path = "/api/v1/knowledge/review", tag = "knowledge", params(ReviewQuery),
    responses((status = 200, body = ReviewView)))]
pub async fn show(
    State(app): State<Arc<App>>,
    who: Principal,
    Params(query): Params<ReviewQuery>,
) -> Result<Json<ReviewView>, ApiError> {
    who.require(Role::Approver, "Reviewing the knowledge base")?;
    let asked = Arc::clone(&app);
    long(&app, &who, move |stop| async move { reviewed(&asked, &query, &stop).await }).await.map(Json)
}

async fn reviewed(app: &App, query: &ReviewQuery, stop: &Stop) -> Result<ReviewView, ApiError> {
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
    let findings = review_unless(&patterns, || stop.is_due());
    stop.go_on()?;
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
    Ok(ReviewView {
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
    })
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
