//! The one transition table.

use super::fact::{Cause, Decided, Effect, Fact, NoticeKind, SignalSeen};
use super::state::{Attempt, Held, Incident, ResolvedBy, State, Undo, Verified};
use crate::{EventId, Gate, GateResult, IncidentId, ProjectName, Timestamp};

/// A fact that the table does not allow in this state. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{fact}` is not possible for an incident that is {state}")]
pub struct IllegalFact {
    pub fact: &'static str,
    pub state: &'static str,
}

impl Incident {
    /// The incident that a first signal opens.
    pub fn open(
        id: IncidentId,
        project: ProjectName,
        title: String,
        signal: &SignalSeen,
        at: Timestamp,
    ) -> (Self, Vec<Effect>) {
        let incident = Self {
            id,
            project,
            service: signal.service.clone(),
            title,
            severity: signal.severity,
            state: State::Detected,
            onset: signal.first_seen,
            opened_at: at,
            updated_at: at,
            last_signal_at: signal.last_seen,
            signal_count: signal.count,
            services: vec![signal.service.clone()],
            fingerprints: vec![signal.fingerprint.clone()],
            templates: vec![signal.template.clone()],
            trace_ids: signal.trace_id.iter().cloned().collect(),
            acknowledged_by: None,
            decided: None,
            decided_at: None,
            gates: Vec::new(),
            approval: None,
            chosen: None,
            attempts: Vec::new(),
        };
        (incident, vec![Effect::Decide])
    }

    /// Rebuilds an incident from its facts.
    pub fn replay<'a>(
        id: IncidentId,
        project: ProjectName,
        facts: impl IntoIterator<Item = (Timestamp, &'a Fact)>,
    ) -> Result<Option<Self>, IllegalFact> {
        let mut incident: Option<Self> = None;
        for (at, fact) in facts {
            incident = Some(match (incident, fact) {
                (None, Fact::Opened { signal, title }) => Self::open(id, project.clone(), title.clone(), signal, at).0,
                (None, fact) => return Err(IllegalFact { fact: fact.name(), state: "not open yet" }),
                (Some(incident), fact) => incident.apply(fact, at)?.0,
            });
        }
        Ok(incident)
    }

