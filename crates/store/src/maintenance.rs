//! `maintenance`: what a person announced, beside the windows of the configuration.

use selfheal_core::{ServiceName, Timestamp};

use crate::{StoreError, Tx};

/// Maintenance of one service, or of all, from one moment until just before another.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Maintenance {
    pub id: i64,
    /// All services without one.
    pub service: Option<String>,
    #[sqlx(try_from = "i64")]
    pub starts_at: Timestamp,
    #[sqlx(try_from = "i64")]
    pub ends_at: Timestamp,
    pub reason: Option<String>,
    pub set_by: String,
    #[sqlx(try_from = "i64")]
    pub set_at: Timestamp,
}

const INSERT: &str = "
    insert into maintenance (service, starts_at, ends_at, reason, set_by, set_at)
    values ($1, $2, $3, $4, $5, $6) returning id";
const NOT_OVER: &str = "
    select id, service, starts_at, ends_at, reason, set_by, set_at from maintenance
    where ends_at > $1 order by starts_at, id";
const END: &str = "
    update maintenance set ends_at = $2 where id = $1 and ends_at > $2
    returning id, service, starts_at, ends_at, reason, set_by, set_at";

impl Tx {
    /// Announces maintenance; `id` is given by the database.
    pub async fn put_maintenance(&mut self, new: &Maintenance) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(INSERT)
            .bind(&new.service)
            .bind(new.starts_at.as_micros())
            .bind(new.ends_at.as_micros())
            .bind(&new.reason)
            .bind(&new.set_by)
            .bind(new.set_at.as_micros())
            .fetch_one(c)))
    }

    /// What is not over at `now`, by its start.
    pub async fn maintenance(&mut self, now: Timestamp) -> Result<Vec<Maintenance>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(NOT_OVER).bind(now.as_micros()).fetch_all(c)))
    }

    /// When the announced maintenance that holds any of these services at `now` ends.
    pub async fn announced_maintenance(
        &mut self,
        services: &[&ServiceName],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let holds = |window: &Maintenance| {
            window.starts_at <= now
                && window.service.as_ref().is_none_or(|name| services.iter().any(|service| service.as_str() == name))
        };
        Ok(self.maintenance(now).await?.iter().filter(|window| holds(window)).map(|window| window.ends_at).max())
    }

    /// Ends it now; `None` where it is over or was never there.
    pub async fn end_maintenance(&mut self, id: i64, now: Timestamp) -> Result<Option<Maintenance>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(END).bind(id).bind(now.as_micros()).fetch_optional(c)))
    }
}
