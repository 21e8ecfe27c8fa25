//! The transition table, cell by cell, and what no sequence of facts may lead to.

use proptest::prelude::*;

use super::fact::{Cause, Chosen, Decided, Effect, Fact, NoticeKind, RejectReason, SignalSeen};
use super::state::{Incident, ResolvedBy, State};
use crate::{
    Action, ActionKind, Approval, BasisPoints, Decision, DecisionConfidence, DecisionKind, EventId, Fingerprint, Gate,
    GateResult, IncidentId, Outcome, PatternId, Plan, ProjectName, SecondApproval, ServiceName, Severity, SignalId,
    Span, TargetSpec, Timestamp, Verdict,
};

const EVENT: EventId = EventId(7);

fn at(seconds: u64) -> Timestamp {
    Timestamp::EPOCH + Span::from_secs(seconds)
}

fn signal() -> SignalSeen {
    SignalSeen {
        id: SignalId(1),
        service: ServiceName::new("pay"),
        severity: Severity::High,
        fingerprint: Fingerprint("f".into()),
        template: "t".into(),
        trace_id: None,
        count: 1,
        first_seen: at(0),
        last_seen: at(0),
    }
}

fn plan() -> Plan {
    Plan {
        incident: IncidentId(1),
        pattern: PatternId::new("p"),
        attempt: 1,
        action: Action::new(ActionKind::ServiceRestart),
        service: ServiceName::new("pay"),
        target: TargetSpec::Process {
            pidfile: "/run/pay".into(),
            start: vec!["pay".into()],
            stop: vec![],
            daemonizes: false,
            stop_timeout_seconds: 1,
            working_directory: None,
            output: None,
        },
        steps: vec![],
        undo: crate::WayBack::Nothing,
        instances: 1,
        dependants: vec![],
        checks: vec![],
    }
}

fn gate() -> GateResult {
    GateResult { gate: Gate::Cooldown, passed: false, reason: "too soon".into(), until: Some(at(600)) }
}

fn decided() -> Fact {
    Fact::Decided(Box::new(Decided {
        service: ServiceName::new("pay"),
        matches: vec![],
        root_cause: None,
        decision: Decision {
            kind: DecisionKind::Auto,
            confidence: BasisPoints::ONE.times(BasisPoints::ONE),
            reasons: vec![],
            would_change: vec![],
        },
        plan: Some(plan()),
        state_now: None,
        host: None,
        previewed_at: None,
    }))
}

fn verdict(success: bool) -> Verdict {
    Verdict {
        command_succeeded: true,
        symptom_cleared: success,
        stayed_clear: success,
        detail: String::new(),
        inconclusive: false,
    }
}

fn verified(success: bool) -> Fact {
    Fact::Verified { event: EVENT, verdict: verdict(success), learned: None, watch_until: at(1_800) }
}

fn chosen() -> Fact {
    let Fact::Decided(decided) = decided() else { panic!("a decision") };
    let chosen = Chosen {
        by: "ada".into(),
        at: at(1),
        service: ServiceName::new("pay"),
        action: Action::new(ActionKind::ServiceRestart),
        pattern: PatternId::by_hand(),
    };
    Fact::Chosen { chosen, decided, expires_at: at(1_800) }
}

