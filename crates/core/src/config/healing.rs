//! Decision, limits, verification and learning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActionKind, BasisPoints, Span};

/// The fixed block of the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SelfHealing {
    /// False means observe only at most, whatever the automation switch says.
    pub enabled: bool,
    /// Decision confidence from which an auto-healable pattern is healed without asking.
    pub auto_heal_confidence_threshold: BasisPoints,
    /// Decision confidence from which a fix is suggested for approval.
    pub suggest_fix_threshold: BasisPoints,
    /// Actions that may start within any 60 minutes, per database.
    #[schemars(range(min = 0, max = 1000))]
    pub max_actions_per_hour: u32,
    /// Minutes before the same action may run on the same target again.
    #[schemars(range(min = 0, max = 10080))]
    pub cooldown_minutes: u64,
    /// Actions that always need a person's approval.
    pub require_approval_for: Vec<ActionKind>,
}

impl Default for SelfHealing {
    fn default() -> Self {
        Self {
            enabled: true,
            auto_heal_confidence_threshold: BasisPoints::saturating(7_000),
            suggest_fix_threshold: BasisPoints::saturating(3_000),
            max_actions_per_hour: 5,
            cooldown_minutes: 10,
            require_approval_for: vec![
                ActionKind::DeploymentRollback,
                ActionKind::InfrastructureScale,
                ActionKind::DatabaseFailover,
            ],
        }
    }
}

/// Limits beside those of the fixed block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Attempts of one pattern in one incident.
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: u32,
    /// How long an approval may be waited for.
    #[schemars(range(min = 1, max = 43200))]
    pub approval_expires_minutes: u64,
    /// How long an action may stay queued.
    #[schemars(range(min = 1, max = 43200))]
    pub queue_expires_minutes: u64,
    /// The age up to which a preflight report counts.
    #[schemars(range(min = 1, max = 3600))]
    pub preflight_max_age_seconds: u64,
    /// How long one action may run.
    #[schemars(range(min = 1, max = 86400))]
    pub action_timeout_seconds: u64,
    /// Failed calls of one target connection within a minute that open its circuit breaker.
    #[schemars(range(min = 1, max = 1000))]
    pub breaker_failures: u32,
    /// How long an open circuit breaker waits before it lets one call through.
    #[schemars(range(min = 1, max = 86400))]
    pub breaker_open_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            approval_expires_minutes: 30,
            queue_expires_minutes: 60,
            preflight_max_age_seconds: 30,
            action_timeout_seconds: 120,
            breaker_failures: 5,
            breaker_open_seconds: 60,
        }
    }
}

impl Limits {
    pub const fn approval_expires(&self) -> Span {
        Span::from_minutes(self.approval_expires_minutes)
    }

    pub const fn queue_expires(&self) -> Span {
        Span::from_minutes(self.queue_expires_minutes)
    }

    pub const fn preflight_max_age(&self) -> Span {
        Span::from_secs(self.preflight_max_age_seconds)
    }
}

/// How an outcome is verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Verification {
    /// How long the symptom must stay away before a fix counts as a success.
    #[schemars(range(min = 0, max = 86400))]
    pub stabilisation_seconds: u64,
    /// How long to wait for the symptom to clear before the attempt counts as failed.
    #[schemars(range(min = 1, max = 86400))]
    pub timeout_seconds: u64,
    /// Time between two readings.
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: u64,
    /// How long after a success a recurrence takes the success back.
    #[schemars(range(min = 0, max = 43200))]
    pub watch_minutes: u64,
}

impl Default for Verification {
    fn default() -> Self {
        Self { stabilisation_seconds: 60, timeout_seconds: 120, interval_seconds: 2, watch_minutes: 30 }
    }
}

impl Verification {
    pub const fn stabilisation(&self) -> Span {
        Span::from_secs(self.stabilisation_seconds)
    }

    pub const fn timeout(&self) -> Span {
        Span::from_secs(self.timeout_seconds)
    }

    pub const fn interval(&self) -> Span {
        Span::from_secs(self.interval_seconds)
    }

    pub const fn watch(&self) -> Span {
        Span::from_minutes(self.watch_minutes)
    }
}

/// What a verified outcome does to a pattern's confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Learning {
    pub success_step: BasisPoints,
    pub failure_step: BasisPoints,
    /// A pattern heals by itself only where the Wilson lower bound of its success rate is at least this; off by default.
    pub automatic_from_lower_bound: Option<BasisPoints>,
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            success_step: BasisPoints::saturating(500),
            failure_step: BasisPoints::saturating(1_000),
            automatic_from_lower_bound: None,
        }
    }
}
