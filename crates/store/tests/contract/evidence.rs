//! Changes, baselines of templates, and what confirmed causes add up to.

use std::collections::BTreeMap;

use selfheal_core::matching::evidence::{ConfirmedCause, PAIRS, Statistics};
use selfheal_core::{
    BasisPoints, Change, ChangeKind, IncidentId, PatternId, ProjectName, ServiceName, Severity, Span, Timestamp,
};
use selfheal_store::{Merge, NewEvent, Store};

use crate::on_both;
use crate::support::{at, incident, pattern, plan, signal};

on_both!(
    changes_come_back_as_they_went_in,
    only_changes_in_reach_of_the_services_are_found,
    a_baseline_is_counted_with_the_signal,
    sights_are_those_of_the_template_up_to_its_last,
    a_wrong_clock_makes_nothing_old,
    causes_add_up_and_are_taken_back_exactly,
    counts_can_be_built_anew,
    what_expires_of_changes_and_baselines,
);

fn change(service: &str, seconds: u64) -> Change {
    Change {
        id: 0,
        at: at(seconds),
        project: ProjectName::new("shop"),
        service: ServiceName::new(service),
        kind: ChangeKind::Deployment,
        version: Some("2.4.1 \"é\"".into()),
        actor: "ada".into(),
        comment: None,
        event: None,
    }
}

async fn changes_come_back_as_they_went_in(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let event = tx
        .put_event(NewEvent {
            incident: id,
            plan: &plan(id, "/run/pay"),
            approved_by: None,
            decision_confidence: BasisPoints::ONE,
            started_at: at(1),
        })
        .await
        .expect("stored");
    let ours = Change { kind: ChangeKind::Restart, version: None, event: Some(event), ..change("pay", 20) };
    let told = Change { kind: ChangeKind::Configuration, comment: Some("a\nb".into()), ..change("web", 10) };
    let mut expected = Vec::new();
    for change in [&ours, &told] {
        expected.push(Change { id: tx.put_change(change).await.expect("stored"), ..change.clone() });
    }
    assert_eq!(tx.latest_changes(None, 10).await.expect("read"), expected, "latest first");
    assert_eq!(tx.latest_changes(None, 1).await.expect("read"), expected[..1]);
    let web = ServiceName::new("web");
    assert_eq!(tx.latest_changes(Some(&web), 10).await.expect("read"), expected[1..]);
}

async fn only_changes_in_reach_of_the_services_are_found(store: Store) {
    let mut tx = store.write().await.expect("writes");
    for (service, seconds) in [("pay", 10), ("pay", 20), ("pay", 30), ("db", 15), ("web", 16), ("pay", 40)] {
        tx.put_change(&change(service, seconds)).await.expect("stored");
    }
    let elsewhere = Change { project: ProjectName::new("bank"), ..change("pay", 25) };
    tx.put_change(&elsewhere).await.expect("stored");
    let services = ["pay", "db"].map(|service| (ProjectName::new("shop"), ServiceName::new(service)));
    let found = tx.changes_before(&services, at(10), at(30), 2).await.expect("read");
    let found: Vec<(&str, Timestamp)> = found.iter().map(|change| (change.service.as_str(), change.at)).collect();
    // After the beginning, up to the end, and not more of one service than asked for.
    assert_eq!(found, [("pay", at(30)), ("pay", at(20)), ("db", at(15))]);
}

async fn a_baseline_is_counted_with_the_signal(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut first = signal("pay", "pool exhausted", 100);
    first.count = 7;
    let again = signal("pay", "pool exhausted", 110);
    let other = signal("pay", "disk full", 90);
    for new in [&first, &again, &other] {
        tx.put_signal(new, Span::from_secs(120), at(120)).await.expect("stored");
    }
    let wanted = BTreeMap::from([(first.fingerprint.clone(), at(110)), (other.fingerprint.clone(), at(90))]);
    let (shop, pay) = (ProjectName::new("shop"), ServiceName::new("pay"));
    let found = tx.sights(&shop, &pay, &wanted).await.expect("read");
    let pool = found[&first.fingerprint];
    assert_eq!((pool.last_hour, pool.last_minutes), (8, 8));
    let baseline = pool.baseline.expect("counted");
    assert_eq!((baseline.first_seen, baseline.sights(at(110))), (at(100), 8.0));
    assert_eq!(pool.service_since, Some(at(100)), "since its first signal was taken in");
    let elsewhere = tx.sights(&shop, &ServiceName::new("web"), &wanted).await.expect("read");
    assert!(elsewhere.values().all(|sights| sights.baseline.is_none() && sights.service_since.is_none()));
    assert_eq!(tx.sights(&shop, &pay, &BTreeMap::new()).await.expect("read"), BTreeMap::new());
}