    /// Applies one fact: the new incident and what it asks for, or why the fact cannot be.
    pub fn apply(&self, fact: &Fact, at: Timestamp) -> Result<(Self, Vec<Effect>), IllegalFact> {
        let illegal = || IllegalFact { fact: fact.name(), state: self.state.name() };
        let mut next = self.clone();
        next.updated_at = at;
        let mut effects = Vec::new();
        match fact {
            Fact::Opened { .. } => return Err(illegal()),
            Fact::SignalJoined { signal, .. } => {
                if !self.state.is_open() {
                    return Err(illegal());
                }
                // What nobody knew may be known by what is seen now.
                let new = !self.fingerprints.contains(&signal.fingerprint) && self.fingerprints.len() < KEPT;
                if new && matches!(self.state, State::Escalated { by_engine: true, .. }) {
                    effects.push(Effect::Decide);
                }
                next.take(signal);
            }
            Fact::Decided(decided) => {
                if !matches!(
                    self.state,
                    State::Detected
                        | State::Decided { .. }
                        | State::Queued { .. }
                        | State::AwaitingApproval { .. }
                        | State::Escalated { by_engine: true, .. }
                ) {
                    return Err(illegal());
                }
                next.decide(decided, at);
            }
            Fact::Held { gates, gate } => {
                let already = match &self.state {
                    State::Decided { held } => held.is_some(),
                    State::Queued { .. } | State::AwaitingApproval { .. } => false,
                    _ => return Err(illegal()),
                };
                next.gates.clone_from(gates);
                next.state = State::Decided { held: Some(Held { since: at, gate: gate.clone() }) };
                // A person may want to approve what the switch holds; told once.
                if !already {
                    effects.push(Effect::Notify { kind: NoticeKind::ApprovalNeeded });
                }
            }
            Fact::ApprovalRequested { gates, expires_at } => {
                if !matches!(self.state, State::Decided { .. } | State::Queued { .. }) {
                    return Err(illegal());
                }
                next.gates.clone_from(gates);
                // The word of one of two people holds while the plan is the same.
                next.approval = self.approval.clone().filter(|a| !a.is_complete() && at < a.expires_at);
                next.state = State::AwaitingApproval { expires_at: *expires_at };
                effects.push(Effect::Notify { kind: NoticeKind::ApprovalNeeded });
            }
            Fact::Approved { approval } => {
                if !self.awaits_a_person() {
                    return Err(illegal());
                }
                // The word of one of two people is kept, and waits for the other's.
                // Told again, so that the other hears of it.
                effects.push(match approval.is_complete() {
                    true => Effect::Decide,
                    false => Effect::Notify { kind: NoticeKind::ApprovalNeeded },
                });
                next.approval = Some(approval.clone());
            }
            Fact::Rejected { by, reason, comment } => {
                if !self.awaits_a_person() {
                    return Err(illegal());
                }
                let comment = comment.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
                next.escalate(format!("{by} rejected the fix: {}{comment}.", reason.words()), &[], &mut effects);
            }
            Fact::ApprovalExpired => {
                if !matches!(self.state, State::AwaitingApproval { .. }) {
                    return Err(illegal());
                }
                next.escalate("Nobody approved the fix in time. Nothing ran.".into(), &[], &mut effects);
            }
            Fact::Chosen { chosen, decided, expires_at } => {
                if !(self.awaits_a_person() || matches!(self.state, State::Escalated { .. })) || decided.plan.is_none()
                {
                    return Err(illegal());
                }
                next.decide(decided, at);
                next.approval = None;
                next.chosen = Some(chosen.clone());
                next.state = State::AwaitingApproval { expires_at: *expires_at };
            }
            Fact::Queued { gates, gate, expires_at } => {
                next.queue(self, gates, gate, *expires_at, at, &mut effects).ok_or_else(illegal)?
            }
            Fact::QueueExpired => {
                if !matches!(self.state, State::Queued { .. }) {
                    return Err(illegal());
                }
                next.escalate(
                    "The action waited too long in the queue and would have run late. Nothing ran.".into(),
                    &[],
                    &mut effects,
                );
            }
            Fact::Admitted { gates, event, approved_by } => {
                if !matches!(self.state, State::Decided { .. } | State::AwaitingApproval { .. } | State::Queued { .. })
                {
                    return Err(illegal());
                }
                next.gates.clone_from(gates);
                next.start(*event, approved_by.clone(), at).ok_or_else(illegal)?;
                effects.push(Effect::Execute { event: *event });
            }
            Fact::WentStale { event, .. } => {
                if self.state != (State::Healing { event: *event }) {
                    return Err(illegal());
                }
                next.attempts.retain(|attempt| attempt.event != *event);
                next.approval = None;
                next.state = State::Decided { held: None };
                effects.push(Effect::Decide);
            }
            Fact::HeldBeforeStep { event, gate } => {
                if self.state != (State::Healing { event: *event }) {
                    return Err(illegal());
                }
                // Nothing ran; the intent counts as a start all the same.
                next.attempts.retain(|attempt| attempt.event != *event);
                next.state = State::Decided { held: Some(Held { since: at, gate: gate.clone() }) };
            }
            Fact::ActionFinished { event, outcome } => {
                if self.state != (State::Healing { event: *event }) {
                    return Err(illegal());
                }
                let attempt = next.attempts.iter_mut().find(|attempt| attempt.event == *event).ok_or_else(illegal)?;
                attempt.finished_at = Some(at);
                attempt.outcome = Some(outcome.clone());
                next.state = State::Verifying { event: *event };
                effects.push(Effect::Verify { event: *event });
            }
            Fact::UndoStarted { event, verdict } => {
                if self.state != (State::Verifying { event: *event }) {
                    return Err(illegal());
                }
                let attempt = next.attempts.iter_mut().find(|attempt| attempt.event == *event).ok_or_else(illegal)?;
                if attempt.undo.is_some() {
                    return Err(illegal());
                }
                attempt.undo = Some(Undo { started_at: at, verdict: verdict.clone(), outcome: None });
                effects.push(Effect::Undo { event: *event });
            }
            Fact::Undone { event, outcome } => {
                if self.state != (State::Verifying { event: *event }) {
                    return Err(illegal());
                }
                let attempt = next.attempts.iter_mut().find(|attempt| attempt.event == *event).ok_or_else(illegal)?;
                match &mut attempt.undo {
                    Some(undo) if undo.outcome.is_none() => undo.outcome = Some(outcome.clone()),
                    _ => return Err(illegal()),
                }
            }
            Fact::Verified { event, verdict, learned, watch_until } => {
                if self.state != (State::Verifying { event: *event }) {
                    return Err(illegal());
                }
                let attempt = next.attempts.iter_mut().find(|attempt| attempt.event == *event).ok_or_else(illegal)?;
                attempt.verified = Some(Verified { at, verdict: verdict.clone(), learned: *learned, taken_back: None });
                let known = attempt.outcome.as_ref().is_some_and(crate::Outcome::is_known);
                // An undo that is under way has to end first.
                let undone = match attempt.undo.as_ref().map(|undo| undo.outcome.as_ref()) {
                    None => None,
                    Some(None) => return Err(illegal()),
                    Some(Some(outcome)) => Some(outcome.clone()),
                };
                let by = if attempt.approved_by.is_some() { ResolvedBy::ApprovedFix } else { ResolvedBy::AutomaticFix };
                next.approval = None;
                next.chosen = None;
                if verdict.success() {
                    next.state = State::Resolved { by, at, watch_until: *watch_until };
                } else if let Some(outcome) = undone.filter(|o| !matches!(o, crate::Outcome::Succeeded { .. })) {
                    let reason =
                        format!("The fix did not help, and undoing it {}: {}.", failed(&outcome), outcome.detail());
                    next.escalate(reason, &[], &mut effects);
                } else if !known {
                    let reason =
                        format!("It is not known what the action did, and the symptom stays: {}.", verdict.detail);
                    next.escalate(reason, &[], &mut effects);
                } else if verdict.inconclusive {
                    next.escalate(
                        format!("Whether the fix helped is not known: {}.", verdict.detail),
                        &[],
                        &mut effects,
                    );
                } else {
                    next.state = State::Decided { held: None };
                    effects.push(Effect::Decide);
                }
            }
            Fact::Escalated { cause, gates } => {
                if !self.state.is_open()
                    || self.is_acting()
                    || matches!(
                        (cause, &self.state),
                        (Cause::Gate { .. } | Cause::NoPlan { .. } | Cause::Decision { .. }, State::Escalated { .. })
                    )
                {
                    return Err(illegal());
                }
                next.escalate(cause.text(), gates, &mut effects);
                let by_engine = matches!(cause, Cause::Decision { .. } | Cause::NoPlan { .. });
                if let State::Escalated { by_engine: mark, .. } = &mut next.state {
                    *mark = by_engine;
                }
            }
            Fact::SymptomCleared { watch_until, .. } => {
                if !self.state.is_open() || self.is_acting() {
                    return Err(illegal());
                }
                next.state = State::Resolved { by: ResolvedBy::Itself, at, watch_until: *watch_until };
                next.approval = None;
                next.chosen = None;
            }
            Fact::ResolvedByPerson { watch_until, .. } => {
                if !self.state.is_open() || self.is_acting() {
                    return Err(illegal());
                }
                next.state = State::Resolved { by: ResolvedBy::Person, at, watch_until: *watch_until };
                next.approval = None;
                next.chosen = None;
            }
            Fact::Acknowledged { by } => next.acknowledged_by = Some(by.clone()),
            Fact::Noted { .. } => {}
            Fact::Snoozed { until, .. } => {
                if !self.state.is_open() || self.is_acting() || matches!(self.state, State::Snoozed { .. }) {
                    return Err(illegal());
                }
                next.state = State::Snoozed { until: *until, back: Box::new(self.state.clone()) };
            }
            Fact::Woken { .. } => {
                let State::Snoozed { back, .. } = &self.state else { return Err(illegal()) };
                next.state = (**back).clone();
                // What it waited for may have changed meanwhile.
                let complete = self.approval.as_ref().is_some_and(crate::Approval::is_complete);
                let approved = complete && matches!(next.state, State::AwaitingApproval { .. });
                if approved
                    || matches!(
                        next.state,
                        State::Detected
                            | State::Decided { .. }
                            | State::Queued { .. }
                            | State::Escalated { by_engine: true, .. }
                    )
                {
                    effects.push(Effect::Decide);
                }
            }
            Fact::Recurred { signal, taken_back } => {
                if !matches!(self.state, State::Resolved { .. }) {
                    return Err(illegal());
                }
                next.take(signal);
                next.state = State::Detected;
                next.chosen = None;
                next.acknowledged_by = None;
                if let (Some(back), Some(last)) =
                    (taken_back, next.attempts.last_mut().and_then(|a| a.verified.as_mut()))
                {
                    last.taken_back = Some(*back);
                }
                effects.push(Effect::Decide);
            }
            Fact::WatchEnded => {
                let State::Resolved { by, at, .. } = self.state else { return Err(illegal()) };
                next.state = State::Closed { by, at };
            }
        }
        Ok((next, effects))
    }

