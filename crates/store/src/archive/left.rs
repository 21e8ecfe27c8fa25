//! Where in the database a text still stands, whatever the table: what a redaction has to be honest about.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use selfheal_core::redact::Redaction;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::write::{select, values};
use crate::{Connection, StoreError, Tx};

/// Rows that are looked at before others get a turn.
const TURN: usize = 200;

impl Tx {
    /// How many rows hold the text, by table and column. Every column of every table is looked at.
    pub async fn texts_left(&mut self, redaction: &Redaction) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut left = BTreeMap::new();
        for table in self.tables().await? {
            let select = select(&table, matches!(self.connection, Connection::Postgres(_)));
            let mut seen = 0;
            let mut look = |row: Vec<Value>| {
                for (column, value) in table.columns.iter().zip(row) {
                    if value.as_str().is_some_and(|text| redaction.finds(text)) {
                        *left.entry(format!("{}.{}", table.name, column.name)).or_default() += 1;
                    }
                }
                seen += 1;
                seen % TURN == 0
            };
            match &mut self.connection {
                Connection::Sqlite(tx) => {
                    let mut found = sqlx::query(AssertSqlSafe(select)).fetch(&mut **tx);
                    while let Some(row) = found.try_next().await? {
                        if look(values(&row, &table.columns)?) {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                Connection::Postgres(tx) => {
                    let mut found = sqlx::query(AssertSqlSafe(select)).fetch(&mut **tx);
                    while let Some(row) = found.try_next().await? {
                        if look(values(&row, &table.columns)?) {
                            tokio::task::yield_now().await;
                        }
                    }
                }
            }
        }
        Ok(left)
    }
}
