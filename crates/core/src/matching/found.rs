//! What ranking says of one pattern.

use serde::{Deserialize, Serialize};

use crate::{BasisPoints, DecisionConfidence, PatternId};

/// A pattern that may be the right one, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternMatch {
    pub pattern: PatternId,
    pub name: String,
    pub relevance: BasisPoints,
    pub pattern_confidence: BasisPoints,
    /// Verified outcomes that the pattern's confidence rests on.
    pub outcomes: u32,
    pub decision_confidence: DecisionConfidence,
    pub rule: RuleOutcome,
    pub terms: Vec<TermScore>,
    /// Other patterns whose rules hold too and whose fix differs.
    pub competitors: Vec<PatternId>,
    /// What people and outcomes said of this pattern for this kind of incident; it is in the relevance already.
    #[serde(default)]
    pub evidence: super::Evidence,
    /// How the relevance came about, before people's rejections and confirmations.
    #[serde(default)]
    pub explanation: super::Explanation,
    /// What frequency and time say for and against it.
    #[serde(default)]
    pub items: Vec<super::EvidenceItem>,
}

impl PatternMatch {
    /// Holds the decision confidence below the automatic threshold where no rule is satisfied: similar text alone never
    /// authorises an action, whatever the product.
    pub fn hold_below(&mut self, threshold: BasisPoints) {
        if !self.rule.is_satisfied() {
            self.decision_confidence = self.decision_confidence.below(threshold);
        }
    }

    /// Weighs what people's rejections and verified outcomes said of it.
    pub fn weigh(&mut self, evidence: super::Evidence) {
        self.evidence = evidence;
        self.relevance = evidence.weigh(self.relevance);
        self.decision_confidence = self.relevance.times(self.pattern_confidence);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RuleOutcome {
    Satisfied {
        condition: String,
        signal: usize,
        span: Option<(usize, usize)>,
    },
    NotSatisfied,
    /// A must-not term occurs.
    RuledOut {
        term: String,
    },
    /// The pattern has no rule.
    None,
}

impl RuleOutcome {
    pub const fn is_satisfied(&self) -> bool {
        matches!(self, Self::Satisfied { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermScore {
    pub term: String,
    pub field: String,
    pub score: f64,
}
