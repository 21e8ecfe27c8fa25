//! Opens a database, makes sure that it is ours, and brings it up to date.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgPool, SqlitePool};

use crate::StoreError;
use crate::dispatch::{Pool, Store};
use crate::turns::PATIENCE;

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// An engine that was suspended or cut off in the middle of a transaction must not keep the others from taking over when
/// its lease of 15 seconds has run out.
const TIMEOUTS: [(&str, &str); 2] = [("idle_in_transaction_session_timeout", "10s"), ("lock_timeout", "20s")];

#[test]
fn whoever_is_silent_in_a_transaction_is_shown_out_before_a_lease_runs_out() {
    let seconds: u64 = TIMEOUTS[0].1.trim_end_matches('s').parse().expect("seconds");
    assert!(seconds < 15, "{seconds} s");
}

/// Connections that read a file of SQLite, and how many of them requests may hold at once.
const READERS: u32 = 6;
const REQUESTS: usize = 4;
/// The same of a server, where writers are among the connections.
const SERVER_CONNECTIONS: u32 = 10;
const SERVER_REQUESTS: usize = 5;
/// How often a file that somebody else opens at the same moment is tried, and the pause between two tries.
const OPENING_TRIES: u32 = 20;
const OPENING_PAUSE: Duration = Duration::from_millis(250);

/// "SHL1" in the header of our SQLite files, so that another program's file is never taken for ours.
pub(crate) const APPLICATION_ID: i64 = 0x5348_4c31;

impl Store {
    /// Opens `sqlite:PATH` or `postgres://...`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        match url.strip_prefix("sqlite:") {
            Some(path) => Self::open_sqlite(Path::new(path.trim_start_matches("//"))).await,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Self::open_postgres(url).await
            }
            None => Err(StoreError::Unopenable {
                path: shown(url),
                why: "the address is of no known kind".into(),
                next: "Use sqlite:PATH or postgres://USER@HOST/DATABASE.".into(),
            }),
        }
    }

    /// Opens a file, which is made when it is not there.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged signal survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What is deleted or redacted is overwritten, not only let go of.
            .pragma("secure_delete", "on")
            .busy_timeout(Duration::from_secs(10));
        if path.exists() {
            refuse_foreign(path).await?;
        } else {
            private(path);
        }
        let damaged = Arc::new(AtomicBool::new(false));
        let open = |most: u32, options: SqliteConnectOptions| {
            let damaged = Arc::clone(&damaged);
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(PATIENCE)
                .after_release(move |connection, _| {
                    // It would go on to answer from what it read of a damaged file after that was mended.
                    let is_stale = damaged.load(Ordering::Relaxed);
                    // A transaction that SQLite itself undid (a full disk) is one that cannot be rolled back any more; its
                    // connection would refuse every other one.
                    Box::pin(async move {
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction() && !is_stale)
                    })
                })
                .connect_with(options)
        };
        let mut tries = 1;
        let writer = loop {
            match open(1, options.clone()).await {
                Ok(writer) => break writer,
                // Who makes the file's log needs it alone for a moment, and SQLite waits for nobody there.
                Err(error) if is_locked(&error) && tries < OPENING_TRIES => tries += 1,
                Err(error) => return Err(unopenable(&path.display().to_string(), &error)),
            }
            tokio::time::sleep(OPENING_PAUSE).await;
        };
        // One process at a time: two that migrate at once would each find the other's tables made.
        let mut tx = writer.begin_with("begin immediate").await?;
        let fresh: i64 = sqlx::query_scalar("pragma application_id").fetch_one(&mut *tx).await?;
        if fresh == 0 {
            sqlx::query("pragma application_id = 1397247025").execute(&mut *tx).await?;
        }
        SQLITE.run_direct(None, &mut *tx, false).await.map_err(migration)?;
        tx.commit().await?;
        // What is begun for reading never writes: made to, it could not wait for its turn, and would fail where another one
        // has written meanwhile.
        let readers = open(READERS, options.pragma("query_only", "on")).await?;
        let mut store = Self::over(Pool::Sqlite(readers), Pool::Sqlite(writer), REQUESTS);
        store.damaged = damaged;
        store.put_missing_keys().await?;
        Ok(store)
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|error| unopenable(&shown(url), &error))?;
        // One connection first: the pool would only say that it waited.
        let tried = tokio::time::timeout(Duration::from_secs(10), options.connect()).await;
        match tried.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(connection) => connection.close().await?,
            Err(error) => return Err(unopenable(&shown(url), &error)),
        }
        let pool = PgPoolOptions::new()
            .max_connections(SERVER_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.application_name("selfheal").options(TIMEOUTS))
            .await
            .map_err(|error| unopenable(&shown(url), &error))?;
        refuse_foreign_schema(&pool, url).await?;
        POSTGRES.run(&pool).await.map_err(migration)?;
        let pool = Pool::Postgres(pool);
        let store = Self::over(pool.clone(), pool, SERVER_REQUESTS);
        store.put_missing_keys().await?;
        Ok(store)
    }
}

