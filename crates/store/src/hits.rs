//! `pattern_hits`, `confirmed_fixes`, and what outcomes say by project: the evidence that patterns gathered.

use std::collections::HashMap;

use selfheal_core::learn::Outcomes;
use selfheal_core::{Action, EventId, IncidentId, PatternId, ProjectName, ServiceName, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// In how many incidents a pattern's rule held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    pub count: i64,
    pub last: Option<Timestamp>,
}

/// A person said that this was the fix.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmedFix {
    pub incident: IncidentId,
    pub pattern: Option<PatternId>,
    pub action: Action,
    pub by: String,
    pub at: Timestamp,
}

/// One verified success of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    pub pattern: PatternId,
    pub service: ServiceName,
    pub event: EventId,
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct FixRow {
    incident_id: i64,
    pattern_id: Option<String>,
    #[sqlx(json)]
    action: Action,
    set_by: String,
    at: i64,
}

const HIT: &str = "
    insert into pattern_hits (pattern_id, incident_id, at) values ($1, $2, $3)
    on conflict (pattern_id, incident_id) do nothing";
const WAS_HIT: &str = "select count(*) from pattern_hits where incident_id = $1";
// Where two patterns held that are one now, it is one hit.
const HITS: &str = "
    select coalesce(roots.root, hits.pattern_id), count(distinct hits.incident_id), max(hits.at)
    from pattern_hits hits left join pattern_roots roots on roots.pattern_id = hits.pattern_id group by 1";
const HITS_OF: &str = "
    select count(distinct incident_id), max(at) from pattern_hits
    where pattern_id = $1 or pattern_id in (select pattern_id from pattern_roots where root = $1)";
const CONFIRM: &str = "
    insert into confirmed_fixes (incident_id, pattern_id, action, set_by, at) values ($1, $2, $3, $4, $5)
    on conflict (incident_id) do update
    set pattern_id = excluded.pattern_id, action = excluded.action, set_by = excluded.set_by, at = excluded.at";
const CONFIRMED: &str =
    "select incident_id, pattern_id, action, set_by, at from confirmed_fixes where incident_id = $1";
const CONFIRMED_COUNTS: &str = "
    select coalesce(roots.root, fixes.pattern_id), count(*)
    from confirmed_fixes fixes left join pattern_roots roots on roots.pattern_id = fixes.pattern_id
    where fixes.pattern_id is not null group by 1";
// What was learned of one attempt: a success that a recurrence took back adds up to nothing.
const OUTCOMES: &str = "
    select events.pattern_id, incidents.project, count(*), cast(sum(case when learned.uses > 0 then 1 else 0 end) as bigint)
    from (select event_id, sum(uses) as uses from confidence_history where event_id is not null group by event_id) learned
    join self_healing_events events on events.id = learned.event_id
    join incidents on incidents.id = events.incident_id
    group by events.pattern_id, incidents.project";
const SUCCESSES: &str = "
    select events.pattern_id, incidents.service, events.id, events.started_at
    from self_healing_events events join incidents on incidents.id = events.incident_id
    where events.status = 'verified' and events.started_at >= $1
      and exists (select 1 from confidence_history steps where steps.event_id = events.id)
    order by events.started_at desc, events.id desc limit $2";
const STEPS: &str = "
    select pattern_id, before, after from confidence_history where at >= $1 order by id desc limit $2";

