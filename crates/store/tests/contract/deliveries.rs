//! Deliveries in the outbox: apart from what an incident waits for.

use selfheal_core::{Effect, Notice, NoticeKind, NotifierName, Severity};
use selfheal_store::Store;

use crate::on_both;
use crate::support::{at, incident};

async fn deliveries_wait_apart_and_keep_their_notice(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let opened = tx.incident(id).await.expect("read");
    let notice = Notice::of(NoticeKind::Escalated, &opened, &[], at(0), "1");
    let deliver = |name: &str| Effect::Deliver { notifier: NotifierName::new(name), notice: Box::new(notice.clone()) };
    for name in ["b", "a"] {
        tx.put_effect(id, &deliver(name), at(1)).await.expect("stored");
    }
    let effects = tx.due_effects(at(9), 10).await.expect("read");
    assert!(effects.iter().all(|effect| effect.body == Effect::Decide), "{effects:?}");
    assert!(tx.due_deliveries(at(0), 10).await.expect("read").is_empty());
    let due = tx.due_deliveries(at(1), 10).await.expect("read");
    let bodies: Vec<Effect> = due.iter().map(|effect| effect.body.clone()).collect();
    assert_eq!(bodies, [deliver("b"), deliver("a")], "in their order, as they were");
    assert_eq!(tx.due_deliveries(at(1), 1).await.expect("read").len(), 1);
    // Put off is not tried.
    tx.postpone_effect(due[0].id, at(5), &serde_json::json!({ "held": true })).await.expect("stored");
    tx.reschedule_effect(due[1].id, at(6), &due[1].state).await.expect("stored");
    assert!(tx.due_deliveries(at(4), 10).await.expect("read").is_empty());
    let due = tx.due_deliveries(at(6), 10).await.expect("read");
    let seen: Vec<_> = due.iter().map(|effect| (effect.tries, effect.state["held"] == true)).collect();
    assert_eq!(seen, [(0, true), (1, false)]);
}

on_both! {
    deliveries_wait_apart_and_keep_their_notice,
}
