//! Step 2, match: rank the patterns of the knowledge base against an incident, with the explanation.

mod base;
pub mod evidence;
mod explanation;
mod feedback;
mod flat;
mod found;
pub mod index;
mod must_not;
mod opaque;
mod others;
pub mod relevance;
pub mod rules;
mod settle;
pub mod snapshot;
mod tokens;
mod weigh;

pub use base::{FIELDS, KnowledgeBase, Query};
pub use evidence::{EvidenceItem, EvidenceKind};
pub use explanation::{Basis, Explanation, ExplanationItem};
pub use feedback::Evidence;
pub use found::{PatternMatch, RuleOutcome, TermScore};
pub use must_not::{MustNotText, contains_term};
pub use tokens::{Word, WordKind, tokenise, words};
pub use weigh::weigh_items;
