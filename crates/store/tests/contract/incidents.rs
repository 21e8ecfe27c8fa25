//! Facts, states and effects move together; lists are in order and complete.

use selfheal_core::{Effect, Fact, Incident, IncidentId, NoticeKind, RejectReason, Severity, State};
use selfheal_store::{IncidentFilter, Store, StoreError};

use crate::on_both;
use crate::support::{at, incident};

on_both!(
    a_fact_its_state_and_its_effects_are_one,
    an_illegal_fact_changes_nothing,
    replaying_the_facts_gives_the_state,
    a_decision_is_asked_for_once,
    an_effect_is_started_once,
    what_was_admitted_is_done_first,
    pages_are_complete_and_in_order,
    search_takes_special_characters_literally,
    due_incidents_are_found,
);

async fn a_fact_its_state_and_its_effects_are_one(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let cause = selfheal_core::Cause::Decision { text: "unknown".into() };
    let after = tx.record(id, &Fact::Escalated { cause, gates: vec![] }, at(1)).await.expect("legal");
    tx.commit().await.expect("committed");
    assert!(matches!(after.state, State::Escalated { .. }));
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.incident(id).await.expect("read"), after);
    let effects: Vec<_> = tx.effects_of(id).await.expect("read").into_iter().map(|effect| effect.body).collect();
    assert_eq!(effects, [Effect::Decide, Effect::Notify { kind: NoticeKind::Escalated }]);
    assert_eq!(tx.facts(id).await.expect("read").len(), 2);
    assert!(matches!(tx.incident(IncidentId(99)).await, Err(StoreError::NoIncident(IncidentId(99)))));
}

async fn an_illegal_fact_changes_nothing(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let before = tx.incident(id).await.expect("read");
    let fact = Fact::Rejected { by: "ada".into(), reason: RejectReason::WrongFix, comment: None };
    assert!(matches!(tx.record(id, &fact, at(1)).await, Err(StoreError::Illegal(_))));
    tx.commit().await.expect("committed");
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.incident(id).await.expect("read"), before);
    assert_eq!(tx.facts(id).await.expect("read").len(), 1);
}

async fn replaying_the_facts_gives_the_state(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    for (seconds, fact) in [
        (1, Fact::Acknowledged { by: "ada".into() }),
        (2, Fact::Snoozed { by: "ada".into(), until: at(60) }),
        (60, Fact::Woken { by: "engine".into() }),
        (61, Fact::ResolvedByPerson { by: "ada".into(), comment: Some("é".into()), watch_until: at(100) }),
        (100, Fact::WatchEnded),
    ] {
        tx.record(id, &fact, at(seconds)).await.expect("legal");
    }
    let stored = tx.incident(id).await.expect("read");
    let facts = tx.facts(id).await.expect("read");
    let replayed = Incident::replay(id, stored.project.clone(), facts.iter().map(|fact| (fact.at, &fact.body)));
    assert_eq!(replayed.expect("legal"), Some(stored));
}

async fn a_decision_is_asked_for_once(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    for _ in 0..3 {
        tx.put_effect(id, &Effect::Decide, at(1)).await.expect("stored");
    }
    assert_eq!(tx.effects_of(id).await.expect("read").len(), 1);
}

async fn an_effect_is_started_once(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let effect = tx.due_effects(at(0), 10).await.expect("read").remove(0);
    assert_eq!(effect.incident_id, id);
    assert!(tx.start_effect(effect.id, at(1)).await.expect("stored"));
    assert!(!tx.start_effect(effect.id, at(2)).await.expect("stored"), "whoever comes second does not run it");
    tx.reschedule_effect(effect.id, at(9), &serde_json::json!({ "n": 1 })).await.expect("stored");
    assert!(tx.due_effects(at(8), 10).await.expect("read").is_empty());
    let again = tx.due_effects(at(9), 10).await.expect("read").remove(0);
    assert_eq!((again.tries, again.state["n"].as_i64()), (1, Some(1)));
    tx.finish_effect(effect.id).await.expect("stored");
    assert_eq!(tx.next_effect_due().await.expect("read"), None);
}

async fn what_was_admitted_is_done_first(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let waiting = incident(&mut tx, "pay", Severity::High, 0).await;
    let admitted = incident(&mut tx, "mail", Severity::High, 1).await;
    let event = selfheal_core::EventId(1);
    tx.put_effect(admitted, &Effect::Verify { event }, at(3)).await.expect("stored");
    tx.put_effect(admitted, &Effect::Execute { event }, at(4)).await.expect("stored");
    let due = tx.due_effects(at(9), 10).await.expect("read");
    let names: Vec<_> = due.iter().map(|effect| (effect.incident_id, effect.body.name())).collect();
    assert_eq!(names, [(admitted, "execute"), (admitted, "verify"), (waiting, "decide"), (admitted, "decide")]);
    assert_eq!(tx.due_effects(at(9), 1).await.expect("read").len(), 1);
}

async fn pages_are_complete_and_in_order(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut made = Vec::new();
    for i in 0..7 {
        // Two of them at the same moment: the id decides.
        made.push(incident(&mut tx, &format!("s{i}"), Severity::High, [0, 1, 1, 2, 3, 4, 5][i]).await);
    }
    made.reverse();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let filter = IncidentFilter { after, limit: 3, ..IncidentFilter::default() };
        let page = tx.list_incidents(&filter).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some((last.updated_at, last.id));
        listed.extend(page.into_iter().map(|incident| incident.id));
    }
    assert_eq!(listed, made);
    let none = IncidentFilter { states: vec!["closed"], limit: 9, ..IncidentFilter::default() };
    assert!(tx.list_incidents(&none).await.expect("read").is_empty());
}

async fn search_takes_special_characters_literally(store: Store) {
    let mut tx = store.write().await.expect("writes");
    incident(&mut tx, "rate-100%", Severity::High, 0).await;
    incident(&mut tx, "rate-1000", Severity::High, 1).await;
    incident(&mut tx, "under_score", Severity::High, 2).await;
    let mut find = async |text: &str| {
        let filter = IncidentFilter { text: Some(text.into()), limit: 9, ..IncidentFilter::default() };
        tx.list_incidents(&filter).await.expect("read").len()
    };
    for (text, found) in [("100%", 1), ("RATE", 2), ("r_score", 1), ("x_score", 0), ("\\", 0), ("'", 0)] {
        assert_eq!(find(text).await, found, "{text}");
    }
}

async fn due_incidents_are_found(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    tx.record(id, &Fact::Snoozed { by: "ada".into(), until: at(60) }, at(1)).await.expect("legal");
    assert!(tx.incidents_due(at(59), 10).await.expect("read").is_empty());
    assert_eq!(tx.incidents_due(at(60), 10).await.expect("read"), [id]);
}