async fn sights_are_those_of_the_template_up_to_its_last(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let template = signal("pay", "pool exhausted", 0).fingerprint;
    // An hour before the last one is out, five minutes before it only within the hour.
    for (seconds, count) in [(0, 1), (3_600, 2), (6_900, 4), (7_140, 8), (7_200, 16), (7_320, 32)] {
        let mut new = signal("pay", "pool exhausted", seconds);
        new.count = count;
        tx.put_signal(&new, Span::from_secs(1), at(seconds)).await.expect("stored");
    }
    let wanted = BTreeMap::from([(template.clone(), at(7_200))]);
    let found = tx.sights(&ProjectName::new("shop"), &ServiceName::new("pay"), &wanted).await.expect("read");
    let sights = found[&template];
    assert_eq!((sights.last_hour, sights.last_minutes), (28, 24));
    let baseline = sights.baseline.expect("counted");
    assert!((baseline.sights(at(7_320)) - 63.0).abs() < 0.1, "{baseline:?}");
}

async fn a_wrong_clock_makes_nothing_old(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let year = 366 * 24 * 3_600;
    for seconds in [0, 50 * year, 20] {
        let new = signal("pay", "pool exhausted", seconds);
        tx.put_signal(&new, Span::from_secs(1), at(10)).await.expect("stored");
    }
    let template = signal("pay", "pool exhausted", 0).fingerprint;
    let wanted = BTreeMap::from([(template.clone(), at(20))]);
    let found = tx.sights(&ProjectName::new("shop"), &ServiceName::new("pay"), &wanted).await.expect("read");
    assert_eq!(found[&template].baseline.expect("counted").sights(at(20)), 3.0);
}

fn cause(incident: IncidentId, pattern: &str, service: &str, hour: u8, change: u32, pair: bool) -> ConfirmedCause {
    let sequences: &[&str] = if pair { &["t:a>b", "t:a", PAIRS] } else { &["t:a"] };
    ConfirmedCause {
        incident,
        pattern: PatternId::new(pattern),
        project: ProjectName::new("shop"),
        service: ServiceName::new(service),
        hour,
        change: BasisPoints::saturating(change),
        sequences: sequences.iter().map(|sequence| (*sequence).to_owned()).collect(),
    }
}

/// As the core adds them up, for comparison.
fn sums(
    causes: &[ConfirmedCause],
    seen: (&ProjectName, &ServiceName),
) -> (Statistics, BTreeMap<PatternId, Statistics>) {
    let (mut all, mut patterns) = (Statistics::default(), BTreeMap::<PatternId, Statistics>::new());
    for cause in causes {
        all.add(cause, seen.0, seen.1);
        patterns.entry(cause.pattern.clone()).or_default().add(cause, seen.0, seen.1);
    }
    // Where all incidents were is not asked for.
    (Statistics { in_project: 0, on_service: 0, ..all }, patterns)
}

