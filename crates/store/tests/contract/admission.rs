//! Counts, order and exclusion: what keeps the limits true.

use selfheal_core::{
    BasisPoints, Breaker, EventId, Fact, Gate, GateLimits, GateResult, IncidentId, Posture, Preflight, Severity,
    Snapshot, Span, Timestamp, admit,
};
use selfheal_store::{NewEvent, Store, StoreError, Tx};

use crate::on_both;
use crate::support::{at, incident, plan};

on_both!(
    starts_are_counted_to_the_microsecond,
    the_queue_has_one_order,
    two_engines_cannot_take_the_last_slot,
    a_lease_is_held_by_one_and_fences_the_other,
    time_never_runs_backwards,
);

async fn start(tx: &mut Tx, incident: IncidentId, pidfile: &str, started_at: Timestamp) -> EventId {
    let plan = plan(incident, pidfile);
    let confidence = BasisPoints::saturating(7_000);
    let event = NewEvent { incident, plan: &plan, approved_by: None, decision_confidence: confidence, started_at };
    let id = tx.put_event(event).await.expect("stored");
    tx.set_event_status(id, "succeeded", Some(started_at), None).await.expect("stored");
    id
}

async fn starts_are_counted_to_the_microsecond(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let now = at(7_200);
    let hour_ago = now - Span::from_minutes(60);
    start(&mut tx, id, "/run/a", hour_ago).await;
    start(&mut tx, id, "/run/b", Timestamp::from_micros(hour_ago.as_micros() + 1)).await;
    // A start of the future: the clock was set back. It counts.
    start(&mut tx, id, "/run/c", now + Span::from_minutes(5)).await;
    let counts = tx.admission_counts(id, "service.restart", "process:/run/b", now).await.expect("counted");
    assert_eq!(counts.starts.len(), 2);
    assert_eq!(counts.last_identical_start.map(Timestamp::as_micros), Some(hour_ago.as_micros() + 1));
    assert_eq!(counts.executing, None);
    let other = tx.admission_counts(id, "cache.clear", "process:/run/b", now).await.expect("counted");
    assert_eq!(other.last_identical_start, None);
    let running = start(&mut tx, id, "/run/d", now).await;
    tx.set_event_status(running, "running", None, None).await.expect("stored");
    let counts = tx.admission_counts(id, "service.restart", "x", now).await.expect("counted");
    assert_eq!(counts.executing, Some(running));
}

async fn queue(tx: &mut Tx, id: IncidentId, until: Option<Timestamp>, seconds: u64) {
    let gate = GateResult { gate: Gate::OneAtATime, passed: false, reason: "busy".into(), until };
    let decided = selfheal_core::Decided {
        service: tx.incident(id).await.expect("read").service,
        matches: vec![],
        root_cause: None,
        decision: selfheal_core::decide(&selfheal_core::DecisionInput {
            best: None,
            auto_threshold: BasisPoints::ONE,
            suggest_threshold: BasisPoints::ONE,
            require_approval_for: vec![],
            second_approver_for: vec![],
            infrastructure_service: false,
            target_needs_approval: false,
            automatic_from_lower_bound: None,
            unexplained_upstream: None,
        }),
        plan: None,
        state_now: None,
        host: None,
        previewed_at: None,
    };
    tx.record(id, &Fact::Decided(Box::new(decided)), at(seconds)).await.expect("legal");
    let fact = Fact::Queued { gates: vec![], gate, expires_at: at(9_999) };
    tx.record(id, &fact, at(seconds)).await.expect("legal");
}

async fn ahead(tx: &mut Tx, id: IncidentId, now: Timestamp) -> Option<IncidentId> {
    tx.admission_counts(id, "service.restart", "x", now).await.expect("counted").ahead
}

async fn the_queue_has_one_order(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let late_high = incident(&mut tx, "a", Severity::High, 2).await;
    let early_high = incident(&mut tx, "b", Severity::High, 1).await;
    let critical = incident(&mut tx, "c", Severity::Critical, 3).await;
    let twin_high = incident(&mut tx, "d", Severity::High, 2).await;
    for id in [late_high, early_high, critical, twin_high] {
        queue(&mut tx, id, None, 10).await;
    }
    assert_eq!(tx.next_in_queue(at(10)).await.expect("read"), Some(critical));
    assert_eq!(ahead(&mut tx, late_high, at(10)).await, Some(critical));
    assert_eq!(ahead(&mut tx, critical, at(10)).await, None);
    // One that waits for a limit to free keeps nobody back until then.
    queue(&mut tx, critical, Some(at(40)), 11).await;
    assert_eq!(ahead(&mut tx, early_high, at(39)).await, None);
    assert_eq!(ahead(&mut tx, early_high, at(40)).await, Some(critical));
    // Who leaves the queue is called no more, and the next one is.
    for (called, now) in [(early_high, 39), (late_high, 39), (twin_high, 39), (critical, 40)] {
        assert_eq!(tx.next_in_queue(at(now)).await.expect("read"), Some(called));
        tx.record(called, &Fact::QueueExpired, at(now)).await.expect("legal");
    }
    assert_eq!(tx.next_in_queue(at(9_999)).await.expect("read"), None);
}