impl Tx {
    /// A pattern's rule held in an incident; counted once for each.
    pub async fn put_hit(
        &mut self,
        pattern: &PatternId,
        incident: IncidentId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(HIT).bind(pattern.as_str()).bind(incident.0).bind(at.as_micros()));
        Ok(())
    }

    /// Whether some pattern's rule held in an incident.
    pub async fn was_hit(&mut self, incident: IncidentId) -> Result<bool, StoreError> {
        let count: i64 = on!(self, c => sqlx::query_scalar(WAS_HIT).bind(incident.0).fetch_one(c));
        Ok(count > 0)
    }

    /// The hits of every pattern that has any, with those of the patterns merged into it.
    pub async fn all_hits(&mut self) -> Result<HashMap<PatternId, Hits>, StoreError> {
        let rows: Vec<(String, i64, i64)> = on!(self, c => sqlx::query_as(HITS).fetch_all(c));
        let hits = rows.into_iter().map(|(id, count, last)| (PatternId(id), Hits { count, last: Some(last.into()) }));
        Ok(hits.collect())
    }

    pub async fn hits_of(&mut self, pattern: &PatternId) -> Result<Hits, StoreError> {
        let (count, last): (i64, Option<i64>) =
            on!(self, c => sqlx::query_as(HITS_OF).bind(pattern.as_str()).fetch_one(c));
        Ok(Hits { count, last: last.map(Timestamp::from) })
    }

    /// A person said what fixed an incident; the last word counts.
    pub async fn confirm_fix(&mut self, fix: &ConfirmedFix) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(CONFIRM)
                .bind(fix.incident.0)
                .bind(fix.pattern.as_ref().map(PatternId::as_str))
                .bind(Json(&fix.action))
                .bind(&fix.by)
                .bind(fix.at.as_micros())
        );
        Ok(())
    }

    pub async fn confirmed_fix(&mut self, incident: IncidentId) -> Result<Option<ConfirmedFix>, StoreError> {
        let row: Option<FixRow> = on!(self, c => sqlx::query_as(CONFIRMED).bind(incident.0).fetch_optional(c));
        Ok(row.map(|row| ConfirmedFix {
            incident: IncidentId(row.incident_id),
            pattern: row.pattern_id.map(PatternId),
            action: row.action,
            by: row.set_by,
            at: row.at.into(),
        }))
    }

    /// How often people said that a pattern's fix did it, by pattern.
    pub async fn confirmed_counts(&mut self) -> Result<HashMap<PatternId, i64>, StoreError> {
        let rows: Vec<(String, i64)> = on!(self, c => sqlx::query_as(CONFIRMED_COUNTS).fetch_all(c));
        Ok(rows.into_iter().map(|(id, count)| (PatternId(id), count)).collect())
    }

    /// Verified outcomes by pattern and project. A success that a recurrence took back is an attempt without success.
    pub async fn outcomes_by_project(
        &mut self,
    ) -> Result<HashMap<PatternId, Vec<(ProjectName, Outcomes)>>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> = on!(self, c => sqlx::query_as(OUTCOMES).fetch_all(c));
        let mut outcomes: HashMap<PatternId, Vec<(ProjectName, Outcomes)>> = HashMap::new();
        for (pattern, project, attempts, successes) in rows {
            let one = Outcomes { attempts: attempts as u32, successes: successes as u32 };
            outcomes.entry(PatternId(pattern)).or_default().push((project.into(), one));
        }
        for of_one in outcomes.values_mut() {
            of_one.sort_by(|a, b| a.0.cmp(&b.0));
        }
        Ok(outcomes)
    }

    /// Attempts whose fix was verified since a moment, earliest first and at most the latest so many: also those whose symptom
    /// came back later, since it did go away.
    pub async fn successes_since(&mut self, since: Timestamp, limit: i64) -> Result<Vec<Success>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> =
            on!(self, c => sqlx::query_as(SUCCESSES).bind(since.as_micros()).bind(limit).fetch_all(c));
        let success = |(pattern, service, event, at): (String, String, i64, i64)| Success {
            pattern: PatternId(pattern),
            service: service.into(),
            event: EventId(event),
            at: at.into(),
        };
        Ok(rows.into_iter().rev().map(success).collect())
    }

    /// The latest steps of all patterns' confidence since a moment, in order, as before and after in basis points.
    pub async fn confidence_steps_since(
        &mut self,
        since: Timestamp,
        limit: i64,
    ) -> Result<HashMap<PatternId, Vec<(i64, i64)>>, StoreError> {
        let rows: Vec<(String, i64, i64)> =
            on!(self, c => sqlx::query_as(STEPS).bind(since.as_micros()).bind(limit).fetch_all(c));
        let mut steps: HashMap<PatternId, Vec<(i64, i64)>> = HashMap::new();
        for (pattern, before, after) in rows.into_iter().rev() {
            steps.entry(PatternId(pattern)).or_default().push((before, after));
        }
        Ok(steps)
    }
}