    /// An action runs or is being verified: only its outcome may change the state.
    pub const fn is_acting(&self) -> bool {
        matches!(self.state, State::Healing { .. } | State::Verifying { .. })
    }

    /// A plan waits for a person's word: asked for, or held by the switch.
    pub const fn awaits_a_person(&self) -> bool {
        matches!(self.state, State::AwaitingApproval { .. } | State::Decided { held: Some(_) })
    }

    fn take(&mut self, signal: &SignalSeen) {
        self.severity = self.severity.max(signal.severity);
        self.last_signal_at = self.last_signal_at.max(signal.last_seen);
        self.onset = self.onset.min(signal.first_seen);
        self.signal_count += signal.count;
        push_new(&mut self.services, &signal.service);
        push_new(&mut self.fingerprints, &signal.fingerprint);
        push_new(&mut self.templates, &signal.template);
        if self.trace_ids.len() < KEPT {
            self.trace_ids.extend(signal.trace_id.iter().cloned());
        }
    }

    fn decide(&mut self, decided: &Decided, at: Timestamp) {
        // An approval holds for its plan only; another plan needs another.
        let hash = decided.plan.as_ref().map(crate::Plan::hash);
        if self.approval.as_ref().is_some_and(|approval| Some(&approval.plan_hash) != hash.as_ref()) {
            self.approval = None;
        }
        self.state = State::Decided { held: None };
        self.gates = Vec::new();
        self.service = decided.service.clone();
        self.decided = Some(Box::new(decided.clone()));
        self.decided_at = Some(at);
    }

