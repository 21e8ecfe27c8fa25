//! The effect `execute`: runs an admitted plan, step by step. The only effect that is never repeated.

use std::time::Duration;

use selfheal_core::{EventId, Fact, Gate, GateResult, Incident, Outcome, Plan, Timestamp};
use selfheal_store::PendingEffect;

use crate::decide::{entry, outcome_entry};
use crate::engine::{Engine, EngineError, lock};
use crate::evidence::record_own;
use crate::timers::call_next;

impl Engine {
    pub(crate) async fn execute(&self, effect: &PendingEffect, event: EventId) -> Result<(), EngineError> {
        if effect.started_at.is_some() {
            let known = lock(&self.outcomes).get(&effect.id).cloned();
            // Started by an engine that is gone: nobody knows how far it came.
            let outcome =
                known.unwrap_or_else(|| Outcome::Unknown { detail: "the engine stopped while the action ran".into() });
            return self.finished(effect, event, outcome).await;
        }
        let Some((incident, plan)) = self.begin(effect, event).await? else { return Ok(()) };
        let outcome = self.run_steps(&incident, &plan).await;
        // Should the database refuse it now, it is still known when it is tried again.
        lock(&self.outcomes).insert(effect.id, outcome.clone());
        self.finished(effect, event, outcome).await
    }

    /// Gate 12, and the mark that this plan is running now. `None` where the switch holds it.
    async fn begin(&self, effect: &PendingEffect, event: EventId) -> Result<Option<(Incident, Plan)>, EngineError> {
        self.sound(self.now()).await?;
        let mut tx = self.write_as_leader().await?;
        self.secure_mark(&mut tx).await?;
        let now = self.now();
        let incident = tx.incident(effect.incident_id).await?;
        let stored =
            tx.event(event).await?.ok_or_else(|| EngineError::Corrupt(format!("healing event {event} is missing")))?;
        if let Some(why) = self.went_stale(&incident, &stored.plan, stored.started_at, now) {
            tx.audit(entry("action.stale", &incident, &why, now)).await?;
            let incident = tx.record(incident.id, &Fact::WentStale { event, why }, now).await?;
            tx.set_event_status(event, "held", Some(now), None).await?;
            tx.finish_effect(effect.id).await?;
            tx.commit().await?;
            self.announce_incident(&incident);
            return Ok(None);
        }
        let automation = tx.automation(now).await?;
        let posture = self.effective(&automation, now);
        if !posture.lets(stored.approved_by.is_some()) {
            let gate = GateResult {
                gate: Gate::AutomationBeforeStep,
                passed: false,
                reason: format!("Automation is {} since the action was admitted.", posture.as_str()),
                until: None,
            };
            tx.audit(entry("action.held", &incident, &gate.reason, now)).await?;
            let incident = tx.record(incident.id, &Fact::HeldBeforeStep { event, gate }, now).await?;
            tx.set_event_status(event, "held", Some(now), None).await?;
            tx.finish_effect(effect.id).await?;
            call_next(&mut tx, now).await?;
            tx.commit().await?;
            self.announce_incident(&incident);
            return Ok(None);
        }
        if !tx.start_effect(effect.id, now).await? {
            return Ok(None);
        }
        tx.set_event_status(event, "running", None, None).await?;
        tx.audit(entry("action.started", &incident, "running", now)).await?;
        tx.commit().await?;
        Ok(Some((incident, stored.plan)))
    }

    /// Why an admitted plan must not be started any more: an engine may have been away between the intent and this.
    fn went_stale(&self, incident: &Incident, plan: &Plan, intended: Timestamp, now: Timestamp) -> Option<String> {
        let config = self.config();
        if now > intended + config.limits.preflight_max_age() {
            return Some(format!("it was to start {} ago", now.since(intended)));
        }
        match config.service(&plan.service) {
            Some(service) if !service.managed => Some(format!("{} is not managed any more", plan.service)),
            Some(service) if service.target.as_ref() == Some(&plan.target) => None,
            _ => Some(format!("the inventory describes {} differently now", plan.service)),
        }
        .or_else(|| (incident.attempts.is_empty()).then(|| "the attempt is not on record".to_owned()))
    }

    async fn run_steps(&self, incident: &Incident, plan: &Plan) -> Outcome {
        let Some(actuator) = self.actuator(&plan.action, &plan.target) else {
            return Outcome::Failed { detail: format!("no actuator for {}", plan.target.kind()) };
        };
        // The limit is the action's, however many steps it has.
        let limit = Duration::from_secs(self.config().limits.action_timeout_seconds);
        let deadline = tokio::time::Instant::now() + limit;
        let mut last = Outcome::Succeeded { detail: "nothing to do".into() };
        for index in 0..plan.steps.len() {
            if index > 0
                && let Some(stopped) = self.stopped_between_steps(incident, index).await
            {
                return stopped;
            }
            // An engine that was suspended since it was told to begin may not be the leader any more.
            if !self.lease_is_fresh() {
                return Outcome::Stopped { detail: format!("the lease ran out before step {}", index + 1) };
            }
            last = match tokio::time::timeout_at(deadline, actuator.run_step(plan, index)).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown {
                    detail: format!("step {} had not ended {limit:?} after the action began", index + 1),
                },
            };
            if !matches!(last, Outcome::Succeeded { .. }) {
                return last;
            }
        }
        last
    }

    /// Gate 12 again, before every further step.
    async fn stopped_between_steps(&self, incident: &Incident, index: usize) -> Option<Outcome> {
        let approved = incident.attempts.last().is_some_and(|attempt| attempt.approved_by.is_some());
        let posture = async {
            let lease = self.lease()?;
            let mut tx = self.store.read().await?;
            tx.check_lease(&lease).await?;
            Ok::<_, EngineError>(tx.automation(self.now()).await?)
        };
        match posture.await {
            Ok(automation) if self.effective(&automation, self.now()).lets(approved) => None,
            Ok(_) => Some(Outcome::Stopped { detail: format!("automation was stopped after step {index}") }),
            Err(error) => Some(Outcome::Unknown { detail: format!("stopped after step {index}: {error}") }),
        }
    }

    async fn finished(&self, effect: &PendingEffect, event: EventId, outcome: Outcome) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        let now = self.now();
        let stored = tx.event(event).await?;
        tx.set_event_status(event, outcome.as_str(), Some(now), Some(outcome.detail())).await?;
        if let Some(stored) = stored {
            let (connection, limits) = (stored.plan.target.connection(), &self.config().limits);
            let health = tx.connection(&connection).await?;
            let health = match outcome {
                Outcome::Failed { .. } | Outcome::Unknown { .. } => health.failed(now, limits),
                Outcome::Succeeded { .. } => health.answered(now),
                Outcome::Stopped { .. } => health,
            };
            tx.put_connection(&connection, &health, now).await?;
            if matches!(outcome, Outcome::Succeeded { .. }) {
                record_own(&mut tx, event, &stored.plan, stored.approved_by.as_deref(), now).await?;
            }
        }
        let incident =
            tx.record(effect.incident_id, &Fact::ActionFinished { event, outcome: outcome.clone() }, now).await?;
        tx.audit(outcome_entry("action.finished", &incident, outcome.words(), outcome.detail(), now)).await?;
        tx.finish_effect(effect.id).await?;
        call_next(&mut tx, now).await?;
        tx.commit().await?;
        lock(&self.outcomes).remove(&effect.id);
        self.announce_incident(&incident);
        Ok(())
    }
}
