//! The knowledge base: patterns, their detection rules, and packs of them.

mod pack;
mod pattern;
mod rule;

pub use pack::{Pack, PackEntry, parse_pack};
pub use pattern::{Examples, Pattern, PatternScope, PatternStatus, Provenance};
pub use rule::{CompiledRule, Condition, Rule, RuleError, RuleHit};

/// The packs that `selfheal init` writes, by file name.
pub const STARTER: &[(&str, &str)] = &[("processes.yaml", include_str!("../../../../args/knowledge/processes.yaml"))];
