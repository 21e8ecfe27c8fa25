//! The knowledge base: patterns, their detection rules, and packs of them.

mod document;
pub mod draft;
mod examples;
mod export;
mod icdev;
mod import;
mod limits;
mod merge;
mod pack;
mod pattern;
mod reading;
mod redacted;
pub mod review;
mod rule;
mod selective;
mod specificity;
mod split;
mod starter;
mod warm;
mod yaml;

pub use document::{changed_fields, document_of, document_says};
pub use examples::{ExampleFault, check_examples, holds_for_line, reads_lines};
pub use export::write_pack;
pub use icdev::{ForeignEntry, ForeignRow, ForeignValue, entries_of};
pub use import::{IMPORT_CONFIDENCE, Local, Verdict, content_digest, lower_trust, weigh};
pub use limits::{DOCUMENT_BYTES, EntryProblem, PACK_BYTES, PACK_ENTRIES};
pub use merge::{Taught, merge, restored, unmerge};
pub use pack::{Pack, PackEntry, parse_pack, read_pack};
pub use pattern::{Examples, PackInfo, Pattern, PatternScope, PatternStatus, Provenance, Source};
pub use reading::{PackFault, PackReading, ReadEntry, read_document, read_entries};
pub use redacted::{RedactedPattern, redacted_document};
pub use rule::{AlertCondition, CompiledRule, Condition, MetricCondition, Rule, RuleError, RuleHit};
pub use starter::{FAMILIES, STARTER, attribution, starter_problems};
pub use warm::{OnDemand, Warm};
pub use yaml::{write_entry, write_value};
