//! The effect `decide`: match, analyse, decide, plan, and the gates; always from the start.
//!
//! What has to be asked of the outside world (the target's state) is asked first; everything that was concluded from it
//! is then written in one transaction, with the counts that the gates rest on read in that same transaction.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::audit::{NewEntry, evidence_digest};
use selfheal_core::config::{Config, Service};
use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::{KnowledgeBase, PatternMatch, Query};
use selfheal_core::{
    Admission, Approval, Best, Breaker, Cause, Consequence, Decided, Decision, DecisionInput, DecisionKind, Effect,
    Fact, Gate, GateLimits, GateResult, Incident, IncidentId, NewSignal, Plan, Preflight, ServiceName, Snapshot, Span,
    State, Timestamp, admit, analyse, decide,
};
use selfheal_store::{NewEvent, PendingEffect, Tx};

use crate::engine::{Engine, EngineError, lock};
use crate::intake::root_service;
use crate::ports::{Actuator, ActuatorError};
use crate::timers::call_next;

/// How long a target may take to say what state it is in.
const PREVIEW: Duration = Duration::from_secs(15);
/// Something upstream that fails too will be found within seconds, and is then the cause of this: how often, and for how
/// long each time, a decision waits for that.
const UPSTREAM_LOOKS: u64 = 10;
const UPSTREAM_PAUSE: Span = Span::from_secs(1);
/// Signals of an incident that matching looks at, and matches that are kept.
pub const SIGNALS: i64 = 200;
const MATCHES: usize = 5;

/// What was found out before the transaction.
pub(crate) struct Prepared {
    decided: Decided,
    preflight: Option<Preflight>,
    /// Why there is no plan although there should be one.
    no_plan: Option<NoPlan>,
    managed: bool,
    /// The digest of the signals that were looked at.
    evidence: Option<String>,
}

