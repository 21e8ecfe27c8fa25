//! Step 2, match: rank the patterns of the knowledge base against an incident, with the explanation.

mod base;
mod bm25;
pub mod evidence;
mod feedback;
mod tokens;

pub use base::{KnowledgeBase, PatternMatch, Query, RuleOutcome, TermScore};
pub use evidence::{EvidenceItem, EvidenceKind};
pub use feedback::Evidence;
pub use tokens::{contains_term, tokenise};
