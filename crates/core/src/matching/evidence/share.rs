//! How often each candidate was the confirmed cause here before.
//!
//! The share over all services is where the project's share starts from, and that is where the service's starts from
//! (Dirichlet smoothing at each step), so that a new service profits from the others and soon has a mind of its own.

use std::collections::BTreeMap;

use super::cause::Statistics;
use super::ratio::{Counted, shrunk};
use super::{EvidenceItem, EvidenceKind};
use crate::{PatternId, ServiceName};

/// Pseudo-incidents that the wider share counts as in the narrower one.
const WEIGHT: f64 = 2.0;

/// The logarithm of each candidate's share of the confirmed causes among the candidates against an even one. Empty where
/// none of them was ever confirmed, or where there is no other.
pub fn shares(
    candidates: &BTreeMap<PatternId, Statistics>,
    service: &ServiceName,
) -> BTreeMap<PatternId, EvidenceItem> {
    let many = candidates.len() as f64;
    let sum = |count: fn(&Statistics) -> u64| candidates.values().map(count).sum::<u64>();
    let (all, project, here) = (sum(|s| s.incidents), sum(|s| s.in_project), sum(|s| s.on_service));
    if all == 0 || candidates.len() < 2 {
        return BTreeMap::new();
    }
    let counted = |hits: u64, of: u64| Counted { hits: hits as f64, of: of as f64 };
    candidates
        .iter()
        .map(|(id, own)| {
            let everywhere = shrunk(counted(own.incidents, all), 1.0 / many, many);
            let in_project = shrunk(counted(own.in_project, project), everywhere, WEIGHT);
            let on_service = shrunk(counted(own.on_service, here), in_project, WEIGHT);
            let (hits, of, place) = match (here, project) {
                (0, 0) => (own.incidents, all, "anywhere".to_owned()),
                (0, _) => (own.in_project, project, "in this project".to_owned()),
                _ => (own.on_service, here, format!("on {service}")),
            };
            let expected = of as f64 / many;
            let incidents = if of == 1 { "incident" } else { "incidents" };
            let sentence = format!(
                "The confirmed cause of {hits} of {of} {incidents} {place} that these {} candidates explained; an even share would be {expected:.1}",
                candidates.len()
            );
            let item = EvidenceItem::new(EvidenceKind::Share, (on_service * many).ln(), hits as f64, expected, sentence);
            (id.clone(), item)
        })
        .collect()
}
