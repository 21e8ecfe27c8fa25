//! A decision with everything that led to it.

use selfheal_core::matching::{Basis, EvidenceItem, ExplanationItem, PatternMatch, RuleOutcome};
use selfheal_core::{Consequence, Decided, DecisionKind, DecisionReason, Gate, GateResult, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ConfidenceBand;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    pub code: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TermContribution {
    pub term: String,
    pub field: String,
    pub score: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    Satisfied,
    NotSatisfied,
    RuledOut,
    None,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatchView {
    pub pattern: String,
    pub name: String,
    pub relevance: f64,
    pub pattern_confidence: f64,
    pub decision_confidence: f64,
    pub rule: RuleState,
    #[schema(required)]
    pub rule_detail: Option<String>,
    pub terms: Vec<TermContribution>,
    /// How the relevance came about.
    pub basis: Basis,
    /// Log-odds, item by item. Where the basis is `competing`, `set_aside` or `text` they add up, and the relevance is
    /// 1 / (1 + e^-sum) before people's rejections; empty for the others.
    pub items: Vec<ExplanationItem>,
    pub notes: Vec<String>,
    #[schema(required)]
    pub action: Option<String>,
    pub root_cause: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    pub kind: DecisionKind,
    pub confidence: f64,
    pub band: ConfidenceBand,
    pub at: String,
    pub reasons: Vec<Reason>,
    pub would_change: Vec<Reason>,
    pub candidates: Vec<MatchView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateView {
    pub number: u32,
    pub gate: String,
    pub title: String,
    pub passed: bool,
    pub reason: String,
    #[schema(required)]
    pub until: Option<String>,
    /// What a refusal leads to; null where the gate passed.
    #[schema(required)]
    pub consequence: Option<String>,
}

/// Terms worth showing.
const TERMS: usize = 12;

/// A match, with what its pattern says.
pub fn match_view(found: &PatternMatch, action: Option<String>, root_cause: String) -> MatchView {
    let (rule, rule_detail) = match &found.rule {
        RuleOutcome::Satisfied { condition, .. } => (RuleState::Satisfied, Some(condition.clone())),
        RuleOutcome::NotSatisfied => (RuleState::NotSatisfied, None),
        RuleOutcome::RuledOut { term } => (RuleState::RuledOut, Some(format!("the term `{term}` occurs"))),
        RuleOutcome::None => (RuleState::None, None),
    };
    let mut notes = Vec::new();
    if !found.competitors.is_empty() {
        let names: Vec<&str> = found.competitors.iter().map(|id| id.as_str()).collect();
        notes.push(format!("competes with {}, whose rule holds too and whose fix differs", names.join(", ")));
    }
    let evidence = found.evidence;
    if evidence.rejected > 0 {
        notes.push(format!(
            "rejected {} and confirmed {} for this kind of incident, which lowers its relevance",
            times(evidence.rejected),
            times(evidence.confirmed)
        ));
    }
    notes.extend(found.items.iter().map(item_note));
    if rule != RuleState::Satisfied {
        notes.push("similar text only: it never acts by itself".into());
    }
    MatchView {
        pattern: found.pattern.to_string(),
        name: found.name.clone(),
        relevance: found.relevance.as_decimal(),
        pattern_confidence: found.pattern_confidence.as_decimal(),
        decision_confidence: found.decision_confidence.shown().as_decimal(),
        rule,
        rule_detail,
        terms: found
            .terms
            .iter()
            .take(TERMS)
            .map(|term| TermContribution {
                term: term.term.clone(),
                field: term.field.clone(),
                score: (term.score * 1e4).round() / 1e4,
            })
            .collect(),
        basis: found.explanation.basis,
        items: found
            .explanation
            .items
            .iter()
            .map(|item| ExplanationItem {
                what: item.what.clone(),
                value: (item.value * 1e4).round() / 1e4,
                log_odds: (item.log_odds * 1e6).round() / 1e6,
            })
            .collect(),
        notes,
        action,
        root_cause,
    }
}

/// One piece of evidence with its weight: the factor by which the odds would move.
fn item_note(item: &EvidenceItem) -> String {
    let ratio = item.log_likelihood_ratio;
    let side = match ratio {
        r if r > 0.0 => "speaks for it",
        r if r < 0.0 => "speaks against it",
        _ => "says nothing either way",
    };
    format!("{} ({side}: {ratio:+.2})", item.sentence)
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

pub fn decision_view(decided: &Decided, at: Timestamp, candidates: Vec<MatchView>) -> DecisionView {
    let reasons = |list: &[DecisionReason], words: fn(&DecisionReason) -> String| {
        list.iter().map(|reason| Reason { code: reason.code().into(), text: words(reason) }).collect()
    };
    let outcomes = decided.matches.first().map_or(0, |best| best.outcomes);
    let confidence = decided.decision.confidence.shown();
    let mut band = ConfidenceBand::of(confidence, outcomes);
    if decided.matches.is_empty() {
        band.words = "No pattern fits".into();
    }
    DecisionView {
        kind: decided.decision.kind,
        confidence: confidence.as_decimal(),
        band,
        at: at.to_rfc3339(),
        reasons: reasons(&decided.decision.reasons, DecisionReason::text),
        would_change: reasons(&decided.decision.would_change, DecisionReason::change),
        candidates,
    }
}

pub fn gate_views(gates: &[GateResult]) -> Vec<GateView> {
    gates
        .iter()
        .map(|result| GateView {
            number: result.gate.number(),
            gate: result.gate.as_str().into(),
            title: title(result.gate).into(),
            passed: result.passed,
            reason: result.reason.clone(),
            until: result.until.map(Timestamp::to_rfc3339),
            consequence: (!result.passed).then(|| consequence(result.gate.consequence()).to_owned()),
        })
        .collect()
}

const fn title(gate: Gate) -> &'static str {
    match gate {
        Gate::Automation => "Automation switch",
        Gate::Maintenance => "Maintenance window",
        Gate::Managed => "Managed target",
        Gate::Approval => "Approval",
        Gate::Attempts => "Attempts",
        Gate::CircuitBreaker => "Circuit breaker",
        Gate::Cooldown => "Cooldown",
        Gate::HourlyLimit => "Hourly limit",
        Gate::OneAtATime => "One at a time",
        Gate::Preflight => "Preflight",
        Gate::Intent => "Intent written",
        Gate::AutomationBeforeStep => "Automation switch before the step",
    }
}

const fn consequence(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::Hold => "held",
        Consequence::Wait => "waits",
        Consequence::Escalate => "escalated",
        Consequence::AwaitApproval => "awaits approval",
        Consequence::Queue => "queued",
        Consequence::StopActing => "the engine stops acting",
    }
}
