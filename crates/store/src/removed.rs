//! `removed_patterns`: what a person took out of the base, so that nothing brings it back unasked.

use std::collections::HashSet;

use selfheal_core::{PatternId, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

const PUT: &str = "
    insert into removed_patterns (pattern_id, removed_at) values ($1, $2)
    on conflict (pattern_id) do update set removed_at = excluded.removed_at";
const OF_SQLITE: &str = "
    select pattern_id from removed_patterns where pattern_id in (select value from json_each($1))";
const OF_POSTGRES: &str = "
    select pattern_id from removed_patterns
    where pattern_id in (select value from jsonb_array_elements_text($1) as value)";

impl Tx {
    pub(crate) async fn put_removed(&mut self, pattern: &PatternId, at: Timestamp) -> Result<(), StoreError> {
        execute!(self, sqlx::query(PUT).bind(pattern.as_str()).bind(at.as_micros()));
        Ok(())
    }

    /// Those of these patterns that were once removed, whether they are there again or not.
    pub async fn removed_of(&mut self, patterns: &[PatternId]) -> Result<HashSet<PatternId>, StoreError> {
        let statement = self.dialect(OF_SQLITE, OF_POSTGRES);
        let rows: Vec<String> = on!(self, c => sqlx::query_scalar(statement).bind(Json(patterns)).fetch_all(c));
        Ok(rows.into_iter().map(PatternId).collect())
    }
}
