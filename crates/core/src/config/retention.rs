//! How long what is known of closed incidents is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Span, Timestamp};

/// Days after an incident was closed; 0 keeps for ever. Incidents themselves, healing events, the history of confidences
/// and the audit trail are always kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// The story: what happened, step by step.
    #[schemars(range(min = 0, max = 36500))]
    pub facts_days: u32,
    /// The evidence: log lines and other signals. Their counts go with them.
    #[schemars(range(min = 0, max = 36500))]
    pub signals_days: u32,
    /// How often signals were seen, by minute.
    #[schemars(range(min = 0, max = 36500))]
    pub metrics_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { facts_days: 90, signals_days: 30, metrics_days: 30 }
    }
}

impl Retention {
    /// Up to when an incident must have been closed for its facts to have expired; `None` where they never do.
    pub fn facts_before(&self, now: Timestamp) -> Option<Timestamp> {
        before(self.facts_days, now)
    }

    pub fn signals_before(&self, now: Timestamp) -> Option<Timestamp> {
        before(self.signals_days, now)
    }

    pub fn metrics_before(&self, now: Timestamp) -> Option<Timestamp> {
        before(self.metrics_days, now)
    }
}

fn before(days: u32, now: Timestamp) -> Option<Timestamp> {
    (days > 0).then(|| now - Span::from_minutes(u64::from(days) * 24 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_means_for_ever_and_days_are_exact() {
        let now = Timestamp::from_micros(200 * 86_400_000_000);
        let retention = Retention { facts_days: 90, signals_days: 0, metrics_days: 1 };
        assert_eq!(retention.facts_before(now), Some(Timestamp::from_micros(110 * 86_400_000_000)));
        assert_eq!(retention.signals_before(now), None);
        assert_eq!(retention.metrics_before(now), Some(Timestamp::from_micros(199 * 86_400_000_000)));
    }
}