/// Why a plan could not be made.
enum NoPlan {
    /// A person has to mend something.
    Because(String),
    /// The circuit breaker gives the connection a rest: gate 6, which time frees.
    Resting { until: Timestamp },
}

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
            let state = serde_json::json!({ "looked_upstream": looked + 1 });
            tx.reschedule_effect(effect.id, self.now() + UPSTREAM_PAUSE, &state).await?;
            tx.commit().await?;
            return Ok(());
        }
        if self.is_over(&incident, &config).await? {
            return self.cleared(effect, &incident, &config).await;
        }
        let prepared = Prepared { evidence, ..self.prepare(&incident, &signals, &base, &config).await };
        let mut tx = self.write_as_leader().await?;
        let now = self.observe_clock(&mut tx).await?;
        tx.finish_effect(effect.id).await?;
        // What was decided on has changed meanwhile: decide again, on what holds now.
        if tx.knowledge_version().await? != version || !Arc::ptr_eq(&config, &self.config()) {
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

    /// Whether what waited for its turn, or for another attempt, is no longer wanted: the checks succeed and the symptom has
    /// stayed away for the stabilisation window.
    async fn is_over(&self, incident: &Incident, config: &Config) -> Result<bool, EngineError> {
        let waited = matches!(incident.state, State::Queued { .. }) || !incident.attempts.is_empty();
        if !waited || incident.approval.is_some() {
            return Ok(false);
        }
        let mut tx = self.store.read().await?;
        let seen = tx.symptom_last_seen(incident.id).await?.unwrap_or(incident.last_signal_at);
        drop(tx);
        if self.now() < seen + config.verification.stabilisation() {
            return Ok(false);
        }
        let checks = incident.services.iter().filter_map(|name| config.service(name)).flat_map(|s| &s.health_checks);
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
        tx.audit(entry("incident.resolved", incident, "resolved by itself", now)).await?;
        let incident = tx.record(incident.id, &fact, now).await?;
        call_next(&mut tx, now).await?;
        tx.commit().await?;
        self.announce_incident(&incident);
        Ok(())
    }

    /// Whether a service that this incident's service depends on fails its health checks right now, and has not joined yet.
    async fn upstream_fails_too(&self, incident: &Incident, signals: &[NewSignal], config: &Config) -> bool {
        let root = root_service(incident, signals, config);
        let upstream = config.services.iter().filter(|service| {
            !incident.services.contains(&service.name) && config.dependants(&service.name).contains(&root)
        });
        for check in upstream.flat_map(|service| &service.health_checks) {
            if !self.check(check).await.ok {
                return true;
            }
        }
        false
    }

    /// Matches, analyses, decides and, where there is something to run, asks the target for its state.
    pub(crate) async fn prepare(
        &self,
        incident: &Incident,
        signals: &[NewSignal],
        base: &KnowledgeBase,
        config: &Config,
    ) -> Prepared {
        let (service, matches, upstream) = best_service(incident, signals, base, config);
        let service = &service;
        let best = matches.first().and_then(|best| Some((best, Arc::clone(base.pattern(&best.pattern)?))));
        let entry = config.service(service);
        let found = best.as_ref().map(|(found, pattern)| (*found, &**pattern));
        let decision = decide(&DecisionInput { unexplained_upstream: upstream, ..input(found, entry, config) });
        // A cause that is not even worth a suggestion is none.
        let likely = best.as_ref().filter(|_| decision.confidence.reaches(config.self_healing.suggest_fix_threshold));
        let root_cause = likely.map(|(_, pattern)| analyse::root_cause(pattern, incident, service));
        let pattern =
            best.as_ref().filter(|_| decision.kind != DecisionKind::Escalate).map(|(_, pattern)| Arc::clone(pattern));
        let mut decided = Decided {
            service: service.clone(),
            root_cause,
            decision,
            plan: None,
            state_now: None,
            host: None,
            previewed_at: None,
            matches: matches.clone(),
        };
        let managed = entry.is_some_and(|service| service.managed);
        let Some(pattern) = pattern else {
            return Prepared { decided, preflight: None, no_plan: None, managed, evidence: None };
        };
        match self.plan(incident, service, &pattern, entry, config).await {
            Ok((plan, preflight)) => {
                decided.state_now = Some(preflight.state_now.clone());
                decided.host = Some(preflight.host.clone());
                decided.previewed_at = Some(preflight.at);
                decided.plan = Some(plan);
                Prepared { decided, preflight: Some(preflight), no_plan: None, managed, evidence: None }
            }
            Err(why) => Prepared { decided, preflight: None, no_plan: Some(why), managed, evidence: None },
        }
    }

    /// Inspects the target and writes down what would run.
    async fn plan(
        &self,
        incident: &Incident,
        service: &ServiceName,
        pattern: &Pattern,
        entry: Option<&Service>,
        config: &Config,
    ) -> Result<(Plan, Preflight), NoPlan> {
        let because = |text: String| NoPlan::Because(text);
        let action = pattern.action.clone().ok_or_else(|| because("The pattern names no action.".into()))?;
        let entry = entry.ok_or_else(|| {
            because(format!("The service {service} is not in the inventory: add it under `services` with its target."))
        })?;
        let target = entry.target.clone().ok_or_else(|| {
            because(format!("The inventory names no target for {}: add `target:` to the service.", entry.name))
        })?;
        let actuator = self
            .actuator(&action, &target)
            .ok_or_else(|| because(format!("{} cannot be done on a target of kind {}.", action.kind, target.kind())))?;
        if let Breaker::Open { until } = lock(&self.breakers).state(&target.connection())
            && self.now() < until
        {
            return Err(NoPlan::Resting { until });
        }
        let asked = tokio::time::timeout(PREVIEW, actuator.preview(&action, &target, self.now())).await;
        let unanswered = || ActuatorError::Unreachable {
            what: target.canonical(),
            why: format!("no answer within {PREVIEW:?}"),
            next: "Check that what manages it answers.".into(),
        };
        let preflight = match asked.unwrap_or_else(|_| Err(unanswered())) {
            Ok(preflight) => {
                lock(&self.breakers).succeeded(&target.connection());
                preflight
            }
            Err(error) => {
                if matches!(error, ActuatorError::Unreachable { .. }) {
                    lock(&self.breakers).failed(&target.connection(), self.now(), &config.limits);
                }
                return Err(because(error.to_string()));
            }
        };
        let plan = Plan {
            incident: incident.id,
            pattern: pattern.id.clone(),
            attempt: incident.attempts_of(&pattern.id) + 1,
            action,
            service: entry.name.clone(),
            target,
            steps: preflight.steps.clone(),
            undo: preflight.undo.clone(),
            irreversible: preflight.irreversible,
            instances: preflight.instances,
            dependants: config.dependants(&entry.name),
            checks: checks(entry, config),
        };
        Ok((plan, preflight))
    }

    pub(crate) fn actuator(
        &self,
        action: &selfheal_core::Action,
        target: &selfheal_core::TargetSpec,
    ) -> Option<&Arc<dyn Actuator>> {
        self.adapters.actuators.iter().find(|actuator| actuator.handles(action.kind, target))
    }

    /// Writes down the decision and what the gates made of it. `None` where nothing changed.
    pub(crate) async fn conclude(
        &self,
        tx: &mut Tx,
        id: IncidentId,
        prepared: Prepared,
        config: &Config,
        now: Timestamp,
    ) -> Result<Option<Incident>, EngineError> {
        let current = tx.incident(id).await?;
        if !decidable(&current) {
            return Ok(None);
        }
        let decision = prepared.decided.decision.clone();
        // Still not known: the person who has it is not told again.
        if matches!(current.state, State::Escalated { .. }) && decision.kind == DecisionKind::Escalate {
            return Ok(None);
        }
        let fresh = !same_decision(&current, &prepared.decided);
        let mut incident = current.clone();
        if fresh {
            incident = tx.record(incident.id, &Fact::Decided(Box::new(prepared.decided.clone())), now).await?;
            tx.audit(decision_entry(&incident, &decision, now).on_evidence(prepared.evidence.clone())).await?;
        }
        incident = match (&decision.kind, &prepared.decided.plan) {
            (DecisionKind::Escalate, _) => {
                let text = decision.reasons.iter().map(|reason| reason.text()).collect::<Vec<_>>().join(" ");
                tx.record(incident.id, &Fact::Escalated { cause: Cause::Decision { text }, gates: vec![] }, now).await?
            }
            (_, None) => without_plan(tx, &incident, prepared.no_plan.as_ref(), config, now).await?,
            (kind, Some(plan)) => {
                let snapshot = self.snapshot(tx, &incident, plan, *kind, &prepared, config, now).await?;
                let admission = admit(&snapshot);
                let asks = *kind == DecisionKind::Suggest && incident.approval.is_none();
                follow(tx, incident, plan, &decision, admission, asks, config, now).await?
            }
        };
        Ok((incident != current).then_some(incident))
    }

    #[expect(clippy::too_many_arguments, reason = "everything that the gates may depend on, gathered in one place")]
    async fn snapshot(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        plan: &Plan,
        kind: DecisionKind,
        prepared: &Prepared,
        config: &Config,
        now: Timestamp,
    ) -> Result<Snapshot, EngineError> {
        let target = plan.target.canonical();
        let counts = tx.admission_counts(incident.id, plan.action.kind.as_str(), &target, now).await?;
        let automation = tx.automation(now).await?;
        Ok(Snapshot {
            now,
            limits: GateLimits {
                max_actions_per_hour: config.self_healing.max_actions_per_hour,
                cooldown: Span::from_minutes(config.self_healing.cooldown_minutes),
                max_attempts: config.limits.max_attempts,
                preflight_max_age: config.limits.preflight_max_age(),
            },
            plan_hash: plan.hash(),
            posture: Some(self.effective(&automation, now)),
            // There are no maintenance windows to know of yet.
            maintenance: Some(None),
            managed: Some(prepared.managed),
            approval_required: kind == DecisionKind::Suggest,
            approval: incident.approval.clone(),
            attempts: Some(incident.attempts_of(&plan.pattern)),
            breaker: Some(lock(&self.breakers).state(&plan.target.connection())),
            last_identical_start: Some(counts.last_identical_start),
            starts: Some(counts.starts),
            executing: Some(counts.executing),
            ahead: counts.ahead,
            preflight: prepared.preflight.clone(),
        })
    }

    /// Takes an effect off the outbox that has nothing left to do.
    pub(crate) async fn done(&self, effect: &PendingEffect) -> Result<(), EngineError> {
        let mut tx = self.write_as_leader().await?;
        tx.finish_effect(effect.id).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Without a plan nothing can run: a person takes over, or the connection's rest is waited for.
async fn without_plan(
    tx: &mut Tx,
    incident: &Incident,
    why: Option<&NoPlan>,
    config: &Config,
    now: Timestamp,
) -> Result<Incident, EngineError> {
    let fact = match why {
        Some(NoPlan::Resting { until }) => {
            let reason = "The connection to the target failed repeatedly and is given a rest.".into();
            let gate = GateResult { gate: Gate::CircuitBreaker, passed: false, reason, until: Some(*until) };
            tx.audit(refused("action.queued", incident, &gate, now)).await?;
            Fact::Queued { gates: vec![gate.clone()], gate, expires_at: now + config.limits.queue_expires() }
        }
        other => {
            let text = match other {
                Some(NoPlan::Because(text)) => text.clone(),
                _ => "No plan could be made.".into(),
            };
            tx.audit(entry("action.refused", incident, &text, now)).await?;
            Fact::Escalated { cause: Cause::NoPlan { text }, gates: vec![] }
        }
    };
    Ok(tx.record(incident.id, &fact, now).await?)
}

/// What the gates' answer means for the incident: intent, queue, approval, hold or a person.
#[expect(clippy::too_many_arguments, reason = "one transaction's worth of values")]
async fn follow(
    tx: &mut Tx,
    incident: Incident,
    plan: &Plan,
    decision: &Decision,
    admission: Admission,
    asks: bool,
    config: &Config,
    now: Timestamp,
) -> Result<Incident, EngineError> {
    let gates = admission.gates.clone();
    let id = incident.id;
    // Asking a person for something that cannot run anyway would be a waste of their night.
    let hopeless = gates.iter().find(|gate| !gate.passed && gate.gate.consequence() == Consequence::Escalate);
    if asks && hopeless.is_none() {
        if matches!(incident.state, State::AwaitingApproval { .. }) {
            return Ok(incident);
        }
        let expires_at = now + config.limits.approval_expires();
        tx.audit(entry("approval.requested", &incident, "awaiting approval", now)).await?;
        return Ok(tx.record(id, &Fact::ApprovalRequested { gates, expires_at }, now).await?);
    }
    let Some(refusal) = (if asks { hopeless } else { admission.refusal() }).cloned() else {
        // Whose approval it is matters only while it holds.
        let holds = |approval: &&Approval| approval.plan_hash == plan.hash() && now < approval.expires_at;
        let approved_by = incident.approval.as_ref().filter(holds).map(|approval| approval.by.clone());
        let event = tx
            .put_event(NewEvent {
                incident: id,
                plan,
                approved_by: approved_by.as_deref(),
                decision_confidence: decision.confidence.shown(),
                started_at: now,
            })
            .await?;
        tx.audit(NewEntry {
            details: serde_json::json!({ "event": event, "plan_hash": plan.hash(), "gates": gates }),
            ..entry("action.intended", &incident, "intent written", now)
        })
        .await?;
        return Ok(tx.record(id, &Fact::Admitted { gates, event, approved_by }, now).await?);
    };
    match refusal.gate.consequence() {
        Consequence::Hold => {
            if matches!(&incident.state, State::Decided { held: Some(held) } if held.gate == refusal) {
                return Ok(incident);
            }
            tx.audit(refused("action.held", &incident, &refusal, now)).await?;
            Ok(tx.record(id, &Fact::Held { gates, gate: refusal }, now).await?)
        }
        Consequence::Escalate => {
            tx.audit(refused("action.refused", &incident, &refusal, now)).await?;
            let cause = Cause::Gate { text: refusal.reason.clone() };
            Ok(tx.record(id, &Fact::Escalated { cause, gates }, now).await?)
        }
        // Approved, but the approval ran out before its turn came.
        Consequence::AwaitApproval if matches!(incident.state, State::AwaitingApproval { .. }) => {
            tx.audit(refused("approval.expired", &incident, &refusal, now)).await?;
            Ok(tx.record(id, &Fact::ApprovalExpired, now).await?)
        }
        Consequence::AwaitApproval => {
            let expires_at = now + config.limits.approval_expires();
            tx.audit(entry("approval.requested", &incident, &refusal.reason, now)).await?;
            Ok(tx.record(id, &Fact::ApprovalRequested { gates, expires_at }, now).await?)
        }
        Consequence::Wait | Consequence::Queue | Consequence::StopActing => {
            let known = matches!(&incident.state, State::Queued { gate, .. } if gate.gate == refusal.gate);
            if !known {
                tx.audit(refused("action.queued", &incident, &refusal, now)).await?;
            }
            let expires_at = now + config.limits.queue_expires();
            let incident = tx.record(id, &Fact::Queued { gates, gate: refusal.clone(), expires_at }, now).await?;
            // What holds this one back need not hold the next one back.
            if refusal.until.is_some() {
                call_next(tx, now).await?;
            }
            Ok(incident)
        }
    }
}

/// The service that the fix goes to, its matches, and what fails further upstream without an explanation.
///
/// A rule counts only on signals of the service that is acted on: what one service says authorises nothing on another. The
/// most upstream service comes first; where nothing that it says is known, the next one down may be, but not by itself.
fn best_service(
    incident: &Incident,
    signals: &[NewSignal],
    base: &KnowledgeBase,
    config: &Config,
) -> (ServiceName, Vec<PatternMatch>, Option<ServiceName>) {
    let matches_of = |service: &ServiceName| {
        let own: Vec<NewSignal> = signals.iter().filter(|signal| signal.service == *service).cloned().collect();
        base.rank(&Query { project: &incident.project, service, signals: &own }, MATCHES)
    };
    let known = |matches: &[PatternMatch]| matches.first().is_some_and(|best| best.rule.is_satisfied());
    let root = root_service(incident, signals, config);
    let matches = matches_of(&root);
    if known(&matches) {
        return (root, matches, None);
    }
    for service in incident.services.iter().filter(|service| **service != root) {
        let downstream = matches_of(service);
        if known(&downstream) {
            return (service.clone(), downstream, Some(root));
        }
    }
    (root, matches, None)
}

pub(crate) async fn signals_of(tx: &mut Tx, incident: &Incident) -> Result<Vec<NewSignal>, EngineError> {
    Ok(tx.signals_of(incident.id, SIGNALS).await?.into_iter().map(|signal| signal.seen).collect())
}

const fn decidable(incident: &Incident) -> bool {
    match incident.state {
        State::Detected | State::Decided { .. } | State::Queued { .. } => true,
        // Waiting for a person: only their word leads on.
        State::AwaitingApproval { .. } => incident.approval.is_some(),
        State::Escalated { by_engine, .. } => by_engine,
        _ => false,
    }
}

/// Whether the same plan was decided for the same reasons before: then only the gates are asked again.
fn same_decision(incident: &Incident, decided: &Decided) -> bool {
    if matches!(incident.state, State::Detected | State::Decided { held: None } | State::Escalated { .. }) {
        return false;
    }
    incident.decided.as_ref().is_some_and(|before| {
        before.decision.kind == decided.decision.kind
            && before.decision.confidence == decided.decision.confidence
            && before.plan.as_ref().map(Plan::hash) == decided.plan.as_ref().map(Plan::hash)
    })
}

fn input(
    best: Option<(&selfheal_core::matching::PatternMatch, &Pattern)>,
    service: Option<&Service>,
    config: &Config,
) -> DecisionInput {
    DecisionInput {
        best: best.map(|(found, pattern)| Best {
            pattern: pattern.id.clone(),
            relevance: found.relevance,
            confidence: pattern.confidence,
            rule_satisfied: found.rule.is_satisfied(),
            auto_healable: pattern.auto_healable,
            pattern_needs_approval: pattern.require_approval,
            infrastructure_pattern: pattern.infrastructure,
            action: pattern.action.as_ref().map(|action| (action.kind, action.class())),
        }),
        auto_threshold: config.self_healing.auto_heal_confidence_threshold,
        suggest_threshold: config.self_healing.suggest_fix_threshold,
        require_approval_for: config.self_healing.require_approval_for.clone(),
        infrastructure_service: service.is_some_and(|service| service.infrastructure),
        target_needs_approval: service.is_some_and(|service| service.require_approval),
        unexplained_upstream: None,
    }
}

fn checks(service: &Service, config: &Config) -> Vec<String> {
    let mut checks: Vec<String> = service.health_checks.iter().map(|check| check.words()).collect();
    checks.push(format!("the error pattern stays silent for {}", config.verification.stabilisation()));
    checks
}

fn decision_entry(incident: &Incident, decision: &Decision, now: Timestamp) -> NewEntry {
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

fn refused(event_type: &'static str, incident: &Incident, refusal: &GateResult, now: Timestamp) -> NewEntry {
    NewEntry { details: serde_json::json!({ "gate": refusal }), ..entry(event_type, incident, &refusal.reason, now) }
}
