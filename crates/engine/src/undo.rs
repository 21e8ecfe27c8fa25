//! The effect `undo`: takes back an attempt that did not help, where its plan says so. Like an execution it is never
//! repeated: what was cut off is for a person. No limit holds it, but it too waits until nothing else executes.

use std::time::Duration;

use selfheal_core::{EventId, Fact, Outcome, Plan, Posture, Span};
use selfheal_store::PendingEffect;

use crate::decide::{entry, outcome_entry};
use crate::engine::{Engine, EngineError, lock};

/// How soon it is looked again whether the action that is executing has ended.
const TURN: Span = Span::from_secs(1);

impl Engine {
    pub(crate) async fn undo(&self, effect: &PendingEffect, event: EventId) -> Result<(), EngineError> {
        if effect.started_at.is_some() {
            let known = lock(&self.outcomes).get(&effect.id).cloned();
            let outcome =
                known.unwrap_or_else(|| Outcome::Unknown { detail: "the engine stopped while it was undone".into() });
            return self.undone(effect, event, outcome).await;
        }
        let Some(plan) = self.begin_undo(effect, event).await? else { return Ok(()) };
        let limit = Duration::from_secs(self.config().limits.action_timeout_seconds);
        let config = self.config();
        let same = config.service(&plan.service).is_some_and(|s| s.managed && s.target.as_ref() == Some(&plan.target));
        let outcome = match self.actuator(&plan.action, &plan.target) {
            _ if !same => Outcome::Failed { detail: format!("{} is not managed as it was any more", plan.service) },
            None => Outcome::Failed { detail: format!("no actuator for {}", plan.target.kind()) },
            // An engine that was suspended since it was told to begin may not be the leader any more.
            Some(_) if !self.lease_is_fresh() => Outcome::Failed { detail: "the lease ran out before it began".into() },
            Some(actuator) => match tokio::time::timeout(limit, actuator.undo(&plan)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown { detail: format!("it had not ended after {limit:?}") },
            },
        };
        lock(&self.outcomes).insert(effect.id, outcome.clone());
        self.undone(effect, event, outcome).await
    }

    /// The mark that this is being undone now. `None` while another action executes.
    async fn begin_undo(&self, effect: &PendingEffect, event: EventId) -> Result<Option<Plan>, EngineError> {
        let mut tx = self.write_as_leader().await?;
        let now = self.now();
        // No limit holds it, but a pause holds everything.
        let automation = tx.automation(now).await?;
        if tx.executing().await?.is_some() || self.effective(&automation, now) == Posture::Paused {
            tx.reschedule_effect(effect.id, now + TURN, &effect.state).await?;
            tx.commit().await?;
            return Ok(None);
        }
        let incident = tx.incident(effect.incident_id).await?;
        let stored =
            tx.event(event).await?.ok_or_else(|| EngineError::Corrupt(format!("healing event {event} is missing")))?;
        if !tx.start_effect(effect.id, now).await? {
            return Ok(None);
        }
        tx.set_event_status(event, "undoing", None, None).await?;
        tx.audit(entry("action.undo_started", &incident, "undoing", now)).await?;
        tx.commit().await?;
        Ok(Some(stored.plan))
    }

    async fn undone(&self, effect: &PendingEffect, event: EventId, outcome: Outcome) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        let now = self.now();
        let status = if matches!(outcome, Outcome::Succeeded { .. }) { "undone" } else { "undo_failed" };
        tx.set_event_status(event, status, Some(now), Some(outcome.detail())).await?;
        let incident = tx.record(effect.incident_id, &Fact::Undone { event, outcome: outcome.clone() }, now).await?;
        let taken_back = match outcome {
            Outcome::Succeeded { .. } => "taken back",
            _ => "it could not be taken back",
        };
        tx.audit(outcome_entry("action.undone", &incident, taken_back, outcome.detail(), now)).await?;
        let verdict = incident
            .attempt(event)
            .and_then(|attempt| attempt.undo.as_ref())
            .map(|undo| undo.verdict.clone())
            .ok_or_else(|| EngineError::Corrupt(format!("healing event {event} has no verdict")))?;
        let incident = self.conclude_attempt(&mut tx, &incident, event, verdict, status, now).await?;
        tx.finish_effect(effect.id).await?;
        tx.commit().await?;
        lock(&self.outcomes).remove(&effect.id);
        self.announce_incident(&incident);
        Ok(())
    }
}
