//! `audit_trail`: append-only, hash-chained.

use std::sync::Arc;

use futures::TryStreamExt;
use selfheal_core::audit::{
    ACCEPTANCES, ChainError, Entry, Evidenced, KEY_ADDED, KeyId, PublicKey, SEALS, Seal, Sealer, Signature, Trail,
    TrailError, Unsigned, key_added, key_on_record,
};
use selfheal_core::{AuditId, BasisPoints, IncidentId, PatternId, Timestamp};
use sqlx::Row;
use tokio::sync::mpsc;

use crate::observe::Did;
use crate::{Connection, StoreError, Tx};

macro_rules! columns {
    () => {
        "id, at, event_type, actor, incident_id, pattern_id, confidence, action, target, result, controls, details, evidence_digest, prev_hash, hash, seal_key, seal"
    };
}

/// An entry from a row of these columns, by their places: a name is looked up anew in each of a million rows.
macro_rules! entry {
    ($row:expr) => {{
        let row = &$row;
        let id = AuditId(row.try_get(0)?);
        // What no writer writes (a blob, a score above 1) was put there by somebody else.
        let read = || -> Result<Option<Entry>, sqlx::Error> {
            let at: Timestamp = row.try_get::<i64, _>(1)?.into();
            let confidence: Option<i64> = row.try_get(6)?;
            let score = |value: i64| u32::try_from(value).ok().and_then(|value| BasisPoints::new(value).ok());
            let confidence = match confidence.map(score) {
                Some(None) => return Ok(None),
                Some(Some(score)) => Some(score),
                None => None,
            };
            Ok(at.is_writable().then_some(Entry {
                id,
                at,
                event_type: row.try_get(2)?,
                actor: row.try_get(3)?,
                incident_id: row.try_get::<Option<i64>, _>(4)?.map(IncidentId),
                pattern_id: row.try_get::<Option<String>, _>(5)?.map(PatternId),
                confidence,
                action: row.try_get(7)?,
                target: row.try_get(8)?,
                result: row.try_get(9)?,
                controls: row.try_get(10)?,
                details: row.try_get(11)?,
                evidence_digest: row.try_get(12)?,
                prev_hash: row.try_get(13)?,
                hash: row.try_get(14)?,
                seal: seal(row.try_get(15)?, row.try_get(16)?),
            }))
        };
        read().ok().flatten().ok_or(ChainError::Edited { id })
    }};
}

const LAST: &str = "select id, hash from audit_trail order by id desc limit 1";
const HASH: &str = "select hash from audit_trail where id = $1";
const INSERT: &str = concat!(
    "insert into audit_trail (",
    columns!(),
    ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
);
const FROM: &str = concat!("select ", columns!(), " from audit_trail where id > $1 order by id");
const RANGE: &str = concat!(
    "select ",
    columns!(),
    " from audit_trail
      where id > $1 and id <= $2 and (cast($3 as bigint) = 0 or incident_id = $3)
      order by id limit $4"
);
const BOUNDS: &str = "
    select min(id), max(id) from audit_trail
    where id >= (select coalesce(min(id), 1) from audit_trail where at >= $1)
        and (cast($2 as bigint) = 0 or incident_id = $2)
        and exists (select 1 from audit_trail where at >= $1)";
macro_rules! filter {
    () => {
        " from audit_trail
          where id < $1 and (cast($2 as bigint) = 0 or incident_id = $2)
            and substr(event_type, 1, length(cast($3 as text))) = $3
            and (cast($4 as text) = '' or actor = $4)
            and (cast($5 as text) = '' or pattern_id = $5)
            and at >= $6 and at < $7"
    };
}
const LIST: &str = concat!("select ", columns!(), filter!(), " order by id desc limit $8");
const COUNT: &str = concat!("select count(*)", filter!());
const KEYS: &str =
    concat!("select ", columns!(), " from audit_trail where event_type = $1 or event_type in ($2, $3) order by id");
const STANDING: &str = "
    select count(*), coalesce(sum(case when result = $2 then 1 else 0 end), 0),
        coalesce(sum(case when result = $2 and action = $3 then 1 else 0 end), 0)
    from audit_trail where event_type = $1";

/// Entries handed to the thread that hashes, at once.
const BATCH: usize = 256;
/// Batches read ahead of it.
const AHEAD: usize = 8;

/// Which entries are listed. What is left out lets everything through.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub incident: Option<IncidentId>,
    /// The beginning of the event type, e.g. `action.`.
    pub event: String,
    pub actor: String,
    pub pattern: String,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// A part of the trail that is read in pages: between two ids that are there, of one incident or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRange {
    pub first: AuditId,
    pub last: AuditId,
    pub incident: Option<IncidentId>,
}

impl Tx {
    /// Appends an entry, in the transaction of what it records, sealed where this home has a key.
    pub async fn audit(&mut self, entry: impl Into<Evidenced>) -> Result<AuditId, StoreError> {
        let entry = entry.into();
        self.put_key_on_record(entry.at()).await?;
        self.append(entry).await
    }

