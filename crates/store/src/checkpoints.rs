//! `checkpoints`: how far each source was read. Stored with what was read, in one transaction.

use selfheal_core::{SourceName, Timestamp};
use sqlx::types::Json;

use crate::observe::Did;
use crate::{StoreError, Tx};

const GET: &str = "select body from checkpoints where source = $1";
const PUT: &str = "
    insert into checkpoints (source, body, updated_at) values ($1, $2, $3)
    on conflict (source) do update set body = excluded.body, updated_at = excluded.updated_at";

impl Tx {
    pub async fn checkpoint(&mut self, source: &SourceName) -> Result<Option<serde_json::Value>, StoreError> {
        let body: Option<Json<serde_json::Value>> =
            on!(self, c => sqlx::query_scalar(GET).bind(source.as_str()).fetch_optional(c));
        Ok(body.map(|Json(body)| body))
    }

    pub async fn put_checkpoint(
        &mut self,
        source: &SourceName,
        body: &serde_json::Value,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        execute!(self, sqlx::query(PUT).bind(source.as_str()).bind(Json(body)).bind(at.as_micros()));
        self.did(Did::Row("checkpoint"));
        Ok(())
    }
}
