//! The effect `decide`: match, analyse, decide, plan, and the gates; always from the start.
//!
//! What has to be asked of the outside world (the target's state) is asked first; everything that was concluded from it
//! is then written in one transaction, with the counts that the gates rest on read in that same transaction.

use std::sync::Arc;

use selfheal_core::audit::{Evidenced, NewEntry, evidence_digest};
use selfheal_core::config::{Config, Service};
use selfheal_core::{
    Decided, Decision, DecisionKind, Effect, Fact, Gate, GateResult, Incident, NewSignal, Plan, Span, State, Timestamp,
};
use selfheal_store::PendingEffect;

use crate::conclude::stale;
use crate::engine::{Engine, EngineError};
use crate::judge::{Subject, root_service};
use crate::learning::learn_from_end;
use crate::plan::{NoPlan, Prepared};
use crate::timers::call_next;

/// Something upstream that fails too will be found within seconds, and is then the cause of this: how often, and for how
/// long each time, a decision waits for that.
const UPSTREAM_LOOKS: u64 = 10;
const UPSTREAM_PAUSE: Span = Span::from_secs(1);
/// A target that cannot be reached is asked this often, with this pause.
const UNREACHABLE_TRIES: u64 = 3;
const UNREACHABLE_PAUSE: Span = Span::from_secs(2);
/// Signals of an incident that matching looks at.
pub const SIGNALS: i64 = 200;

impl Engine {
    pub(crate) async fn decide(&self, effect: &PendingEffect) -> Result<(), EngineError> {
        let config = self.config();
        let mut tx = self.store.read().await?;
        let incident = tx.incident(effect.incident_id).await?;
        if !decidable(&incident) {
            drop(tx);
            return self.done(effect).await;
        }
        let seen = tx.signals_of(incident.id, SIGNALS).await?;
        let evidence = Some(evidence_digest(&seen));
        let signals: Vec<NewSignal> = seen.into_iter().map(|signal| signal.seen).collect();
        let version = tx.knowledge_version().await?;
        let base = self.knowledge.get(&mut tx).await?;
        drop(tx);
        let looked = effect.state["looked_upstream"].as_u64().unwrap_or(0);
        if looked < UPSTREAM_LOOKS && self.upstream_fails_too(&incident, &signals, &config).await {
            let mut tx = self.write_as_leader().await?;
            let mut state = effect.state.clone();
            state["looked_upstream"] = (looked + 1).into();
            tx.reschedule_effect(effect.id, self.now() + UPSTREAM_PAUSE, &state).await?;
            tx.commit().await?;
            return Ok(());
        }
        if self.is_over(&incident, &config).await? {
            return self.cleared(effect, &incident, &config).await;
        }
        let prepared = Prepared { evidence, ..self.prepare(&incident, &signals, &base, &config, false).await? };
        if self.asks_again(effect, &incident, prepared.no_plan.as_ref()).await? {
            return Ok(());
        }
        let mut tx = self.write_as_leader().await?;
        let now = self.observe_clock(&mut tx).await?;
        tx.finish_effect(effect.id).await?;
        // What was decided on has changed meanwhile: decide again, on what holds now. Of the knowledge base only where it
        // leads elsewhere: during a long import every decision would begin anew again and again.
        let known_anew = tx.knowledge_version().await? != version || base.is_unreadable();
        let elsewhere = known_anew && {
            let newest = self.knowledge.get(&mut tx).await?;
            let again = self.judgement(&mut tx, &incident, &signals, &newest, &config).await?;
            newest.is_unreadable() || !again.leads_to_the_same_as(&prepared.judgement)
        };
        if elsewhere || !Arc::ptr_eq(&config, &self.config()) {
            tx.put_effect(incident.id, &Effect::Decide, now).await?;
            tx.commit().await?;
            return Ok(());
        }
        let concluded = self.conclude(&mut tx, incident.id, prepared, &config, now).await?;
        tx.commit().await?;
        if let Some(incident) = concluded {
            self.announce_incident(&incident);
        }
        Ok(())
    }

