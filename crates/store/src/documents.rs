//! `pattern_documents`: the documents that people wrote of patterns, and what imports last brought.

use selfheal_core::knowledge::Pattern;
use selfheal_core::{PatternId, Timestamp};

use crate::patterns::PatternRow;
use crate::{StoreError, Tx};

/// A pattern with what is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptPattern {
    pub pattern: Pattern,
    /// A person's document of it, which may be older than the pattern.
    pub document: Option<String>,
    /// The digest of its content as it last came in by an import.
    pub imported_digest: Option<String>,
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    #[sqlx(flatten)]
    pattern: PatternRow,
    document: Option<String>,
    imported_digest: Option<String>,
}

impl From<KeptRow> for KeptPattern {
    fn from(row: KeptRow) -> Self {
        Self { pattern: row.pattern.into(), document: row.document, imported_digest: row.imported_digest }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select confidence, use_count, attempts, body, document, imported_digest
             from knowledge_patterns left join pattern_documents on pattern_id = id ",
            $rest
        )
    };
}

const ONE: &str = select!("where id = $1");
const ALL: &str = select!("order by id");
const AFTER: &str = select!("where id > $1 order by id limit $2");
const PUT: &str = "
    insert into pattern_documents (pattern_id, document, imported_digest, updated_at, updated_by)
    values ($1, $2, $3, $4, $5)
    on conflict (pattern_id) do update set
        document = excluded.document, imported_digest = excluded.imported_digest,
        updated_at = excluded.updated_at, updated_by = excluded.updated_by";
const REMOVE: &str = "delete from pattern_documents where pattern_id = $1";

impl Tx {
    pub async fn kept_pattern(&mut self, id: &PatternId) -> Result<Option<KeptPattern>, StoreError> {
        let row: Option<KeptRow> = on!(self, c => sqlx::query_as(ONE).bind(id.as_str()).fetch_optional(c));
        Ok(row.map(KeptPattern::from))
    }

    /// All patterns with their documents, by id.
    pub async fn kept_patterns(&mut self) -> Result<Vec<KeptPattern>, StoreError> {
        let rows: Vec<KeptRow> = on!(self, c => sqlx::query_as(ALL).fetch_all(c));
        Ok(rows.into_iter().map(KeptPattern::from).collect())
    }

    /// Patterns with their documents in the order of their ids, page by page.
    pub(crate) async fn kept_patterns_after(
        &mut self,
        after: Option<&PatternId>,
        limit: i64,
    ) -> Result<Vec<KeptPattern>, StoreError> {
        let after = after.map_or("", |id| id.as_str());
        let rows: Vec<KeptRow> = on!(self, c => sqlx::query_as(AFTER).bind(after).bind(limit).fetch_all(c));
        Ok(rows.into_iter().map(KeptPattern::from).collect())
    }

    /// Keeps a document and the digest of what came in, in place of what was kept before.
    pub async fn put_document(
        &mut self,
        id: &PatternId,
        document: Option<&str>,
        imported_digest: Option<&str>,
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(PUT).bind(id.as_str()).bind(document).bind(imported_digest).bind(at.as_micros()).bind(by)
        );
        Ok(())
    }

    pub(crate) async fn remove_document(&mut self, id: &PatternId) -> Result<(), StoreError> {
        execute!(self, sqlx::query(REMOVE).bind(id.as_str()));
        Ok(())
    }
}
