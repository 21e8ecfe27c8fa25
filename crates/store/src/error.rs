//! What can go wrong with the database, in words that say what to do.

use selfheal_core::IllegalFact;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{path} is a database of another program. Nothing was changed. Import its patterns with `selfheal knowledge import {path}` into another home, or choose another file with --database"
    )]
    Foreign { path: String },
    #[error(
        "the database was written by a newer Selfheal (migration {migration}). Nothing was changed. Update this Selfheal, or restore a backup made before the update"
    )]
    Newer { migration: i64 },
    #[error("the database {path} cannot be opened: {why}. {next}")]
    Unopenable { path: String, why: String, next: String },
    #[error("this engine is not the one that heals this database any more: another one took over")]
    LeaseLost,
    #[error(transparent)]
    Illegal(#[from] IllegalFact),
    #[error("incident {0} does not exist")]
    NoIncident(selfheal_core::IncidentId),
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    #[error("this would change more than words: it matches something that Selfheal goes by")]
    Unredactable,
    #[error("{0}")]
    Archive(#[from] crate::ArchiveError),
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database is locked: others write, or wait for it, for so long that this one's turn did not come")]
    Busy,
    #[error("the database could not be brought up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