    /// `None` where the table does not allow it.
    fn queue(
        &mut self,
        before: &Self,
        gates: &[GateResult],
        gate: &GateResult,
        expires_at: Timestamp,
        at: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Option<()> {
        let (since, expires_at, before) = match &before.state {
            // Still waiting: the clock of the queue goes on.
            State::Queued { since, expires_at: end, gate: before } => {
                // Except for maintenance, whose end is known: nobody meant the action to expire in it.
                // When it is over, the queue's time begins.
                let end = match (before.gate, gate.gate) {
                    (_, Gate::Maintenance) => expires_at.max(*end),
                    (Gate::Maintenance, _) => expires_at,
                    _ => *end,
                };
                (*since, end, Some(before.gate))
            }
            State::Decided { .. } | State::AwaitingApproval { .. } => (at, expires_at, None),
            _ => return None,
        };
        // A limit that was reached is told to operations, once; waiting for one's turn is not.
        let is_limit = |gate: Gate| matches!(gate, Gate::Cooldown | Gate::HourlyLimit);
        if is_limit(gate.gate) && !before.is_some_and(is_limit) {
            effects.push(Effect::Notify { kind: NoticeKind::Queued });
        }
        self.gates = gates.to_vec();
        self.state = State::Queued { since, expires_at, gate: gate.clone() };
        Some(())
    }

    fn escalate(&mut self, reason: String, gates: &[GateResult], effects: &mut Vec<Effect>) {
        if !gates.is_empty() {
            self.gates = gates.to_vec();
        }
        self.approval = None;
        self.chosen = None;
        self.state = State::Escalated { reason, by_engine: false };
        effects.push(Effect::Notify { kind: NoticeKind::Escalated });
    }

    fn start(&mut self, event: EventId, approved_by: Option<String>, at: Timestamp) -> Option<()> {
        let plan = self.decided.as_ref()?.plan.as_ref()?;
        let attempt = Attempt {
            event,
            pattern: plan.pattern.clone(),
            action: plan.action.kind,
            target: plan.target.canonical(),
            plan_hash: plan.hash(),
            approved_by,
            started_at: at,
            finished_at: None,
            outcome: None,
            undo: None,
            verified: None,
        };
        self.attempts.push(attempt);
        self.state = State::Healing { event };
        Some(())
    }
}

const fn failed(outcome: &crate::Outcome) -> &'static str {
    match outcome {
        crate::Outcome::Failed { .. } => "failed",
        _ => "ended in a way that nobody knows",
    }
}

/// How many different services, fingerprints, templates and traces an incident keeps to correlate by.
const KEPT: usize = 200;

fn push_new<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) {
    if list.len() < KEPT && !list.contains(item) {
        list.push(item.clone());
    }
}
