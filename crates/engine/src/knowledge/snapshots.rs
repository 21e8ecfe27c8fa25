//! Snapshots of the knowledge base: a start with many patterns reads one instead of taking every pattern apart.
//!
//! A snapshot is of one version of one database. It names the last audit entry of then: a database whose trail does not hold
//! that entry is an older or another one, and the snapshot says nothing of it.

use std::sync::{Arc, Mutex};

use selfheal_core::AuditId;
use selfheal_core::matching::KnowledgeBase;
use selfheal_store::{StoreError, Tx};

use super::Knowledge;
use crate::engine::lock;

/// Fewer patterns are taken apart as quickly.
const WORTH: usize = 1_000;
/// A snapshot is written anew when this share of the patterns has changed.
const OLD: usize = 10;

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The version of the knowledge base.
    pub version: i64,
    /// The last audit entry of then, and its hash.
    pub audit: (AuditId, String),
}

/// Where a snapshot is kept: in the home. Errors say why, in words.
pub trait Snapshots: Send + Sync {
    /// `None` where there is none of this database.
    fn load(&self) -> Result<Option<(Snapshot, KnowledgeBase)>, String>;
    /// Replaces the one that there is. A crash leaves the old one or the new one.
    fn store(&self, snapshot: &Snapshot, base: &KnowledgeBase) -> Result<(), String>;
    /// Removes the one that there is, if any.
    fn remove(&self) -> Result<(), String>;
}

/// When snapshots are read and written.
#[derive(Default)]
pub(super) struct Kept {
    snapshots: Mutex<Option<Arc<dyn Snapshots>>>,
    /// Patterns that changed since the last snapshot.
    changes: Mutex<usize>,
    writing: Mutex<Writing>,
}

/// One snapshot is written at a time; of those that wait for it only the newest is.
#[derive(Default)]
struct Writing {
    now: bool,
    next: Option<(Option<Snapshot>, Arc<KnowledgeBase>)>,
}

impl Kept {
    pub fn keep_in(&self, snapshots: Arc<dyn Snapshots>) {
        *lock(&self.snapshots) = Some(snapshots);
    }

    fn snapshots(&self) -> Option<Arc<dyn Snapshots>> {
        lock(&self.snapshots).clone()
    }

    /// The base as it was in the last snapshot, where that is of the database that the transaction sees.
    pub async fn load(&self, tx: &mut Tx) -> Result<Option<Knowledge>, StoreError> {
        let Some(snapshots) = self.snapshots() else { return Ok(None) };
        let loaded = tokio::task::spawn_blocking(move || snapshots.load()).await;
        let (snapshot, base) = match loaded {
            Ok(Ok(Some(loaded))) => loaded,
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(why)) => {
                tracing::warn!(why, "the snapshot of the knowledge base is not used; it is made anew");
                return Ok(None);
            }
            Err(_) => return Ok(None),
        };
        let (id, hash) = &snapshot.audit;
        if tx.audit_hash(*id).await?.as_ref() != Some(hash) {
            tracing::info!("the snapshot of the knowledge base is of another database or a later state of it");
            return Ok(None);
        }
        Ok(Some(Knowledge::holding(snapshot.version, base)))
    }

    /// Some patterns were taken up from the transaction's view.
    pub async fn changed(self: &Arc<Self>, tx: &mut Tx, base: &Knowledge, changes: usize) -> Result<(), StoreError> {
        let changes = {
            let mut sum = lock(&self.changes);
            *sum += changes;
            *sum
        };
        if changes >= WORTH.max(base.base().len() / OLD) { self.write(tx, base).await } else { Ok(()) }
    }

    /// Everything was read anew.
    pub async fn replaced(self: &Arc<Self>, tx: &mut Tx, base: &Knowledge) -> Result<(), StoreError> {
        self.write(tx, base).await
    }

    /// Writes a snapshot of what the transaction sees, beside whatever else goes on.
    async fn write(self: &Arc<Self>, tx: &mut Tx, base: &Knowledge) -> Result<(), StoreError> {
        let Some(snapshots) = self.snapshots() else { return Ok(()) };
        let newest = base.newest();
        let (audit, version) = (tx.audit_head().await?, tx.knowledge_version().await?);
        if newest.version != version {
            // Whoever took up what is newer leads here as well.
            return Ok(());
        }
        *lock(&self.changes) = 0;
        let worth = newest.base.len() >= WORTH;
        let snapshot = audit.filter(|_| worth).map(|audit| Snapshot { version, audit });
        let begin = {
            let mut writing = lock(&self.writing);
            writing.next = Some((snapshot, newest.base));
            !std::mem::replace(&mut writing.now, true)
        };
        if begin {
            let own = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                while let Some((snapshot, base)) = own.next() {
                    let done = match snapshot {
                        Some(snapshot) => snapshots.store(&snapshot, &base),
                        None => snapshots.remove(),
                    };
                    if let Err(why) = done {
                        tracing::warn!(why, "no snapshot of the knowledge base: the next start takes longer");
                    }
                }
            });
        }
        Ok(())
    }

    fn next(&self) -> Option<(Option<Snapshot>, Arc<KnowledgeBase>)> {
        let mut writing = lock(&self.writing);
        let next = writing.next.take();
        writing.now = next.is_some();
        next
    }
}
