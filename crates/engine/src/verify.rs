//! The effect `verify`: reads health checks and the error pattern until there is a verdict, and learns from it.

use selfheal_core::audit::NewEntry;
use selfheal_core::matching::Evidence;
use selfheal_core::verify::{Progress, Reading, TargetState, Watch};
use selfheal_core::{EventId, Fact, Fingerprint, Incident, Outcome, Plan, Timestamp, Verdict, learn};
use selfheal_store::{PendingEffect, Tx};

use crate::decide::{entry, outcome_entry};
use crate::engine::{Engine, EngineError};
use crate::evidence::remember;
use crate::learning::learn_from_end;
use crate::plan::PREVIEW;
use crate::ports::ActuatorError;
use crate::timers::call_next;

impl Engine {
    pub(crate) async fn verify(&self, effect: &PendingEffect, event: EventId) -> Result<(), EngineError> {
        let config = self.config();
        let settings = &config.verification;
        let mut tx = self.store.read().await?;
        let incident = tx.incident(effect.incident_id).await?;
        let symptom_last_seen = tx.symptom_last_seen(incident.id).await?;
        drop(tx);
        let Some((outcome, finished)) = incident.attempt(event).and_then(|a| a.outcome.clone().zip(a.finished_at))
        else {
            return self.done(effect).await;
        };
        let watch: Watch =
            serde_json::from_value(effect.state.clone()).unwrap_or_else(|_| Watch::start(finished, settings));
        let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
        let service = plan.map_or(&incident.service, |plan| &plan.service);
        let mut checks = Vec::new();
        for check in config.service(service).map_or(&[][..], |service| service.health_checks.as_slice()) {
            checks.push(self.adapters.probe.check(check).await);
        }
        // What failed to run is judged without a look.
        let target = match plan.filter(|_| !matches!(outcome, Outcome::Failed { .. })) {
            Some(plan) => self.look_at_target(plan).await?,
            None => None,
        };
        let now = self.now();
        match watch.read(Reading { at: now, checks, symptom_last_seen, target }, &outcome, settings) {
            Progress::Continue(watch) => {
                let mut tx = self.write_as_leader().await?;
                let state = serde_json::to_value(&watch).unwrap_or_default();
                tx.reschedule_effect(effect.id, now + settings.interval(), &state).await?;
                tx.commit().await?;
                self.announce_incident(&incident);
                Ok(())
            }
            Progress::Done(_, verdict) => self.verdict(effect, event, &outcome, verdict, now).await,
        }
    }

    /// What the target of a plan does now; `None` where nobody here can act on it.
    async fn look_at_target(&self, plan: &Plan) -> Result<Option<TargetState>, EngineError> {
        let Some(actuator) = self.actuator(&plan.action, &plan.target).cloned() else { return Ok(None) };
        let connection = plan.target.connection();
        let seen = match tokio::time::timeout(PREVIEW, actuator.inspect(&plan.action, &plan.target)).await {
            Ok(Err(error @ ActuatorError::Unreachable { .. })) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PREVIEW:?}")),
            Ok(answer) => Ok(answer),
        };
        let detail = match seen {
            Ok(answer) => {
                self.connection_answered(&connection).await?;
                match answer {
                    Ok(state) => return Ok(Some(state)),
                    Err(error) => error.to_string(),
                }
            }
            Err(why) => {
                self.connection_failed(&connection).await?;
                why
            }
        };
        Ok(Some(TargetState::Unknown { detail }))
    }

    /// A verdict ends the attempt; where it failed and the plan says so, what was done is taken back first.
    async fn verdict(
        &self,
        effect: &PendingEffect,
        event: EventId,
        outcome: &Outcome,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        let before = tx.incident(effect.incident_id).await?;
        let takes_back = !verdict.success()
            // What may not have run cannot be taken back blindly: a person looks at it.
            && outcome.is_known()
            && !verdict.inconclusive
            && tx.event(event).await?.is_some_and(|stored| stored.plan.undo.is_by_itself());
        let incident = if takes_back {
            tx.audit(outcome_entry("action.verified", &before, verdict.words(), &verdict.detail, now)).await?;
            tx.record(before.id, &Fact::UndoStarted { event, verdict }, now).await?
        } else {
            let status = match () {
                () if verdict.success() => "verified",
                () if verdict.inconclusive => "inconclusive",
                () => "not_verified",
            };
            tx.audit(outcome_entry("action.verified", &before, verdict.words(), &verdict.detail, now)).await?;
            self.conclude_attempt(&mut tx, &before, event, verdict, status, now).await?
        };
        tx.finish_effect(effect.id).await?;
        tx.commit().await?;
        self.announce_incident(&incident);
        Ok(())
    }

    /// Learns from an attempt and ends it.
    pub(crate) async fn conclude_attempt(
        &self,
        tx: &mut Tx,
        before: &Incident,
        event: EventId,
        verdict: Verdict,
        status: &'static str,
        now: Timestamp,
    ) -> Result<Incident, EngineError> {
        let config = self.config();
        let attempt = before.attempt(event).cloned();
        let pattern = match &attempt {
            // One that was merged meanwhile is part of another one now: that is the one that acts on.
            Some(attempt) => {
                let root = tx.root_of(&attempt.pattern).await?;
                tx.pattern(&root).await?
            }
            None => None,
        };
        // What a person stopped midway says nothing about the fix.
        let stopped = attempt.as_ref().is_some_and(|a| matches!(a.outcome, Some(Outcome::Stopped { .. })));
        let learned = pattern.as_ref().filter(|_| !stopped && !verdict.inconclusive).map(|pattern| {
            if verdict.success() {
                learn::success(pattern.confidence, &config.learning)
            } else {
                learn::failure(pattern.confidence, &config.learning)
            }
        });
        if let (Some(pattern), Some(learned)) = (&pattern, &learned) {
            tx.learn(&pattern.id, event, learned, &verdict.detail, now).await?;
            let event_type = if verdict.success() { "learning.success" } else { "learning.failure" };
            tx.audit(NewEntry {
                confidence: Some(learned.after),
                details: serde_json::json!({
                    "event": event,
                    "learned": learned,
                    "command_succeeded": verdict.command_succeeded,
                    "symptom_cleared": verdict.symptom_cleared,
                    "stayed_clear": verdict.stayed_clear,
                }),
                ..entry(event_type, before, &format!("{} to {}", learned.before, learned.after), now)
            })
            .await?;
            // Kept under the id that was matched, and read through merges: an undone merge takes it along.
            let matched = attempt.as_ref().map_or(&pattern.id, |attempt| &attempt.pattern);
            if let (true, Some(kind)) = (verdict.success(), kind_of(before)) {
                tx.add_relevance_evidence(matched, kind, Evidence::CONFIRMED, now).await?;
            }
            if verdict.success() {
                remember(tx, before, matched, &config, now).await?;
            }
        }
        tx.set_event_status(event, status, None, Some(&verdict.detail)).await?;
        let watch_until = now + config.verification.watch();
        let incident = tx.record(before.id, &Fact::Verified { event, verdict, learned, watch_until }, now).await?;
        learn_from_end(tx, &incident, None, &config, now).await?;
        call_next(tx, now).await?;
        Ok(incident)
    }
}

/// The kind of incident that a pattern was matched to: the fingerprint it opened with.
pub(crate) fn kind_of(incident: &Incident) -> Option<&Fingerprint> {
    incident.fingerprints.first()
}