/// What an engine does: reads the counts, asks the gates, and writes the intent, in one transaction.
async fn admit_and_start(store: Store, id: IncidentId, target: &'static str) -> bool {
    let mut tx = store.write().await.expect("writes");
    let counts = tx.admission_counts(id, "service.restart", target, at(2)).await.expect("counted");
    let plan = plan(id, target);
    let admission = admit(&Snapshot {
        now: at(2),
        limits: GateLimits {
            max_actions_per_hour: 5,
            cooldown: Span::from_minutes(10),
            max_attempts: 3,
            preflight_max_age: Span::from_secs(30),
        },
        plan_hash: plan.hash(),
        posture: Some(Posture::On),
        maintenance: Some(None),
        managed: Some(true),
        approval_required: false,
        approvers_needed: 1,
        approval: None,
        attempts: Some(0),
        pattern: plan.pattern.clone(),
        on_target: Some(vec![]),
        breaker: Some(Breaker::Closed),
        last_identical_start: Some(counts.last_identical_start),
        starts: Some(counts.starts),
        executing: Some(counts.executing),
        ahead: counts.ahead,
        preflight: Some(Preflight {
            at: at(2),
            state_now: "stopped".into(),
            host: "here".into(),
            steps: plan.steps.clone(),
            undo: selfheal_core::WayBack::Nothing,
            instances: 1,
            blockers: vec![],
        }),
    });
    // Long enough for the other one to look too, if it could.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    if admission.admitted() {
        start(&mut tx, id, target, at(2)).await;
    }
    tx.commit().await.expect("committed");
    let refusals: Vec<Gate> = admission.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.gate).collect();
    assert!(refusals.is_empty() || refusals == [Gate::HourlyLimit], "{refusals:?}");
    admission.admitted()
}

async fn two_engines_cannot_take_the_last_slot(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    for i in 0..4 {
        start(&mut tx, id, &format!("/run/{i}"), at(1)).await;
    }
    tx.commit().await.expect("committed");
    let engine = |target: &'static str| tokio::spawn(admit_and_start(store.clone(), id, target));
    let (a, b) = (engine("/run/x"), engine("/run/y"));
    let (a, b) = (a.await.expect("ran"), b.await.expect("ran"));
    assert!(a != b, "exactly one of two is admitted: {a} {b}");
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.starts_since(at(2) - Span::from_minutes(60)).await.expect("read").len(), 5);
}

async fn a_lease_is_held_by_one_and_fences_the_other(store: Store) {
    let ttl = Span::from_secs(15);
    let mut tx = store.write().await.expect("writes");
    let first = tx.take_lease("a", at(0), ttl).await.expect("read").expect("free");
    assert_eq!(tx.take_lease("b", at(14), ttl).await.expect("read"), None);
    assert_eq!(tx.take_lease("a", at(10), ttl).await.expect("read"), Some(first.clone()), "renewed, same token");
    assert_eq!(tx.take_lease("b", at(24), ttl).await.expect("read"), None);
    let second = tx.take_lease("b", at(25), ttl).await.expect("read").expect("expired");
    assert!(second.token > first.token);
    assert!(matches!(tx.check_lease(&first).await, Err(StoreError::LeaseLost)));
    tx.check_lease(&second).await.expect("holds");
    assert_eq!(tx.lease_holder(at(26)).await.expect("read").as_deref(), Some("b"));
    tx.release_lease(&second).await.expect("stored");
    assert_eq!(tx.lease_holder(at(26)).await.expect("read"), None);
    let third = tx.take_lease("b", at(27), ttl).await.expect("read").expect("free");
    assert!(third.token > second.token, "a released lease is taken anew, so that old writes stay fenced");
}

async fn time_never_runs_backwards(store: Store) {
    let mut tx = store.write().await.expect("writes");
    for (clock, engine) in [(10, 10), (5, 10), (10, 10), (11, 11)] {
        assert_eq!(tx.observe_clock(at(clock)).await.expect("stored"), at(engine));
    }
}

/// On PostgreSQL a suspended engine that holds the writers' lock is shown out before its lease has run out. (On SQLite the
/// lock is the operating system's, and nobody can.)
#[tokio::test]
async fn a_writer_that_went_silent_is_shown_out_in_time() {
    let url = selfheal_tests::postgres::Postgres::server().database();
    // Two processes: in one of them writers wait for each other.
    let (one, other) = (Store::open(&url).await.expect("opens"), Store::open(&url).await.expect("opens"));
    let silent = one.write().await.expect("writes");
    other.write().await.expect("the lock is free again");
    assert!(silent.commit().await.is_err(), "what was shown out commits nothing");
}
