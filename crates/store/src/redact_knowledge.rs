//! Takes a text out of what became knowledge.
//!
//! What is kept of an incident as a cluster's member goes by the incident. From there its lines went on: into drafts and the
//! patterns that they became, as near misses into the drafts of others, into documents and merged patterns. No copy says where
//! it came from, so these, and people's comments beside them, go by their content.

use selfheal_core::knowledge::draft::digest;
use selfheal_core::knowledge::{Pattern, PatternStatus, RedactedPattern, redacted_document};
use selfheal_core::redact::Redaction;
use selfheal_core::{IncidentId, PatternId, Timestamp};
use sqlx::types::Json;

use crate::documents::KeptPattern;
use crate::{StoreError, Tx};

/// Rows that are read at once.
const PAGE: i64 = 500;

/// What was redacted of the knowledge base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedactedKnowledge {
    /// What is kept of the incident in its cluster.
    pub members: u64,
    /// Clusters of incidents that nobody knew: their templates, notes and reasons.
    pub clusters: u64,
    /// Patterns and drafts that changed, by the ids that they have now.
    pub patterns: Vec<(PatternId, RedactedPattern)>,
    /// People's documents of patterns.
    pub documents: u64,
    /// Records of merges, which hold what the patterns were before.
    pub merges: u64,
    /// Comments of recorded changes.
    pub changes: u64,
    /// Patterns whose id still holds it: an id is what outcomes and the trail name them by, and does not change.
    pub ids_left: Vec<PatternId>,
    /// Patterns that came in with a pack, unchanged since, and hold it: what is in them is not from here.
    pub foreign_left: Vec<PatternId>,
}

impl RedactedKnowledge {
    /// Rows that changed.
    pub const fn rows(&self) -> u64 {
        self.members + self.clusters + self.patterns.len() as u64 + self.documents + self.merges + self.changes
    }

    /// Patterns that healed by themselves and do so no more.
    pub fn disarmed(&self) -> impl Iterator<Item = &PatternId> {
        self.patterns.iter().filter(|(_, done)| done.disarmed).map(|(id, _)| id)
    }
}

const MEMBER: &str = "select body from draft_members where incident_id = $1";
const PUT_MEMBER: &str = "update draft_members set body = $2 where incident_id = $1";
const PUT_DOCUMENT: &str = "update pattern_documents set document = $2 where pattern_id = $1";
const MERGES: &str = "
    select id, merged_before, into_before, into_after from pattern_merges where id > $1 order by id limit $2";
const PUT_MERGE: &str = "
    update pattern_merges set merged_before = $2, into_before = $3, into_after = $4 where id = $1";
const COMMENTS: &str = "select id, comment from changes where id > $1 and comment is not null order by id limit $2";
const PUT_COMMENT: &str = "update changes set comment = $2 where id = $1";

type MergeRow = (i64, Json<Pattern>, Json<Pattern>, Json<Pattern>);

impl Tx {
    pub(crate) async fn redact_knowledge(
        &mut self,
        id: IncidentId,
        redaction: &Redaction,
        at: Timestamp,
    ) -> Result<RedactedKnowledge, StoreError> {
        let mut done = RedactedKnowledge { members: self.redact_member(id, redaction).await?, ..Default::default() };
        done.clusters = self.redact_clusters(id, redaction).await?;
        self.redact_patterns(redaction, at, &mut done).await?;
        done.merges = self.redact_merges(redaction).await?;
        done.changes = self.redact_comments(redaction).await?;
        Ok(done)
    }

    async fn redact_member(&mut self, id: IncidentId, redaction: &Redaction) -> Result<u64, StoreError> {
        let body: Option<Json<serde_json::Value>> =
            on!(self, c => sqlx::query_scalar(MEMBER).bind(id.0).fetch_optional(c));
        let Some(mut body) = body else { return Ok(0) };
        if !redaction.json(&mut body.0) {
            return Ok(0);
        }
        Ok(execute!(self, sqlx::query(PUT_MEMBER).bind(id.0).bind(&body)))
    }

