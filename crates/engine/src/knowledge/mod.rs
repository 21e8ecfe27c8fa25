//! The knowledge base in memory, kept up to date by what changed since it was last looked at.

mod snapshots;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use selfheal_core::PatternId;
use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::{KnowledgeBase, PatternMatch, Query};
use selfheal_store::{KnowledgeChanges, StoreError, Tx};

use crate::engine::lock;
use snapshots::Kept;
pub use snapshots::{Snapshot, Snapshots};

/// A knowledge base that is read while it is edited. What it says is that of its newest version: whoever acts on it looks
/// at the version again before.
#[derive(Debug)]
pub struct Knowledge {
    newest: RwLock<Versioned>,
}

#[derive(Clone, Debug)]
struct Versioned {
    version: i64,
    base: Arc<KnowledgeBase>,
}

impl Knowledge {
    /// The patterns of the store, without those whose rule cannot be used.
    pub(crate) fn of(version: i64, patterns: Vec<Pattern>) -> Self {
        let (base, problems) = KnowledgeBase::new(patterns);
        problems.into_iter().for_each(warn);
        Self::holding(version, base)
    }

    fn holding(version: i64, base: KnowledgeBase) -> Self {
        Self { newest: RwLock::new(Versioned { version, base: Arc::new(base) }) }
    }

    pub fn rank(&self, query: &Query<'_>, top: usize) -> Vec<PatternMatch> {
        self.base().rank(query, top)
    }

    pub fn pattern(&self, id: &PatternId) -> Option<Arc<Pattern>> {
        self.base().pattern(id).cloned()
    }

    /// Looks at one version of the base, however long that takes: edits do not wait for it.
    pub fn read<T>(&self, look: impl FnOnce(&KnowledgeBase) -> T) -> T {
        look(&self.base())
    }

    /// The newest version of the base. While somebody holds it, an edit is made in a copy.
    pub fn base(&self) -> Arc<KnowledgeBase> {
        self.newest().base
    }

    fn newest(&self) -> Versioned {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A pattern could not be read from the snapshot that this came from.
    pub fn is_unreadable(&self) -> bool {
        self.base().is_unreadable()
    }

    fn version(&self) -> i64 {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Takes up what has changed since some version, as it is in a later one. Another task may have taken up a part of it
    /// before, or even more.
    fn catch_up(&self, to: i64, changed: Vec<(PatternId, Option<Pattern>)>) {
        let mut own = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        if own.version >= to {
            return;
        }
        let base = Arc::make_mut(&mut own.base);
        for (id, pattern) in changed {
            match pattern {
                Some(pattern) => base.insert(pattern).unwrap_or_else(warn),
                None => drop(base.remove(&id)),
            }
        }
        own.version = to;
    }
}

fn warn(problem: String) {
    tracing::warn!(problem, "knowledge base");
}

#[derive(Default)]
pub struct KnowledgeCache {
    shared: Mutex<Option<Arc<Knowledge>>>,
    kept: Arc<Kept>,
}

impl KnowledgeCache {
    pub fn forget(&self) {
        *lock(&self.shared) = None;
    }

    /// Starts from snapshots, and writes them.
    pub fn keep_in(&self, snapshots: Arc<dyn Snapshots>) {
        self.kept.keep_in(snapshots);
    }

    /// The knowledge base, at least as new as the transaction sees it. Not for a transaction that changed the knowledge
    /// base itself: what it changed may be undone.
    pub async fn get(&self, tx: &mut Tx) -> Result<Arc<Knowledge>, StoreError> {
        let version = tx.knowledge_version().await?;
        let mut shared = lock(&self.shared).clone();
        if shared.is_none()
            && let Some(loaded) = self.kept.load(tx).await?
        {
            shared = Some(self.share(loaded));
        }
        if let Some(shared) = shared.filter(|shared| !shared.is_unreadable()) {
            let own = shared.version();
            // A newer one than this transaction sees: whoever acts on it finds that the version is another.
            if own >= version {
                return Ok(shared);
            }
            if let KnowledgeChanges::Patterns(changed) = tx.knowledge_changes(own).await? {
                let changes = changed.len();
                shared.catch_up(version, changed);
                self.kept.changed(tx, &shared, changes).await?;
                return Ok(shared);
            }
        }
        let read = self.share(Knowledge::of(version, tx.patterns().await?));
        self.kept.replaced(tx, &read).await?;
        Ok(read)
    }

    fn share(&self, knowledge: Knowledge) -> Arc<Knowledge> {
        let shared = Arc::new(knowledge);
        *lock(&self.shared) = Some(Arc::clone(&shared));
        shared
    }
}
