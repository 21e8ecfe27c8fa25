//! Signed checkpoints of the audit trail: when the leader signs.
//!
//! At its start, then after [`EVERY`] entries, or after [`AFTER`] where anything was written since, and when it stops. What is
//! signed is what is committed: an entry that a checkpoint covers was there. And it is looked at first: an entry that nobody
//! who may has written, or a key that nobody vouched for, is not signed over, or whoever puts one there has it made genuine.

use std::sync::Arc;

use selfheal_core::audit::{
    Checkpoint, Doubt, Missing, NewEntry, Start, Trail, Unsigned, lacking, lacking_in_home, missing,
};
use selfheal_core::{AuditId, Span, Timestamp};
use selfheal_store::Tx;

use crate::engine::{Engine, EngineError, lock};
use crate::ports::Signer;

/// Entries after which the trail is signed again.
const EVERY: i64 = 1_000;
/// How long an entry may wait for a signature.
const AFTER: Span = Span::from_minutes(5);

/// How far this engine has signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    entry: AuditId,
    at: Timestamp,
}

impl Signed {
    pub const fn entry(self) -> AuditId {
        self.entry
    }

    fn is_due(self, last: AuditId, now: Timestamp) -> bool {
        last > self.entry && (last.0 - self.entry.0 >= EVERY || now >= self.at + AFTER)
    }
}

/// What was looked at of the trail since the last signature.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    trail: Option<Trail>,
    /// When the trail was found not fit to be signed.
    refused: Option<Timestamp>,
}

impl Engine {
    /// Has the audit trail signed from now on. Once; a second signer is not taken.
    pub fn sign_with(&self, signer: Arc<dyn Signer>) {
        let _ = self.signer.set(signer);
    }

    pub(crate) async fn checkpoint_if_due(&self, now: Timestamp) -> Result<(), EngineError> {
        let Some(signer) = self.signer.get() else { return Ok(()) };
        let signed = *lock(&self.signed);
        let last = self.store.read().await?.audit_head().await?.map(|(id, _)| id);
        match signed {
            // A person's word makes it look again at once; another home's word is met after a while.
            None if lock(&self.unsigned).refused.is_some_and(|at| at <= now && now < at + AFTER) => Ok(()),
            None => {
                if self.compare_with_kept(signer, now).await? {
                    return self.checkpoint(signer, now).await;
                }
                *lock(&self.unsigned) = Looked { trail: None, refused: Some(now) };
                Ok(())
            }
            Some(signed) if last.is_some_and(|last| signed.is_due(last, now)) => self.checkpoint(signer, now).await,
            Some(_) => Ok(()),
        }
    }

    /// The last signature. What was written since the one before would otherwise wait for the next start.
    pub(crate) async fn checkpoint_at_stop(&self) {
        // An engine that never led, or leads no more, has nothing to sign.
        let (Some(signer), Some(_), Ok(_)) = (self.signer.get(), *lock(&self.signed), self.lease()) else { return };
        if let Err(error) = self.checkpoint(signer, self.now()).await {
            tracing::warn!(%error, "the end of the audit trail is not signed; the next start signs it");
        }
    }

    /// What was signed here before must still be there, in both of its places. That nobody looks until `audit verify` would be
    /// late. What one place lost is put back from the other, on record. False where it must not be signed on.
    async fn compare_with_kept(&self, signer: &Arc<dyn Signer>, now: Timestamp) -> Result<bool, EngineError> {
        let kept = match blocking(signer, |signer| signer.kept()).await {
            Ok(kept) => kept,
            Err(error) => {
                self.problem("audit checkpoints", Some(error));
                return Ok(true);
            }
        };
        let mut tx = self.store.read().await?;
        let mut problem = None;
        if let Some(last) = kept.last() {
            let what = match tx.audit_hash(last.entry_id).await? {
                Some(hash) if hash == last.entry_hash => None,
                Some(_) => Some("is another one now"),
                None => Some("is gone"),
            };
            problem = what.map(|what| {
                format!(
                    "entry {}, which was signed at {}, {what}: the audit trail was changed while no engine ran. `selfheal audit verify` says more",
                    last.entry_id, last.at
                )
            });
        }
        if problem.is_none() {
            let stored = tx.audit_checkpoints().await?;
            let remembered = self.mark().ok().flatten().and_then(|mark| mark.signed);
            let gone = missing(&signer.public_key().id(), &stored, &kept, remembered.as_ref());
            // What only one place lost is in the other.
            let for_good =
                |missing: &&Missing| matches!(missing, Missing::FromBoth { .. } | Missing::KeyReplaced { .. });
            problem = gone.iter().find(for_good).map(|missing| format!("it is not signed: {missing}"));
        }
        drop(tx);
        let good = problem.is_none();
        self.problem("audit trail", problem);
        if good {
            self.mend_checkpoints(signer, &kept, now).await?;
        }
        Ok(good)
    }