    /// Makes sure that the key that seals is on record before its first seal. The first key of a trail signs at once, so that
    /// a key on record without a checkpoint is known to have lost it; one that comes later waits until somebody vouched for it.
    pub async fn put_key_on_record(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let Some(sealer) = self.sealer.clone() else { return Ok(()) };
        let key = sealer.public_key();
        let (any, own, sealing): (i64, i64, i64) = on!(self, c => sqlx::query_as(STANDING)
            .bind(KEY_ADDED).bind(key.id().0).bind(SEALS).fetch_one(c));
        if sealing > 0 {
            return Ok(());
        }
        self.append(key_added(&key, &sealer.owner(), at).into()).await?;
        // Its own from before there were seals counts as well: this is where the trail begins to be sealed.
        if any == 0 || own > 0 {
            self.sign_head(&sealer, at).await?;
        }
        Ok(())
    }

    async fn sign_head(&mut self, sealer: &Arc<dyn Sealer>, at: Timestamp) -> Result<(), StoreError> {
        let Some((entry_id, entry_hash)) = self.audit_head().await? else { return Ok(()) };
        let (entries, key_id) = (entry_id.0.unsigned_abs(), sealer.public_key().id());
        let unsigned = Unsigned { entry_id, entry_hash, entries, at, key_id };
        let signature = sealer.sign(&unsigned.message());
        self.put_audit_checkpoint(&unsigned.signed(signature)).await
    }

    async fn append(&mut self, entry: Evidenced) -> Result<AuditId, StoreError> {
        let last = self.audit_head().await?;
        let mut entry = entry.chain(last.as_ref().map(|(id, hash)| (*id, hash.as_str())));
        if let Some(sealer) = &self.sealer {
            entry = entry.sealed(&**sealer);
        }
        let rows = execute!(
            self,
            sqlx::query(INSERT)
                .bind(entry.id.0)
                .bind(entry.at.as_micros())
                .bind(&entry.event_type)
                .bind(&entry.actor)
                .bind(entry.incident_id.map(|id| id.0))
                .bind(entry.pattern_id.as_ref().map(|id| id.as_str()))
                .bind(entry.confidence.map(|value| i64::from(value.get())))
                .bind(&entry.action)
                .bind(&entry.target)
                .bind(&entry.result)
                .bind(&entry.controls)
                .bind(&entry.details)
                .bind(&entry.evidence_digest)
                .bind(&entry.prev_hash)
                .bind(&entry.hash)
                .bind(entry.seal.as_ref().map(|seal| &seal.key.0))
                .bind(entry.seal.as_ref().map(|seal| seal.signature.to_string()))
        );
        // A trigger of somebody else's can swallow a row without a word.
        if rows != 1 {
            return Err(StoreError::Corrupt("an entry of the audit trail was not taken by the database".into()));
        }
        self.did(Did::Audit(entry.event_type));
        Ok(entry.id)
    }

    /// Where the trail ends: id and hash of the last entry.
    pub async fn audit_head(&mut self) -> Result<Option<(AuditId, String)>, StoreError> {
        let last: Option<(i64, String)> = on!(self, c => sqlx::query_as(LAST).fetch_optional(c));
        Ok(last.map(|(id, hash)| (AuditId(id), hash)))
    }

