//! `knowledge_patterns` and `confidence_history`.

use selfheal_core::knowledge::{Pattern, PatternStatus};
use selfheal_core::{BasisPoints, EventId, Learned, PatternId, Timestamp};
use sqlx::types::Json;

use crate::{StoreError, Tx};

/// The columns stand beside the body for people and for the limits the database checks; the columns win.
#[derive(sqlx::FromRow)]
pub(crate) struct PatternRow {
    pub confidence: i64,
    pub use_count: i64,
    pub attempts: i64,
    #[sqlx(json)]
    pub body: Pattern,
}

impl From<PatternRow> for Pattern {
    fn from(row: PatternRow) -> Self {
        Self {
            confidence: BasisPoints::saturating(row.confidence as u32),
            use_count: row.use_count as u32,
            attempts: row.attempts as u32,
            ..row.body
        }
    }
}

/// One step of a pattern's confidence.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ConfidenceStep {
    #[sqlx(try_from = "i64")]
    pub at: Timestamp,
    pub before: i64,
    pub after: i64,
    pub uses: i64,
    pub reason: String,
}

/// How many patterns there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct PatternCounts {
    pub patterns: i64,
    pub active: i64,
    pub drafts: i64,
    pub auto_healable: i64,
}

const UPSERT: &str = "
    insert into knowledge_patterns
        (id, name, project, service, confidence, use_count, attempts, auto_healable, status, body, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (id) do update set
        name = excluded.name, project = excluded.project, service = excluded.service,
        confidence = excluded.confidence, use_count = excluded.use_count, attempts = excluded.attempts,
        auto_healable = excluded.auto_healable, status = excluded.status, body = excluded.body,
        updated_at = excluded.updated_at";
const ALL: &str = "select confidence, use_count, attempts, body from knowledge_patterns order by id";
const WITH_STATUS: &str =
    "select confidence, use_count, attempts, body from knowledge_patterns where status = $1 order by id";
const SAYING: &str = "
    select confidence, use_count, attempts, body from knowledge_patterns
    where status = 'active' and cast(body as text) like $1 order by id limit $2";
const ONE: &str = "select confidence, use_count, attempts, body from knowledge_patterns where id = $1";
const REMOVE: &str = "delete from knowledge_patterns where id = $1";
const LEARN: &str = "
    update knowledge_patterns
    set confidence = $2, use_count = case when use_count + $3 < 0 then 0 else use_count + $3 end, attempts = attempts + $4, updated_at = $5
    where id = $1";
const STEP: &str = "
    insert into confidence_history (pattern_id, event_id, at, before, after, uses, reason)
    values ($1, $2, $3, $4, $5, $6, $7)";
const HISTORY: &str = "
    select at, before, after, uses, reason from confidence_history where pattern_id = $1 order by id";
const COUNTS: &str = "
    select count(*) as patterns,
           count(case when status = 'active' then 1 end) as active,
           count(case when status = 'draft' then 1 end) as drafts,
           count(case when auto_healable then 1 end) as auto_healable
    from knowledge_patterns";

impl Tx {
    /// Adds a pattern, or replaces the one of the same id.
    pub async fn put_pattern(&mut self, pattern: &Pattern) -> Result<(), StoreError> {
        self.put_patterns(std::slice::from_ref(pattern), pattern.updated_at).await
    }

    /// Adds or replaces many at once; for whoever keeps a compiled copy they are one change.
    pub async fn put_patterns(&mut self, patterns: &[Pattern], at: Timestamp) -> Result<(), StoreError> {
        for pattern in patterns {
            self.write_pattern(pattern).await?;
        }
        let ids: Vec<PatternId> = patterns.iter().map(|pattern| pattern.id.clone()).collect();
        self.patterns_changed(&ids, at).await
    }

    /// Removes a pattern and its document, and remembers that: nothing that ships brings it back. Its outcomes stay, with the
    /// incidents in which it had them. False where it was not there.
    pub async fn remove_pattern(&mut self, id: &PatternId, at: Timestamp) -> Result<bool, StoreError> {
        self.remove_document(id).await?;
        let removed = execute!(self, sqlx::query(REMOVE).bind(id.as_str())) > 0;
        if removed {
            self.put_removed(id, at).await?;
            self.patterns_changed(std::slice::from_ref(id), at).await?;
        }
        Ok(removed)
    }

    /// The row alone: for a draft, which no match sees, so that nothing has to be matched anew.
    pub(crate) async fn write_pattern(&mut self, pattern: &Pattern) -> Result<(), StoreError> {
        execute!(
            self,
            sqlx::query(UPSERT)
                .bind(pattern.id.as_str())
                .bind(&pattern.name)
                .bind(pattern.scope.project.as_ref().map(|project| project.as_str()))
                .bind(pattern.scope.service.as_ref().map(|service| service.as_str()))
                .bind(i64::from(pattern.confidence.get()))
                .bind(i64::from(pattern.use_count))
                .bind(i64::from(pattern.attempts))
                .bind(pattern.auto_healable)
                .bind(pattern.status.as_str())
                .bind(Json(pattern))
                .bind(pattern.created_at.as_micros())
                .bind(pattern.updated_at.as_micros())
        );
        Ok(())
    }

    pub async fn patterns(&mut self) -> Result<Vec<Pattern>, StoreError> {
        let rows: Vec<PatternRow> = on!(self, c => sqlx::query_as(ALL).fetch_all(c));
        Ok(rows.into_iter().map(Pattern::from).collect())
    }

    pub(crate) async fn patterns_with(&mut self, status: PatternStatus) -> Result<Vec<Pattern>, StoreError> {
        let rows: Vec<PatternRow> = on!(self, c => sqlx::query_as(WITH_STATUS).bind(status.as_str()).fetch_all(c));
        Ok(rows.into_iter().map(Pattern::from).collect())
    }

    /// Active patterns that have a word of letters and digits anywhere in what they say. SQLite does not tell its case apart.
    pub async fn patterns_saying(&mut self, word: &str, limit: i64) -> Result<Vec<Pattern>, StoreError> {
        let like = format!("%{word}%");
        let rows: Vec<PatternRow> = on!(self, c => sqlx::query_as(SAYING).bind(&like).bind(limit).fetch_all(c));
        Ok(rows.into_iter().map(Pattern::from).collect())
    }

    pub async fn pattern(&mut self, id: &PatternId) -> Result<Option<Pattern>, StoreError> {
        let row: Option<PatternRow> = on!(self, c => sqlx::query_as(ONE).bind(id.as_str()).fetch_optional(c));
        Ok(row.map(Pattern::from))
    }

    /// Applies what was learned, and records it.
    pub async fn learn(
        &mut self,
        id: &PatternId,
        event: EventId,
        learned: &Learned,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        // A recurrence changes the verdict of an attempt that was already counted.
        let attempts = i64::from(learned.uses >= 0);
        execute!(
            self,
            sqlx::query(LEARN)
                .bind(id.as_str())
                .bind(i64::from(learned.after.get()))
                .bind(i64::from(learned.uses))
                .bind(attempts)
                .bind(at.as_micros())
        );
        execute!(
            self,
            sqlx::query(STEP)
                .bind(id.as_str())
                .bind(event.0)
                .bind(at.as_micros())
                .bind(i64::from(learned.before.get()))
                .bind(i64::from(learned.after.get()))
                .bind(i64::from(learned.uses))
                .bind(reason)
        );
        self.patterns_changed(std::slice::from_ref(id), at).await
    }

    pub async fn confidence_history(&mut self, id: &PatternId) -> Result<Vec<ConfidenceStep>, StoreError> {
        Ok(on!(self, c => sqlx::query_as(HISTORY).bind(id.as_str()).fetch_all(c)))
    }

    pub async fn pattern_counts(&mut self) -> Result<PatternCounts, StoreError> {
        Ok(on!(self, c => sqlx::query_as(COUNTS).fetch_one(c)))
    }
}
