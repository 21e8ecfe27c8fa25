//! `self_healing_events`: the intents, and what became of them.

use selfheal_core::{BasisPoints, EventId, IncidentId, PatternId, Plan, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// An intent: written before anything runs, in the transaction that read the counts.
pub struct NewEvent<'a> {
    pub incident: IncidentId,
    pub plan: &'a Plan,
    pub approved_by: Option<&'a str>,
    pub decision_confidence: BasisPoints,
    pub started_at: Timestamp,
}

/// A row of `self_healing_events`.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct HealingEvent {
    #[sqlx(try_from = "i64")]
    pub id: EventId,
    #[sqlx(try_from = "i64")]
    pub incident_id: IncidentId,
    pub pattern_id: String,
    pub action: String,
    pub target: String,
    #[sqlx(json)]
    pub plan: Plan,
    pub approved_by: Option<String>,
    pub decision_confidence: i64,
    /// `intended`, `running`, `held`, `succeeded`, `failed`, `unknown`, `stopped`, `undoing`, `verified`, `not_verified`,
    /// `inconclusive`, `undone`, `undo_failed`.
    pub status: String,
    #[sqlx(try_from = "i64")]
    pub started_at: Timestamp,
    pub finished_at: Option<i64>,
    pub detail: Option<String>,
}

macro_rules! columns {
    () => {
        "id, incident_id, pattern_id, action, target, plan, approved_by, decision_confidence, status, started_at, finished_at, detail"
    };
}

const INSERT: &str = "
    insert into self_healing_events
        (incident_id, pattern_id, action, target, plan_hash, plan, approved_by, decision_confidence, status, started_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, 'intended', $9)
    returning id";
const STATUS: &str = "
    update self_healing_events
    set status = $2, finished_at = coalesce($3, finished_at), detail = coalesce($4, detail)
    where id = $1";
const ONE: &str = concat!("select ", columns!(), " from self_healing_events where id = $1");
const LATEST: &str = concat!("select ", columns!(), " from self_healing_events order by id desc limit $1");
const COUNT: &str = "
    select count(*), count(case when status in ('failed', 'not_verified', 'undone', 'undo_failed') then 1 end) from self_healing_events";

const ON_TARGET: &str = "
    select pattern_id from self_healing_events
    where target = $1 and started_at > $2 and status <> 'held' order by started_at, id";

impl Tx {
    /// The patterns of the starts on a target after `since`, earliest first. What was held before its first step did
    /// nothing to the target.
    pub async fn patterns_on_target(&mut self, target: &str, since: Timestamp) -> Result<Vec<PatternId>, StoreError> {
        let ids: Vec<String> =
            on!(self, c => sqlx::query_scalar(ON_TARGET).bind(target).bind(since.as_micros()).fetch_all(c));
        Ok(ids.into_iter().map(PatternId).collect())
    }

    pub async fn put_event(&mut self, event: NewEvent<'_>) -> Result<EventId, StoreError> {
        let id: i64 = on!(self, c => sqlx::query_scalar(INSERT)
            .bind(event.incident.0)
            .bind(event.plan.pattern.as_str())
            .bind(event.plan.action.kind.as_str())
            .bind(event.plan.target.canonical())
            .bind(&event.plan.hash().0)
            .bind(Json(event.plan))
            .bind(event.approved_by)
            .bind(i64::from(event.decision_confidence.get()))
            .bind(event.started_at.as_micros())
            .fetch_one(c));
        Ok(EventId(id))
    }

    pub async fn set_event_status(
        &mut self,
        id: EventId,
        status: &'static str,
        finished: Option<Timestamp>,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(STATUS).bind(id.0).bind(status).bind(finished.map(Timestamp::as_micros)).bind(detail)
        );
        Ok(())
    }

    pub async fn event(&mut self, id: EventId) -> Result<Option<HealingEvent>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(c)))
    }

    pub async fn latest_events(&mut self, limit: i64) -> Result<Vec<HealingEvent>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(LATEST).bind(limit).fetch_all(c)))
    }

    /// All healing events, and how many of them failed.
    pub async fn count_events(&mut self) -> Result<(i64, i64), StoreError> {
        Ok(on!(self, c => sqlx::query_as(COUNT).fetch_one(c)))
    }
}
