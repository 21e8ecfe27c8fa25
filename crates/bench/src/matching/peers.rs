//! The search libraries we are measured beside.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bm25::{Document as Text, SearchEngine, SearchEngineBuilder, Tokenizer};
use selfheal_core::knowledge::Pattern;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, STRING, Schema, TEXT, Value};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term, doc};

use super::data::{Data, text};
use super::subject::Subject;

/// tantivy with one segment and one field: the fastest way it can be asked for the best 10.
pub struct Tantivy {
    id: Field,
    body: Field,
    index: Index,
    writer: Option<IndexWriter>,
    reader: IndexReader,
}

impl Tantivy {
    pub fn new(data: &Data) -> anyhow::Result<Self> {
        Self::filled(Index::create_in_ram(schema()), data)
    }

    /// Makes an index in a folder of its own, whose name it returns.
    pub fn on_disk(folder: &Path, data: &Data) -> anyhow::Result<PathBuf> {
        let folder = folder.join("tantivy");
        std::fs::create_dir(&folder)?;
        Self::filled(Index::create_in_dir(&folder, schema())?, data)?;
        Ok(folder)
    }

    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        Self::of(Index::open_in_dir(folder)?)
    }

    fn of(index: Index) -> anyhow::Result<Self> {
        let (id, body) = (index.schema().get_field("id")?, index.schema().get_field("body")?);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { id, body, index, writer: None, reader })
    }

    fn filled(index: Index, data: &Data) -> anyhow::Result<Self> {
        let mut own = Self::of(index)?;
        let mut writer: IndexWriter = own.index.writer_with_num_threads(1, 100_000_000)?;
        for pattern in data.all() {
            writer.add_document(doc!(own.id => pattern.id.as_str(), own.body => text(&pattern)))?;
        }
        writer.commit()?;
        let segments = own.index.searchable_segment_ids()?;
        if segments.len() > 1 {
            writer.merge(&segments).wait()?;
        }
        own.reader.reload()?;
        own.writer = Some(writer);
        Ok(own)
    }

    /// The best 10, by their id.
    pub fn found(&self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        let mut distinct: Vec<&String> = Vec::with_capacity(terms.len());
        for term in terms {
            if !distinct.contains(&term) {
                distinct.push(term);
            }
        }
        let clause = |term: &&String| -> (Occur, Box<dyn Query>) {
            let term = Term::from_field_text(self.body, term);
            (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
        };
        let query = BooleanQuery::new(distinct.iter().map(clause).collect());
        let searcher = self.reader.searcher();
        let found = searcher.search(&query, &TopDocs::with_limit(10).order_by_score())?;
        found
            .into_iter()
            .map(|(_, at)| {
                let document: TantivyDocument = searcher.doc(at)?;
                Ok(document.get_first(self.id).and_then(|id| id.as_str()).unwrap_or_default().to_owned())
            })
            .collect()
    }
}

fn schema() -> Schema {
    let mut schema = Schema::builder();
    schema.add_text_field("id", STRING | STORED);
    schema.add_text_field("body", TEXT);
    schema.build()
}

impl Subject for Tantivy {
    fn name(&self) -> &'static str {
        "tantivy"
    }

    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        self.found(terms)
    }

    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        let writer = self.writer.as_mut().context("an index that is only read")?;
        writer.delete_term(Term::from_field_text(self.id, pattern.id.as_str()));
        writer.add_document(doc!(self.id => pattern.id.as_str(), self.body => text(pattern)))?;
        writer.commit()?;
        self.reader.reload()?;
        Ok(())
    }
}

/// The bm25 crate, given the words ready split.
pub struct Bm25Crate(SearchEngine<String, u32, Words>);

#[derive(Default)]
struct Words;

impl Tokenizer for Words {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split(' ').map(ToOwned::to_owned).collect()
    }
}

impl Bm25Crate {
    pub fn new(data: &Data) -> Self {
        let documents = data.all().map(|pattern| Text::new(pattern.id.to_string(), text(&pattern)));
        Self(SearchEngineBuilder::with_tokenizer_and_documents(Words, documents).build())
    }
}

impl Subject for Bm25Crate {
    fn name(&self) -> &'static str {
        "bm25 crate"
    }

    fn search(&mut self, terms: &[String]) -> anyhow::Result<Vec<String>> {
        Ok(self.0.search(&terms.join(" "), 10).into_iter().map(|found| found.document.id).collect())
    }

    fn edit(&mut self, pattern: &Pattern) -> anyhow::Result<()> {
        self.0.upsert(Text::new(pattern.id.to_string(), text(pattern)));
        Ok(())
    }
}