async fn causes_add_up_and_are_taken_back_exactly(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut ids = Vec::new();
    for second in 0..5 {
        ids.push(incident(&mut tx, &format!("s{second}"), Severity::High, second).await);
    }
    let mut bank = cause(ids[4], "oom", "pay", 9, 1, false);
    bank.project = ProjectName::new("bank");
    let causes = [
        cause(ids[0], "oom", "pay", 3, 9_000, true),
        cause(ids[1], "oom", "web", 3, 0, false),
        cause(ids[2], "disk", "pay", 167, 2_500, true),
        cause(ids[3], "disk", "pay", 3, 10_000, false),
        bank,
    ];
    let wanted = ["oom", "disk", "unknown"].map(PatternId::new);
    let sequences = ["t:a>b".to_owned(), "t:a".to_owned()];
    let (shop, pay) = (ProjectName::new("shop"), ServiceName::new("pay"));
    assert_eq!(
        tx.cause_statistics(&wanted, &shop, &pay, &sequences).await.expect("read"),
        (Statistics::default(), BTreeMap::new())
    );
    for cause in &causes {
        tx.put_cause(cause, at(9)).await.expect("stored");
        // An incident has one cause, however often it is confirmed.
        tx.put_cause(cause, at(10)).await.expect("stored");
    }
    let found = tx.cause_statistics(&wanted, &shop, &pay, &sequences).await.expect("read");
    assert_eq!(found, sums(&causes, (&shop, &pay)));
    let oom = &found.1[&PatternId::new("oom")];
    assert_eq!((oom.incidents, oom.in_project, oom.on_service, oom.change), (3, 2, 1, 9_001));
    let (_, fewer) = tx.cause_statistics(&wanted, &shop, &pay, &[]).await.expect("read");
    assert_eq!(fewer[&PatternId::new("oom")].sequences, BTreeMap::from([(PAIRS.to_owned(), 1)]), "only what is asked");
    assert_eq!(tx.take_back_cause(ids[0]).await.expect("taken").as_ref(), Some(&causes[0]));
    assert_eq!(tx.take_back_cause(ids[0]).await.expect("gone"), None);
    let found = tx.cause_statistics(&wanted, &shop, &pay, &sequences).await.expect("read");
    assert_eq!(found, sums(&causes[1..], (&shop, &pay)));
    // What was the cause under a merged pattern's id is the other one's as long as the merge stands.
    let [oom, disk] = ["oom", "disk"].map(pattern);
    let merge = Merge {
        id: 0,
        merged_before: disk.clone(),
        into_before: oom.clone(),
        into_after: oom,
        by: "ada".into(),
        at: at(11),
    };
    tx.put_merge(&merge).await.expect("stored");
    let renamed: Vec<ConfirmedCause> =
        causes[1..].iter().map(|cause| ConfirmedCause { pattern: PatternId::new("oom"), ..cause.clone() }).collect();
    let found = tx.cause_statistics(&wanted[..1], &shop, &pay, &sequences).await.expect("read");
    assert_eq!(found, sums(&renamed, (&shop, &pay)));
}

async fn counts_can_be_built_anew(store: Store) {
    let mut tx = store.write().await.expect("writes");
    for second in 0..3 {
        let id = incident(&mut tx, &format!("s{second}"), Severity::High, second).await;
        tx.put_cause(&cause(id, "oom", "pay", second as u8, 100, true), at(9)).await.expect("stored");
    }
    let (shop, pay) = (ProjectName::new("shop"), ServiceName::new("pay"));
    let sequences = ["t:a>b".to_owned()];
    let before = tx.cause_statistics(&[PatternId::new("oom")], &shop, &pay, &sequences).await.expect("read");
    assert_eq!(before.0.incidents, 3);
    assert_eq!(tx.recount_causes().await.expect("counted"), 3);
    let after = tx.cause_statistics(&[PatternId::new("oom")], &shop, &pay, &sequences).await.expect("read");
    assert_eq!(after, before);
}

async fn what_expires_of_changes_and_baselines(store: Store) {
    let mut tx = store.write().await.expect("writes");
    for seconds in [10, 20, 30] {
        tx.put_change(&change("pay", seconds)).await.expect("stored");
    }
    assert_eq!(tx.purge_changes(at(20), 1).await.expect("purged"), 1, "a batch at a time");
    assert_eq!(tx.purge_changes(at(20), 10).await.expect("purged"), 1);
    let left = tx.latest_changes(None, 10).await.expect("read");
    assert_eq!(left.iter().map(|change| change.at).collect::<Vec<_>>(), [at(30)]);
    for (text, seconds) in [("old", 0), ("new", 7_200)] {
        tx.put_signal(&signal("pay", text, seconds), Span::from_secs(1), at(7_200)).await.expect("stored");
    }
    assert_eq!(tx.purge_baselines(at(3_600), 10).await.expect("purged"), 1);
    let wanted = BTreeMap::from([(signal("pay", "new", 0).fingerprint, at(7_200))]);
    let found = tx.sights(&ProjectName::new("shop"), &ServiceName::new("pay"), &wanted).await.expect("read");
    let new = found.values().next().expect("asked for");
    assert!(new.baseline.is_some() && new.service_since == Some(at(0)), "the service is still known: {new:?}");
}
