//! The state of the knowledge base, and what is known of one pattern beside its text.

use selfheal_core::knowledge::review::Trend;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PatternView;

/// What a person should look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewView {
    /// Drafts that wait.
    pub drafts: Vec<DraftWaiting>,
    pub failing: Vec<FailingView>,
    /// Pairs that seem to be one pattern.
    pub duplicates: Vec<DuplicateView>,
    /// Patterns that come second on every example of their own.
    pub shadowed: Vec<ShadowedView>,
    /// Fixes that help again and again.
    pub repeats: Vec<RepeatView>,
    /// Patterns whose confidence goes up and down.
    pub flapping: Vec<FlappingView>,
    /// Patterns whose rule held in no incident for long.
    pub unused: Vec<UnusedView>,
    /// Accepted drafts whose rule missed a failure of their own kind since.
    pub too_narrow: Vec<TooNarrowView>,
    /// Every active pattern, by id.
    pub health: Vec<HealthView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DraftWaiting {
    pub draft: String,
    pub name: String,
    pub incidents: u32,
    pub last_seen: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailingView {
    pub pattern: String,
    /// The rule cannot be used at all.
    #[schema(required)]
    pub error: Option<String>,
    /// Lines that it should match and does not.
    pub missed: Vec<String>,
    /// Lines that it should not match and does.
    pub wrong: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DuplicateView {
    /// The one to keep: with more outcomes, else the older one.
    pub keep: String,
    pub merge: String,
    pub why: String,
    /// Why they cannot be merged as they are; empty where they can.
    pub against: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowedView {
    pub pattern: String,
    pub by: Vec<String>,
    /// Those have the same fix: what is done stays right, whose success it is does not.
    pub same_fix: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RepeatView {
    pub pattern: String,
    pub service: String,
    /// Verified fixes within the period.
    pub fixes: u32,
    pub first: String,
    pub last: String,
    /// Mean time between failures within the period.
    pub mean_hours_between: f64,
    pub trend: Trend,
    pub advice: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlappingView {
    pub pattern: String,
    /// How often its confidence turned round within 90 days.
    pub turns: usize,
    pub confidence: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnusedView {
    pub pattern: String,
    #[schema(required)]
    pub last_hit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TooNarrowView {
    pub pattern: String,
    /// When the failure was last seen without the rule holding.
    pub last_missed: String,
}

/// What use says of one pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    pub pattern: String,
    /// Incidents in which its rule held.
    pub hits: i64,
    #[schema(required)]
    pub last_hit: Option<String>,
    /// How often a person said that its fix did it; no confidence rests on that.
    pub confirmed_fixes: i64,
    pub shadowed_by: Vec<String>,
    pub failing_examples: usize,
}

/// What a pattern's outcomes say, project by project. It is shown; what decides is the pattern's confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    pub pattern: String,
    pub hits: i64,
    #[schema(required)]
    pub last_hit: Option<String>,
    pub confirmed_fixes: i64,
    /// The pattern that it was merged into.
    #[schema(required)]
    pub merged_into: Option<String>,
    pub projects: Vec<ProjectEvidence>,
    /// For a project that has no outcomes of its own yet.
    pub elsewhere: ProjectEvidence,
}

/// Local and foreign outcomes of one project, and what both say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProjectEvidence {
    /// Empty for any other.
    pub project: String,
    pub successes: u32,
    pub attempts: u32,
    pub foreign_successes: u32,
    pub foreign_attempts: u32,
    /// The expected success rate here, 0 to 1: a Beta posterior in which all foreign outcomes weigh at most 4 local ones.
    pub expected: f64,
    /// The rate that is exceeded with a probability of 95 %.
    pub at_least: f64,
}

/// What a merge made, or would make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MergeView {
    pub merged: String,
    pub into: PatternView,
    /// Nothing was changed.
    pub dry_run: bool,
}
