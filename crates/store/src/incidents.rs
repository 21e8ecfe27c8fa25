//! `incidents`: the aggregate as JSON, and beside it the columns that are searched.

use selfheal_core::{Incident, IncidentId, State, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// Which incidents to list. Newest change first.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// State names; empty for all.
    pub states: Vec<&'static str>,
    /// Words of the title or the service.
    pub text: Option<String>,
    /// Only closed ones resolved since then, where `closed` is among the states.
    pub closed_since: Option<Timestamp>,
    /// Only closed ones resolved before then.
    pub closed_before: Option<Timestamp>,
    /// Continue after this one.
    pub after: Option<(Timestamp, IncidentId)>,
    pub limit: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(json)]
    body: Incident,
}

const INSERT: &str = "
    insert into incidents
        (project, service, title, severity, severity_rank, state, onset, opened_at, updated_at, fact_count, body)
    values ($1, $2, $3, $4, $5, 'detected', $6, $7, $7, 0, '{}')
    returning id";
const UPDATE: &str = "
    update incidents
    set service = $2, title = $3, severity = $4, severity_rank = $5, state = $6, onset = $7, updated_at = $8,
        resolved_at = $9, wake_at = $10, fact_count = $11, body = $12, last_signal_at = $13, ready_at = $14
    where id = $1";
const ONE: &str = "select body from incidents where id = $1";
const FACTS: &str = "select fact_count from incidents where id = $1";
const DUE: &str = "select id from incidents where wake_at <= $1 order by wake_at, id limit $2";
const IN_STATE: &str = "select body from incidents where state = $1 order by severity_rank, onset, id";
// The queue in its order: worst severity, then the incident first seen, then the smallest id.
const NEXT: &str = "
    select id from incidents
    where ready_at is not null and ready_at <= $1 order by severity_rank, onset, id limit 1";
const AHEAD: &str = "
    select id from incidents
    where ready_at is not null and ready_at <= $1 and id <> $4
      and (severity_rank < $2 or (severity_rank = $2 and (onset < $3 or (onset = $3 and id < $4))))
    order by severity_rank, onset, id limit 1";
const LIST: &str = "
    select body from incidents
    where (cast($1 as text) = '' or $1 like '%,' || state || ',%')
      and (cast($2 as text) = '' or lower(title) like $2 escape '\\' or lower(service) like $2 escape '\\')
      and (updated_at < $3 or (updated_at = $3 and id < $4))
      and (state <> 'closed' or (resolved_at >= $5 and resolved_at < $6))
    order by updated_at desc, id desc
    limit $7";
const COUNT: &str = "select count(*) from incidents where state = $1";
const COUNT_RECENT: &str = "
    select count(*) from incidents where state = 'resolved' or (state = 'closed' and resolved_at >= $1)";
const HELD: &str = "select id from incidents where state = 'decided' order by severity_rank, onset, id";
const RESOLVED_SINCE: &str = "
    select body from incidents where state in ('resolved', 'closed') and resolved_at >= $1";

impl Tx {
    /// Makes room for an incident and gives its id. `save_incident` fills it in the same transaction.
    pub(crate) async fn reserve_incident(&mut self, incident: &Incident) -> Result<IncidentId, StoreError> {
        let id: i64 = on!(self, c => sqlx::query_scalar(INSERT)
            .bind(incident.project.as_str())
            .bind(incident.service.as_str())
            .bind(&incident.title)
            .bind(incident.severity.as_str())
            .bind(incident.severity.rank())
            .bind(incident.onset.as_micros())
            .bind(incident.opened_at.as_micros())
            .fetch_one(c));
        Ok(IncidentId(id))
    }