/// Every kind of fact once, in the order of the table's columns.
fn facts() -> Vec<Fact> {
    let approval = Approval {
        by: "ada".into(),
        person: None,
        at: at(1),
        plan_hash: plan().hash(),
        expires_at: at(1_800),
        second: None,
        needed: 1,
    };
    vec![
        Fact::Opened { signal: signal(), title: "t".into() },
        Fact::SignalJoined { signal: signal(), because: "x".into() },
        decided(),
        Fact::Held { gates: vec![], gate: gate() },
        Fact::ApprovalRequested { gates: vec![], expires_at: at(1_800) },
        Fact::Approved { approval },
        Fact::Rejected { by: "ada".into(), reason: RejectReason::NotNow, comment: None },
        Fact::ApprovalExpired,
        chosen(),
        Fact::Queued { gates: vec![], gate: gate(), expires_at: at(3_600) },
        Fact::QueueExpired,
        Fact::Admitted { gates: vec![], event: EVENT, approved_by: None },
        Fact::WentStale { event: EVENT, why: "too late".into() },
        Fact::HeldBeforeStep { event: EVENT, gate: gate() },
        Fact::ActionFinished { event: EVENT, outcome: Outcome::Succeeded { detail: String::new() } },
        Fact::UndoStarted { event: EVENT, verdict: verdict(false) },
        Fact::Undone { event: EVENT, outcome: Outcome::Succeeded { detail: String::new() } },
        verified(true),
        Fact::Escalated { cause: Cause::Person { by: "ada".into(), comment: None }, gates: vec![] },
        Fact::SymptomCleared { detail: String::new(), watch_until: at(1_800) },
        Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at(1_800) },
        Fact::Acknowledged { by: "ada".into() },
        Fact::Noted { by: "ada".into(), text: "x".into() },
        Fact::Snoozed { by: "ada".into(), until: at(60) },
        Fact::Woken { by: "ada".into() },
        Fact::Recurred { signal: signal(), taken_back: None },
        Fact::WatchEnded,
    ]
}

fn open() -> Incident {
    Incident::open(IncidentId(1), ProjectName::new("shop"), "t".into(), &signal(), at(0)).0
}

fn after(names: &[&str]) -> Incident {
    names.iter().fold(open(), |incident, name| {
        let fact = facts().into_iter().find(|fact| fact.name() == *name).expect("a fact of that name");
        incident.apply(&fact, at(1)).unwrap_or_else(|error| panic!("{names:?}: {error}")).0
    })
}

/// An incident in each state, by the way it got there.
fn states() -> Vec<(&'static str, Incident)> {
    vec![
        ("detected", open()),
        ("decided", after(&["decided"])),
        ("decided, held", after(&["decided", "held"])),
        ("awaiting_approval", after(&["decided", "approval_requested"])),
        ("queued", after(&["decided", "queued"])),
        ("healing", after(&["decided", "admitted"])),
        ("verifying", after(&["decided", "admitted", "action_finished"])),
        ("verifying, undoing", after(&["decided", "admitted", "action_finished", "undo_started"])),
        ("verifying, undone", after(&["decided", "admitted", "action_finished", "undo_started", "undone"])),
        ("escalated", after(&["escalated"])),
        ("snoozed", after(&["snoozed"])),
        ("resolved", after(&["resolved_by_person"])),
        ("closed", after(&["resolved_by_person", "watch_ended"])),
    ]
}

