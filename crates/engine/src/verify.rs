//! The effect `verify`: reads health checks and the error pattern until there is a verdict, and learns from it.

use selfheal_core::audit::NewEntry;
use selfheal_core::verify::{Progress, Reading, Watch};
use selfheal_core::{EventId, Fact, Incident, Outcome, Timestamp, Verdict, learn};
use selfheal_store::PendingEffect;

use crate::decide::entry;
use crate::engine::{Engine, EngineError};
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
        let service = incident
            .decided
            .as_ref()
            .and_then(|d| d.plan.as_ref())
            .map(|plan| &plan.service)
            .unwrap_or(&incident.service);
        let mut checks = Vec::new();
        for check in config.service(service).map_or(&[][..], |service| service.health_checks.as_slice()) {
            checks.push(self.adapters.probe.check(check).await);
        }
        let now = self.now();
        match watch.read(Reading { at: now, checks, symptom_last_seen }, &outcome, settings) {
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

    async fn verdict(
        &self,
        effect: &PendingEffect,
        event: EventId,
        outcome: &Outcome,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let config = self.config();
        let mut tx = self.write_as_leader().await?;
        let before = tx.incident(effect.incident_id).await?;
        let attempt = before.attempt(event).cloned();
        let pattern = match &attempt {
            Some(attempt) => tx.pattern(&attempt.pattern).await?,
            None => None,
        };
        // What a person stopped midway says nothing about the fix.
        let learned = pattern.as_ref().filter(|_| !matches!(outcome, Outcome::Stopped { .. })).map(|pattern| {
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
                details: serde_json::json!({ "event": event, "learned": learned, "verdict": verdict }),
                ..entry(event_type, &before, &format!("{} to {}", learned.before, learned.after), now)
            })
            .await?;
        }
        let status = if verdict.success() { "verified" } else { "not_verified" };
        tx.set_event_status(event, status, None, Some(&verdict.detail)).await?;
        tx.audit(entry("action.verified", &before, &format!("{status}: {}", verdict.detail), now)).await?;
        let watch_until = now + config.verification.watch();
        let incident: Incident =
            tx.record(before.id, &Fact::Verified { event, verdict, learned, watch_until }, now).await?;
        tx.finish_effect(effect.id).await?;
        call_next(&mut tx, now).await?;
        tx.commit().await?;
        self.announce_incident(&incident);
        Ok(())
    }
}
