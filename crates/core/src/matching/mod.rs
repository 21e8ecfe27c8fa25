//! Step 2, match: rank the patterns of the knowledge base against an incident, with the explanation.

mod base;
mod bm25;
mod feedback;
pub mod relevance;
mod tokens;

pub use base::{KnowledgeBase, PatternMatch, Query, RuleOutcome, TermScore};
pub use feedback::Evidence;
pub use tokens::{Word, WordKind, contains_term, tokenise, words};
