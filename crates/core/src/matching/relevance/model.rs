//! The fitted weights.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Feature, Features};
use crate::matching::{EvidenceItem, EvidenceKind};

/// The model that ships.
static SHIPPED: LazyLock<Fitted> =
    LazyLock::new(|| serde_json::from_str(include_str!("model.json")).unwrap_or_else(|_| Fitted::default()));

/// Log-odds against "none of these patterns": a constant, and a weight for each feature.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub constant: f64,
    pub weights: [f64; Feature::ALL.len()],
    /// What a log-likelihood ratio of each kind of evidence counts; one of a kind that is not named counts nothing.
    pub evidence: BTreeMap<EvidenceKind, f64>,
}

/// A model and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// On what, how and how well it was fitted.
    pub provenance: Vec<String>,
    /// Names of the weights, in their order.
    pub features: Vec<Feature>,
    pub model: Model,
}

impl Fitted {
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }
}

impl Model {
    pub fn shipped() -> &'static Self {
        &SHIPPED.model
    }

    /// What an item of evidence adds to the log-odds.
    pub fn evidence(&self, item: &EvidenceItem) -> f64 {
        item.log_likelihood_ratio * self.evidence.get(&item.kind).copied().unwrap_or_default()
    }

    /// What each feature adds to the log-odds; with the constant they add up to them.
    pub fn contributions(&self, features: &Features) -> impl Iterator<Item = (Feature, f64, f64)> {
        let (values, weights) = (*features.values(), self.weights);
        Feature::ALL.into_iter().enumerate().map(move |(i, feature)| (feature, values[i], values[i] * weights[i]))
    }

    pub fn log_odds(&self, features: &Features) -> f64 {
        self.constant + self.contributions(features).map(|(_, _, log_odds)| log_odds).sum::<f64>()
    }

    /// Of several ways to lay a line beside a pattern, the one that speaks most for it.
    pub fn best(&self, ways: impl Iterator<Item = Features>) -> Option<Features> {
        ways.max_by(|a, b| self.log_odds(a).total_cmp(&self.log_odds(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_reads_and_says_where_it_comes_from() {
        let fitted: Fitted = serde_json::from_str(include_str!("model.json")).expect("model.json reads");
        assert_eq!(fitted.features, Feature::ALL);
        assert!(!fitted.provenance.is_empty());
        assert!(fitted.model.weights.iter().all(|weight| weight.is_finite()));
        assert!(fitted.model.evidence.values().all(|weight| (0.0..=1.0).contains(weight)));
        assert_eq!(fitted.model.evidence.len(), 7, "one weight for each kind");
        assert_eq!(&fitted, Fitted::shipped());
    }
}
