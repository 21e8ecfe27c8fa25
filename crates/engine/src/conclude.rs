//! Writes down a decision and what the gates made of it, in one transaction with the counts that they rest on.

use std::collections::HashMap;

use selfheal_core::Timestamp;
use selfheal_core::audit::NewEntry;
use selfheal_core::config::Config;
use selfheal_core::{
    Admission, Approval, Cause, Consequence, DecisionKind, DecisionReason, EventId, Fact, Gate, GateLimits, GateResult,
    Incident, IncidentId, PING_PONG, PatternId, Plan, ServiceName, Snapshot, Span, State, admit,
};
use selfheal_store::{NewEvent, StoreError, Tx};

use crate::decide::{decidable, decision_entry, entry, refused, same_decision};
use crate::engine::{Engine, EngineError};
use crate::plan::{NoPlan, Prepared};
use crate::timers::call_next;

impl Engine {
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
            for found in prepared.decided.matches.iter().filter(|found| found.rule.is_satisfied()) {
                tx.put_hit(&found.pattern, incident.id, now).await?;
            }
            tx.audit(decision_entry(&incident, &decision, now).on_evidence(prepared.evidence.clone())).await?;
            // What was approved is not what would run now.
            if let (Some(approval), None) = (&current.approval, &incident.approval) {
                tx.audit(stale(&current, approval, now)).await?;
            }
            if decision.reasons.contains(&DecisionReason::ShadowMode) {
                shadow(tx, &incident, now).await?;
            }
        }
        let next = self.next(tx, &incident, &prepared, config, now).await?;
        incident = write_down(tx, incident, next, &prepared, now).await?;
        Ok((incident != current).then_some(incident))
    }

    /// What would be concluded of an incident that is not stored, seen through a transaction that only reads.
    pub(crate) async fn foresee(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        prepared: &Prepared,
        config: &Config,
        now: Timestamp,
    ) -> Result<Incident, EngineError> {
        let apply = |incident: &Incident, fact: &Fact| match incident.apply(fact, now) {
            Ok((next, _)) => Ok(next),
            Err(illegal) => Err(StoreError::from(illegal)),
        };
        let decided = apply(incident, &Fact::Decided(Box::new(prepared.decided.clone())))?;
        // Of incidents that are alike the one that is stored later comes last.
        let last = Incident { id: IncidentId(i64::MAX), ..decided.clone() };
        let fact = match self.next(tx, &last, prepared, config, now).await? {
            Next::Same => return Ok(decided),
            Next::Intend { gates, approved_by } => Fact::Admitted { gates, event: EventId(0), approved_by },
            Next::Record(record) => record.fact,
        };
        Ok(apply(&decided, &fact)?)
    }

    /// What follows from a decision. Reads what the gates count, and writes nothing.
    async fn next(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        prepared: &Prepared,
        config: &Config,
        now: Timestamp,
    ) -> Result<Next, EngineError> {
        let decision = &prepared.decided.decision;
        Ok(match (&decision.kind, &prepared.decided.plan) {
            (DecisionKind::Escalate, _) => {
                let text = decision.reasons.iter().map(|reason| reason.text()).collect::<Vec<_>>().join(" ");
                Next::quietly(Fact::Escalated { cause: Cause::Decision { text }, gates: vec![] })
            }
            (_, None) => without_plan(incident, prepared.no_plan.as_ref(), config, now),
            (kind, Some(plan)) => {
                let snapshot = self.snapshot(tx, incident, plan, *kind, prepared, config, now).await?;
                let admission = admit(&snapshot);
                let asks = snapshot.approval_required && incident.approval.is_none();
                follow(incident, plan, admission, asks, config, now)
            }
        })
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
        let counts = tx.admission_counts_of(incident, plan.action.kind.as_str(), &target, now).await?;
        let automation = tx.automation(now).await?;
        let approvers_needed = config.approval.approvers_of(plan, config.service(&plan.service));
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
            maintenance: self.maintenance(tx, plan, config, now).await?,
            managed: Some(prepared.managed),
            // What cannot be undone may need two people although the decision is to heal by itself.
            approval_required: kind == DecisionKind::Suggest || approvers_needed > 1,
            approvers_needed,
            approval: incident.approval.clone(),
            attempts: Some(attempts_of(&plan.pattern, incident, &tx.roots().await?)),
            pattern: plan.pattern.clone(),
            on_target: Some(on_target(tx, &target, now).await?),
            breaker: Some(tx.connection(&plan.target.connection()).await?.breaker()),
            last_identical_start: Some(counts.last_identical_start),
            starts: Some(counts.starts),
            executing: Some(counts.executing),
            ahead: counts.ahead,
            preflight: prepared.preflight.clone(),
        })
    }
}

