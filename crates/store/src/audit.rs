//! `audit_trail`: append-only, hash-chained.

use selfheal_core::audit::{ChainError, Entry, NewEntry, Verifier};
use selfheal_core::{AuditId, BasisPoints, IncidentId, PatternId};

use crate::observe::Did;
use crate::{StoreError, Tx};

#[derive(sqlx::FromRow, serde::Deserialize)]
pub(crate) struct Row {
    id: i64,
    at: i64,
    event_type: String,
    actor: String,
    incident_id: Option<i64>,
    pattern_id: Option<String>,
    confidence: Option<i64>,
    action: Option<String>,
    target: Option<String>,
    result: String,
    controls: String,
    details: String,
    evidence_digest: String,
    prev_hash: String,
    hash: String,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: AuditId(row.id),
            at: row.at.into(),
            event_type: row.event_type,
            actor: row.actor,
            incident_id: row.incident_id.map(IncidentId),
            pattern_id: row.pattern_id.map(PatternId),
            confidence: row.confidence.map(|value| BasisPoints::saturating(value as u32)),
            action: row.action,
            target: row.target,
            result: row.result,
            controls: row.controls,
            details: row.details,
            evidence_digest: row.evidence_digest,
            prev_hash: row.prev_hash,
            hash: row.hash,
        }
    }
}

macro_rules! columns {
    () => {
        "id, at, event_type, actor, incident_id, pattern_id, confidence, action, target, result, controls, details, evidence_digest, prev_hash, hash"
    };
}

const LAST: &str = "select id, hash from audit_trail order by id desc limit 1";
const HASH: &str = "select hash from audit_trail where id = $1";
const INSERT: &str = concat!(
    "insert into audit_trail (",
    columns!(),
    ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
);
const PAGE: &str = concat!("select ", columns!(), " from audit_trail where id > $1 order by id limit $2");
const LIST: &str = concat!(
    "select ",
    columns!(),
    " from audit_trail
      where id < $1 and (cast($2 as bigint) = 0 or incident_id = $2)
      order by id desc limit $3"
);
const COUNT: &str = "select count(*) from audit_trail";

/// Entries read at once while verifying.
const PAGE_SIZE: i64 = 1_000;

impl Tx {
    /// Appends an entry, in the transaction of what it records.
    pub async fn audit(&mut self, entry: NewEntry) -> Result<AuditId, StoreError> {
        let last: Option<(i64, String)> = on!(self, c => sqlx::query_as(LAST).fetch_optional(c));
        let entry = entry.chain(last.as_ref().map(|(id, hash)| (AuditId(*id), hash.as_str())));
        execute!(
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
        );
        self.did(Did::Audit(entry.event_type));
        Ok(entry.id)
    }

    /// Entries before `before`, latest first; of one incident where one is named.
    pub async fn audit_entries(
        &mut self,
        incident: Option<IncidentId>,
        before: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<Entry>, StoreError> {
        let before = before.map_or(i64::MAX, |id| id.0);
        let incident = incident.map_or(0, |id| id.0);
        let rows: Vec<Row> = on!(self, c => sqlx::query_as(LIST).bind(before).bind(incident).bind(limit).fetch_all(c));
        Ok(rows.into_iter().map(Entry::from).collect())
    }

    /// Where the trail ends.
    pub async fn audit_head(&mut self) -> Result<Option<(AuditId, String)>, StoreError> {
        let last: Option<(i64, String)> = on!(self, c => sqlx::query_as(LAST).fetch_optional(c));
        Ok(last.map(|(id, hash)| (AuditId(id), hash)))
    }

    /// The hash of one entry.
    pub async fn audit_hash(&mut self, id: AuditId) -> Result<Option<String>, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(HASH).bind(id.0).fetch_optional(c)))
    }

    pub async fn audit_count(&mut self) -> Result<i64, StoreError> {
        Ok(on!(self, c => sqlx::query_scalar(COUNT).fetch_one(c)))
    }

    /// Checks the whole chain. The number of good entries, and what is wrong with the first bad one.
    pub async fn verify_audit(&mut self) -> Result<(u64, Option<ChainError>), StoreError> {
        let mut verifier = Verifier::default();
        let error = self.verify_audit_from(&mut verifier).await?;
        Ok((verifier.count(), error))
    }

    /// Checks on from where a verifier stands. Where the trail is another one by now (a backup was restored), from the
    /// start.
    pub async fn verify_audit_from(&mut self, verifier: &mut Verifier) -> Result<Option<ChainError>, StoreError> {
        if let Some((id, hash)) = verifier.head().map(|(id, hash)| (id, hash.to_owned()))
            && self.audit_hash(id).await?.is_none_or(|found| found != hash)
        {
            *verifier = Verifier::default();
        }
        loop {
            let last = verifier.last().map_or(0, |id| id.0);
            let rows: Vec<Row> = on!(self, c => sqlx::query_as(PAGE).bind(last).bind(PAGE_SIZE).fetch_all(c));
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows {
                if let Err(error) = verifier.check(&row.into()) {
                    return Ok(Some(error));
                }
            }
        }
    }
}
