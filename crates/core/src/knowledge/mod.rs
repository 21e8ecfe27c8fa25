//! The knowledge base: patterns, their detection rules, and packs of them.

pub mod draft;
mod merge;
mod pack;
mod pattern;
pub mod review;
mod rule;
mod starter;

pub use merge::{merge, unmerge};
pub use pack::{Pack, PackEntry, parse_pack, read_pack};
pub use pattern::{Examples, PackInfo, Pattern, PatternScope, PatternStatus, Provenance, Source};
pub use rule::{AlertCondition, CompiledRule, Condition, MetricCondition, Rule, RuleError, RuleHit};
pub use starter::{FAMILIES, STARTER, starter_problems};
