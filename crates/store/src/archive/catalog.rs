//! The tables of a database, read from the database itself.

use std::collections::BTreeMap;

use super::ArchiveError;
use crate::{Connection, StoreError, Tx};

/// Who heals is not history: a lease is its holder's, wherever the rows around it came from.
const LEASE: &str = "lease";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Tables whose rows this one's name.
    parents: Vec<String>,
    /// It numbers its rows by itself.
    pub numbered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    pub kind: Kind,
    /// Its place in the primary key, from 1; 0 where it has none.
    key: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Boolean,
    Text,
    /// Text on SQLite, which has no such type.
    Json,
}

impl Kind {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "integer" | "bigint" => Self::Integer,
            "boolean" => Self::Boolean,
            "text" => Self::Text,
            "jsonb" => Self::Json,
            _ => return None,
        })
    }
}

impl Table {
    /// What the rows are sorted by, so that equal tables are equal backups.
    pub fn order(&self) -> String {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        if key.is_empty() {
            key = self.columns.iter().collect();
        }
        key.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

const SQLITE_TABLES: &str = r"
    select name from sqlite_master
    where type = 'table' and name not like 'sqlite\_%' escape '\' and name <> '_sqlx_migrations'
    order by name";
const SQLITE_COLUMNS: &str = "select name, type, pk, 0 from pragma_table_info($1) order by cid";
const SQLITE_PARENTS: &str = r#"select distinct "table" from pragma_foreign_key_list($1)"#;
const SQLITE_SEQUENCES: &str = "select name, seq from sqlite_sequence order by name";

const POSTGRES_TABLES: &str = "
    select cast(table_name as text) from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> '_sqlx_migrations'
    order by 1";
const POSTGRES_COLUMNS: &str = "
    select cast(columns.column_name as text), cast(columns.data_type as text),
           cast(coalesce((
               select k.ordinal_position
               from information_schema.key_column_usage k
               join information_schema.table_constraints c using (constraint_schema, constraint_name)
               where c.constraint_type = 'PRIMARY KEY' and k.table_schema = columns.table_schema
                 and k.table_name = columns.table_name and k.column_name = columns.column_name), 0) as bigint),
           cast(case when columns.is_identity = 'YES' then 1 else 0 end as bigint)
    from information_schema.columns columns
    where columns.table_schema = current_schema() and columns.table_name = $1
    order by columns.ordinal_position";
const POSTGRES_PARENTS: &str = "
    select distinct cast(cast(confrelid as regclass) as text) from pg_constraint
    where contype = 'f' and conrelid = to_regclass($1)";
const POSTGRES_SEQUENCE: &str = "
    select coalesce(pg_sequence_last_value(cast(pg_get_serial_sequence($1, 'id') as regclass)), 0)";

const SCHEMA: &str = "select max(version) from _sqlx_migrations";

impl Tx {
    /// The latest migration.
    pub async fn schema(&mut self) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(SCHEMA).fetch_one(c)))
    }

    /// Every table but the lease, parents before their children.
    pub(super) async fn tables(&mut self) -> Result<Vec<Table>, StoreError> {
        let names: Vec<String> = match &mut self.connection {
            Connection::Sqlite(tx) => sqlx::query_scalar(SQLITE_TABLES).fetch_all(&mut **tx).await?,
            Connection::Postgres(tx) => sqlx::query_scalar(POSTGRES_TABLES).fetch_all(&mut **tx).await?,
        };
        let numbered = self.sequences_of_sqlite().await?;
        let mut tables = Vec::new();
        for name in names.into_iter().filter(|name| name != LEASE) {
            let columns: Vec<(String, String, i64, i64)> = match &mut self.connection {
                Connection::Sqlite(tx) => sqlx::query_as(SQLITE_COLUMNS).bind(&name).fetch_all(&mut **tx).await?,
                Connection::Postgres(tx) => sqlx::query_as(POSTGRES_COLUMNS).bind(&name).fetch_all(&mut **tx).await?,
            };
            let parents: Vec<String> = match &mut self.connection {
                Connection::Sqlite(tx) => sqlx::query_scalar(SQLITE_PARENTS).bind(&name).fetch_all(&mut **tx).await?,
                Connection::Postgres(tx) => {
                    sqlx::query_scalar(POSTGRES_PARENTS).bind(&name).fetch_all(&mut **tx).await?
                }
            };
            let identity = columns.iter().any(|(.., identity)| *identity == 1);
            let columns = columns
                .into_iter()
                .map(|(column, kind, key, _)| match Kind::parse(&kind) {
                    Some(kind) => Ok(Column { name: column, kind, key }),
                    None => Err(ArchiveError::Kind { what: format!("{name}.{column}"), kind }),
                })
                .collect::<Result<_, _>>()?;
            tables.push(Table { numbered: identity || numbered.contains_key(&name), name, columns, parents });
        }
        Ok(parents_first(tables))
    }

    /// The last number that each table gave to a row, also where the row is gone.
    pub(super) async fn sequences(&mut self, tables: &[Table]) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut sequences = self.sequences_of_sqlite().await?;
        if let Connection::Postgres(tx) = &mut self.connection {
            for table in tables.iter().filter(|table| table.numbered) {
                let last = sqlx::query_scalar(POSTGRES_SEQUENCE).bind(&table.name).fetch_one(&mut **tx).await?;
                sequences.insert(table.name.clone(), last);
            }
        }
        Ok(sequences)
    }

    async fn sequences_of_sqlite(&mut self) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows: Vec<(String, i64)> = match &mut self.connection {
            Connection::Sqlite(tx) => sqlx::query_as(SQLITE_SEQUENCES).fetch_all(&mut **tx).await?,
            Connection::Postgres(_) => Vec::new(),
        };
        Ok(rows.into_iter().collect())
    }
}

fn parents_first(mut tables: Vec<Table>) -> Vec<Table> {
    let mut sorted: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let known = |name: &String| sorted.iter().any(|table| table.name == *name);
        let ready = |table: &Table| table.parents.iter().all(|parent| known(parent) || *parent == table.name);
        // Two tables that name each other cannot be sorted; our schema has none.
        let next = tables.iter().position(ready).unwrap_or(0);
        let table = tables.remove(next);
        sorted.push(table);
    }
    sorted
}
