//! `connections`: the circuit breakers of target connections. A connection that works has no row.

use selfheal_core::Timestamp;
use selfheal_core::breaker::ConnectionHealth;
use sqlx::types::Json;

use crate::{StoreError, Tx};

const ONE: &str = "select health from connections where name = $1";
const ALL: &str = "select name, health from connections order by name";
const PUT: &str = "
    insert into connections (name, health, updated_at) values ($1, $2, $3)
    on conflict (name) do update set health = excluded.health, updated_at = excluded.updated_at";
const REMOVE: &str = "delete from connections where name = $1";

impl Tx {
    pub async fn connection(&mut self, name: &str) -> Result<ConnectionHealth, StoreError> {
        let found: Option<Json<ConnectionHealth>> =
            on!(self, c => sqlx::query_scalar(ONE).bind(name).fetch_optional(c));
        Ok(found.map(|Json(health)| health).unwrap_or_default())
    }

    /// Every connection that failed lately.
    pub async fn connections(&mut self) -> Result<Vec<(String, ConnectionHealth)>, StoreError> {
        let rows: Vec<(String, Json<ConnectionHealth>)> = on!(self, c => sqlx::query_as(ALL).fetch_all(c));
        Ok(rows.into_iter().map(|(name, Json(health))| (name, health)).collect())
    }

    pub async fn put_connection(
        &mut self,
        name: &str,
        health: &ConnectionHealth,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if health.is_clean() {
            execute!(self, sqlx::query(REMOVE).bind(name));
        } else {
            execute!(self, sqlx::query(PUT).bind(name).bind(Json(health)).bind(at.as_micros()));
        }
        Ok(())
    }
}
