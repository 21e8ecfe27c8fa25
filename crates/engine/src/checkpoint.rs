//! Signed checkpoints of the audit trail: when the leader signs.
//!
//! At its start, then after [`EVERY`] entries, or after [`AFTER`] where anything was written since, and when it stops. What is
//! signed is what is committed: an entry that a checkpoint covers was there.

use std::sync::Arc;

use selfheal_core::audit::{Checkpoint, Unsigned, key_added};
use selfheal_core::{AuditId, Span, Timestamp};

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
    fn is_due(self, last: AuditId, now: Timestamp) -> bool {
        last > self.entry && (last.0 - self.entry.0 >= EVERY || now >= self.at + AFTER)
    }
}

impl Engine {
    /// Has the audit trail signed from now on. Once; a second signer is not taken.
    pub fn sign_with(&self, signer: Arc<dyn Signer>) {
        let _ = self.signer.set(signer);
    }

    pub(crate) async fn checkpoint_if_due(&self, now: Timestamp) -> Result<(), EngineError> {
        let Some(signer) = self.signer.get() else { return Ok(()) };
        let signed = *lock(&self.signed);
        let mut tx = self.store.read().await?;
        let last = tx.audit_head().await?.map(|(id, _)| id);
        drop(tx);
        match signed {
            None => {
                self.compare_with_kept(signer).await?;
                self.checkpoint(signer, now).await
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

    /// What was signed here before must still be there. That nobody looks until `audit verify` would be late.
    async fn compare_with_kept(&self, signer: &Arc<dyn Signer>) -> Result<(), EngineError> {
        let kept = match blocking(signer, |signer| signer.last_kept()).await {
            Ok(kept) => kept,
            Err(error) => {
                self.problem("audit checkpoints", Some(error));
                return Ok(());
            }
        };
        let Some(kept) = kept else { return Ok(()) };
        let mut tx = self.store.read().await?;
        let found = tx.audit_hash(kept.entry_id).await?;
        drop(tx);
        let problem = match found {
            Some(hash) if hash == kept.entry_hash => None,
            Some(_) => Some("is another one now"),
            None => Some("is gone"),
        };
        let problem = problem.map(|what| {
            format!(
                "entry {}, which was signed at {}, {what}: the audit trail was changed while no engine ran. `selfheal audit verify` says more",
                kept.entry_id, kept.at
            )
        });
        self.problem("audit trail", problem);
        Ok(())
    }

    /// Signs what is committed now, where it is not signed yet, and puts the key on record before its first signature.
    async fn checkpoint(&self, signer: &Arc<dyn Signer>, now: Timestamp) -> Result<(), EngineError> {
        let key = signer.public_key();
        let mut tx = self.write_as_leader().await?;
        if !tx.audit_keys().await?.contains(&key) {
            let owner = self.holder.split(':').next().unwrap_or_default();
            tx.audit(key_added(&key, owner, now)).await?;
        }
        let Some((entry, hash)) = tx.audit_head().await? else { return Ok(()) };
        let latest = tx.last_audit_checkpoint(&key.id()).await?;
        let signed = match latest {
            Some(latest) if latest.entry_id == entry => None,
            _ => {
                let unsigned = Unsigned {
                    entry_id: entry,
                    entry_hash: hash,
                    entries: entry.0.unsigned_abs(),
                    at: now,
                    key_id: key.id(),
                };
                let signature = signer.sign(&unsigned.message());
                let checkpoint: Checkpoint = unsigned.signed(signature);
                tx.put_audit_checkpoint(&checkpoint).await?;
                Some(checkpoint)
            }
        };
        tx.commit().await?;
        *lock(&self.signed) = Some(Signed { entry, at: now });
        if let Some(checkpoint) = signed {
            // After the commit: outside, nothing must be signed that is not inside.
            let kept = blocking(signer, move |signer| signer.keep(&checkpoint)).await;
            self.problem("audit checkpoints", kept.err());
        }
        Ok(())
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
