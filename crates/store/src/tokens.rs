//! `api_tokens`: named tokens of the HTTP API, as digests. The token itself is shown once and kept nowhere.

use selfheal_core::Timestamp;

use crate::{StoreError, Tx};

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ApiToken {
    pub name: String,
    pub role: String,
    pub digest: String,
    #[sqlx(try_from = "i64")]
    pub created_at: Timestamp,
    /// Whose it is. Where two people have to approve, all tokens of one person count once.
    pub person: String,
    /// Refused from then on, as microseconds; without an end where it is none.
    pub expires_at: Option<i64>,
    /// Who made it; unknown of tokens of before.
    pub made_by: Option<String>,
}

impl ApiToken {
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires_at.map(Timestamp::from)
    }
}

const PUT: &str = "
    insert into api_tokens (name, role, digest, created_at, person, expires_at, made_by)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (name) do update set
        role = excluded.role, digest = excluded.digest, created_at = excluded.created_at, person = excluded.person,
        expires_at = excluded.expires_at, made_by = excluded.made_by";
const ALL: &str = "select name, role, digest, created_at, person, expires_at, made_by from api_tokens order by name";
const REMOVE: &str = "delete from api_tokens where name = $1";

impl Tx {
    pub async fn put_token(&mut self, token: &ApiToken) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(PUT)
                .bind(&token.name)
                .bind(&token.role)
                .bind(&token.digest)
                .bind(token.created_at.as_micros())
                .bind(&token.person)
                .bind(token.expires_at)
                .bind(&token.made_by)
        );
        Ok(())
    }

    pub async fn tokens(&mut self) -> Result<Vec<ApiToken>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(ALL).fetch_all(c)))
    }

    /// True when there was such a token.
    pub async fn remove_token(&mut self, name: &str) -> Result<bool, StoreError> {
        Ok(execute!(self, sqlx::query(REMOVE).bind(name)) == 1)
    }
}
