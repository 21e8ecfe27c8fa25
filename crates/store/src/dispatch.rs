//! One SQL text, two databases.

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::StoreError;

/// The database of one home or team.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: Pool,
}

#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction. Dropped without `commit`, it is undone.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one expression on the connection of whichever database this is. The expression is compiled for both.
macro_rules! on {
    ($tx:expr, $connection:ident => $run:expr) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $run.await?
            }
            $crate::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $run.await?
            }
        }
    };
}

/// Runs one statement that returns no rows, and gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $query:expr) => {
        match $tx {
            $crate::Tx::Sqlite(tx) => $query.execute(&mut **tx).await?.rows_affected(),
            $crate::Tx::Postgres(tx) => $query.execute(&mut **tx).await?.rows_affected(),
        }
    };
}

/// The advisory lock that makes PostgreSQL's writers wait for each other, as SQLite's do.
const WRITER_LOCK: i64 = 0x5345_4c46_4845_414c;

impl Store {
    /// A transaction that only reads: a consistent view.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pool {
            Pool::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("begin isolation level repeatable read read only").await?)
            }
        })
    }

    /// A transaction that writes. There is one at a time per database, so what it read stays true until it commits.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pool {
            Pool::Sqlite(pool) => Tx::Sqlite(pool.begin_with("begin immediate").await?),
            Pool::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("select pg_advisory_xact_lock($1)").bind(WRITER_LOCK).execute(&mut *tx).await?;
                Tx::Postgres(tx)
            }
        })
    }

    /// For people: which kind of database this is.
    pub const fn kind(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "SQLite",
            Pool::Postgres(_) => "PostgreSQL",
        }
    }

    /// Waits until every connection is given back and closed.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
