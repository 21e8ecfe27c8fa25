//! `outbox`: effects that were asked for and are not yet done.

use selfheal_core::{Effect, EffectId, IncidentId, Timestamp};
use sqlx::types::Json;

use crate::observe::Did;
use crate::{StoreError, Tx};

/// An effect that waits, or that was started and never finished.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct PendingEffect {
    #[sqlx(try_from = "i64")]
    pub id: EffectId,
    #[sqlx(try_from = "i64")]
    pub incident_id: IncidentId,
    #[sqlx(json)]
    pub body: Effect,
    /// Microseconds; when it was started, for the one effect that is never repeated.
    pub started_at: Option<i64>,
    pub tries: i64,
    /// What the effect keeps between two runs.
    #[sqlx(json)]
    pub state: serde_json::Value,
}

#[derive(sqlx::FromRow)]
struct LaterEffect {
    #[sqlx(flatten)]
    effect: PendingEffect,
    due_at: i64,
}

const INSERT: &str = "insert into outbox (incident_id, effect, body, due_at) values ($1, $2, $3, $4)";
const SAME: &str = "
    select count(*) from outbox where incident_id = $1 and effect = $2 and started_at is null";
// What was admitted goes before what is yet to be decided: behind a storm of decisions an intent would grow old, and keep
// everybody else waiting meanwhile.
const DUE: &str = "
    select id, incident_id, body, started_at, tries, state from outbox
    where due_at <= $1 and effect <> 'deliver'
    order by case effect when 'execute' then 0 when 'undo' then 0 when 'verify' then 1 else 2 end, due_at, id limit $2";
// Apart from the others: what waits for a notifier that does not answer must not crowd out what heals.
const DUE_DELIVERIES: &str = "
    select id, incident_id, body, started_at, tries, state from outbox
    where due_at <= $1 and effect = 'deliver' order by due_at, id limit $2";
const LATER_DELIVERIES: &str = "
    select id, incident_id, body, started_at, tries, state, due_at from outbox
    where due_at > $1 and effect = 'deliver' order by due_at, id";
const OF_INCIDENT: &str = "
    select id, incident_id, body, started_at, tries, state from outbox where incident_id = $1 order by id";
const START: &str = "update outbox set started_at = $2 where id = $1 and started_at is null";
const DONE: &str = "delete from outbox where id = $1";
const AGAIN: &str = "update outbox set due_at = $2, state = $3, tries = tries + 1 where id = $1";
const POSTPONE: &str = "update outbox set due_at = $2, state = $3 where id = $1";
const NEXT: &str = "select min(due_at) from outbox";

impl Tx {
    /// Asks for an effect. A decision that is already asked for is not asked for twice.
    pub async fn put_effect(
        &mut self,
        incident: IncidentId,
        effect: &Effect,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        if *effect == Effect::Decide {
            let waiting: i64 =
                on!(self, c => sqlx::query_scalar(SAME).bind(incident.0).bind(effect.name()).fetch_one(c));
            if waiting > 0 {
                return Ok(());
            }
        }
        execute!(
            self,
            sqlx::query(INSERT).bind(incident.0).bind(effect.name()).bind(Json(effect)).bind(due.as_micros())
        );
        self.did(Did::Row("effect asked for"));
        Ok(())
    }

    /// Effects that are due and that an incident waits for: all but deliveries.
    pub async fn due_effects(&mut self, now: Timestamp, limit: i64) -> Result<Vec<PendingEffect>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(DUE).bind(now.as_micros()).bind(limit).fetch_all(c)))
    }

    /// Deliveries to notifiers that are due.
    pub async fn due_deliveries(&mut self, now: Timestamp, limit: i64) -> Result<Vec<PendingEffect>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(DUE_DELIVERIES).bind(now.as_micros()).bind(limit).fetch_all(c)))
    }

    /// Deliveries that are due after a time, and when.
    pub async fn deliveries_after(&mut self, now: Timestamp) -> Result<Vec<(PendingEffect, Timestamp)>, StoreError> {
        let rows: Vec<LaterEffect> =
            on!(self, c => sqlx::query_as(LATER_DELIVERIES).bind(now.as_micros()).fetch_all(c));
        Ok(rows.into_iter().map(|row| (row.effect, Timestamp::from(row.due_at))).collect())
    }

    pub async fn effects_of(&mut self, incident: IncidentId) -> Result<Vec<PendingEffect>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(OF_INCIDENT).bind(incident.0).fetch_all(c)))
    }

    /// When the next effect is due.
    pub async fn next_effect_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = on!(self, c => sqlx::query_scalar(NEXT).fetch_one(c));
        Ok(due.map(Timestamp::from))
    }

    /// Marks an effect as started. False when it already was: whoever finds it so does not run it.
    pub async fn start_effect(&mut self, id: EffectId, at: Timestamp) -> Result<bool, StoreError> {
        let started = execute!(self, sqlx::query(START).bind(id.0).bind(at.as_micros())) == 1;
        self.did(Did::Effect("effect started"));
        Ok(started)
    }

    pub async fn finish_effect(&mut self, id: EffectId) -> Result<(), StoreError> {
        execute!(self, sqlx::query(DONE).bind(id.0));
        self.did(Did::Row("effect finished"));
        Ok(())
    }

    /// Runs an effect again later, with what it keeps.
    pub async fn reschedule_effect(
        &mut self,
        id: EffectId,
        due: Timestamp,
        state: &serde_json::Value,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(AGAIN).bind(id.0).bind(due.as_micros()).bind(Json(state)));
        self.did(Did::Effect("effect put off"));
        Ok(())
    }

    /// Leaves an effect for later that was not tried.
    pub async fn postpone_effect(
        &mut self,
        id: EffectId,
        due: Timestamp,
        state: &serde_json::Value,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(POSTPONE).bind(id.0).bind(due.as_micros()).bind(Json(state)));
        Ok(())
    }
}
