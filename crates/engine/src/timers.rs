//! What happens to an incident because time passed.

use selfheal_core::audit::NewEntry;
use selfheal_core::{Effect, Fact, Gate, HOUR, IncidentId, State, Timestamp};
use selfheal_store::{StoreError, Tx};

use crate::engine::{Engine, EngineError};

/// Incidents looked at in one round.
const BATCH: i64 = 100;

impl Engine {
    pub(crate) async fn wake_incidents(&self, now: Timestamp) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        let due = tx.incidents_due(now, BATCH).await?;
        drop(tx);
        for id in due {
            // One incident that cannot be read must not keep the others from being looked at.
            match self.wake_one(id, now).await {
                Ok(()) => {}
                Err(EngineError::Store(StoreError::LeaseLost)) => return Err(StoreError::LeaseLost.into()),
                Err(error) => self.problem(&format!("incident {id}"), Some(error.to_string())),
            }
        }
        self.call_in_time(now).await
    }

    /// Time alone may have freed what kept the queue back: calls whose turn it is. One at a time, and nobody while an action
    /// runs or the hourly limit is reached, so that a thousand that wait do not ask their targets for nothing.
    async fn call_in_time(&self, now: Timestamp) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        let Some(next) = tx.next_in_queue(now).await? else { return Ok(()) };
        let (starts, executing) = (tx.starts_since(now - HOUR).await?, tx.executing().await?);
        let full = starts.len() >= self.config().self_healing.max_actions_per_hour as usize;
        let asked = tx.effects_of(next).await?.iter().any(|effect| effect.body == Effect::Decide);
        drop(tx);
        if full || executing.is_some() || asked {
            return Ok(());
        }
        let mut tx = self.write_as_leader().await?;
        call_next(&mut tx, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Windows came or went: what waits for the end of one is decided again.
    pub async fn maintenance_changed(&self) -> Result<(), EngineError> {
        let now = self.now();
        let mut tx = self.store.write().await?;
        for incident in tx.incidents_in("queued").await? {
            if matches!(&incident.state, State::Queued { gate, .. } if gate.gate == Gate::Maintenance) {
                tx.put_effect(incident.id, &Effect::Decide, now).await?;
            }
        }
        tx.commit().await?;
        self.nudge();
        Ok(())
    }

    async fn wake_one(&self, id: IncidentId, now: Timestamp) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        let changed = wake(&mut tx, id, now).await?;
        tx.commit().await?;
        if let Some(incident) = changed {
            self.announce_incident(&incident);
        }
        Ok(())
    }
}

async fn wake(tx: &mut Tx, id: IncidentId, now: Timestamp) -> Result<Option<selfheal_core::Incident>, StoreError> {
    let incident = tx.incident(id).await?;
    if incident.wake_at().is_none_or(|at| now < at) {
        return Ok(None);
    }
    let audit = |event_type: &'static str, result: &str| NewEntry {
        at: now,
        event_type,
        actor: "engine".into(),
        incident_id: Some(id),
        pattern_id: incident.decided.as_ref().and_then(|d| d.plan.as_ref()).map(|plan| plan.pattern.clone()),
        confidence: None,
        action: incident.decided.as_ref().and_then(|d| d.plan.as_ref()).map(|plan| plan.action.kind.to_string()),
        target: incident.decided.as_ref().and_then(|d| d.plan.as_ref()).map(|plan| plan.target.canonical()),
        result: result.into(),
        details: serde_json::json!({}),
    };
    let fact = match &incident.state {
        // Approved, and on its way through the gates.
        State::AwaitingApproval { .. }
            if incident.approval.as_ref().is_some_and(selfheal_core::Approval::is_complete) =>
        {
            tx.put_effect(id, &Effect::Decide, now).await?;
            return Ok(None);
        }
        State::AwaitingApproval { .. } => {
            tx.audit(audit("approval.expired", "escalated")).await?;
            Fact::ApprovalExpired
        }
        State::Queued { expires_at, .. } if *expires_at <= now => {
            tx.audit(audit("action.expired", "escalated")).await?;
            Fact::QueueExpired
        }
        State::Snoozed { .. } => Fact::Woken { by: "engine".into() },
        State::Resolved { .. } => Fact::WatchEnded,
        _ => return Ok(None),
    };
    let incident = tx.record(id, &fact, now).await?;
    call_next(tx, now).await?;
    Ok(Some(incident))
}

/// Calls the queued incident whose turn it is. To be called whenever something that may have kept it back is over.
pub(crate) async fn call_next(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    match tx.next_in_queue(now).await? {
        Some(id) => tx.put_effect(id, &Effect::Decide, now).await,
        None => Ok(()),
    }
}
