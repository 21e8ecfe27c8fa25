//! `lease`: one engine at a time heals a database. Its token fences every write of an engine that lost it unawares.

use selfheal_core::{Span, Timestamp};

use crate::observe::Did;
use crate::{StoreError, Tx};

/// The right to heal, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: String,
    /// Grows with every change of the holder.
    pub token: i64,
}

/// What a follower sees of somebody else's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseMark {
    pub holder: String,
    pub token: i64,
    /// By the holder's clock; the epoch where it was given back.
    pub expires_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct Row {
    holder: String,
    token: i64,
    expires_at: i64,
}

const NAME: &str = "heal";
const ONE: &str = "select holder, token, expires_at from lease where name = $1";
const TAKE: &str = "
    insert into lease (name, holder, token, expires_at) values ($1, $2, $3, $4)
    on conflict (name) do update set
        holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at";
const RELEASE: &str = "update lease set expires_at = 0 where name = $1 and holder = $2 and token = $3";

impl Tx {
    /// Takes or renews the lease; `None` while another holder's has not expired.
    pub async fn take_lease(
        &mut self,
        holder: &str,
        now: Timestamp,
        time_to_live: Span,
    ) -> Result<Option<Lease>, StoreError> {
        let current: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(NAME).fetch_optional(c));
        let token = match current {
            Some(row) if row.holder == holder && row.expires_at > 0 => row.token,
            Some(row) if row.expires_at > now.as_micros() => return Ok(None),
            Some(row) => row.token + 1,
            None => 1,
        };
        let expires = (now + time_to_live).as_micros();
        execute!(self, sqlx::query(TAKE).bind(NAME).bind(holder).bind(token).bind(expires));
        self.did(Did::Row("lease taken"));
        Ok(Some(Lease { holder: holder.to_owned(), token }))
    }

    /// The lease as it stands, whoever's it is. Changes whenever its holder renews it.
    pub async fn lease_mark(&mut self) -> Result<Option<LeaseMark>, StoreError> {
        let current: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(NAME).fetch_optional(c));
        Ok(current.map(|row| LeaseMark { holder: row.holder, token: row.token, expires_at: row.expires_at.into() }))
    }

    /// Fails when the lease is another engine's by now. Called in every transaction in which an engine acts.
    pub async fn check_lease(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let current: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(NAME).fetch_optional(c));
        match current {
            Some(row) if row.holder == lease.holder && row.token == lease.token => Ok(()),
            _ => Err(StoreError::LeaseLost),
        }
    }

    /// Lets another engine take over at once.
    pub async fn release_lease(&mut self, lease: &Lease) -> Result<(), StoreError> {
        execute!(self, sqlx::query(RELEASE).bind(NAME).bind(&lease.holder).bind(lease.token));
        self.did(Did::Row("lease released"));
        Ok(())
    }

    /// Who heals, if anybody does.
    pub async fn lease_holder(&mut self, now: Timestamp) -> Result<Option<String>, StoreError> {
        let current: Option<Row> = on!(self, c => sqlx::query_as(ONE).bind(NAME).fetch_optional(c));
        Ok(current.filter(|row| row.expires_at > now.as_micros()).map(|row| row.holder))
    }
}
