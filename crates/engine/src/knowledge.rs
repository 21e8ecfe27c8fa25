//! A compiled copy of the knowledge base, made anew when the stored one has changed.

use std::sync::{Arc, Mutex};

use selfheal_core::matching::KnowledgeBase;
use selfheal_store::{StoreError, Tx};

use crate::engine::lock;

#[derive(Default)]
pub struct KnowledgeCache {
    compiled: Mutex<Option<(i64, Arc<KnowledgeBase>)>>,
}

impl KnowledgeCache {
    pub fn forget(&self) {
        *lock(&self.compiled) = None;
    }

    pub async fn get(&self, tx: &mut Tx) -> Result<Arc<KnowledgeBase>, StoreError> {
        let version = tx.knowledge_version().await?;
        if let Some((compiled, base)) = &*lock(&self.compiled)
            && *compiled == version
        {
            return Ok(Arc::clone(base));
        }
        let (base, problems) = KnowledgeBase::new(tx.patterns().await?);
        for problem in problems {
            tracing::warn!(problem, "knowledge base");
        }
        let base = Arc::new(base);
        *lock(&self.compiled) = Some((version, Arc::clone(&base)));
        Ok(base)
    }
}