    /// A target that does not answer is asked again a little later, before a person is called. Not where this was the one call
    /// that a half-open circuit breaker let through: that was the second chance.
    async fn asks_again(
        &self,
        effect: &PendingEffect,
        incident: &Incident,
        no_plan: Option<&NoPlan>,
    ) -> Result<bool, EngineError> {
        let tried = effect.state["unreachable"].as_u64().unwrap_or(0) + 1;
        let rested = matches!(&incident.state, State::Queued { gate, .. } if gate.gate == Gate::CircuitBreaker);
        if !matches!(no_plan, Some(NoPlan::Unreachable(_))) || tried >= UNREACHABLE_TRIES || rested {
            return Ok(false);
        }
        let mut tx = self.write_as_leader().await?;
        let mut state = effect.state.clone();
        state["unreachable"] = tried.into();
        tx.reschedule_effect(effect.id, self.now() + UNREACHABLE_PAUSE, &state).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether what waited for its turn, or for another attempt, is no longer wanted: the checks succeed and the symptom has
    /// stayed away for the stabilisation window.
    async fn is_over(&self, incident: &Incident, config: &Config) -> Result<bool, EngineError> {
        // Who chose an action by hand did not ask whether the symptom is still there.
        if incident.chosen.is_some() {
            return Ok(false);
        }
        let approved = incident.approval.is_some();
        let waited = matches!(incident.state, State::Queued { .. }) || !incident.attempts.is_empty() || approved;
        if !waited {
            return Ok(false);
        }
        let checks = incident.services.iter().filter_map(|name| config.service(name)).flat_map(|s| &s.health_checks);
        // A person who approved a fix for something that no check watches knows better than a moment of silence.
        if approved && checks.clone().next().is_none() {
            return Ok(false);
        }
        let mut tx = self.store.read().await?;
        let seen = tx.symptom_last_seen(incident.id).await?.unwrap_or(incident.last_signal_at);
        drop(tx);
        if self.now() < seen + config.verification.stabilisation() {
            return Ok(false);
        }
        for check in checks {
            if !self.check(check).await.ok {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn cleared(&self, effect: &PendingEffect, incident: &Incident, config: &Config) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        let now = self.observe_clock(&mut tx).await?;
        tx.finish_effect(effect.id).await?;
        let fact = Fact::SymptomCleared {
            detail: "The symptom was gone before the fix's turn came.".into(),
            watch_until: now + config.verification.watch(),
        };
        if let Some(approval) = &incident.approval {
            tx.audit(stale(incident, approval, now)).await?;
        }
        tx.audit(entry("incident.resolved", incident, "resolved by itself", now)).await?;
        let incident = tx.record(incident.id, &fact, now).await?;
        learn_from_end(&mut tx, &incident, None, config, now).await?;
        call_next(&mut tx, now).await?;
        tx.commit().await?;
        self.announce_incident(&incident);
        Ok(())
    }

    /// Whether a service that this incident's service depends on fails its health checks right now, and has not joined yet.
    async fn upstream_fails_too(&self, incident: &Incident, signals: &[NewSignal], config: &Config) -> bool {
        let upstream = config.upstreams(&root_service(&Subject::of(incident), signals, config));
        let upstream = upstream.iter().filter(|name| !incident.services.contains(name));
        for check in upstream.filter_map(|name| config.service(name)).flat_map(|service| &service.health_checks) {
            if !self.check(check).await.ok {
                return true;
            }
        }
        false
    }

    /// Takes an effect off the outbox that has nothing left to do.
    pub(crate) async fn done(&self, effect: &PendingEffect) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        tx.finish_effect(effect.id).await?;
        tx.commit().await?;
        Ok(())
    }
}

pub(crate) fn decidable(incident: &Incident) -> bool {
    match incident.state {
        State::Detected | State::Decided { .. } | State::Queued { .. } => true,
        // Waiting for a person: only their word leads on.
        State::AwaitingApproval { .. } => incident.approval.as_ref().is_some_and(selfheal_core::Approval::is_complete),
        State::Escalated { by_engine, .. } => by_engine,
        _ => false,
    }
}

/// Whether the same plan was decided for the same reasons before: then only the gates are asked again.
pub(crate) fn same_decision(incident: &Incident, decided: &Decided) -> bool {
    if matches!(incident.state, State::Detected | State::Decided { held: None } | State::Escalated { .. }) {
        return false;
    }
    incident.decided.as_ref().is_some_and(|before| {
        before.decision.kind == decided.decision.kind
            && before.decision.confidence == decided.decision.confidence
            && before.plan.as_ref().map(Plan::hash) == decided.plan.as_ref().map(Plan::hash)
    })
}

pub(crate) fn checks(service: &Service, config: &Config) -> Vec<String> {
    let mut checks: Vec<String> = service.health_checks.iter().map(|check| check.words()).collect();
    checks.push(format!("the error pattern stays silent for {}", config.verification.stabilisation()));
    checks
}

pub(crate) fn decision_entry(incident: &Incident, decision: &Decision, now: Timestamp) -> NewEntry {
    let (event_type, result) = match decision.kind {
        DecisionKind::Auto => ("self_heal.auto", "heal now"),
        DecisionKind::Suggest => ("self_heal.suggested", "suggest the fix"),
        DecisionKind::Escalate => ("self_heal.escalated", "a person"),
    };
    let best = incident.decided.as_ref().and_then(|decided| decided.matches.first());
    NewEntry {
        pattern_id: best.map(|best| best.pattern.clone()),
        confidence: Some(decision.confidence.shown()),
        details: serde_json::json!({
            "reasons": decision.reasons,
            "relevance": best.map(|best| best.relevance),
            "pattern_confidence": best.map(|best| best.pattern_confidence),
        }),
        ..entry(event_type, incident, result, now)
    }
}

/// An audit entry about an incident's plan.
pub(crate) fn entry(event_type: &'static str, incident: &Incident, result: &str, now: Timestamp) -> NewEntry {
    let decided = incident.decided.as_ref();
    let plan = decided.and_then(|decided| decided.plan.as_ref());
    NewEntry {
        at: now,
        event_type,
        actor: "engine".into(),
        incident_id: Some(incident.id),
        pattern_id: plan.map(|plan| plan.pattern.clone()),
        confidence: decided.map(|decided| decided.decision.confidence.shown()),
        action: plan.map(|plan| plan.action.kind.to_string()),
        target: plan.map(|plan| plan.target.canonical()),
        result: result.to_owned(),
        details: serde_json::json!({}),
    }
}

/// An entry about an outcome. Its words may be a program's own: they stay in the fact, where they can be redacted, and the
/// trail keeps their digest.
pub(crate) fn outcome_entry(
    event_type: &'static str,
    incident: &Incident,
    result: &str,
    words: &str,
    now: Timestamp,
) -> Evidenced {
    entry(event_type, incident, result, now).on_evidence(selfheal_core::sha256_hex(words))
}

pub(crate) fn refused(event_type: &'static str, incident: &Incident, refusal: &GateResult, now: Timestamp) -> NewEntry {
    NewEntry { details: serde_json::json!({ "gate": refusal }), ..entry(event_type, incident, &refusal.reason, now) }
}