    /// A cluster's template is its incidents' own; what it says of others, and what people said of it, may be anybody's.
    async fn redact_clusters(&mut self, id: IncidentId, redaction: &Redaction) -> Result<u64, StoreError> {
        let own = self.cluster_of_incident(id).await?.map(|cluster| cluster.id);
        let (mut changed, mut after) = (0, 0);
        loop {
            let page = self.draft_clusters_after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(changed) };
            after = last.id;
            for mut cluster in page {
                let template = redaction.apply(&cluster.template).filter(|_| own == Some(cluster.id));
                let notes: Vec<Option<String>> = cluster.notes.iter().map(|note| redaction.apply(note)).collect();
                let reason = cluster.reason.as_deref().and_then(|reason| redaction.apply(reason));
                if template.is_none() && reason.is_none() && notes.iter().all(Option::is_none) {
                    continue;
                }
                cluster.template = template.unwrap_or(cluster.template);
                cluster.reason = reason.or(cluster.reason);
                cluster.notes =
                    cluster.notes.into_iter().zip(notes).map(|(note, redacted)| redacted.unwrap_or(note)).collect();
                self.put_cluster(&cluster).await?;
                changed += 1;
            }
        }
    }

    async fn redact_patterns(
        &mut self,
        redaction: &Redaction,
        at: Timestamp,
        done: &mut RedactedKnowledge,
    ) -> Result<(), StoreError> {
        let (mut after, mut changed) = (None, Vec::new());
        loop {
            let page = self.kept_patterns_after(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.pattern.id.clone());
            for kept in page {
                self.redact_kept(kept, redaction, at, done, &mut changed).await?;
            }
        }
        for pattern in &changed {
            self.write_pattern(pattern).await?;
        }
        if !changed.is_empty() {
            // Whoever keeps a copy makes it anew, and with it the snapshot, where the text would still stand.
            let version = self.knowledge_version().await? + 1;
            self.replace_knowledge(version, at).await?;
        }
        done.patterns.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(())
    }

    /// Patterns that matches see are added to `changed`; drafts are stored at once.
    async fn redact_kept(
        &mut self,
        kept: KeptPattern,
        redaction: &Redaction,
        at: Timestamp,
        done: &mut RedactedKnowledge,
        changed: &mut Vec<Pattern>,
    ) -> Result<(), StoreError> {
        let mut pattern = kept.pattern.clone();
        let of_pattern = pattern.redact(redaction);
        if of_pattern.changed && is_foreign(&kept.pattern) {
            done.foreign_left.push(pattern.id);
            return Ok(());
        }
        if of_pattern.changed {
            pattern.updated_at = at;
        }
        if pattern.status == PatternStatus::Draft {
            self.redact_draft(&kept.pattern, &mut pattern, redaction, of_pattern.changed).await?;
        } else if of_pattern.changed {
            changed.push(pattern.clone());
        }
        if let Some(document) = kept.document.and_then(|document| redacted_document(&pattern, &document, redaction)) {
            done.documents += execute!(self, sqlx::query(PUT_DOCUMENT).bind(pattern.id.as_str()).bind(&document));
        }
        if redaction.finds_in_slug(pattern.id.as_str()) {
            done.ids_left.push(pattern.id.clone());
        }
        if of_pattern.changed {
            done.patterns.push((pattern.id, of_pattern));
        }
        Ok(())
    }

    /// Nothing refers to a draft by its id yet but its cluster, and the id is made of the name.
    async fn redact_draft(
        &mut self,
        before: &Pattern,
        draft: &mut Pattern,
        redaction: &Redaction,
        is_changed: bool,
    ) -> Result<(), StoreError> {
        let cluster = self.cluster_of_pattern(&before.id).await?;
        let own = PatternId::from_name(&draft.name);
        if redaction.finds_in_slug(before.id.as_str()) && own != before.id && !own.as_str().is_empty() {
            draft.id = self.free_pattern_id(&draft.name).await?;
            self.rename_draft(&before.id, draft).await?;
        } else if is_changed {
            self.put_draft(draft).await?;
        } else {
            return Ok(());
        }
        if let Some(mut cluster) = cluster {
            if cluster.made == digest(before) {
                // It is not as if a person had edited it.
                cluster.made = digest(draft);
            }
            cluster.pattern = draft.id.clone();
            self.put_cluster(&cluster).await?;
        }
        Ok(())
    }

    async fn redact_merges(&mut self, redaction: &Redaction) -> Result<u64, StoreError> {
        let (mut changed, mut after) = (0, 0);
        loop {
            let page: Vec<MergeRow> = on!(self, c => sqlx::query_as(MERGES).bind(after).bind(PAGE).fetch_all(c));
            let Some((last, ..)) = page.last() else { return Ok(changed) };
            after = *last;
            for (id, mut merged, mut before, mut after) in page {
                let bodies = [&mut merged.0, &mut before.0, &mut after.0];
                if bodies
                    .into_iter()
                    .fold(false, |changed, body| (!is_foreign(body) && body.redact(redaction).changed) | changed)
                {
                    changed += execute!(self, sqlx::query(PUT_MERGE).bind(id).bind(&merged).bind(&before).bind(&after));
                }
            }
        }
    }

    async fn redact_comments(&mut self, redaction: &Redaction) -> Result<u64, StoreError> {
        let (mut changed, mut after) = (0, 0);
        loop {
            let page: Vec<(i64, String)> = on!(self, c => sqlx::query_as(COMMENTS).bind(after).bind(PAGE).fetch_all(c));
            let Some((last, _)) = page.last() else { return Ok(changed) };
            after = *last;
            for (id, comment) in page {
                if let Some(redacted) = redaction.apply(&comment) {
                    changed += execute!(self, sqlx::query(PUT_COMMENT).bind(id).bind(&redacted));
                }
            }
        }
    }
}

/// Whether a pattern is as a pack or the starter knowledge brought it: no line of an incident of ours is in it.
fn is_foreign(pattern: &Pattern) -> bool {
    matches!(pattern.provenance.origin.as_str(), "starter" | "import" | "icdev")
        && pattern.created_at == pattern.updated_at
}
