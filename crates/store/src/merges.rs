//! `pattern_merges`: which pattern was put into which, and what both were before, so that it can be undone.

use std::collections::HashMap;

use selfheal_core::knowledge::Pattern;
use selfheal_core::{PatternId, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// One pattern put into another.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// 0 before it is stored.
    pub id: i64,
    pub merged_before: Pattern,
    pub into_before: Pattern,
    pub into_after: Pattern,
    pub by: String,
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    #[sqlx(json)]
    merged_before: Pattern,
    #[sqlx(json)]
    into_before: Pattern,
    #[sqlx(json)]
    into_after: Pattern,
    set_by: String,
    at: i64,
}

const PUT: &str = "
    insert into pattern_merges (merged, into_pattern, merged_before, into_before, into_after, set_by, at)
    values ($1, $2, $3, $4, $5, $6, $7) returning id";
const OF: &str = "
    select id, merged_before, into_before, into_after, set_by, at from pattern_merges
    where merged = $1 and undone_at is null order by id desc limit 1";
const UNDONE: &str = "update pattern_merges set undone_at = $2 where id = $1";
const ALL: &str = "select merged, into_pattern from pattern_merges where undone_at is null order by id";

impl Tx {
    pub async fn put_merge(&mut self, merge: &Merge) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(PUT)
            .bind(merge.merged_before.id.as_str())
            .bind(merge.into_before.id.as_str())
            .bind(Json(&merge.merged_before))
            .bind(Json(&merge.into_before))
            .bind(Json(&merge.into_after))
            .bind(&merge.by)
            .bind(merge.at.as_micros())
            .fetch_one(c)))
    }

    /// The merge that took a pattern out, if it was not undone.
    pub async fn merge_of(&mut self, merged: &PatternId) -> Result<Option<Merge>, StoreError> {
        let row: Option<Row> = on!(self, c => sqlx::query_as(OF).bind(merged.as_str()).fetch_optional(c));
        Ok(row.map(|row| Merge {
            id: row.id,
            merged_before: row.merged_before,
            into_before: row.into_before,
            into_after: row.into_after,
            by: row.set_by,
            at: row.at.into(),
        }))
    }

    pub async fn undo_merge(&mut self, id: i64, at: Timestamp) -> Result<(), StoreError> {
        execute!(self, sqlx::query(UNDONE).bind(id).bind(at.as_micros()));
        Ok(())
    }

    /// Which pattern each merged one went into.
    pub async fn merges(&mut self) -> Result<HashMap<PatternId, PatternId>, StoreError> {
        let rows: Vec<(String, String)> = on!(self, c => sqlx::query_as(ALL).fetch_all(c));
        Ok(rows.into_iter().map(|(merged, into)| (PatternId(merged), PatternId(into))).collect())
    }
}
