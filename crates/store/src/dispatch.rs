//! One SQL text, two databases.

use std::sync::Arc;

use sqlx::{ConnectOptions, Connection as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::StoreError;
use crate::observe::{CommitObserver, Doing};

/// The database of one home or team.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
    observer: Option<Arc<dyn CommitObserver>>,
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
        Ok(self.begun(match &self.pool {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => {
                Connection::Postgres(pool.begin_with("begin isolation level repeatable read read only").await?)
            }
        }))
    }

    /// A transaction that writes. There is one at a time per database, so what it read stays true until it commits.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(self.begun(match &self.pool {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.begin_with("begin immediate").await?),
            Pool::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("select pg_advisory_xact_lock($1)").bind(WRITER_LOCK).execute(&mut *tx).await?;
                Connection::Postgres(tx)
            }
        }))
    }

    fn begun(&self, connection: Connection) -> Tx {
        Tx { connection, doing: self.observer.clone().map(Doing::new) }
    }

    /// The same database, with somebody who is told of every commit before and after it happens. What tests of crashes
    /// look through; without it nothing is kept.
    #[must_use]
    pub fn observed(mut self, observer: Arc<dyn CommitObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    pub(crate) const fn over(pool: Pool) -> Self {
        Self { pool, observer: None }
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
        match &self.pool {
            Pool::Sqlite(pool) => {
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
