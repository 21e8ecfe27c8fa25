//! A pattern of the knowledge base, as it is shown.

use std::collections::BTreeMap;

use selfheal_core::knowledge::{Condition, Pattern, PatternStatus, Source};
use selfheal_core::learn::wilson_lower_bound;
use selfheal_core::{BasisPoints, Severity};
use selfheal_store::{ConfidenceStep, ShadowCounts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfidenceBand;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternView {
    pub id: String,
    pub name: String,
    /// What sort of failure it is, e.g. `memory`; empty where nobody said.
    pub family: String,
    #[schema(required)]
    pub severity: Option<Severity>,
    pub description: String,
    pub status: PatternStatus,
    #[schema(required)]
    pub project: Option<String>,
    #[schema(required)]
    pub service: Option<String>,
    /// The rule's conditions, for reading.
    pub rule: Vec<String>,
    pub must_not: Vec<String>,
    pub root_cause: String,
    #[schema(required)]
    pub action: Option<String>,
    /// What the action is given.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Why nothing is safe to do by itself, and what a person does.
    pub no_safe_fix: String,
    /// How the action is taken back, or that it cannot be.
    pub undo: String,
    pub examples: PatternExamples,
    pub checks: Vec<String>,
    pub confidence: ConfidenceBand,
    /// Verified successes.
    pub use_count: u32,
    /// Verified outcomes.
    pub attempts: u32,
    /// Lower bound of the 95 % Wilson interval of successes among outcomes; null without outcomes.
    #[schema(required)]
    pub wilson_lower_bound: Option<f64>,
    pub auto_healable: bool,
    pub require_approval: bool,
    pub infrastructure: bool,
    /// Tried out: what it would do is recorded, a person does it.
    pub shadow: bool,
    /// What would have been done, and whether a person then did the same.
    pub shadow_decisions: i64,
    pub shadow_agreed: i64,
    pub shadow_disagreed: i64,
    pub origin: String,
    pub sources: Vec<PatternSource>,
    #[schema(required)]
    pub licence: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    /// How its confidence came about, earliest first. Only where one pattern is shown.
    #[serde(default)]
    pub history: Vec<ConfidenceChange>,
}

/// One step of a pattern's confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfidenceChange {
    pub at: String,
    pub before: f64,
    pub after: f64,
    /// 1 for a verified success, -1 for one that was taken back, 0 for a failure.
    pub uses: i64,
    pub reason: String,
}

pub(crate) fn confidence_changes(steps: &[ConfidenceStep]) -> Vec<ConfidenceChange> {
    let decimal = |value: i64| BasisPoints::saturating(value.max(0) as u32).as_decimal();
    steps
        .iter()
        .map(|step| ConfidenceChange {
            at: step.at.to_rfc3339(),
            before: decimal(step.before),
            after: decimal(step.after),
            uses: step.uses,
            reason: step.reason.clone(),
        })
        .collect()
}

/// Lines that the rule must match, and lines that it must not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternExamples {
    pub matches: Vec<String>,
    pub rejects: Vec<String>,
}

/// Where facts of a pattern come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternSource {
    pub name: String,
    #[schema(required)]
    pub url: Option<String>,
    #[schema(required)]
    pub licence: Option<String>,
}

fn source_view(source: &Source) -> PatternSource {
    PatternSource { name: source.name.clone(), url: source.url.clone(), licence: source.licence.clone() }
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    format!("{{{}}}", labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect::<Vec<_>>().join(","))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternPage {
    pub patterns: Vec<PatternView>,
    /// How many there are in all; only on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// `cursor` of the next page; left out on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A condition for reading.
pub(crate) fn condition_words(condition: &Condition) -> String {
    match condition {
        Condition::Regex(expression) => format!("regex {expression}"),
        Condition::Template(template) => format!("template {template}"),
        Condition::Literal(text) => format!("literal {text}"),
        Condition::Alert(alert) => format!("alert {}{}", alert.name, labels(&alert.labels)),
        Condition::Metric(metric) => {
            let (word, level) = metric.above.map_or(("below", metric.below), |level| ("above", Some(level)));
            format!("metric {}{} {word} {}", metric.name, labels(&metric.labels), level.unwrap_or_default())
        }
        Condition::Attributes(wanted) => {
            wanted.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(" and ")
        }
    }
}

pub fn pattern_view(pattern: &Pattern, shadow: ShadowCounts) -> PatternView {
    PatternView {
        id: pattern.id.to_string(),
        name: pattern.name.clone(),
        family: pattern.family.clone(),
        severity: pattern.severity,
        no_safe_fix: pattern.no_safe_fix.clone(),
        undo: pattern.undo.clone(),
        examples: PatternExamples {
            matches: pattern.examples.matches.clone(),
            rejects: pattern.examples.rejects.clone(),
        },
        sources: pattern.provenance.sources.iter().map(source_view).collect(),
        licence: pattern.provenance.licence.clone(),
        description: pattern.description.clone(),
        status: pattern.status,
        project: pattern.scope.project.as_ref().map(ToString::to_string),
        service: pattern.scope.service.as_ref().map(ToString::to_string),
        rule: pattern.rule.iter().flat_map(|rule| rule.any.iter().map(condition_words)).collect(),
        must_not: pattern.must_not.clone(),
        root_cause: pattern.root_cause.clone(),
        action: pattern.action.as_ref().map(|action| action.kind.to_string()),
        parameters: pattern.action.as_ref().map(|action| action.parameters.clone()).unwrap_or_default(),
        checks: pattern.checks.clone(),
        confidence: ConfidenceBand::of(pattern.confidence, pattern.attempts),
        use_count: pattern.use_count,
        attempts: pattern.attempts,
        wilson_lower_bound: wilson_lower_bound(pattern.use_count, pattern.attempts).map(|bound| bound.as_decimal()),
        auto_healable: pattern.auto_healable,
        require_approval: pattern.require_approval,
        infrastructure: pattern.infrastructure,
        shadow: pattern.shadow,
        shadow_decisions: shadow.decisions,
        shadow_agreed: shadow.agreed,
        shadow_disagreed: shadow.disagreed,
        origin: pattern.provenance.origin.clone(),
        created_at: pattern.created_at.to_rfc3339(),
        updated_at: pattern.updated_at.to_rfc3339(),
        history: Vec::new(),
    }
}