/// Attempts of a pattern in an incident, with those of the patterns that were merged into it meanwhile.
fn attempts_of(pattern: &PatternId, incident: &Incident, roots: &HashMap<PatternId, PatternId>) -> u32 {
    let root = |id| roots.get(id).unwrap_or(id);
    incident.attempts.iter().filter(|attempt| root(&attempt.pattern) == root(pattern)).count() as u32
}

impl Engine {
    /// When the maintenance that holds the target ends, of the configuration's windows and of those that people announced.
    /// `None` where a window cannot be evaluated.
    pub(crate) async fn maintenance(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        config: &Config,
        now: Timestamp,
    ) -> Result<Option<Option<Timestamp>>, EngineError> {
        let Ok(configured) = config.maintenance(&plan.target, now) else { return Ok(None) };
        let services: Vec<&ServiceName> = config.services_behind(&plan.target);
        let announced = tx.announced_maintenance(&services, now).await?;
        Ok(Some(configured.max(announced)))
    }
}

/// The patterns that started on a target lately. What a person chose by hand is no pattern that answers another.
async fn on_target(tx: &mut Tx, target: &str, now: Timestamp) -> Result<Vec<PatternId>, EngineError> {
    let mut patterns = tx.patterns_on_target(target, now - PING_PONG).await?;
    patterns.retain(|pattern| *pattern != PatternId::by_hand());
    Ok(patterns)
}

/// Records what would have been done.
pub(crate) async fn shadow(tx: &mut Tx, incident: &Incident, now: Timestamp) -> Result<(), EngineError> {
    if let Some(plan) = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref()) {
        tx.put_shadow(incident.id, &plan.pattern, plan.action.kind, &plan.target.canonical(), now).await?;
    }
    Ok(())
}

/// The entry that says that an approval does not hold any more, because the situation is not the one it was given for.
pub(crate) fn stale(before: &Incident, approval: &Approval, now: Timestamp) -> NewEntry {
    NewEntry {
        details: serde_json::json!({ "approved_by": approval.people(), "plan_hash": approval.plan_hash }),
        ..entry("approval.stale", before, "the situation changed; nothing ran under this approval", now)
    }
}

/// What comes of a decision, before it is written down.
enum Next {
    /// It stays as it is.
    Same,
    /// The intent is written.
    Intend {
        gates: Vec<GateResult>,
        approved_by: Option<String>,
    },
    Record(Box<Record>),
}

struct Record {
    fact: Fact,
    entry: Option<NewEntry>,
    /// What would have been done is kept.
    shadow: bool,
    /// What holds this one back need not hold the next one back.
    calls_next: bool,
}

impl Next {
    fn quietly(fact: Fact) -> Self {
        Self::Record(Box::new(Record { fact, entry: None, shadow: false, calls_next: false }))
    }

    fn told(fact: Fact, entry: NewEntry) -> Self {
        Self::Record(Box::new(Record { fact, entry: Some(entry), shadow: false, calls_next: false }))
    }
}

async fn write_down(
    tx: &mut Tx,
    incident: Incident,
    next: Next,
    prepared: &Prepared,
    now: Timestamp,
) -> Result<Incident, EngineError> {
    let id = incident.id;
    match (next, &prepared.decided.plan) {
        (Next::Intend { gates, approved_by }, Some(plan)) => {
            let event = tx
                .put_event(NewEvent {
                    incident: id,
                    plan,
                    approved_by: approved_by.as_deref(),
                    decision_confidence: prepared.decided.decision.confidence.shown(),
                    started_at: now,
                })
                .await?;
            tx.audit(NewEntry {
                details: serde_json::json!({ "event": event, "plan_hash": plan.hash(), "gates": gates }),
                ..entry("action.intended", &incident, "intent written", now)
            })
            .await?;
            Ok(tx.record(id, &Fact::Admitted { gates, event, approved_by }, now).await?)
        }
        (Next::Same | Next::Intend { .. }, _) => Ok(incident),
        (Next::Record(record), _) => {
            let Record { fact, entry, shadow: keeps, calls_next } = *record;
            if let Some(entry) = entry {
                tx.audit(entry).await?;
            }
            if keeps {
                shadow(tx, &incident, now).await?;
            }
            let incident = tx.record(id, &fact, now).await?;
            if calls_next {
                call_next(tx, now).await?;
            }
            Ok(incident)
        }
    }
}

