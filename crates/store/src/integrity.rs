//! Whether the file is whole.

use std::sync::atomic::Ordering;

use sqlx::{ConnectOptions, Connection};

use crate::dispatch::Pool;
use crate::{Store, StoreError, Tx};

/// Changes no row.
const NO_WRITE: &str = "delete from checkpoints where source is null";
const CHECK: &str = "pragma quick_check(1)";

impl Store {
    /// What is wrong with the database's file, if anything is. PostgreSQL looks after its own.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let Pool::Sqlite(pool) = &self.pool else { return Ok(None) };
        let options = pool.connect_options();
        if options.get_filename().as_os_str().is_empty() || options.get_filename().to_string_lossy() == ":memory:" {
            return Ok(None);
        }
        // A connection of its own: the others would answer from what they read before the damage.
        let looked = async {
            let mut connection = options.as_ref().clone().read_only(true).create_if_missing(false).connect().await?;
            let found: String = sqlx::query_scalar(CHECK).fetch_one(&mut connection).await?;
            connection.close().await?;
            Ok::<_, sqlx::Error>(found)
        };
        let damage = match looked.await {
            Ok(found) if found == "ok" => None,
            Ok(found) => Some(found.lines().next_back().unwrap_or_default().to_owned()),
            Err(error) => match StoreError::from(error) {
                damage if damage.is_damage() => Some(damage.to_string()),
                other => return Err(other),
            },
        };
        self.damaged.store(damage.is_some(), Ordering::Relaxed);
        Ok(damage)
    }
}

impl Tx {
    /// Fails where nothing can be written. A transaction alone does not tell: on a disk that may only be read, SQLite lets it
    /// begin.
    pub async fn try_write(&mut self) -> Result<(), StoreError> {
        execute!(self, sqlx::query(NO_WRITE));
        Ok(())
    }
}

impl StoreError {
    /// Whether only a damaged file explains it.
    pub fn is_damage(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
        let sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
        sqlite
            && error.code().and_then(|code| code.parse::<i64>().ok()).is_some_and(|code| matches!(code & 0xff, 11 | 26))
    }

    /// Whether the file or its folder may only be read.
    pub fn is_read_only(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        let sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
        // SQLITE_READONLY and SQLITE_CANTOPEN.
        sqlite
            && error.code().and_then(|code| code.parse::<i64>().ok()).is_some_and(|code| matches!(code & 0xff, 8 | 14))
    }

    /// Whether the database could not do its work, as opposed to a mistake of ours: it may go when tried again.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Database(_) | Self::Unopenable { .. } | Self::Busy)
    }
}
