//! Circuit breakers, maintenance, what rejections teach, and shadow decisions.

use selfheal_core::breaker::ConnectionHealth;
use selfheal_core::matching::Evidence;
use selfheal_core::{ActionKind, Breaker, Fingerprint, PatternId, ServiceName, Severity};
use selfheal_store::{Maintenance, ShadowCounts, Store};

use crate::on_both;
use crate::support::{at, incident};

on_both!(
    a_connection_is_remembered_until_it_works,
    maintenance_holds_from_its_start_to_just_before_its_end,
    evidence_adds_up_by_pattern,
    a_shadow_decision_is_settled_once,
);

async fn a_connection_is_remembered_until_it_works(store: Store) {
    let limits = selfheal_core::config::Limits::default();
    let mut tx = store.write().await.expect("writes");
    let mut health = tx.connection("supervisord:a").await.expect("read");
    assert!(health.is_clean());
    for second in 0..5 {
        health = health.failed(at(second), &limits);
        tx.put_connection("supervisord:a", &health, at(second)).await.expect("stored");
    }
    tx.commit().await.expect("commits");
    let mut tx = store.write().await.expect("writes");
    let kept = tx.connection("supervisord:a").await.expect("read");
    assert_eq!(kept.breaker(), Breaker::Open { until: at(64) });
    assert!(tx.connection("supervisord:b").await.expect("read").is_clean());
    tx.put_connection("supervisord:a", &ConnectionHealth::default(), at(70)).await.expect("stored");
    assert_eq!(tx.connections().await.expect("read"), []);
}

async fn maintenance_holds_from_its_start_to_just_before_its_end(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let window = |service: Option<&str>, from: u64, until: u64| Maintenance {
        id: 0,
        service: service.map(str::to_owned),
        starts_at: at(from),
        ends_at: at(until),
        reason: Some("move".into()),
        set_by: "ada".into(),
        set_at: at(0),
    };
    let pay = tx.put_maintenance(&window(Some("pay"), 10, 20)).await.expect("stored");
    let (db, web) = (ServiceName::new("pay"), ServiceName::new("web"));
    for (services, second, until) in [
        (vec![&db], 9, None),
        (vec![&db], 10, Some(20)),
        (vec![&web, &db], 19, Some(20)),
        (vec![&web], 19, None),
        (vec![&db], 20, None),
    ] {
        let found = tx.announced_maintenance(&services, at(second)).await.expect("read");
        assert_eq!(found, until.map(at), "{services:?} at {second}");
    }
    tx.put_maintenance(&window(None, 10, 30)).await.expect("stored");
    assert_eq!(tx.announced_maintenance(&[&web], at(15)).await.expect("read"), Some(at(30)));
    assert_eq!(tx.announced_maintenance(&[&db], at(15)).await.expect("read"), Some(at(30)), "the later end");
    assert_eq!(tx.end_maintenance(pay, at(15)).await.expect("ended").map(|m| m.ends_at), Some(at(15)));
    assert_eq!(tx.end_maintenance(pay, at(16)).await.expect("asked"), None, "it is over");
    assert_eq!(tx.maintenance(at(16)).await.expect("read").len(), 1);
}

async fn evidence_adds_up_by_pattern(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let (oom, disk) = (PatternId::new("oom"), PatternId::new("disk"));
    let (one, two) = (Fingerprint("1".into()), Fingerprint("2".into()));
    for (pattern, fingerprint, more) in [
        (&oom, &one, Evidence::REJECTED),
        (&oom, &one, Evidence::REJECTED),
        (&oom, &two, Evidence::CONFIRMED),
        (&disk, &two, Evidence::CONFIRMED),
    ] {
        tx.add_relevance_evidence(pattern, fingerprint, more, at(0)).await.expect("stored");
    }
    let mut found = tx.relevance_evidence(&[one.clone(), two]).await.expect("read");
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let evidence = |confirmed, rejected| Evidence { confirmed, rejected };
    assert_eq!(found, [(disk, evidence(1, 0)), (oom.clone(), evidence(1, 2))]);
    assert_eq!(tx.relevance_evidence(&[one]).await.expect("read"), [(oom, evidence(0, 2))]);
}

async fn a_shadow_decision_is_settled_once(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let pattern = PatternId::new("oom");
    let mut ids = Vec::new();
    for second in 0..3 {
        let id = incident(&mut tx, &format!("s{second}"), Severity::High, second).await;
        for _ in 0..2 {
            tx.put_shadow(id, &pattern, ActionKind::ServiceRestart, "process:/run/a", at(second)).await.expect("kept");
        }
        ids.push(id);
    }
    tx.settle_shadow(ids[0], ActionKind::ServiceRestart, "process:/run/a", at(9)).await.expect("settled");
    tx.settle_shadow(ids[1], ActionKind::ServiceRestart, "process:/run/b", at(9)).await.expect("settled");
    tx.settle_shadow_as(ids[1], true, at(10)).await.expect("too late to change");
    let counts = tx.shadow_counts(&pattern).await.expect("counted");
    assert_eq!(counts, ShadowCounts { decisions: 3, agreed: 1, disagreed: 1 });
}
