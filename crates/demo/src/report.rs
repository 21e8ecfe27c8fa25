//! What a scenario came to.

use selfheal_api::view::{ChainView, IncidentView, StateName, Timing};
use selfheal_core::DecisionKind;
use serde::Serialize;

use crate::Scenario;

/// The one document that `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub scenario: &'static str,
    pub incident: String,
    pub state: StateName,
    pub decision: Option<DecisionKind>,
    pub action: Option<String>,
    pub attempts: usize,
    pub seconds: Timing,
    pub confidence: Confidence,
    pub audit_ok: bool,
    /// Whether the scenario ended as it should.
    #[serde(skip)]
    pub expected: bool,
    #[serde(skip)]
    pub audit_entries: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Confidence {
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl Report {
    pub fn new(
        scenario: Scenario,
        view: &IncidentView,
        before: Option<f64>,
        after: Option<f64>,
        chain: &ChainView,
        expected: bool,
    ) -> Self {
        Self {
            scenario: scenario.name(),
            incident: view.incident.id.clone(),
            state: view.incident.state,
            decision: view.decision.as_ref().map(|decision| decision.kind),
            action: view.plan.as_ref().map(|plan| plan.action.clone()),
            attempts: view.attempts.len(),
            seconds: view.seconds.clone(),
            confidence: Confidence { before, after },
            audit_ok: chain.ok,
            expected: expected && chain.ok,
            audit_entries: chain.entries,
        }
    }
}

/// The steps of a story that were not told yet.
#[derive(Default)]
pub struct Steps {
    told: usize,
}

impl Steps {
    pub fn new_in(&mut self, view: &IncidentView) -> Vec<String> {
        let new = view.story.iter().skip(self.told).map(|entry| {
            let detail = entry.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
            format!("{}{detail}", entry.title)
        });
        let new: Vec<String> = new.collect();
        self.told = view.story.len();
        new
    }
}
