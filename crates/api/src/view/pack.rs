//! What an import did, and a pattern as a document.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PatternView;

/// What became of a file. Where `applied` is false nothing was changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportReply {
    /// `pack` or `icdev`.
    pub kind: String,
    /// What the pack calls itself, with its version.
    #[schema(required)]
    pub pack: Option<String>,
    /// SHA-256 of the file.
    pub sha256: String,
    pub dry_run: bool,
    /// False for a dry run, and where something was wrong and nothing was to be skipped.
    pub applied: bool,
    pub added: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// Patterns that are this base's own and were left as they are.
    pub kept: usize,
    /// Patterns that cannot be used.
    pub refused: usize,
    /// Patterns that came in with less trust than the file says.
    pub lowered: usize,
    /// Patterns that acted by themselves and do not any more, because what they read or do has changed.
    pub disarmed: usize,
    /// True where the examples of some pattern fail.
    pub examples_failed: bool,
    pub faults: Vec<ImportFault>,
    /// What there is to say about single patterns.
    pub rows: Vec<ImportRow>,
    /// Faults and rows that are not listed, because there are too many.
    pub omitted: usize,
}

/// Something that is wrong with a file or one of its patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportFault {
    /// From 1; 0 where the place is not known.
    pub line: u64,
    pub column: u64,
    /// The row of another program's table.
    #[schema(required)]
    pub row: Option<String>,
    #[schema(required)]
    pub name: Option<String>,
    pub why: String,
    pub next: String,
}

/// What became of one pattern of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportRow {
    pub pattern: String,
    pub name: String,
    /// `added`, `updated`, `unchanged` or `kept`.
    pub outcome: String,
    pub line: u64,
    #[schema(required)]
    pub row: Option<String>,
    pub notes: Vec<String>,
}

/// A pattern as YAML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    pub pattern: String,
    /// What the pattern says now, in the words, order and with the comments of whoever wrote it.
    pub document: String,
    /// True where somebody wrote it; false where it was made from the pattern.
    pub kept: bool,
}

/// What a document changes, and whether it was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentReply {
    pub saved: bool,
    pub is_new: bool,
    pub changes: Vec<FieldChange>,
    /// It may act by itself afterwards, in a way in which it may not now.
    pub newly_acts: bool,
    /// The document as it is kept, or would be.
    pub document: String,
    /// The pattern as it is or would be.
    pub pattern: PatternView,
}

/// One field before and after, as YAML; empty where it is not said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    pub field: String,
    pub before: String,
    pub after: String,
}
