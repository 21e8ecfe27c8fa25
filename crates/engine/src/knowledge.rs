//! The knowledge base in memory, kept up to date by what changed since it was last looked at.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use selfheal_core::PatternId;
use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::{KnowledgeBase, PatternMatch, Query};
use selfheal_store::{KnowledgeChanges, StoreError, Tx};

use crate::engine::lock;

/// A knowledge base that is read while it is edited. What it says is that of its newest version: whoever acts on it looks
/// at the version again before.
#[derive(Debug)]
pub struct Knowledge {
    base: RwLock<Versioned>,
}

#[derive(Debug)]
struct Versioned {
    version: i64,
    base: KnowledgeBase,
}

impl Knowledge {
    /// The patterns of the store, without those whose rule cannot be used.
    pub(crate) fn of(version: i64, patterns: Vec<Pattern>) -> Self {
        let (base, problems) = KnowledgeBase::new(patterns);
        problems.into_iter().for_each(warn);
        Self { base: RwLock::new(Versioned { version, base }) }
    }

    pub fn rank(&self, query: &Query<'_>, top: usize) -> Vec<PatternMatch> {
        self.read(|base| base.rank(query, top))
    }

    pub fn pattern(&self, id: &PatternId) -> Option<Arc<Pattern>> {
        self.read(|base| base.pattern(id).cloned())
    }

    /// Looks at one version of the base. Edits wait meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&KnowledgeBase) -> T) -> T {
        look(&self.base.read().unwrap_or_else(PoisonError::into_inner).base)
    }

    fn version(&self) -> i64 {
        self.base.read().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Takes up what changed between the version that it had and this one. Another task may have done so before.
    fn catch_up(&self, from: i64, to: i64, changed: Vec<(PatternId, Option<Pattern>)>) {
        let mut own = self.base.write().unwrap_or_else(PoisonError::into_inner);
        if own.version != from {
            return;
        }
        for (id, pattern) in changed {
            match pattern {
                Some(pattern) => own.base.insert(pattern).unwrap_or_else(warn),
                None => drop(own.base.remove(&id)),
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
}

impl KnowledgeCache {
    pub fn forget(&self) {
        *lock(&self.shared) = None;
    }

    /// The knowledge base, at least as new as the transaction sees it. Not for a transaction that changed the knowledge
    /// base itself: what it changed may be undone.
    pub async fn get(&self, tx: &mut Tx) -> Result<Arc<Knowledge>, StoreError> {
        let version = tx.knowledge_version().await?;
        let shared = lock(&self.shared).clone();
        if let Some(shared) = shared {
            let own = shared.version();
            // A newer one than this transaction sees: whoever acts on it finds that the version is another.
            if own >= version {
                return Ok(shared);
            }
            if let KnowledgeChanges::Patterns(changed) = tx.knowledge_changes(own).await? {
                shared.catch_up(own, version, changed);
                return Ok(shared);
            }
        }
        let read = Arc::new(Knowledge::of(version, tx.patterns().await?));
        *lock(&self.shared) = Some(Arc::clone(&read));
        Ok(read)
    }
}
