//! What is measured: something that holds patterns, can be searched and edited.

use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::KnowledgeBase;
use selfheal_core::matching::index::{FieldSpec, Index};

use super::data::{Data, text};

pub trait Subject {
    fn name(&self) -> &'static str;

    /// The best 10, by their id, best first.
    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>>;

    /// Puts a pattern in the place of the one of the same id, so that the next search sees it.
    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()>;
}

/// How to make one.
pub type Make = fn(&Data) -> anyhow::Result<Box<dyn Subject>>;

/// Every subject, ours first; a name chooses it in a process of its own.
pub const SUBJECTS: &[(&str, Make)] = &[
    ("base", |data| Ok(Box::new(Base(KnowledgeBase::new(data.all()).0)))),
    ("index", |data| {
        let mut index = Index::new(ONE);
        for pattern in data.all() {
            index.insert(pattern.id.as_str(), [(0, text(&pattern).as_str())])?;
        }
        index.compact();
        Ok(Box::new(OneField(index)))
    }),
    #[cfg(feature = "peers")]
    ("tantivy", |data| Ok(Box::new(super::peers::Tantivy::new(data)?))),
    ("fts5", |data| Ok(Box::new(super::fts5::Fts5::new(data)?))),
    #[cfg(feature = "peers")]
    ("bm25", |data| Ok(Box::new(super::peers::Bm25Crate::new(data)))),
];

const ONE: &[FieldSpec] = &[FieldSpec { name: "text", weight: 1.0 }];

struct Base(KnowledgeBase);

impl Subject for Base {
    fn name(&self) -> &'static str {
        "selfheal, 4 weighted fields"
    }

    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        Ok(self.0.search(terms, 10).into_iter().map(|(pattern, _)| pattern.id.to_string()).collect())
    }

    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        self.0.insert(pattern.clone()).map_err(anyhow::Error::msg)
    }
}

struct OneField(Index);

impl Subject for OneField {
    fn name(&self) -> &'static str {
        "selfheal, one field, no bodies"
    }

    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        let hits = self.0.top(&self.0.terms(terms), 10, |_| true);
        Ok(hits.iter().filter_map(|hit| self.0.key(hit.slot).map(ToOwned::to_owned)).collect())
    }

    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        self.0.insert(pattern.id.as_str(), [(0, text(pattern).as_str())])?;
        if self.0.is_sparse() {
            self.0.compact();
        }
        Ok(())
    }
}
