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
    /// Other patterns whose rules hold as specifically and whose fix is the same: the most careful marks, the lowest
    /// confidence and the worst experience of them all count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_fix: Vec<PatternId>,
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
    /// Whether a rule speaks for it: its own holds, and no more specific one set it aside. What is left of one that was
    /// set aside is what its text is worth.
    pub fn rests_on_rule(&self) -> bool {
        self.rule.is_satisfied() && self.explanation.basis != super::Basis::SetAside
    }

    /// Holds the decision confidence below the automatic threshold where no rule speaks for it: similar text alone never
    /// authorises an action, whatever the product.
    pub fn hold_below(&mut self, threshold: BasisPoints) {
        if !self.rests_on_rule() {
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
