//! Removes what has expired: hourly, by the leader, in small batches, so that no writer waits long.

use std::sync::Arc;

use selfheal_core::audit::NewEntry;
use selfheal_core::told::count;
use selfheal_core::{Span, Timestamp};
use selfheal_store::{Purged, StoreError, Tx};
use tokio::task::JoinHandle;

use crate::engine::{Engine, EngineError, lock};

const INTERVAL: Span = Span::from_minutes(60);
/// After a run that failed.
const AGAIN: Span = Span::from_minutes(1);
/// Rows of one transaction.
const BATCH: i64 = 500;

/// What one batch is about.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Facts,
    Signals,
    Minutes,
    Changes,
    Baselines,
}

impl Engine {
    /// Begins a run where the last one was long enough ago.
    pub(crate) fn purge_when_due(self: &Arc<Self>, now: Timestamp) -> Option<JoinHandle<()>> {
        {
            let mut last = lock(&self.purged);
            if last.is_some_and(|last| now < last + INTERVAL) {
                return None;
            }
            *last = Some(now);
        }
        let engine = Arc::clone(self);
        Some(tokio::spawn(async move {
            let problem = match engine.purge(now).await {
                Ok(_) => None,
                Err(error) => {
                    // Soon again; what was removed so far is kept in mind by the database.
                    *lock(&engine.purged) = Some(now - INTERVAL + AGAIN);
                    // Another engine leads, or a backup was restored: nothing is wrong.
                    (!matches!(error, EngineError::Store(StoreError::LeaseLost))).then(|| error.to_string())
                }
            };
            engine.problem("retention", problem);
        }))
    }

    /// One run: removes what has expired, and says in the audit trail how much that was.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, EngineError> {
        let retention = self.config().retention.clone();
        for (kind, closed) in [
            (Kind::Facts, retention.facts_before(now)),
            (Kind::Signals, retention.signals_before(now)),
            (Kind::Minutes, retention.metrics_before(now)),
            // A change has no incident that could be closed: it is evidence for as long as signals are.
            (Kind::Changes, retention.signals_before(now)),
            (Kind::Baselines, retention.metrics_before(now)),
        ] {
            let Some(closed) = closed else { continue };
            while self.purge_batch(kind, closed).await? {}
        }
        let mut tx = self.write_as_leader().await?;
        let purged = tx.take_purged(now).await?;
        if !purged.is_nothing() {
            tx.audit(NewEntry {
                at: now,
                event_type: "retention.purged",
                actor: "engine".into(),
                incident_id: None,
                pattern_id: None,
                confidence: None,
                action: None,
                target: None,
                result: format!(
                    "expired: {}, {} and {} of closed incidents, {} and {}",
                    count(purged.facts, "fact"),
                    count(purged.signals, "signal"),
                    count(purged.minutes, "minute of counts"),
                    count(purged.changes, "change"),
                    count(purged.baselines, "baseline")
                ),
                details: serde_json::json!({ "purged": purged, "retention": retention }),
            })
            .await?;
        }
        tx.commit().await?;
        Ok(purged)
    }

    /// One transaction. Returns whether there may be more.
    async fn purge_batch(&self, kind: Kind, closed: Timestamp) -> Result<bool, EngineError> {
        let mut tx = self.write_as_leader().await?;
        let purged = batch(&mut tx, kind, closed).await?;
        if purged.is_nothing() {
            return Ok(false);
        }
        // Kept in the same transaction, so that a run that is cut off is told by the next one.
        tx.add_purged(purged, self.now()).await?;
        tx.commit().await?;
        // Whoever waits to write goes first.
        tokio::task::yield_now().await;
        Ok(true)
    }
}

async fn batch(tx: &mut Tx, kind: Kind, closed: Timestamp) -> Result<Purged, EngineError> {
    Ok(match kind {
        Kind::Facts => Purged { facts: tx.purge_facts(closed, BATCH).await?, ..Purged::default() },
        Kind::Signals => tx.purge_signals(closed, BATCH).await?,
        Kind::Minutes => Purged { minutes: tx.purge_minutes(closed, BATCH).await?, ..Purged::default() },
        Kind::Changes => Purged { changes: tx.purge_changes(closed, BATCH).await?, ..Purged::default() },
        Kind::Baselines => Purged { baselines: tx.purge_baselines(closed, BATCH).await?, ..Purged::default() },
    })
}
