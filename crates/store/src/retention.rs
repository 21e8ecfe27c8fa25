//! Removes what has expired of incidents that were closed long enough ago, in batches.
//!
//! Nothing here touches `audit_trail`, `incidents` or `self_healing_events`, nor anything of an incident that is not
//! `closed`: a resolved one is still watched, and its facts and signals are what a recurrence is told by.

use selfheal_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{StoreError, Tx};

/// What one run removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    pub facts: u64,
    pub signals: u64,
    pub minutes: u64,
    /// Recorded changes.
    #[serde(default)]
    pub changes: u64,
    /// Baselines of templates that are not seen any more.
    #[serde(default)]
    pub baselines: u64,
}

impl Purged {
    pub const fn is_nothing(&self) -> bool {
        self.facts == 0 && self.signals == 0 && self.minutes == 0 && self.changes == 0 && self.baselines == 0
    }
}

// `updated_at` of a closed incident is when it was closed, or when a person last wrote a note to it.
const FACTS: &str = "
    delete from incident_facts where (incident_id, seq) in (
        select incident_facts.incident_id, incident_facts.seq
        from incident_facts join incidents on incidents.id = incident_facts.incident_id
        where incidents.state = 'closed' and incidents.updated_at <= $1
        order by incident_facts.incident_id, incident_facts.seq limit $2)";
const EXPIRED_SIGNALS: &str = "
    select signals.id from signals join incidents on incidents.id = signals.incident_id
    where incidents.state = 'closed' and incidents.updated_at <= $1
    order by signals.id limit $2";
const MINUTES_OF: &str = "delete from signal_counts where signal_id = $1";
const SIGNAL: &str = "delete from signals where id = $1";
const MINUTES: &str = "
    delete from signal_counts where (signal_id, minute) in (
        select signal_counts.signal_id, signal_counts.minute
        from signal_counts
        join signals on signals.id = signal_counts.signal_id
        join incidents on incidents.id = signals.incident_id
        where incidents.state = 'closed' and incidents.updated_at <= $1
        order by signal_counts.signal_id, signal_counts.minute limit $2)";

impl Tx {
    /// Removes up to `limit` facts of incidents closed at or before a moment.
    pub async fn purge_facts(&mut self, closed: Timestamp, limit: i64) -> Result<u64, StoreError> {
        Ok(execute!(self, sqlx::query(FACTS).bind(closed.as_micros()).bind(limit)))
    }

    /// Removes up to `limit` signals of such incidents, and the counts that belong to them.
    pub async fn purge_signals(&mut self, closed: Timestamp, limit: i64) -> Result<Purged, StoreError> {
        let ids: Vec<i64> =
            on!(self, c => sqlx::query_scalar(EXPIRED_SIGNALS).bind(closed.as_micros()).bind(limit).fetch_all(c));
        let mut purged = Purged::default();
        for id in ids {
            purged.minutes += execute!(self, sqlx::query(MINUTES_OF).bind(id));
            purged.signals += execute!(self, sqlx::query(SIGNAL).bind(id));
        }
        Ok(purged)
    }

    /// Removes up to `limit` counts by minute of such incidents.
    pub async fn purge_minutes(&mut self, closed: Timestamp, limit: i64) -> Result<u64, StoreError> {
        Ok(execute!(self, sqlx::query(MINUTES).bind(closed.as_micros()).bind(limit)))
    }
}
