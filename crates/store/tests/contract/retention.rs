//! What expires, to the microsecond, and what never does.

use selfheal_core::audit::NewEntry;
use selfheal_core::{BasisPoints, Fact, IncidentId, Severity, Timestamp};
use selfheal_store::{NewEvent, Purged, Store, Tx};

use crate::on_both;
use crate::support::{at, incident, plan};

on_both!(
    a_closed_incident_expires_at_its_moment,
    what_is_open_or_watched_is_not_touched,
    batches_are_small_and_end,
    what_a_run_removed_is_told_once,
);

/// An incident that was closed at a moment, with an action and an audit entry.
async fn closed(tx: &mut Tx, service: &str, seconds: u64) -> IncidentId {
    let id = incident(tx, service, Severity::High, 0).await;
    resolve(tx, id, seconds).await;
    tx.record(id, &Fact::WatchEnded, at(seconds)).await.expect("legal");
    let plan = plan(id, "/run/a");
    let confidence = BasisPoints::saturating(7_000);
    let event =
        NewEvent { incident: id, plan: &plan, approved_by: None, decision_confidence: confidence, started_at: at(1) };
    tx.put_event(event).await.expect("stored");
    tx.audit(NewEntry {
        at: at(1),
        event_type: "action.started",
        actor: "engine".into(),
        incident_id: Some(id),
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: "running".into(),
        details: serde_json::json!({}),
    })
    .await
    .expect("appended");
    id
}

async fn resolve(tx: &mut Tx, id: IncidentId, seconds: u64) {
    let fact = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at(seconds) };
    tx.record(id, &fact, at(2)).await.expect("legal");
}

async fn left(tx: &mut Tx, id: IncidentId) -> (usize, usize, usize) {
    let facts = tx.facts(id).await.expect("read").len();
    let signals = tx.signals_of(id, 9).await.expect("read").len();
    (facts, signals, tx.signal_counts(id).await.expect("read").len())
}

/// Removes everything that has expired by then.
async fn purge(tx: &mut Tx, closed: Timestamp) -> Purged {
    let minutes = tx.purge_minutes(closed, 100).await.expect("purged");
    let signals = tx.purge_signals(closed, 100).await.expect("purged");
    Purged { facts: tx.purge_facts(closed, 100).await.expect("purged"), minutes, ..signals }
}

async fn a_closed_incident_expires_at_its_moment(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = closed(&mut tx, "pay", 60).await;
    assert_eq!(left(&mut tx, id).await, (3, 1, 1));
    let early = Timestamp::from_micros(at(60).as_micros() - 1);
    assert_eq!(purge(&mut tx, early).await, Purged::default());
    assert_eq!(left(&mut tx, id).await, (3, 1, 1));
    assert_eq!(purge(&mut tx, at(60)).await, Purged { facts: 3, signals: 1, minutes: 1, ..Purged::default() });
    assert_eq!(left(&mut tx, id).await, (0, 0, 0));
    let kept = tx.incident(id).await.expect("kept");
    assert_eq!((kept.title.as_str(), kept.state.name()), ("pay failed", "closed"));
    assert_eq!(tx.count_events().await.expect("read").0, 1, "healing events are kept");
    let (trail, error) = tx.verify_audit(Default::default()).await.expect("read");
    assert_eq!((trail.chain().count(), error), (1, None), "the audit trail is kept");
    // What is left takes a note all the same.
    tx.record(id, &Fact::Noted { by: "ada".into(), text: "late".into() }, at(90)).await.expect("legal");
    assert_eq!(tx.facts(id).await.expect("read")[0].seq, 4, "numbers go on");
}

async fn what_is_open_or_watched_is_not_touched(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let open = incident(&mut tx, "pay", Severity::High, 0).await;
    let watched = incident(&mut tx, "shop", Severity::High, 0).await;
    resolve(&mut tx, watched, 60).await;
    assert_eq!(purge(&mut tx, at(1_000_000_000)).await, Purged::default());
    assert_eq!((left(&mut tx, open).await, left(&mut tx, watched).await), ((1, 1, 1), (2, 1, 1)));
}

async fn batches_are_small_and_end(store: Store) {
    let mut tx = store.write().await.expect("writes");
    for service in ["a", "b", "c"] {
        closed(&mut tx, service, 60).await;
    }
    let mut batches = Vec::new();
    loop {
        let purged = tx.purge_facts(at(60), 4).await.expect("purged");
        batches.push(purged);
        if purged == 0 {
            break;
        }
    }
    assert_eq!(batches, [4, 4, 1, 0]);
    assert_eq!(tx.purge_minutes(at(60), 2).await.expect("purged"), 2);
    let purged = tx.purge_signals(at(60), 2).await.expect("purged");
    assert_eq!((purged.signals, purged.minutes), (2, 0), "their counts are gone already");
}

async fn what_a_run_removed_is_told_once(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let more = Purged { facts: 2, signals: 1, ..Purged::default() };
    tx.add_purged(more, at(0)).await.expect("stored");
    tx.add_purged(more, at(0)).await.expect("stored");
    assert_eq!(tx.take_purged(at(1)).await.expect("read"), Purged { facts: 4, signals: 2, ..Purged::default() });
    assert!(tx.take_purged(at(1)).await.expect("read").is_nothing());
}
