//! Step 2, match: rank the patterns of the knowledge base against an incident, with the explanation.

mod base;
mod feedback;
mod found;
pub mod index;
pub mod rules;
mod settle;
mod tokens;

pub use base::{FIELDS, KnowledgeBase, Query, TextMatch};
pub use feedback::Evidence;
pub use found::{PatternMatch, RuleOutcome, TermScore};
pub use tokens::{contains_term, tokenise};