/// SQLITE_BUSY and SQLITE_LOCKED, with their extended codes.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i64>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Makes the file, so that only its owner may read it whatever the umask; what SQLite puts beside it gets the same mode.
/// Where it cannot be made, opening says why.
fn private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path);
}

/// Looks into an existing file without changing it.
async fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let shown = path.display().to_string();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().filename(path).read_only(true))
        .await
        .map_err(|error| unopenable(&shown, &error))?;
    let id: i64 = sqlx::query_scalar("pragma application_id")
        .fetch_one(&pool)
        .await
        .map_err(|error| unopenable(&shown, &error))?;
    let tables: i64 = sqlx::query_scalar("select count(*) from sqlite_master")
        .fetch_one(&pool)
        .await
        .map_err(|error| unopenable(&shown, &error))?;
    pool.close().await;
    if id == APPLICATION_ID || (id == 0 && tables == 0) { Ok(()) } else { Err(StoreError::Foreign { path: shown }) }
}

/// A schema that has tables of these names without our migrations is somebody else's.
async fn refuse_foreign_schema(pool: &PgPool, url: &str) -> Result<(), StoreError> {
    let (ours, theirs): (bool, bool) = sqlx::query_as(
        "select to_regclass('_sqlx_migrations') is not null,
                to_regclass('knowledge_patterns') is not null or to_regclass('incidents') is not null",
    )
    .fetch_one(pool)
    .await?;
    if theirs && !ours { Err(StoreError::Foreign { path: shown(url) }) } else { Ok(()) }
}

fn migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(migration) => StoreError::Newer { migration },
        other => StoreError::Migrate(other),
    }
}

fn unopenable(path: &str, error: &sqlx::Error) -> StoreError {
    let why = error.to_string();
    let next = if why.contains("not a database") || why.contains("malformed") {
        "The file is damaged: move it away and restore a backup."
    } else if why.contains("unable to open") || why.contains("readonly") {
        "Check that the folder exists and may be written to."
    } else if why.contains("refused") || why.contains("timed out") {
        "Check that the server runs and that the address is right."
    } else {
        "Check the address, the name and the password."
    };
    StoreError::Unopenable { path: path.to_owned(), why, next: next.to_owned() }
}

/// An address without its password.
pub fn shown_address(url: &str) -> String {
    shown(url)
}

fn shown(url: &str) -> String {
    // Parameters may hold a password too.
    let url = url.split('?').next().unwrap_or_default();
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let user = url[scheme + 3..at].split(':').next().unwrap_or_default();
            format!("{}://{user}@{}", &url[..scheme], &url[at + 1..])
        }
        _ => url.to_owned(),
    }
}

impl Store {
    /// A database in memory, for tests and dry runs.
    pub async fn in_memory() -> Result<Self, StoreError> {
        // One connection: each would have a database of its own.
        let pool: SqlitePool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await?;
        SQLITE.run(&pool).await.map_err(migration)?;
        let pool = Pool::Sqlite(pool);
        Ok(Self::over(pool.clone(), pool, tokio::sync::Semaphore::MAX_PERMITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, expected) in [
            ("postgres://ada:secret@db/x", "postgres://ada@db/x"),
            ("postgres://db/x", "postgres://db/x"),
            ("postgres://ada@db/x?password=secret", "postgres://ada@db/x"),
            ("postgres://ada:s@cret@db/x", "postgres://ada@db/x"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
