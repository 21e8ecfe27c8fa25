//! `shadow_decisions`: what would have been done, and whether a person then did the same.

use std::collections::HashMap;

use selfheal_core::{ActionKind, IncidentId, PatternId, Timestamp};

use crate::{StoreError, Tx};

/// What became of a pattern's shadow decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct ShadowCounts {
    pub decisions: i64,
    /// A person then did the same.
    pub agreed: i64,
    /// A person did something else.
    pub disagreed: i64,
}

const PUT: &str = "
    insert into shadow_decisions (incident_id, pattern_id, action, target, at) values ($1, $2, $3, $4, $5)
    on conflict (incident_id, pattern_id) do nothing";
const SETTLE: &str = "
    update shadow_decisions set agreed = (action = $2 and target = $3), settled_at = $4
    where incident_id = $1 and agreed is null";
const SETTLE_AS: &str = "
    update shadow_decisions set agreed = $2, settled_at = $3 where incident_id = $1 and agreed is null";
const COUNTS: &str = "
    select count(*) as decisions, count(case when agreed then 1 end) as agreed,
           count(case when not agreed then 1 end) as disagreed
    from shadow_decisions where pattern_id = $1";

const ALL_COUNTS: &str = "
    select pattern_id, count(*), count(case when agreed then 1 end), count(case when not agreed then 1 end)
    from shadow_decisions group by pattern_id";

impl Tx {
    /// Records what would have been done; once for each incident and pattern.
    pub async fn put_shadow(
        &mut self,
        incident: IncidentId,
        pattern: &PatternId,
        action: ActionKind,
        target: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(PUT)
                .bind(incident.0)
                .bind(pattern.as_str())
                .bind(action.as_str())
                .bind(target)
                .bind(at.as_micros())
        );
        Ok(())
    }

    /// A person did this in an incident: agreement where it is what would have been done.
    pub async fn settle_shadow(
        &mut self,
        incident: IncidentId,
        action: ActionKind,
        target: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(SETTLE).bind(incident.0).bind(action.as_str()).bind(target).bind(at.as_micros()));
        Ok(())
    }

    /// A person said whether what would have been done was right.
    pub async fn settle_shadow_as(
        &mut self,
        incident: IncidentId,
        agreed: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(SETTLE_AS).bind(incident.0).bind(agreed).bind(at.as_micros()));
        Ok(())
    }

    /// The counts of every pattern that has any.
    pub async fn all_shadow_counts(&mut self) -> Result<HashMap<String, ShadowCounts>, StoreError> {
        let rows: Vec<(String, i64, i64, i64)> = on!(self, c => sqlx::query_as(ALL_COUNTS).fetch_all(c));
        let counts = rows
            .into_iter()
            .map(|(pattern, decisions, agreed, disagreed)| (pattern, ShadowCounts { decisions, agreed, disagreed }));
        Ok(counts.collect())
    }

    pub async fn shadow_counts(&mut self, pattern: &PatternId) -> Result<ShadowCounts, StoreError> {
        Ok(on!(self, c => sqlx::query_as(COUNTS).bind(pattern.as_str()).fetch_one(c)))
    }
}