    pub(crate) async fn save_incident(&mut self, incident: &Incident, facts: i64) -> Result<(), StoreError> {
        let resolved_at = match &incident.state {
            State::Resolved { at, .. } | State::Closed { at, .. } => Some(at.as_micros()),
            _ => None,
        };
        // A queued incident looks at the time only to expire: who is ready is called in the queue's order.
        let (wake_at, ready_at) = match &incident.state {
            State::Queued { expires_at, gate, .. } => (Some(*expires_at), Some(gate.until.unwrap_or(Timestamp::EPOCH))),
            _ => (incident.wake_at(), None),
        };
        execute!(
            self,
            sqlx::query(UPDATE)
                .bind(incident.id.0)
                .bind(incident.service.as_str())
                .bind(&incident.title)
                .bind(incident.severity.as_str())
                .bind(incident.severity.rank())
                .bind(incident.state.name())
                .bind(incident.onset.as_micros())
                .bind(incident.updated_at.as_micros())
                .bind(resolved_at)
                .bind(wake_at.map(Timestamp::as_micros))
                .bind(facts)
                .bind(Json(incident))
                .bind(incident.last_signal_at.as_micros())
                .bind(ready_at.map(Timestamp::as_micros))
        );
        Ok(())
    }

    pub(crate) async fn fact_count(&mut self, id: IncidentId) -> Result<i64, StoreError> {
        let count: Option<i64> = on!(self, c => sqlx::query_scalar(FACTS).bind(id.0).fetch_optional(c));
        count.ok_or(StoreError::NoIncident(id))
    }

    pub async fn incident(&mut self, id: IncidentId) -> Result<Incident, StoreError> {
        let row: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(c));
        row.map(|row| row.body).ok_or(StoreError::NoIncident(id))
    }

    pub async fn incidents_in(&mut self, state: &'static str) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(IN_STATE).bind(state).fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }

    /// Incidents that the engine has to look at although nothing happened.
    pub async fn incidents_due(&mut self, now: Timestamp, limit: i64) -> Result<Vec<IncidentId>, StoreError> {
        let ids: Vec<i64> = on!(self, c => sqlx::query_scalar(DUE).bind(now.as_micros()).bind(limit).fetch_all(c));
        Ok(ids.into_iter().map(IncidentId).collect())
    }

    /// The queued incident whose turn it is: the first in the queue's order that nothing else holds back.
    pub async fn next_in_queue(&mut self, now: Timestamp) -> Result<Option<IncidentId>, StoreError> {
        let id: Option<i64> = on!(self, c => sqlx::query_scalar(NEXT).bind(now.as_micros()).fetch_optional(c));
        Ok(id.map(IncidentId))
    }

    /// The first in the queue's order that is ready and stands before this incident, queued or not.
    pub(crate) async fn ahead_of(&mut self, own: &Incident, now: Timestamp) -> Result<Option<IncidentId>, StoreError> {
        let id: Option<i64> = on!(self, c => sqlx::query_scalar(AHEAD)
            .bind(now.as_micros())
            .bind(own.severity.rank())
            .bind(own.onset.as_micros())
            .bind(own.id.0)
            .fetch_optional(c));
        Ok(id.map(IncidentId))
    }

    pub async fn decided_incidents(&mut self) -> Result<Vec<IncidentId>, StoreError> {
        let ids: Vec<i64> = on!(self, c => sqlx::query_scalar(HELD).fetch_all(c));
        Ok(ids.into_iter().map(IncidentId).collect())
    }

    pub async fn list_incidents(&mut self, filter: &IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        let states = if filter.states.is_empty() { String::new() } else { format!(",{},", filter.states.join(",")) };
        let text = filter.text.as_deref().map_or_else(String::new, like);
        let (at, id) = filter.after.unwrap_or((Timestamp::from_micros(i64::MAX), IncidentId(i64::MAX)));
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(LIST)
            .bind(&states)
            .bind(&text)
            .bind(at.as_micros())
            .bind(id.0)
            .bind(filter.closed_since.map_or(i64::MIN, Timestamp::as_micros))
            .bind(filter.closed_before.map_or(i64::MAX, Timestamp::as_micros))
            .bind(filter.limit)
            .fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }

    pub async fn count_incidents(&mut self, state: &'static str) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(COUNT).bind(state).fetch_one(c)))
    }

    /// Incidents that were fixed since a moment.
    pub async fn count_fixed(&mut self, since: Timestamp) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(COUNT_RECENT).bind(since.as_micros()).fetch_one(c)))
    }

    pub async fn resolved_since(&mut self, since: Timestamp) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(RESOLVED_SINCE).bind(since.as_micros()).fetch_all(c));
        Ok(rows.into_iter().map(|row| row.body).collect())
    }
}

/// A `like` pattern that finds the text itself, wherever it stands.
pub(crate) fn like(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