    /// The hash of an entry, if it is there.
    pub async fn audit_hash(&mut self, id: AuditId) -> Result<Option<String>, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(HASH).bind(id.0).fetch_optional(c)))
    }

    /// Entries before `before`, latest first.
    pub async fn audit_entries(
        &mut self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let before = before.map_or(i64::MAX, |id| id.0);
        let (incident, since, until) = filter.bounds();
        let AuditFilter { event, actor, pattern, .. } = filter;
        let entries: Vec<Result<Entry, ChainError>> = match &mut self.connection {
            Connection::Sqlite(tx) => {
                let query = sqlx::query(LIST).bind(before).bind(incident).bind(event).bind(actor).bind(pattern);
                let rows = query.bind(since).bind(until).bind(limit).fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
            Connection::Postgres(tx) => {
                let query = sqlx::query(LIST).bind(before).bind(incident).bind(event).bind(actor).bind(pattern);
                let rows = query.bind(since).bind(until).bind(limit).fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
        };
        readable(entries)
    }

    /// How many entries a filter lets through.
    pub async fn audit_count(&mut self, filter: &AuditFilter) -> Result<i64, StoreError> {
        let (incident, since, until) = filter.bounds();
        let AuditFilter { event, actor, pattern, .. } = filter;
        Ok(on!(self, c => sqlx::query_scalar(COUNT)
            .bind(i64::MAX).bind(incident).bind(event).bind(actor).bind(pattern).bind(since).bind(until).fetch_one(c)))
    }

    /// The part of the trail from a time on, of one incident or of all. `None` where there is no entry.
    pub async fn audit_range(
        &mut self,
        incident: Option<IncidentId>,
        since: Option<Timestamp>,
    ) -> Result<Option<AuditRange>, StoreError> {
        let since = since.map_or(i64::MIN, Timestamp::as_micros);
        let of = incident.map_or(0, |id| id.0);
        let bounds: (Option<i64>, Option<i64>) =
            on!(self, c => sqlx::query_as(BOUNDS).bind(since).bind(of).fetch_one(c));
        let range = |(first, last)| AuditRange { first: AuditId(first), last: AuditId(last), incident };
        Ok(bounds.0.zip(bounds.1).map(range))
    }

    /// Entries of a range after `after`, earliest first.
    pub async fn audit_page(
        &mut self,
        range: &AuditRange,
        after: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let after = after.map_or(range.first.0.saturating_sub(1), |id| id.0);
        let incident = range.incident.map_or(0, |id| id.0);
        let entries: Vec<Result<Entry, ChainError>> = match &mut self.connection {
            Connection::Sqlite(tx) => {
                let query = sqlx::query(RANGE).bind(after).bind(range.last.0).bind(incident).bind(limit);
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
            Connection::Postgres(tx) => {
                let query = sqlx::query(RANGE).bind(after).bind(range.last.0).bind(incident).bind(limit);
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
        };
        readable(entries)
    }

    /// The public keys that are on record.
    pub async fn audit_keys(&mut self) -> Result<Vec<PublicKey>, StoreError> {
        Ok(self.audit_key_entries().await?.iter().filter_map(key_on_record).collect())
    }

    /// The entries that put a key on record, or take the trail as it is.
    pub async fn audit_key_entries(&mut self) -> Result<Vec<Entry>, StoreError> {
        let [accepted, restored] = ACCEPTANCES;
        let entries: Vec<Result<Entry, ChainError>> = match &mut self.connection {
            Connection::Sqlite(tx) => {
                let query = sqlx::query(KEYS).bind(KEY_ADDED).bind(accepted).bind(restored);
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
            Connection::Postgres(tx) => {
                let query = sqlx::query(KEYS).bind(KEY_ADDED).bind(accepted).bind(restored);
                let rows = query.fetch_all(&mut **tx).await?;
                rows.iter().map(|row| Ok(entry!(row))).collect::<Result<_, sqlx::Error>>()?
            }
        };
        readable(entries)
    }

    /// Checks entries on from where a trail stands. The trail comes back as far as it got, with what is wrong with the first
    /// bad entry.
    ///
    /// All rows come from one query; they are hashed on another thread while the next ones are read, and never more than a
    /// few thousand are in memory.
    pub async fn verify_audit(&mut self, mut trail: Trail) -> Result<(Trail, Option<TrailError>), StoreError> {
        let from = trail.chain().last().map_or(i64::MIN, |id| id.0);
        let (sender, mut batches) = mpsc::channel::<Vec<Result<Entry, ChainError>>>(AHEAD);
        let hashing = tokio::task::spawn_blocking(move || {
            while let Some(batch) = batches.blocking_recv() {
                for entry in batch {
                    if let Err(error) = entry.map_err(TrailError::from).and_then(|entry| trail.check(&entry)) {
                        return (trail, Some(error));
                    }
                }
            }
            (trail, None)
        });
        let mut batch = Vec::with_capacity(BATCH);
        macro_rules! read {
            ($tx:expr) => {{
                let mut rows = sqlx::query(FROM).bind(from).fetch(&mut **$tx);
                while let Some(row) = rows.try_next().await? {
                    batch.push(entry!(row));
                    // The other side is gone when it found a bad entry: the rest is not needed.
                    if batch.len() == BATCH
                        && sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).await.is_err()
                    {
                        break;
                    }
                }
            }};
        }
        match &mut self.connection {
            Connection::Sqlite(tx) => read!(tx),
            Connection::Postgres(tx) => read!(tx),
        }
        let _ = sender.send(batch).await;
        drop(sender);
        hashing.await.map_err(|error| StoreError::Corrupt(format!("the audit trail could not be checked: {error}")))
    }
}

impl AuditFilter {
    fn bounds(&self) -> (i64, i64, i64) {
        let micros = |at: Option<Timestamp>, none| at.map_or(none, Timestamp::as_micros);
        (self.incident.map_or(0, |id| id.0), micros(self.since, i64::MIN), micros(self.until, i64::MAX))
    }
}

/// What is no seal is a wrong one: it must be found where seals are checked, not stop the reading.
fn seal(key: Option<String>, signature: Option<String>) -> Option<Box<Seal>> {
    let is_one = key.is_some() || signature.is_some();
    let signature = signature.as_deref().and_then(Signature::parse).unwrap_or(Signature::from_bytes([0; 64]));
    is_one.then(|| Box::new(Seal { key: KeyId(key.unwrap_or_default()), signature }))
}

/// For those who show entries and do not check them.
fn readable(entries: Vec<Result<Entry, ChainError>>) -> Result<Vec<Entry>, StoreError> {
    let entries: Result<Vec<Entry>, ChainError> = entries.into_iter().collect();
    entries.map_err(|error| StoreError::Corrupt(format!("the audit trail: {error}. `selfheal audit verify` says more")))
}
