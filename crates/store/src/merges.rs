//! `pattern_merges`: which pattern was put into which, and what both were before, so that it can be undone; and
//! `pattern_roots`, the pattern that each merged one is part of now.

use std::collections::HashMap;

use selfheal_core::knowledge::{Pattern, Taught};
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
/// A pattern that is merged anew was made active in between: the merge before is over.
const SUPERSEDED: &str = "update pattern_merges set undone_at = $2 where merged = $1 and undone_at is null";
const ROOTS: &str = "select pattern_id, root from pattern_roots";
const ROOT: &str = "select root from pattern_roots where pattern_id = $1";
/// What attempts under one pattern, and under those merged into it, taught another one since a moment.
const TAUGHT: &str = "
    with recursive members (id) as (
        select cast($1 as text)
        union
        select merges.merged from pattern_merges merges join members on merges.into_pattern = members.id
        where merges.undone_at is null
    )
    select cast(coalesce(sum(steps.after - steps.before), 0) as bigint), cast(coalesce(sum(steps.uses), 0) as bigint),
           count(case when steps.uses >= 0 then 1 end)
    from confidence_history steps join self_healing_events events on events.id = steps.event_id
    where steps.pattern_id = $2 and steps.at >= $3 and events.pattern_id in (select id from members)";

impl Tx {
    pub async fn put_merge(&mut self, merge: &Merge) -> Result<i64, StoreError> {
        execute!(self, sqlx::query(SUPERSEDED).bind(merge.merged_before.id.as_str()).bind(merge.at.as_micros()));
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

    /// The pattern that each merged one is part of now, whatever number of merges lies between. Those that are not merged, or
    /// active again, are not in it.
    pub async fn roots(&mut self) -> Result<HashMap<PatternId, PatternId>, StoreError> {
        let rows: Vec<(String, String)> = on!(self, c => sqlx::query_as(ROOTS).fetch_all(c));
        Ok(rows.into_iter().map(|(merged, root)| (PatternId(merged), PatternId(root))).collect())
    }

    /// The pattern that this one is part of now: itself, where it was not merged.
    pub async fn root_of(&mut self, pattern: &PatternId) -> Result<PatternId, StoreError> {
        let root: Option<String> = on!(self, c => sqlx::query_scalar(ROOT).bind(pattern.as_str()).fetch_optional(c));
        Ok(root.map_or_else(|| pattern.clone(), PatternId))
    }

    /// What attempts under a merged pattern taught the one it went into since then.
    pub async fn taught_since(
        &mut self,
        merged: &PatternId,
        into: &PatternId,
        since: Timestamp,
    ) -> Result<Taught, StoreError> {
        let (confidence, uses, attempts): (i64, i64, i64) = on!(self, c => sqlx::query_as(TAUGHT)
            .bind(merged.as_str())
            .bind(into.as_str())
            .bind(since.as_micros())
            .fetch_one(c));
        Ok(Taught { confidence, uses, attempts })
    }
}
