//! Puts a backup in the place of everything that is there, inside one transaction.

use std::io::Read;

use serde_json::Value;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Encode, Type};

use super::catalog::{Kind, Table};
use super::read::{Line, Reader};
use super::{ArchiveError, Manifest};
use crate::{Connection, StoreError, Tx};

const SQLITE_TRIGGERS: &str = "select name, sql from sqlite_master where type = 'trigger' and tbl_name in ('audit_trail', 'audit_checkpoints') order by name";
const SQLITE_RAISE: &str = "update sqlite_sequence set seq = $2 where name = $1 and seq < $2";
const SQLITE_BEGIN: &str = "
    insert into sqlite_sequence (name, seq) select $1, $2
    where not exists (select 1 from sqlite_sequence where name = $1)";
const POSTGRES_OFF: [&str; 2] =
    ["alter table audit_trail disable trigger user", "alter table audit_checkpoints disable trigger user"];
const POSTGRES_ON: [&str; 2] =
    ["alter table audit_trail enable trigger user", "alter table audit_checkpoints enable trigger user"];
const POSTGRES_RAISE: &str = "
    select setval(
        cast(pg_get_serial_sequence($1, 'id') as regclass),
        greatest($2, 1, coalesce(pg_sequence_last_value(cast(pg_get_serial_sequence($1, 'id') as regclass)), 1)))";

impl Tx {
    /// Replaces every row of every table but the lease by those of a backup that was checked. Numbers that were given out
    /// here stay given out, so that nothing that is still in somebody's hands comes to mean something else.
    pub async fn replace_all(&mut self, archive: impl Read + Send) -> Result<(), StoreError> {
        let tables = self.tables().await?;
        let triggers = self.open_the_trail().await?;
        for table in tables.iter().rev() {
            execute!(self, sqlx::query(AssertSqlSafe(format!("delete from {}", table.name))));
        }
        let (_, mut reader) = Reader::open(archive)?;
        let mut into: Option<Insert> = None;
        let manifest = loop {
            match reader.next()? {
                Line::Table { name, columns } => {
                    into = Some(Insert::new(
                        &tables,
                        &name,
                        &columns,
                        matches!(self.connection, Connection::Postgres(_)),
                    )?);
                }
                Line::Row(values) => {
                    let insert = into.as_ref().ok_or(ArchiveError::CutOff)?;
                    execute!(self, insert.bind(sqlx::query(AssertSqlSafe(insert.sql.clone())), &values)?);
                }
                Line::End(manifest) => break manifest,
            }
        };
        self.close_the_trail(triggers).await?;
        self.raise_sequences(&tables, &manifest).await
    }

    /// Takes away what keeps the audit trail and its checkpoints from being shortened, inside this transaction only. What is returned puts it
    /// back.
    async fn open_the_trail(&mut self) -> Result<Vec<String>, StoreError> {
        match &mut self.connection {
            Connection::Sqlite(tx) => {
                let triggers: Vec<(String, String)> = sqlx::query_as(SQLITE_TRIGGERS).fetch_all(&mut **tx).await?;
                for (name, _) in &triggers {
                    sqlx::query(AssertSqlSafe(format!("drop trigger {name}"))).execute(&mut **tx).await?;
                }
                Ok(triggers.into_iter().map(|(_, sql)| sql).collect())
            }
            Connection::Postgres(tx) => {
                for statement in POSTGRES_OFF {
                    sqlx::query(statement).execute(&mut **tx).await?;
                }
                Ok(POSTGRES_ON.map(str::to_owned).to_vec())
            }
        }
    }

    async fn close_the_trail(&mut self, statements: Vec<String>) -> Result<(), StoreError> {
        for statement in statements {
            execute!(self, sqlx::query(AssertSqlSafe(statement.clone())));
        }
        Ok(())
    }

    async fn raise_sequences(&mut self, tables: &[Table], manifest: &Manifest) -> Result<(), StoreError> {
        for table in tables.iter().filter(|table| table.numbered || manifest.sequences.contains_key(&table.name)) {
            if table.column("id").is_none() {
                continue;
            }
            let sql = format!("select coalesce(max(id), 0) from {}", table.name);
            let highest: i64 = on!(self, c => sqlx::query_scalar(AssertSqlSafe(sql.clone())).fetch_one(c));
            let last = manifest.sequences.get(&table.name).copied().unwrap_or_default().max(highest);
            match &mut self.connection {
                Connection::Sqlite(tx) => {
                    for statement in [SQLITE_RAISE, SQLITE_BEGIN] {
                        sqlx::query(statement).bind(&table.name).bind(last).execute(&mut **tx).await?;
                    }
                }
                Connection::Postgres(tx) => {
                    sqlx::query(POSTGRES_RAISE).bind(&table.name).bind(last).execute(&mut **tx).await?;
                }
            }
        }
        Ok(())
    }
}

/// How the rows of one table are put in.
struct Insert {
    sql: String,
    kinds: Vec<Kind>,
    /// PostgreSQL holds no NUL. The audit trail is left as it is: its hashes cover every byte.
    without_nul: bool,
}

impl Insert {
    fn new(tables: &[Table], name: &str, columns: &[String], postgres: bool) -> Result<Self, ArchiveError> {
        let unknown = |what: String| ArchiveError::Unknown { what };
        let table =
            tables.iter().find(|table| table.name == name).ok_or_else(|| unknown(format!("the table {name}")))?;
        let kinds = columns
            .iter()
            .map(|column| table.column(column).map(|column| column.kind))
            .map(|kind| kind.ok_or_else(|| unknown(format!("a column of {name}"))))
            .collect::<Result<Vec<_>, _>>()?;
        let places: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(i, kind)| match kind {
                Kind::Json => format!("cast(${} as jsonb)", i + 1),
                _ => format!("${}", i + 1),
            })
            .collect();
        // The numbers are those of the backup, not the next ones.
        let overriding = if postgres { " overriding system value" } else { "" };
        let sql = format!("insert into {name} ({}){overriding} values ({})", columns.join(", "), places.join(", "));
        Ok(Self { sql, kinds, without_nul: postgres && name != "audit_trail" })
    }

    fn bind<'q, DB: Database>(
        &self,
        query: Query<'q, DB, DB::Arguments>,
        values: &[Value],
    ) -> Result<Query<'q, DB, DB::Arguments>, ArchiveError>
    where
        Option<i64>: Encode<'q, DB> + Type<DB>,
        Option<bool>: Encode<'q, DB> + Type<DB>,
        Option<String>: Encode<'q, DB> + Type<DB>,
    {
        let mut query = query;
        for (kind, value) in self.kinds.iter().zip(values) {
            query = match kind {
                Kind::Integer => query.bind(value.as_i64()),
                Kind::Boolean => query.bind(value.as_bool()),
                Kind::Text => query.bind(value.as_str().map(|text| self.text(text))),
                Kind::Json => query.bind(value.as_str().map(|text| self.json(text)).transpose()?),
            };
        }
        Ok(query)
    }

    fn text(&self, text: &str) -> String {
        if self.without_nul { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
    }

    fn json(&self, text: &str) -> Result<String, ArchiveError> {
        if !self.without_nul || !text.contains("\\u0000") {
            return Ok(text.to_owned());
        }
        let damaged = |error: serde_json::Error| ArchiveError::Damaged { line: 0, why: error.to_string() };
        let mut value: Value = serde_json::from_str(text).map_err(damaged)?;
        without_nul(&mut value);
        Ok(value.to_string())
    }
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(values) => values.iter_mut().for_each(without_nul),
        Value::Object(fields) => fields.values_mut().for_each(without_nul),
        _ => {}
    }
}
