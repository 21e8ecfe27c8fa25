//! What people do with drafts, and what they say of fixes.

use selfheal_core::knowledge::draft::{DRAFT_CONFIDENCE, digest};
use selfheal_core::knowledge::{Pattern, PatternStatus};
use selfheal_core::{Action, Incident, PatternId, Timestamp};
use selfheal_store::{ClusterStatus, ConfirmedFix, DraftCluster, StoreError, Tx};

use crate::decide;
use crate::engine::Engine;
use crate::people::{PersonError, Refusal};

/// A draft as a person accepts it.
#[derive(Clone, Debug)]
pub struct AcceptedDraft {
    pub draft: PatternId,
    /// Digest of the draft as it was looked at: see [`digest`].
    pub digest: String,
    /// What it shall be; the same where nothing was changed. Its id may differ where its name does.
    pub wanted: Pattern,
}

impl Engine {
    /// Makes a draft an active pattern. It starts at 0.50 and heals nothing by itself, whatever was asked for.
    pub async fn accept_draft(&self, by: &str, accepted: AcceptedDraft) -> Result<Pattern, PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let AcceptedDraft { draft: id, digest: seen, wanted } = accepted;
        let stored = draft(&mut tx, &id).await?;
        unchanged(&stored, &seen, "The draft was not accepted")?;
        if wanted.rule.is_none() {
            return Err(Refusal::new(
                "no_rule",
                "The draft was not accepted",
                "it has no rule, so it would never be sure of anything",
                "Give it one: selfheal knowledge accept DRAFT --rule REGEX.",
            )
            .into());
        }
        if wanted.id != stored.id {
            if tx.pattern(&wanted.id).await?.is_some() {
                return Err(Refusal::new(
                    "name_taken",
                    "The draft was not accepted",
                    format!("there is a pattern `{}` already", wanted.id),
                    "Choose another name, or reject the draft and edit that pattern.",
                )
                .into());
            }
            tx.rename_draft(&stored.id, &Pattern { id: wanted.id.clone(), ..stored.clone() }).await?;
        }
        let pattern = Pattern {
            status: PatternStatus::Active,
            confidence: DRAFT_CONFIDENCE,
            auto_healable: false,
            use_count: 0,
            attempts: 0,
            provenance: stored.provenance.clone(),
            created_at: stored.created_at,
            updated_at: now,
            ..wanted
        };
        tx.put_pattern(&pattern).await?;
        if let Some(mut cluster) = tx.cluster_of_pattern(&stored.id).await? {
            cluster.pattern = pattern.id.clone();
            self.decided(&mut tx, cluster, ClusterStatus::Accepted, by, None, now).await?;
        }
        let mut accepted = about("learning.draft_accepted", by, &pattern, "active, not auto-healable", now);
        accepted.details =
            serde_json::json!({ "draft": stored.id, "digest": digest(&stored), "became": digest(&pattern) });
        tx.audit(accepted.on_evidence(digest(&pattern))).await?;
        tx.commit().await?;
        Ok(pattern)
    }

    /// Removes a draft. The same incidents are not drafted again.
    /// `seen` is the digest of the draft as it was looked at.
    pub async fn reject_draft(
        &self,
        id: &PatternId,
        seen: &str,
        by: &str,
        reason: Option<String>,
    ) -> Result<(), PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let stored = draft(&mut tx, id).await?;
        unchanged(&stored, seen, "The draft was not rejected")?;
        tx.remove_draft(id).await?;
        if let Some(cluster) = tx.cluster_of_pattern(id).await? {
            self.decided(&mut tx, cluster, ClusterStatus::Rejected, by, reason, now).await?;
        }
        let rejected = about("learning.draft_rejected", by, &stored, "removed, and not drafted again", now);
        tx.audit(rejected.on_evidence(digest(&stored))).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn decided(
        &self,
        tx: &mut Tx,
        mut cluster: DraftCluster,
        status: ClusterStatus,
        by: &str,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        cluster.status = status;
        cluster.decided_by = Some(by.to_owned());
        cluster.decided_at = Some(now);
        cluster.reason = reason;
        cluster.updated_at = now;
        tx.put_cluster(&cluster).await?;
        Ok(())
    }
}

/// A person said what fixed an incident. It is shown, and moves no confidence.
pub(crate) async fn confirm(
    tx: &mut Tx,
    incident: &Incident,
    by: &str,
    pattern: Option<PatternId>,
    action: Action,
    now: Timestamp,
) -> Result<(), StoreError> {
    let fix = ConfirmedFix { incident: incident.id, pattern: pattern.clone(), action, by: by.to_owned(), at: now };
    tx.confirm_fix(&fix).await?;
    let mut confirmed = decide::entry("learning.confirmed", incident, "a person said that this fixed it", now);
    confirmed.actor = by.to_owned();
    confirmed.pattern_id = pattern;
    confirmed.action = Some(fix.action.kind.to_string());
    tx.audit(confirmed).await?;
    Ok(())
}

/// Whether the draft is what the person saw: an incident may have made it anew meanwhile, or another person edited it.
fn unchanged(stored: &Pattern, seen: &str, otherwise: &'static str) -> Result<(), Refusal> {
    if digest(stored) == seen {
        return Ok(());
    }
    Err(Refusal::new(
        "draft_changed",
        otherwise,
        "it has changed since it was looked at",
        "Look at it again and decide again: selfheal knowledge drafts.",
    ))
}

async fn draft(tx: &mut Tx, id: &PatternId) -> Result<Pattern, PersonError> {
    let stored = tx.pattern(id).await?.filter(|pattern| pattern.status == PatternStatus::Draft);
    stored.ok_or_else(|| {
        Refusal::new(
            "no_draft",
            "There is no such draft",
            format!("`{id}` is not a draft that waits"),
            "List those that wait: selfheal knowledge drafts.",
        )
        .into()
    })
}

fn about(
    event_type: &'static str,
    by: &str,
    pattern: &Pattern,
    result: &str,
    now: Timestamp,
) -> selfheal_core::audit::NewEntry {
    selfheal_core::audit::NewEntry {
        at: now,
        event_type,
        actor: by.to_owned(),
        incident_id: None,
        pattern_id: Some(pattern.id.clone()),
        confidence: Some(pattern.confidence),
        action: pattern.action.as_ref().map(|action| action.kind.to_string()),
        target: None,
        result: result.to_owned(),
        details: serde_json::json!({}),
    }
}
