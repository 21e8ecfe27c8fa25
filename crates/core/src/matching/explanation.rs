//! Why a relevance is what it is, so that a person can check it by hand.

use serde::{Deserialize, Serialize};

use super::relevance::{Feature, Features, Model};
use crate::BasisPoints;

/// The most that anything but a rule can say: 1 is a rule's alone.
const ALMOST: BasisPoints = BasisPoints::saturating(9_999);

/// How a relevance came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Its rule holds and nothing competes: exactly 1.
    Rule,
    /// Its rule holds, and so does that of another pattern with another fix: they share.
    Competing,
    /// Its rule holds, but a more specific one does too: what its text is worth is left.
    SetAside,
    /// No rule holds: how probably the text belongs to it.
    #[default]
    Text,
    /// A must-not term occurs: exactly 0.
    RuledOut,
}

/// The log-odds of a relevance, item by item. Where the basis is competing, set aside or text, the items add up to
/// `log_odds`, and the relevance is `1 / (1 + e^-log_odds)`, rounded to 0.0001 and at
/// most 0.9999.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    pub basis: Basis,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ExplanationItem>,
    #[serde(default)]
    pub log_odds: f64,
}

/// One item: what was seen, how much of it, and what it adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExplanationItem {
    /// For people.
    pub what: String,
    /// How much of it was seen.
    pub value: f64,
    /// What it adds to the log-odds (natural logarithm).
    pub log_odds: f64,
}

impl Explanation {
    pub(super) fn of(basis: Basis) -> Self {
        Self { basis, ..Self::default() }
    }

    /// The text's items: the constant and each feature that was seen.
    pub(super) fn text(basis: Basis, model: &Model, features: &Features) -> Self {
        let mut explanation = Self::of(basis);
        explanation.add("before anything is seen", 1.0, model.constant);
        for (feature, value, log_odds) in model.contributions(features) {
            if value != 0.0 {
                explanation.add(Feature::words(feature), value, log_odds);
            }
        }
        explanation
    }

    pub(super) fn add(&mut self, what: impl Into<String>, value: f64, log_odds: f64) {
        self.items.push(ExplanationItem { what: what.into(), value, log_odds });
        self.log_odds += log_odds;
    }

    /// The relevance that the log-odds stand for.
    pub fn relevance(&self) -> BasisPoints {
        match self.basis {
            Basis::Rule => BasisPoints::ONE,
            Basis::RuledOut => BasisPoints::ZERO,
            _ => {
                let probability = 1.0 / (1.0 + (-self.log_odds).exp());
                BasisPoints::from_decimal(probability.clamp(0.0, 1.0)).unwrap_or_default().min(ALMOST)
            }
        }
    }
}