/// Where each fact leads, by state; facts that are not named are illegal.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    (
        "detected",
        &[
            ("signal_joined", "detected"),
            ("decided", "decided"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "decided",
        &[
            ("signal_joined", "decided"),
            ("decided", "decided"),
            ("held", "decided"),
            ("approval_requested", "awaiting_approval"),
            ("queued", "queued"),
            ("admitted", "healing"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "decided, held",
        &[
            ("signal_joined", "decided"),
            ("decided", "decided"),
            ("held", "decided"),
            ("approval_requested", "awaiting_approval"),
            ("approved", "decided"),
            ("rejected", "escalated"),
            ("chosen", "awaiting_approval"),
            ("queued", "queued"),
            ("admitted", "healing"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "awaiting_approval",
        &[
            ("signal_joined", "awaiting_approval"),
            ("decided", "decided"),
            ("held", "decided"),
            ("approved", "awaiting_approval"),
            ("rejected", "escalated"),
            ("approval_expired", "escalated"),
            ("chosen", "awaiting_approval"),
            ("queued", "queued"),
            ("admitted", "healing"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "queued",
        &[
            ("signal_joined", "queued"),
            ("decided", "decided"),
            ("held", "decided"),
            ("approval_requested", "awaiting_approval"),
            ("queued", "queued"),
            ("queue_expired", "escalated"),
            ("admitted", "healing"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "healing",
        &[
            ("signal_joined", "healing"),
            ("went_stale", "decided"),
            ("held_before_step", "decided"),
            ("action_finished", "verifying"),
        ],
    ),
    ("verifying", &[("signal_joined", "verifying"), ("undo_started", "verifying"), ("verified", "resolved")]),
    ("verifying, undoing", &[("signal_joined", "verifying"), ("undone", "verifying")]),
    ("verifying, undone", &[("signal_joined", "verifying"), ("verified", "resolved")]),
    (
        "escalated",
        &[
            ("signal_joined", "escalated"),
            ("chosen", "awaiting_approval"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("snoozed", "snoozed"),
        ],
    ),
    (
        "snoozed",
        &[
            ("signal_joined", "snoozed"),
            ("escalated", "escalated"),
            ("symptom_cleared", "resolved"),
            ("resolved_by_person", "resolved"),
            ("woken", "detected"),
        ],
    ),
    ("resolved", &[("recurred", "detected"), ("watch_ended", "closed")]),
    ("closed", &[]),
];

#[test]
fn every_cell_of_the_table() {
    for ((name, incident), (expected_name, legal)) in states().into_iter().zip(TABLE) {
        assert_eq!(name, *expected_name);
        for fact in facts() {
            // These two change no state and are always possible.
            let expected = if matches!(fact, Fact::Acknowledged { .. } | Fact::Noted { .. }) {
                Some(incident.state.name())
            } else {
                legal.iter().find(|(legal, _)| *legal == fact.name()).map(|(_, to)| *to)
            };
            let found = incident.apply(&fact, at(2)).ok().map(|(next, _)| next.state.name());
            assert_eq!(found, expected, "{name} and {}", fact.name());
        }
    }
}

#[test]
fn an_outcome_counts_only_for_the_action_that_runs() {
    let other = Fact::ActionFinished { event: EventId(8), outcome: Outcome::Succeeded { detail: String::new() } };
    assert!(after(&["decided", "admitted"]).apply(&other, at(2)).is_err());
}

#[test]
fn what_a_failed_verification_leads_to() {
    for (outcome, state, effect) in [
        (Outcome::Succeeded { detail: String::new() }, "decided", Effect::Decide),
        (Outcome::Failed { detail: String::new() }, "decided", Effect::Decide),
        (Outcome::Unknown { detail: String::new() }, "escalated", Effect::Notify { kind: NoticeKind::Escalated }),
        (Outcome::Stopped { detail: String::new() }, "escalated", Effect::Notify { kind: NoticeKind::Escalated }),
    ] {
        let finished = Fact::ActionFinished { event: EVENT, outcome: outcome.clone() };
        let verifying = after(&["decided", "admitted"]).apply(&finished, at(2)).expect("legal").0;
        let (next, effects) = verifying.apply(&verified(false), at(3)).expect("legal");
        assert_eq!((next.state.name(), effects), (state, vec![effect]), "{outcome:?}");
    }
}

#[test]
fn an_undo_that_failed_is_for_a_person() {
    for (outcome, state) in [
        (Outcome::Succeeded { detail: String::new() }, "decided"),
        (Outcome::Failed { detail: "exit 1".into() }, "escalated"),
        (Outcome::Unknown { detail: "lost".into() }, "escalated"),
    ] {
        let undone = Fact::Undone { event: EVENT, outcome: outcome.clone() };
        let undoing = after(&["decided", "admitted", "action_finished", "undo_started"]);
        let (next, _) = undoing.apply(&undone, at(2)).expect("legal").0.apply(&verified(false), at(3)).expect("legal");
        assert_eq!(next.state.name(), state, "{outcome:?}");
    }
}

#[test]
fn one_of_two_approvals_asks_for_the_other() {
    let asked = after(&["decided", "approval_requested"]);
    let mut first = Approval {
        by: "ada".into(),
        person: None,
        at: at(1),
        plan_hash: plan().hash(),
        expires_at: at(1_800),
        second: None,
        needed: 2,
    };
    let ask = Effect::Notify { kind: NoticeKind::ApprovalNeeded };
    for (second, effect) in [(None, ask.clone()), (Some("ada"), ask), (Some("bob"), Effect::Decide)] {
        first.second = second.map(|by| SecondApproval { by: by.into(), person: None, at: at(2) });
        let (next, asked_for) = asked.apply(&Fact::Approved { approval: first.clone() }, at(2)).expect("legal");
        assert_eq!((next.state.name(), asked_for), ("awaiting_approval", vec![effect]), "{second:?}");
    }
}

#[test]
fn what_a_person_chose_is_forgotten_when_it_ran_or_somebody_has_the_incident() {
    let start = || after(&["escalated"]).apply(&chosen(), at(2)).expect("legal").0;
    for way in [
        &["rejected"][..],
        &["approval_expired"],
        &["resolved_by_person"],
        &["approved", "admitted", "action_finished", "verified"],
    ] {
        let end = way.iter().fold(start(), |incident, name| {
            let fact = facts().into_iter().find(|fact| fact.name() == *name).expect("a fact of that name");
            incident.apply(&fact, at(3)).unwrap_or_else(|error| panic!("{way:?}: {error}")).0
        });
        assert_eq!(end.chosen, None, "{way:?}");
    }
    assert!(start().chosen.is_some());
}

#[test]
fn who_resolved_it_is_remembered() {
    let healed = after(&["decided", "admitted", "action_finished", "verified"]);
    assert!(matches!(healed.state, State::Resolved { by: ResolvedBy::AutomaticFix, .. }));
    let admitted = Fact::Admitted { gates: vec![], event: EVENT, approved_by: Some("ada".into()) };
    let finished = Fact::ActionFinished { event: EVENT, outcome: Outcome::Succeeded { detail: String::new() } };
    let approved = [admitted, finished, verified(true)]
        .iter()
        .fold(after(&["decided", "approval_requested", "approved"]), |incident, fact| {
            incident.apply(fact, at(2)).expect("legal").0
        });
    assert!(matches!(approved.state, State::Resolved { by: ResolvedBy::ApprovedFix, .. }));
}

#[test]
fn another_plan_needs_another_approval() {
    let approved = after(&["decided", "approval_requested", "approved"]);
    assert!(approved.approval.is_some());
    let Fact::Decided(mut other) = decided() else { panic!("a decision") };
    if let Some(plan) = &mut other.plan {
        plan.attempt = 2;
    }
    assert!(approved.apply(&Fact::Decided(other), at(2)).expect("legal").0.approval.is_none());
    assert!(approved.apply(&decided(), at(2)).expect("legal").0.approval.is_some(), "the same plan stays approved");
}

proptest! {
    /// Whatever happens in whatever order: illegal facts change nothing, the facts replay to the state, and an action
    /// runs only where one was admitted.
    #[test]
    fn no_sequence_of_facts_leads_astray(choices in proptest::collection::vec(0usize..27, 0..60)) {
        let all = facts();
        let mut incident = open();
        let mut taken = vec![(at(0), all[0].clone())];
        for (i, choice) in choices.into_iter().enumerate() {
            let (fact, now) = (&all[choice], at(i as u64 + 1));
            let Ok((next, effects)) = incident.apply(fact, now) else { continue };
            let executes = effects.iter().any(|effect| matches!(effect, Effect::Execute { .. }));
            prop_assert_eq!(executes, matches!(fact, Fact::Admitted { .. }), "only an admission runs something");
            if matches!(next.state, State::Healing { .. }) {
                prop_assert!(next.decided.as_ref().is_some_and(|decided| decided.plan.is_some()));
                prop_assert!(next.attempts.iter().any(|attempt| attempt.event == EVENT && attempt.finished_at.is_none()));
            }
            taken.push((now, fact.clone()));
            incident = next;
        }
        let replayed = Incident::replay(incident.id, incident.project.clone(), taken.iter().map(|(at, fact)| (*at, fact)));
        prop_assert_eq!(replayed, Ok(Some(incident)));
    }
}

#[test]
fn confidence_is_stored_exactly() {
    let json = serde_json::to_string(&decided()).expect("serialises");
    let Fact::Decided(back) = serde_json::from_str(&json).expect("parses") else { panic!("a decision") };
    assert_ne!(back.decision.confidence, DecisionConfidence::ZERO);
    assert_eq!(Fact::Decided(back), decided());
}
