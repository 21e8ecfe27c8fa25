//! One SQL text, two databases.
//!
//! Writers wait for each other in a line of this process (`turns.rs`), and behind that in the database's own way.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use selfheal_core::audit::Sealer;
use sqlx::{ConnectOptions, Connection as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::StoreError;
use crate::observe::{CommitObserver, Doing};
use crate::turns::{Turn, Turns};

/// The database of one home or team.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
    /// Where writing transactions run. A file of SQLite has one connection for them; those of `pool` only read there.
    pub(crate) writer: Pool,
    pub(crate) turns: Turns,
    /// Requests leave connections to the engine.
    for_requests: bool,
    /// Whether the file is known to be damaged: what a connection read of it is not kept then.
    pub(crate) damaged: Arc<AtomicBool>,
    observer: Option<Arc<dyn CommitObserver>>,
    sealer: Option<Arc<dyn Sealer>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction. Dropped without `commit`, it is undone.
#[derive(Debug)]
pub struct Tx {
    pub connection: Connection,
    /// What it did so far, where somebody observes the commits.
    doing: Option<Doing>,
    /// What seals the entries of the audit trail that it writes.
    pub(crate) sealer: Option<Arc<dyn Sealer>>,
    /// Given back after the connection, whose undoing comes first.
    _turn: Turn,
}

#[derive(Debug)]
pub enum Connection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one expression on the connection of whichever database this is. The expression is compiled for both.
macro_rules! on {
    ($tx:expr, $connection:ident => $run:expr) => {
        match &mut $tx.connection {
            $crate::Connection::Sqlite(tx) => {
                let $connection = &mut **tx;
                $run.await?
            }
            $crate::Connection::Postgres(tx) => {
                let $connection = &mut **tx;
                $run.await?
            }
        }
    };
}

/// Runs one statement that returns no rows, and gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $query:expr) => {
        match &mut $tx.connection {
            $crate::Connection::Sqlite(tx) => $query.execute(&mut **tx).await?.rows_affected(),
            $crate::Connection::Postgres(tx) => $query.execute(&mut **tx).await?.rows_affected(),
        }
    };
}

/// The advisory lock that makes PostgreSQL's writers wait for each other, as SQLite's do.
const WRITER_LOCK: i64 = 0x5345_4c46_4845_414c;

impl Store {
    /// A transaction that only reads: a consistent view.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let turn = if self.for_requests { self.turns.read().await? } else { Turn::default() };
        let connection = match &self.pool {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => {
                Connection::Postgres(pool.begin_with("begin isolation level repeatable read read only").await?)
            }
        };
        Ok(self.begun(connection, turn))
    }

    /// A transaction that writes. There is one at a time per database, so what it read stays true until it commits.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let turn = self.turns.write().await?;
        self.begin_write(turn).await
    }

    /// The same, and the next after the one that writes now, whoever waits in line: for what others rely on in time.
    pub async fn write_first(&self) -> Result<Tx, StoreError> {
        let turn = self.turns.write_first().await?;
        self.begin_write(turn).await
    }

    async fn begin_write(&self, turn: Turn) -> Result<Tx, StoreError> {
        let connection = match &self.writer {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.begin_with("begin immediate").await?),
            Pool::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("select pg_advisory_xact_lock($1)").bind(WRITER_LOCK).execute(&mut *tx).await?;
                Connection::Postgres(tx)
            }
        };
        Ok(self.begun(connection, turn))
    }

    fn begun(&self, connection: Connection, turn: Turn) -> Tx {
        Tx { connection, doing: self.observer.clone().map(Doing::new), sealer: self.sealer.clone(), _turn: turn }
    }

    /// The same database for those who ask from outside, of whom there may be any number: they read with some of the
    /// connections, so that the engine always finds one.
    #[must_use]
    pub fn for_requests(mut self) -> Self {
        self.for_requests = true;
        self
    }

    /// The same database, with somebody who is told of every commit before and after it happens. What tests of crashes
    /// look through; without it nothing is kept.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn CommitObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same database, in which each entry of the audit trail is sealed as it is written. Without it an entry says nothing of
    /// who wrote it.
    #[must_use]
    pub fn sealed_with(mut self, sealer: Arc<dyn Sealer>) -> Self {
        self.sealer = Some(sealer);
        self
    }

    /// `readers` is how many connections requests may read with at once.
    pub(crate) fn over(pool: Pool, writer: Pool, readers: usize) -> Self {
        let (turns, damaged) = (Turns::new(readers), Arc::default());
        Self { pool, writer, turns, for_requests: false, damaged, observer: None, sealer: None }
    }

    /// Whether engines on several hosts, each with a clock of its own, may share it.
    pub const fn is_shared(&self) -> bool {
        matches!(self.pool, Pool::Postgres(_))
    }

    /// For people: which kind of database this is.
    pub const fn kind(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "SQLite",
            Pool::Postgres(_) => "PostgreSQL",
        }
    }

    /// Waits until every connection is given back and closed. What an SQLite file says is then all in the file itself.
    pub async fn close(&self) {
        match &self.writer {
            Pool::Sqlite(pool) => {
                if let Pool::Sqlite(readers) = &self.pool {
                    readers.close().await;
                }
                pool.close().await;
                // The last connection to close puts the log into the file. Of two that close at once each may take the other
                // for the last.
                let options = pool.connect_options().as_ref().clone().create_if_missing(false);
                if let Ok(last) = options.connect().await {
                    let _ = last.close().await;
                }
            }
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub async fn commit(self) -> Result<(), StoreError> {
        if let Some(doing) = &self.doing {
            doing.before_commit();
        }
        match self.connection {
            Connection::Sqlite(tx) => tx.commit().await?,
            Connection::Postgres(tx) => tx.commit().await?,
        }
        if let Some(doing) = &self.doing {
            doing.after_commit();
        }
        Ok(())
    }

    /// Notes what was done, for whoever observes the commit.
    pub(crate) fn did(&mut self, what: crate::observe::Did) {
        if let Some(doing) = &mut self.doing {
            doing.note(what);
        }
    }
}
