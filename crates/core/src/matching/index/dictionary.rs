//! Terms as numbers.

use std::collections::HashMap;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    ids: HashMap<Arc<str>, u32>,
    terms: Vec<Arc<str>>,
}

impl Dictionary {
    pub fn get(&self, term: &str) -> Option<u32> {
        self.ids.get(term).copied()
    }

    pub fn intern(&mut self, term: &str) -> u32 {
        if let Some(id) = self.ids.get(term) {
            return *id;
        }
        let id = self.terms.len() as u32;
        let term: Arc<str> = term.into();
        self.terms.push(Arc::clone(&term));
        self.ids.insert(term, id);
        id
    }

    pub fn term(&self, id: u32) -> &str {
        self.terms.get(id as usize).map_or("", |term| term)
    }

    pub const fn len(&self) -> usize {
        self.terms.len()
    }
}