/// Without a plan nothing can run: a person takes over, or the connection's rest is waited for.
fn without_plan(incident: &Incident, why: Option<&NoPlan>, config: &Config, now: Timestamp) -> Next {
    match why {
        Some(NoPlan::Resting { until }) => {
            let reason = "The connection to the target failed repeatedly and is given a rest.".into();
            let gate = GateResult { gate: Gate::CircuitBreaker, passed: false, reason, until: Some(*until) };
            let entry = refused("action.queued", incident, &gate, now);
            let expires_at = now + config.limits.queue_expires();
            Next::told(Fact::Queued { gates: vec![gate.clone()], gate, expires_at }, entry)
        }
        other => {
            let text = other.map_or_else(|| "No plan could be made.".into(), NoPlan::text);
            let entry = entry("action.refused", incident, &text, now);
            Next::told(Fact::Escalated { cause: Cause::NoPlan { text }, gates: vec![] }, entry)
        }
    }
}

/// One of two people has approved, and the other's word is still waited for.
fn waits_for_another(incident: &Incident, now: Timestamp) -> bool {
    matches!(incident.state, State::AwaitingApproval { .. })
        && incident.approval.as_ref().is_some_and(|approval| now < approval.expires_at && approval.given() < 2)
}

/// What the gates' answer means for the incident: intent, queue, approval, hold or a person.
fn follow(incident: &Incident, plan: &Plan, admission: Admission, asks: bool, config: &Config, now: Timestamp) -> Next {
    let gates = admission.gates.clone();
    // Asking a person for something that cannot run anyway would be a waste of their night.
    let hopeless = gates.iter().find(|gate| !gate.passed && gate.gate.consequence() == Consequence::Escalate);
    if asks && hopeless.is_none() {
        if matches!(incident.state, State::AwaitingApproval { .. }) {
            return Next::Same;
        }
        let expires_at = now + config.limits.approval_expires();
        let entry = entry("approval.requested", incident, "awaiting approval", now);
        return Next::told(Fact::ApprovalRequested { gates, expires_at }, entry);
    }
    let Some(refusal) = (if asks { hopeless } else { admission.refusal() }).cloned() else {
        // Whose approval it is matters only while it holds.
        let holds = |approval: &&Approval| approval.plan_hash == plan.hash() && now < approval.expires_at;
        let approved_by = incident.approval.as_ref().filter(holds).map(Approval::people);
        return Next::Intend { gates, approved_by };
    };
    match refusal.gate.consequence() {
        Consequence::Hold => {
            if matches!(&incident.state, State::Decided { held: Some(held) } if held.gate == refusal) {
                return Next::Same;
            }
            let entry = Some(refused("action.held", incident, &refusal, now));
            let fact = Fact::Held { gates, gate: refusal };
            Next::Record(Box::new(Record { fact, entry, shadow: true, calls_next: false }))
        }
        Consequence::Escalate => {
            let entry = refused("action.refused", incident, &refusal, now);
            let cause = Cause::Gate { text: refusal.reason };
            Next::told(Fact::Escalated { cause, gates }, entry)
        }
        // Approved, but the approval ran out before its turn came.
        Consequence::AwaitApproval if waits_for_another(incident, now) => Next::Same,
        Consequence::AwaitApproval if matches!(incident.state, State::AwaitingApproval { .. }) => {
            Next::told(Fact::ApprovalExpired, refused("approval.expired", incident, &refusal, now))
        }
        Consequence::AwaitApproval => {
            let expires_at = now + config.limits.approval_expires();
            let entry = entry("approval.requested", incident, &refusal.reason, now);
            Next::told(Fact::ApprovalRequested { gates, expires_at }, entry)
        }
        Consequence::Wait | Consequence::Queue | Consequence::StopActing => {
            let known = matches!(&incident.state, State::Queued { gate, .. } if gate.gate == refusal.gate);
            let entry = (!known).then(|| refused("action.queued", incident, &refusal, now));
            // Maintenance ends when it ends: the queue's time counts from then.
            let from = refusal.until.filter(|_| refusal.gate == Gate::Maintenance).unwrap_or(now);
            let expires_at = from.max(now) + config.limits.queue_expires();
            // The hourly limit holds them all.
            let calls_next = refusal.until.is_some() && refusal.gate != Gate::HourlyLimit;
            let fact = Fact::Queued { gates, gate: refusal, expires_at };
            Next::Record(Box::new(Record { fact, entry, shadow: false, calls_next }))
        }
    }
}
