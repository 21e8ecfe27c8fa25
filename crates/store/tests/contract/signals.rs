//! Repeats are counted, and the window of a repeat slides from its last sight.

use selfheal_core::{Severity, SignalSeen, SourceName, Span};
use selfheal_store::Store;

use crate::on_both;
use crate::support::{at, incident, signal};

on_both!(
    a_repeat_within_two_minutes_is_counted,
    what_was_stored_is_read_whole,
    checkpoint_and_signals_are_one,
    sights_are_counted_by_minute
);

const REPEAT: Span = Span::from_secs(120);

async fn a_repeat_within_two_minutes_is_counted(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut put =
        async |seconds| tx.put_signal(&signal("pay", "boom", seconds), REPEAT, at(seconds)).await.expect("stored");
    let (first, new) = put(0).await;
    assert!(new);
    assert_eq!(put(120).await, (first, false), "exactly two minutes is a repeat");
    assert_eq!(put(240).await, (first, false), "the window slides from the last sight");
    let (second, new) = put(361).await;
    assert!(new && second != first, "a second later it is a new signal");
}

async fn what_was_stored_is_read_whole(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut new = signal("pay", "line one\n\tat two \u{1F4A5}", 5);
    new.trace_id = Some("abc".into());
    let (id, _) = tx.put_signal(&new, REPEAT, at(5)).await.expect("stored");
    let seen = SignalSeen::of(id, &new);
    let incident = tx.open_incident(new.project.clone(), "t".into(), seen, at(5)).await.expect("opened");
    let stored = tx.signals_of(incident.id, 10).await.expect("read");
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].id, &stored[0].seen), (id, &new));
    assert_eq!(tx.incident_of_signal(id).await.expect("read"), Some(incident.id));
    assert_eq!(tx.symptom_last_seen(incident.id).await.expect("read"), Some(at(5)));
}

async fn checkpoint_and_signals_are_one(store: Store) {
    let source = SourceName::new("pay-log");
    let mut tx = store.write().await.expect("writes");
    tx.put_signal(&signal("pay", "boom", 0), REPEAT, at(5)).await.expect("stored");
    tx.put_checkpoint(&source, &serde_json::json!({ "offset": 9 }), at(0)).await.expect("stored");
    drop(tx);
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.checkpoint(&source).await.expect("read"), None, "what was not committed never was");
    assert_eq!(tx.signals_since(at(0)).await.expect("read"), 0);
    drop(tx);
    let mut tx = store.write().await.expect("writes");
    tx.put_checkpoint(&source, &serde_json::json!({ "offset": 1 }), at(0)).await.expect("stored");
    tx.put_checkpoint(&source, &serde_json::json!({ "offset": 2 }), at(1)).await.expect("stored");
    tx.commit().await.expect("committed");
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.checkpoint(&source).await.expect("read"), Some(serde_json::json!({ "offset": 2 })));
}

async fn sights_are_counted_by_minute(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    for seconds in [1, 2, 61] {
        tx.put_signal(&signal("pay", "pay failed", seconds), REPEAT, at(seconds)).await.expect("stored");
    }
    let counts = tx.signal_counts(id).await.expect("read");
    assert_eq!(counts.iter().map(|count| count.count).sum::<i64>(), 4);
    assert!(counts.len() >= 2, "{counts:?}");
}
