//! `audit_checkpoints`: append-only, signed by keys that are not in the database.

use selfheal_core::AuditId;
use selfheal_core::audit::{Checkpoint, KeyId, Signature};

use crate::{StoreError, Tx};

#[derive(sqlx::FromRow)]
struct Row {
    entry_id: i64,
    entry_hash: String,
    entries: i64,
    at: i64,
    key_id: String,
    signature: String,
}

impl From<Row> for Checkpoint {
    fn from(row: Row) -> Self {
        Self {
            entry_id: AuditId(row.entry_id),
            entry_hash: row.entry_hash,
            entries: row.entries as u64,
            at: row.at.into(),
            key_id: KeyId(row.key_id),
            // What is no signature is a wrong one: it must be found where signatures are checked, not stop the reading.
            signature: Signature::parse(&row.signature).unwrap_or(Signature::from_bytes([0; 64])),
        }
    }
}

const INSERT: &str = "
    insert into audit_checkpoints (entry_id, entry_hash, entries, at, key_id, signature)
    values ($1, $2, $3, $4, $5, $6)";
const ALL: &str =
    "select entry_id, entry_hash, entries, at, key_id, signature from audit_checkpoints order by entry_id";
const BETWEEN: &str = "
    select entry_id, entry_hash, entries, at, key_id, signature from audit_checkpoints
    where entry_id >= $1 and entry_id <= $2 order by entry_id, at";
const LATEST: &str = "
    select entry_id, entry_hash, entries, at, key_id, signature from audit_checkpoints
    where key_id = $1 order by entry_id desc limit 1";
const COUNT: &str = "select count(*) from audit_checkpoints where key_id = $1";

impl Tx {
    /// How many a key signed.
    pub async fn count_audit_checkpoints(&mut self, key: &KeyId) -> Result<u64, StoreError> {
        let count: i64 = on!(self, c => sqlx::query_scalar(COUNT).bind(&key.0).fetch_one(c));
        Ok(count.unsigned_abs())
    }

    pub async fn put_audit_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(INSERT)
                .bind(checkpoint.entry_id.0)
                .bind(&checkpoint.entry_hash)
                .bind(checkpoint.entries as i64)
                .bind(checkpoint.at.as_micros())
                .bind(&checkpoint.key_id.0)
                .bind(checkpoint.signature.to_string())
        );
        Ok(())
    }

    pub async fn audit_checkpoints(&mut self) -> Result<Vec<Checkpoint>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(ALL).fetch_all(c));
        Ok(rows.into_iter().map(Checkpoint::from).collect())
    }

    /// Those of entries between two, both included.
    pub async fn audit_checkpoints_between(
        &mut self,
        first: AuditId,
        last: AuditId,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(BETWEEN).bind(first.0).bind(last.0).fetch_all(c));
        Ok(rows.into_iter().map(Checkpoint::from).collect())
    }

    /// The last one that a key signed.
    pub async fn last_audit_checkpoint(&mut self, key: &KeyId) -> Result<Option<Checkpoint>, StoreError> {
        let row: Option<Row> = on!(self, c => sqlx::query_as(LATEST).bind(&key.0).fetch_optional(c));
        Ok(row.map(Checkpoint::from))
    }
}