    async fn mend_checkpoints(
        &self,
        signer: &Arc<dyn Signer>,
        kept: &[Checkpoint],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let key = signer.public_key();
        let own = key.id();
        let mut tx = self.write_as_leader().await?;
        let stored = tx.audit_checkpoints().await?;
        let (mut mended, mut back) = (Vec::new(), Vec::new());
        for checkpoint in lacking(kept, &stored) {
            let fits = tx.audit_hash(checkpoint.entry_id).await?.is_some_and(|hash| hash == checkpoint.entry_hash);
            if fits && checkpoint.is_by(&key) {
                back.push(checkpoint.clone());
            }
        }
        for checkpoint in &back {
            tx.put_audit_checkpoint(checkpoint).await?;
        }
        if !back.is_empty() {
            mended.push(format!(
                "{} checkpoints were gone from the database, and are back from the home's file",
                back.len()
            ));
        }
        let from_home = lacking_in_home(&own, &stored, kept);
        if !from_home.is_empty() {
            let count = from_home.len();
            mended.push(format!("{count} checkpoints were gone from the home's file, and are back from the database"));
        }
        if !mended.is_empty() {
            let words = mended.join("; ");
            self.problem("audit checkpoints", Some(format!("{words}. Somebody removed them: find out who")));
            tx.audit(mended_entry(words, now)).await?;
        }
        tx.commit().await?;
        // The last one as well, which a crash may have kept from the file.
        let missing: Vec<Checkpoint> =
            lacking(&stored, kept).into_iter().filter(|checkpoint| checkpoint.key_id == own).cloned().collect();
        for checkpoint in missing {
            if let Err(error) = blocking(signer, move |signer| signer.keep(&checkpoint)).await {
                self.problem("audit checkpoints", Some(error));
                break;
            }
        }
        Ok(())
    }

    /// The trail after this home's last signature, or from its beginning where it has none.
    async fn begin_to_look(&self, signer: &Arc<dyn Signer>, tx: &mut Tx) -> Result<Trail, EngineError> {
        let key = signer.public_key();
        let checkpoints = tx.audit_checkpoints().await?;
        let last = checkpoints.iter().rev().find(|checkpoint| checkpoint.key_id == key.id());
        if let Some(last) = last.filter(|last| last.is_by(&key)).cloned()
            && tx.audit_hash(last.entry_id).await? == Some(last.entry_hash.clone())
        {
            let before = tx.audit_key_entries().await?;
            return Ok(Trail::after(key, &last, &before, &checkpoints));
        }
        Ok(Trail::new(Start::Genesis, [key], checkpoints))
    }

    /// Looks at what was written since. `Err` inside says why it must not be signed.
    async fn look_on(&self, tx: &mut Tx, trail: Trail) -> Result<(Trail, Result<(), String>), EngineError> {
        let (trail, error) = tx.verify_audit(trail).await?;
        let found = match (error, trail.finish()) {
            (Some(error), _) | (None, Err(error)) => Err(error.to_string()),
            (None, Ok(report)) => {
                match report.doubts.into_iter().find(|doubt| !matches!(doubt, Doubt::NotSealed { .. })) {
                    Some(doubt) => Err(doubt.to_string()),
                    None => Ok(()),
                }
            }
        };
        Ok((trail, found))
    }

