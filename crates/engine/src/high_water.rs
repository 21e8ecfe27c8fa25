//! An older database under us: somebody copied a file back, or a server was restored from a snapshot.
//!
//! Its limits would count fewer starts than there were, and its incidents would be healed a second time. So the home
//! remembers, outside the database, the last audit entry it saw. A database whose trail does not hold that entry is shown,
//! takes signals, and is not acted on until a person accepts it.

use std::sync::Arc;

use selfheal_core::audit::Remembered;
use selfheal_core::{AuditId, Timestamp};
use selfheal_store::Tx;
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, EngineError, lock};

const ABOUT: &str = "older database";

/// The last audit entry that this home saw of a database, and the latest time that was stored there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub id: AuditId,
    pub hash: String,
    pub latest: Timestamp,
    /// What the home signed there. An older Selfheal did not remember it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Remembered>,
}

/// Where the mark is kept: outside the database. What it stored has to outlive a crash of the machine.
pub trait HighWater: Send + Sync {
    /// `None` where nothing was ever stored. The error says why, in words.
    fn load(&self) -> Result<Option<Mark>, String>;
    fn store(&self, mark: &Mark) -> Result<(), String>;
}

impl Engine {
    /// Gives this engine a memory of its database. Without one every database is taken as it is.
    pub fn remember_with(&self, high_water: Arc<dyn HighWater>) {
        *lock(&self.high_water) = Some(high_water);
    }

    fn memory(&self) -> Option<Arc<dyn HighWater>> {
        lock(&self.high_water).clone()
    }

    /// What this home remembers of its database; `None` where it was never used.
    pub fn mark(&self) -> Result<Option<Mark>, String> {
        self.memory().map_or(Ok(None), |memory| memory.load())
    }

    /// What this engine signed, or what the home knew before this engine signed anything.
    async fn remembered_signatures(&self, tx: &mut Tx) -> Result<Option<Remembered>, EngineError> {
        let signed = *lock(&self.signed);
        let (Some(signed), Some(signer)) = (signed, self.signer.get()) else {
            return Ok(self.mark().ok().flatten().and_then(|mark| mark.signed));
        };
        let key = signer.public_key().id();
        let checkpoints = tx.count_audit_checkpoints(&key).await?;
        Ok(Some(Remembered { key, entry: signed.entry(), checkpoints }))
    }

    /// What the database has of this home's signatures.
    async fn signatures_in(&self, tx: &mut Tx) -> Result<Option<Remembered>, EngineError> {
        let Some(signer) = self.signer.get() else { return Ok(None) };
        let key = signer.public_key().id();
        let Some(last) = tx.last_audit_checkpoint(&key).await? else { return Ok(None) };
        let checkpoints = tx.count_audit_checkpoints(&key).await?;
        Ok(Some(Remembered { key, entry: last.entry_id, checkpoints }))
    }

    /// Stores the mark anew although the trail has not grown: what was signed is remembered at once.
    pub(crate) async fn remember_signature(&self) {
        lock(&self.marked).take();
        let stored = async {
            let mut tx = self.store.read().await?;
            self.remember(&mut tx).await
        };
        match stored.await {
            Ok(stored) => self.problem("high-water mark", stored.err()),
            Err(error) => tracing::warn!(%error, "what was signed is not remembered yet"),
        }
    }

    /// Why this database must not be acted on, and the mark that it does not hold.
    pub async fn distrust(&self, tx: &mut Tx) -> Result<Option<(String, Option<Mark>)>, EngineError> {
        let Some(memory) = self.memory() else { return Ok(None) };
        let mark = match memory.load() {
            Ok(None) => return Ok(None),
            Ok(Some(mark)) => mark,
            Err(why) => {
                return Ok(Some((words(&format!("what this home remembers of it cannot be read: {why}")), None)));
            }
        };
        // Whatever the database says: a limit is counted from the latest time that was ever stored.
        self.not_before(mark.latest);
        let why = match tx.audit_hash(mark.id).await? {
            Some(hash) if hash == mark.hash => return Ok(None),
            Some(_) => format!("its audit entry {} is another one than this home has seen", mark.id),
            None => {
                let end =
                    tx.audit_head().await?.map_or_else(|| "is empty".to_owned(), |(id, _)| format!("ends at {id}"));
                format!("this home has seen audit entry {}, and the trail {end}", mark.id)
            }
        };
        Ok(Some((words(&why), Some(mark))))
    }

    /// Looks whether the database is the one that this home knows. Shows it, and moves the mark where it is.
    pub(crate) async fn trusts_the_database(&self) -> Result<bool, EngineError> {
        let mut tx = self.store.read().await?;
        let distrust = self.distrust(&mut tx).await?.map(|(why, _)| why);
        let trusted = distrust.is_none();
        self.problem(ABOUT, distrust);
        if trusted {
            // What cannot be written now has to be before anything is started.
            self.problem("high-water mark", self.remember(&mut tx).await?.err());
        }
        Ok(trusted)
    }

    /// Makes sure, in the transaction that starts an action, that this is the database that the home knows, and that the home
    /// will know everything that was committed before. An action whose start could be forgotten is not started.
    pub(crate) async fn secure_mark(&self, tx: &mut Tx) -> Result<(), EngineError> {
        match self.distrust(tx).await? {
            Some((why, _)) => Err(EngineError::Corrupt(why)),
            None => self.remember(tx).await?.map_err(EngineError::Corrupt),
        }
    }

    /// Takes the database as it is from now on: a person accepted it, or restored it.
    pub async fn trust(&self) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        lock(&self.marked).take();
        // What the home signed there before is what it finds there now.
        let signed = self.signatures_in(&mut tx).await?;
        self.remember_with_signatures(&mut tx, signed).await?.map_err(EngineError::Corrupt)?;
        self.problem(ABOUT, None);
        self.nudge();
        Ok(())
    }

    /// Stores the mark, where it moved.
    async fn remember(&self, tx: &mut Tx) -> Result<Result<(), String>, EngineError> {
        let (Some(_), Some(head)) = (self.memory(), tx.audit_head().await?) else { return Ok(Ok(())) };
        if lock(&self.marked).as_ref().is_some_and(|marked| *marked == head) {
            return Ok(Ok(()));
        }
        let signed = self.remembered_signatures(tx).await?;
        self.remember_with_signatures(tx, signed).await
    }

    async fn remember_with_signatures(
        &self,
        tx: &mut Tx,
        signed: Option<Remembered>,
    ) -> Result<Result<(), String>, EngineError> {
        let (Some(memory), Some((id, hash))) = (self.memory(), tx.audit_head().await?) else { return Ok(Ok(())) };
        let latest = tx.latest_time().await?.unwrap_or(Timestamp::EPOCH);
        let stored = memory.store(&Mark { id, hash: hash.clone(), latest, signed });
        if stored.is_ok() {
            *lock(&self.marked) = Some((id, hash));
        }
        Ok(stored
            .map_err(|why| format!("the high-water mark cannot be written: {why}. Nothing is started until it can")))
    }
}

fn words(why: &str) -> String {
    format!(
        "the database is not the one that this home knows: {why}. Perhaps an older copy was put back. Nothing is started, so \
         that no limit is broken and nothing is healed twice. Put the right one back, or take this one as it is with \
         `selfheal resume --accept-database`"
    )
}
