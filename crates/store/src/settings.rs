//! `settings`: small values with who set them and when.

use selfheal_core::pace::Anchor;
use selfheal_core::{Posture, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::observe::Did;
use crate::{Purged, StoreError, Tx};

/// The automation switch as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    pub posture: Posture,
    /// Until when; afterwards `then` holds.
    pub until: Option<Timestamp>,
    pub then: Posture,
    pub set_by: String,
    pub set_at: Timestamp,
    pub reason: Option<String>,
}

impl Automation {
    /// A new home only observes.
    pub fn initial(at: Timestamp) -> Self {
        Self {
            posture: Posture::Observe,
            until: None,
            then: Posture::Observe,
            set_by: "the default of a new home".into(),
            set_at: at,
            reason: None,
        }
    }

    pub fn effective(&self, now: Timestamp) -> Posture {
        match self.until {
            Some(until) if until <= now => self.then,
            _ => self.posture,
        }
    }
}

const GET: &str = "select value from settings where key = $1";
const PUT: &str = "
    insert into settings (key, value, updated_at, updated_by) values ($1, $2, $3, $4)
    on conflict (key) do update set
        value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by";

const AUTOMATION: &str = "automation";
const KNOWLEDGE_VERSION: &str = "knowledge_version";
const KNOWLEDGE_REPLACED: &str = "knowledge_replaced";
const PACE: &str = "pace";
const LATEST_TIME: &str = "latest_time";
const PURGED: &str = "retention_purged";

impl Tx {
    async fn setting<T: DeserializeOwned + Send + Unpin>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let value: Option<Json<serde_json::Value>> =
            on!(self, c => sqlx::query_scalar(GET).bind(key).fetch_optional(c));
        Ok(value.map(|Json(value)| serde_json::from_value(value)).transpose()?)
    }

    async fn put_setting(
        &mut self,
        key: &'static str,
        value: &(impl Serialize + Sync),
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        let value = serde_json::to_value(value)?;
        execute!(self, sqlx::query(PUT).bind(key).bind(Json(&value)).bind(at.as_micros()).bind(by));
        self.did(Did::Row(key));
        Ok(())
    }

    pub async fn automation(&mut self, now: Timestamp) -> Result<Automation, StoreError> {
        Ok(self.setting(AUTOMATION).await?.unwrap_or_else(|| Automation::initial(now)))
    }

    pub async fn put_automation(&mut self, automation: &Automation) -> Result<(), StoreError> {
        self.put_setting(AUTOMATION, automation, automation.set_at, &automation.set_by).await
    }

    /// Changes with every change of the knowledge base, so that a compiled copy knows when it is old.
    pub async fn knowledge_version(&mut self) -> Result<i64, StoreError> {
        Ok(self.setting(KNOWLEDGE_VERSION).await?.unwrap_or(0))
    }

    /// The version at which every row of the knowledge base was last replaced: what is older cannot be brought up to date
    /// by what changed since.
    pub(crate) async fn knowledge_replaced(&mut self) -> Result<i64, StoreError> {
        Ok(self.setting(KNOWLEDGE_REPLACED).await?.unwrap_or(0))
    }

    /// Gives the knowledge base a version that no copy of it has, after every row was replaced.
    pub(crate) async fn replace_knowledge(&mut self, version: i64, at: Timestamp) -> Result<(), StoreError> {
        self.put_setting(KNOWLEDGE_REPLACED, &version, at, "store").await?;
        self.set_knowledge_version(version, at).await
    }

    pub(crate) async fn set_knowledge_version(&mut self, version: i64, at: Timestamp) -> Result<(), StoreError> {
        self.put_setting(KNOWLEDGE_VERSION, &version, at, "store").await
    }

    /// The latest time that was stored.
    pub async fn latest_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let latest: Option<i64> = self.setting(LATEST_TIME).await?;
        Ok(latest.map(Timestamp::from_micros))
    }

    /// The pace of time that the last engine left.
    pub async fn pace(&mut self) -> Result<Option<Anchor>, StoreError> {
        self.setting(PACE).await
    }

    pub async fn put_pace(&mut self, anchor: &Anchor, at: Timestamp) -> Result<(), StoreError> {
        self.put_setting(PACE, anchor, at, "engine").await
    }

    /// The engine's time: never earlier than any it stored, so that a clock set back frees no slot of a limit.
    pub async fn observe_clock(&mut self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let latest: Option<i64> = self.setting(LATEST_TIME).await?;
        match latest.map(Timestamp::from_micros) {
            Some(latest) if latest >= now => Ok(latest),
            _ => {
                self.put_setting(LATEST_TIME, &now.as_micros(), now, "engine").await?;
                Ok(now)
            }
        }
    }

    /// What the run of retention that is under way has removed so far.
    async fn purged(&mut self) -> Result<Purged, StoreError> {
        Ok(self.setting(PURGED).await?.unwrap_or_default())
    }

    pub async fn add_purged(&mut self, more: Purged, at: Timestamp) -> Result<(), StoreError> {
        let sum = self.purged().await?;
        let sum = Purged {
            facts: sum.facts + more.facts,
            signals: sum.signals + more.signals,
            minutes: sum.minutes + more.minutes,
            changes: sum.changes + more.changes,
            baselines: sum.baselines + more.baselines,
        };
        self.put_setting(PURGED, &sum, at, "engine").await
    }

    /// Ends a run: what it has removed in all, which is then told in the audit trail.
    pub async fn take_purged(&mut self, at: Timestamp) -> Result<Purged, StoreError> {
        let sum = self.purged().await?;
        if !sum.is_nothing() {
            self.put_setting(PURGED, &Purged::default(), at, "engine").await?;
        }
        Ok(sum)
    }
}