    /// Signs what is committed now, where it is good and not signed yet.
    async fn checkpoint(&self, signer: &Arc<dyn Signer>, now: Timestamp) -> Result<(), EngineError> {
        // Most of it outside of the writing transaction, which others wait for.
        let mut tx = self.store.read().await?;
        let known = lock(&self.unsigned).trail.take();
        let trail = match known {
            Some(trail) => trail,
            None => self.begin_to_look(signer, &mut tx).await?,
        };
        let (trail, _) = self.look_on(&mut tx, trail).await?;
        drop(tx);

        let key = signer.public_key();
        let mut tx = self.write_as_leader().await?;
        tx.put_key_on_record(now).await?;
        let (mut trail, mut found) = self.look_on(&mut tx, trail).await?;
        let Some((entry, hash)) = tx.audit_head().await? else { return Ok(()) };
        if trail.chain().last() != Some(entry) || trail.chain().last_hash() != Some(&hash) {
            found = Err("what was looked at before is not there any more".into());
        }
        if let Err(why) = found {
            // The key that was put on record stays so: a stranger is to be seen.
            tx.commit().await?;
            *lock(&self.unsigned) = Looked { trail: None, refused: Some(now) };
            *lock(&self.signed) = None;
            self.problem("audit trail", Some(format!("it is not signed: {why}. `selfheal audit verify` says more")));
            return Ok(());
        }
        self.problem("audit trail", None);
        let latest = tx.last_audit_checkpoint(&key.id()).await?;
        let checkpoint = match latest {
            // The first key of a trail signs when it is put on record.
            Some(latest) if latest.entry_id == entry => latest,
            _ => {
                let unsigned = Unsigned {
                    entry_id: entry,
                    entry_hash: hash.clone(),
                    entries: entry.0.unsigned_abs(),
                    at: now,
                    key_id: key.id(),
                };
                let signature = signer.sign(&unsigned.message());
                let checkpoint: Checkpoint = unsigned.signed(signature);
                tx.put_audit_checkpoint(&checkpoint).await?;
                checkpoint
            }
        };
        tx.commit().await?;
        trail.add(checkpoint.clone());
        // It is this home's own signature over what was just looked at: it cannot be another's.
        let _ = trail.compare(entry, &hash);
        *lock(&self.unsigned) = Looked { trail: Some(trail), refused: None };
        *lock(&self.signed) = Some(Signed { entry, at: now });
        // After the commit: outside, nothing must be signed that is not inside.
        let kept = blocking(signer, move |signer| match signer.kept()?.contains(&checkpoint) {
            true => Ok(()),
            false => signer.keep(&checkpoint),
        });
        if let Err(error) = kept.await {
            self.problem("audit checkpoints", Some(error));
        }
        self.remember_signature().await;
        Ok(())
    }
}

/// What was missing of the trail's protection, and was put back.
pub fn mended_entry(result: String, at: Timestamp) -> NewEntry {
    NewEntry {
        at,
        event_type: "audit.mended",
        actor: "engine".into(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result,
        details: serde_json::json!({}),
    }
}

/// Runs what may wait for a disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    signer: &Arc<dyn Signer>,
    run: impl FnOnce(&dyn Signer) -> Result<T, crate::ports::SignerError> + Send + 'static,
) -> Result<T, String> {
    let signer = Arc::clone(signer);
    match tokio::task::spawn_blocking(move || run(&*signer)).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_due_after_a_thousand_entries_or_five_minutes() {
        let signed = Signed { entry: AuditId(10), at: Timestamp::EPOCH };
        let milli = Span::from_millis(1);
        for (last, now, due) in [
            (1_009, Timestamp::EPOCH, false),
            (1_010, Timestamp::EPOCH, true),
            (11, Timestamp::EPOCH + AFTER - milli, false),
            (11, Timestamp::EPOCH + AFTER, true),
            // Nothing was written since.
            (10, Timestamp::EPOCH + AFTER, false),
        ] {
            assert_eq!(signed.is_due(AuditId(last), now), due, "{last} {now}");
        }
    }
}
