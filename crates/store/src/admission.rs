//! What the gates count. Read in the writing transaction that inserts the intent, so that two engines cannot both find
//! the last free slot.

use selfheal_core::{EventId, HOUR, Incident, IncidentId, Timestamp};

use crate::{StoreError, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Starts of the last 60 minutes, whatever became of them.
    pub starts: Vec<Timestamp>,
    /// When this action last started on this target.
    pub last_identical_start: Option<Timestamp>,
    /// The action whose outcome is not known yet.
    pub executing: Option<EventId>,
    /// A queued incident that is ready and goes first.
    pub ahead: Option<IncidentId>,
}

// Later than an hour before now, and also what lies in the future: a clock set back frees nothing.
const STARTS: &str = "select started_at from self_healing_events where started_at > $1";
const IDENTICAL: &str = "select max(started_at) from self_healing_events where action = $1 and target = $2";
const EXECUTING: &str = "select min(id) from self_healing_events where status in ('intended', 'running', 'undoing')";

const WAITING: &str = "
    select count(*) from incidents
    where state in ('awaiting_approval', 'queued', 'healing', 'verifying')";

impl Tx {
    /// The counts for one action on one canonical target, for this incident.
    pub async fn admission_counts(
        &mut self,
        incident: IncidentId,
        action: &str,
        target: &str,
        now: Timestamp,
    ) -> Result<Counts, StoreError> {
        let incident = self.incident(incident).await?;
        self.admission_counts_of(&incident, action, target, now).await
    }

    /// The same for an incident that need not be stored.
    pub async fn admission_counts_of(
        &mut self,
        incident: &Incident,
        action: &str,
        target: &str,
        now: Timestamp,
    ) -> Result<Counts, StoreError> {
        let identical: Option<i64> =
            on!(self, c => sqlx::query_scalar(IDENTICAL).bind(action).bind(target).fetch_one(c));
        Ok(Counts {
            starts: self.starts_since(now - HOUR).await?,
            last_identical_start: identical.map(Timestamp::from),
            executing: self.executing().await?,
            ahead: self.ahead_of(incident, now).await?,
        })
    }

    /// The starts that count after a moment.
    pub async fn starts_since(&mut self, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        let starts: Vec<i64> = on!(self, c => sqlx::query_scalar(STARTS).bind(since.as_micros()).fetch_all(c));
        Ok(starts.into_iter().map(Timestamp::from).collect())
    }

    /// Whether no start, circuit breaker, plan or approval is counted from now: nothing that a leap of the clock could free
    /// or let expire.
    pub async fn counts_nothing(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let waiting: i64 = on!(self, c => sqlx::query_scalar(WAITING).fetch_one(c));
        Ok(waiting == 0
            && self.starts_since(now - HOUR).await?.is_empty()
            && self.connections().await?.iter().all(|(_, health)| health.is_quiet(now)))
    }

    /// The action that runs, is about to, or is being undone.
    pub async fn executing(&mut self) -> Result<Option<EventId>, StoreError> {
        let event: Option<i64> = on!(self, c => sqlx::query_scalar(EXECUTING).fetch_one(c));
        Ok(event.map(EventId))
    }
}
