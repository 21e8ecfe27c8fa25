//! `knowledge_changes`: what a copy of the knowledge base in memory has to read again.

use selfheal_core::knowledge::Pattern;
use selfheal_core::{PatternId, Timestamp};

use crate::patterns::PatternRow;
use crate::{StoreError, Tx};

/// What changed since a version.
#[derive(Clone, Debug, PartialEq)]
pub enum KnowledgeChanges {
    /// Each pattern that changed, as it is now; none where it is gone.
    Patterns(Vec<(PatternId, Option<Pattern>)>),
    /// Every row was replaced since, or the version was never one of this database: read everything.
    Everything,
}

#[derive(sqlx::FromRow)]
struct Changed {
    pattern_id: String,
    confidence: Option<i64>,
    use_count: Option<i64>,
    attempts: Option<i64>,
    body: Option<sqlx::types::Json<Pattern>>,
}

const CHANGED: &str = "
    insert into knowledge_changes (pattern_id, version) values ($1, $2)
    on conflict (pattern_id) do update set version = excluded.version";
const SINCE: &str = "
    select c.pattern_id, p.confidence, p.use_count, p.attempts, p.body
    from knowledge_changes c left join knowledge_patterns p on p.id = c.pattern_id
    where c.version > $1
    order by c.pattern_id";

impl Tx {
    /// Notes that patterns were added, changed or removed: the version of the knowledge base grows by one.
    pub(crate) async fn patterns_changed(&mut self, ids: &[PatternId], at: Timestamp) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let version = self.knowledge_version().await? + 1;
        for id in ids {
            execute!(self, sqlx::query(CHANGED).bind(id.as_str()).bind(version));
        }
        self.set_knowledge_version(version, at).await
    }

    /// What changed after a version of the knowledge base, up to the one that this transaction sees.
    pub async fn knowledge_changes(&mut self, since: i64) -> Result<KnowledgeChanges, StoreError> {
        if since < self.knowledge_replaced().await? || since > self.knowledge_version().await? {
            return Ok(KnowledgeChanges::Everything);
        }
        let rows: Vec<Changed> = on!(self, c => sqlx::query_as(SINCE).bind(since).fetch_all(c));
        let changed = rows.into_iter().map(|row| {
            let pattern = match (row.confidence, row.use_count, row.attempts, row.body) {
                (Some(confidence), Some(use_count), Some(attempts), Some(sqlx::types::Json(body))) => {
                    Some(Pattern::from(PatternRow { confidence, use_count, attempts, body }))
                }
                _ => None,
            };
            (PatternId(row.pattern_id), pattern)
        });
        Ok(KnowledgeChanges::Patterns(changed.collect()))
    }
}
