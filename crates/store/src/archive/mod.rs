//! A backup: every table as JSON lines in one compressed stream, the same for both databases.
//!
//! The lines, in order:
//! - `{"selfheal_backup":1,"schema":3,"made_at":...,"made_by":...,"database":"SQLite"}`
//! - for each table, parents first: `{"table":"incidents","columns":["id",...]}`, then a row a line: `[1,...]`
//! - `{"manifest":{"tables":[{"name":...,"rows":...,"sha256":...}],"sequences":{...},"audit":...},"sha256":...}`
//!
//! The manifest stands at the end, because it counts what was streamed; a backup that was cut off has none and is refused.
//! Integers are exact, truth values are true and false, and a column that holds JSON is a string of JSON on both databases,
//! so that the text that the audit chain's hashes cover comes back to the byte. The tables and their columns are read from
//! the database itself: a table that a later migration adds is in the backup without a word here.

mod carry;
mod catalog;
mod left;
mod read;
mod restore;
mod write;

use std::collections::BTreeMap;

use selfheal_core::audit::ChainError;
use selfheal_core::{AuditId, Timestamp};
use serde::{Deserialize, Serialize};

pub use carry::Kept;
pub use read::check_archive;

/// The form of the stream. A reader refuses one that it does not know.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    #[serde(rename = "selfheal_backup")]
    pub format: u32,
    /// The latest migration of the database that was backed up.
    pub schema: i64,
    pub made_at: Timestamp,
    pub made_by: String,
    pub database: String,
}

/// The last line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub tables: Vec<TableSum>,
    /// The last number given out, by table: none is given out twice.
    pub sequences: BTreeMap<String, i64>,
    /// The last entry of the audit trail.
    pub audit: Option<AuditHead>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    pub name: String,
    pub rows: u64,
    /// Of the table's rows, each with its line break.
    pub sha256: String,
}

/// Where an audit trail ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    pub id: AuditId,
    pub hash: String,
}

/// What a backup that was checked holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub about: About,
    pub manifest: Manifest,
}

impl Manifest {
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

#[derive(Serialize, Deserialize)]
struct TableLine {
    table: String,
    columns: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct ManifestLine {
    manifest: Manifest,
    /// Of every line before this one.
    sha256: String,
}

/// Why a backup is not used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("it is no backup of Selfheal, or its beginning is damaged: {0}")]
    NotOurs(String),
    #[error("it has the format {found}, and this Selfheal reads {FORMAT}")]
    Format { found: u32 },
    #[error("it was made by a newer Selfheal (schema {found}, this one has {ours})")]
    Newer { found: i64, ours: i64 },
    #[error("it ends too early: it was cut off while it was written or copied")]
    CutOff,
    #[error("line {line} is damaged: {why}")]
    Damaged { line: u64, why: String },
    #[error("its {what} do not have the digest that its manifest names")]
    Digest { what: String },
    #[error("its audit trail is broken: {0}")]
    Chain(ChainError),
    #[error("its audit trail does not end where its manifest says")]
    Head,
    #[error("it holds {what}, which this database does not have")]
    Unknown { what: String },
    #[error("{what} has the type `{kind}`, which a backup cannot hold")]
    Kind { what: String, kind: String },
    #[error("whoever was to take the backup went away")]
    NobodyReads,
}
