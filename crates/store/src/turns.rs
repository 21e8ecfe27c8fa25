//! Whose turn it is: writers come one after another in the order in which they asked, and requests leave room for the engine.
//!
//! SQLite itself lets its writers try again and again until one of them gives up, in no order: under load one of them is
//! passed over until it fails with "database is locked", and while they try they hold every connection. Here they wait in a
//! line without a connection. One place beside the line is for what must not be late: the lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;

/// How long anybody waits for a turn: longer than the database itself waits for another process that holds it (`open.rs`), so that
/// whoever comes after one that waited in vain is told why by the database.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Debug)]
pub(crate) struct Turns {
    /// Where writers wait. Only its head asks for the writer's place, so that who does not wait in line is next.
    line: Arc<Semaphore>,
    writer: Arc<Semaphore>,
    /// Connections that requests may read with at once: fewer than there are.
    readers: Arc<Semaphore>,
}

/// Held for as long as a transaction lives.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    _held: [Option<OwnedSemaphorePermit>; 2],
}

impl Turns {
    pub fn new(readers: usize) -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self { line: of(1), writer: of(1), readers: of(readers) }
    }

    pub async fn read(&self) -> Result<Turn, StoreError> {
        Ok(Turn { _held: [Some(next(&self.readers).await?), None] })
    }

    pub async fn write(&self) -> Result<Turn, StoreError> {
        let place = next(&self.line).await?;
        // The line goes on with the end of the transaction: until then this one stands at its head.
        Ok(Turn { _held: [Some(next(&self.writer).await?), Some(place)] })
    }

    /// The next turn, whoever stands in line.
    pub async fn write_first(&self) -> Result<Turn, StoreError> {
        Ok(Turn { _held: [Some(next(&self.writer).await?), None] })
    }
}

async fn next(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    // The semaphores are never closed.
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(places).acquire_owned()).await;
    turn.ok().and_then(Result::ok).ok_or(StoreError::Busy)
}
