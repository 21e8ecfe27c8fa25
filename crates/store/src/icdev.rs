//! Reading `knowledge_patterns` of an existing ICDEV database. The file is opened read-only and as one that nobody changes,
//! so that nothing is written beside it either, and nothing of what it defines (views, triggers, virtual tables) is run.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use futures::TryStreamExt;
use selfheal_core::knowledge::{ForeignRow, ForeignValue, PACK_ENTRIES};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Column, ConnectOptions, Connection, Row, SqliteConnection, TypeInfo, ValueRef};

/// The first bytes of every SQLite file.
pub const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Bytes of one text that are taken over. Anything longer is no pattern.
const TEXT_BYTES: usize = 64 * 1024;
/// Columns of one row that are looked at.
const COLUMNS: usize = 200;

/// Why no patterns could be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum ForeignDatabaseError {
    #[error("it is no SQLite database")]
    NotADatabase,
    #[error("it is a database of Selfheal itself")]
    Ours,
    #[error("it has no table `knowledge_patterns`")]
    NoTable,
    #[error("its table `knowledge_patterns` has none of the columns that say how a failure looks")]
    NoColumns,
    #[error("its table `knowledge_patterns` has more than {PACK_ENTRIES} rows")]
    TooManyRows,
    #[error("it is damaged or no whole database: {0}")]
    Damaged(String),
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
}

/// Whether a file begins as every SQLite database does.
pub fn is_sqlite(file: &Path) -> std::io::Result<bool> {
    let mut magic = Vec::with_capacity(SQLITE_MAGIC.len());
    std::fs::File::open(file)?.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut magic)?;
    Ok(magic == SQLITE_MAGIC)
}

const TABLE: &str = "select coalesce(sql, '') from sqlite_master where type = 'table' and name = 'knowledge_patterns'";
// The columns are whatever the file has: each is looked up by its name.
const ROWS: &str = "select * from knowledge_patterns";

/// Columns of which at least one must be there.
const TELLING: [&str; 5] = ["pattern_type", "pattern_signature", "name", "detection_rule", "description"];

/// Reads every row of the table.
pub async fn read_icdev(file: &Path) -> Result<Vec<ForeignRow>, ForeignDatabaseError> {
    if !is_sqlite(file)? {
        return Err(ForeignDatabaseError::NotADatabase);
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on");
    let damaged = |error: sqlx::Error| ForeignDatabaseError::Damaged(words(&error));
    let mut connection = options.connect().await.map_err(damaged)?;
    let rows = rows(&mut connection).await;
    let _ = connection.close().await;
    rows
}

async fn rows(connection: &mut SqliteConnection) -> Result<Vec<ForeignRow>, ForeignDatabaseError> {
    let damaged = |error: sqlx::Error| ForeignDatabaseError::Damaged(words(&error));
    let id: i64 = sqlx::query_scalar("pragma application_id").fetch_one(&mut *connection).await.map_err(damaged)?;
    if id == crate::open::APPLICATION_ID {
        return Err(ForeignDatabaseError::Ours);
    }
    let table: Option<String> = sqlx::query_scalar(TABLE).fetch_optional(&mut *connection).await.map_err(damaged)?;
    // A virtual table is a program of the file's choice.
    if table.is_none_or(|sql| sql.trim_start().to_ascii_lowercase().starts_with("create virtual")) {
        return Err(ForeignDatabaseError::NoTable);
    }
    let mut found = Vec::new();
    let mut stream = sqlx::query(ROWS).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(damaged)? {
        if found.len() >= PACK_ENTRIES {
            return Err(ForeignDatabaseError::TooManyRows);
        }
        let values = values(&row);
        if found.is_empty() && !TELLING.iter().any(|column| values.contains_key(*column)) {
            return Err(ForeignDatabaseError::NoColumns);
        }
        found.push(ForeignRow { number: found.len() as u64 + 1, values });
    }
    Ok(found)
}

fn values(row: &SqliteRow) -> HashMap<String, ForeignValue> {
    let columns = row.columns().iter().take(COLUMNS);
    columns.map(|column| (column.name().to_ascii_lowercase(), value(row, column.ordinal()))).collect()
}

/// A value by the type that it has, which need not be the column's.
fn value(row: &SqliteRow, at: usize) -> ForeignValue {
    let Ok(raw) = row.try_get_raw(at) else { return ForeignValue::Null };
    if raw.is_null() {
        return ForeignValue::Null;
    }
    let kind = raw.type_info().name().to_owned();
    let bytes = || row.try_get_unchecked::<Vec<u8>, _>(at).unwrap_or_default();
    match kind.as_str() {
        "INTEGER" => row.try_get_unchecked(at).map_or(ForeignValue::Null, ForeignValue::Integer),
        "REAL" => row.try_get_unchecked(at).map_or(ForeignValue::Null, ForeignValue::Real),
        "TEXT" => {
            let mut bytes = bytes();
            bytes.truncate(TEXT_BYTES);
            ForeignValue::Text(String::from_utf8_lossy(&bytes).replace('\0', " "))
        }
        _ => ForeignValue::Blob(bytes().len()),
    }
}

/// What SQLite says, without the wrapping.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
