//! A signal's incident is found by keys: what the whole list would have given, and little more.

use selfheal_core::config::{Config, parse};
use selfheal_core::{Fact, Fingerprint, IncidentId, Severity, SignalSeen, Span, Wanted};
use selfheal_store::{Connection, Store, Tx};

use crate::on_both;
use crate::support::{at, incident, signal};

on_both!(
    candidates_are_found_by_each_kind_of_key,
    candidates_lie_in_the_window,
    a_joined_signal_adds_its_keys,
    what_is_closed_is_found_no_more,
    incidents_from_before_are_given_their_keys,
);

fn config() -> Config {
    parse("services: [{name: db}, {name: api, depends_on: [db]}, {name: mail}, {name: shop}]", "x").expect("parses")
}

async fn found(tx: &mut Tx, service: &str, text: &str, seconds: u64, trace: Option<&str>) -> Vec<IncidentId> {
    let mut signal = signal(service, text, seconds);
    signal.trace_id = trace.map(str::to_owned);
    let wanted = Wanted::by(&signal, &config());
    tx.candidates("shop", &wanted).await.expect("read").into_iter().map(|incident| incident.id).collect()
}

async fn open(tx: &mut Tx, service: &str, text: &str, seconds: u64, trace: Option<&str>) -> IncidentId {
    let mut new = signal(service, text, seconds);
    new.trace_id = trace.map(str::to_owned);
    let (id, _) = tx.put_signal(&new, Span::from_secs(120), at(seconds)).await.expect("stored");
    let seen = SignalSeen::of(id, &new);
    tx.open_incident(new.project.clone(), text.into(), seen, at(seconds)).await.expect("opens").id
}

async fn candidates_are_found_by_each_kind_of_key(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let api = open(&mut tx, "api", "request refused by upstream", 0, Some("t1")).await;
    let mail = open(&mut tx, "mail", "mailbox unavailable for delivery", 1, None).await;
    for (what, service, text, trace, expected) in [
        ("nothing in common", "shop", "cart emptied", None, vec![]),
        ("the service", "api", "cart emptied", None, vec![api]),
        ("the path, from upstream", "db", "cart emptied", None, vec![api]),
        ("the trace", "shop", "cart emptied", Some("t1"), vec![api]),
        ("the words", "shop", "mailbox unavailable", None, vec![mail]),
        ("several", "mail", "request refused by upstream", None, vec![api, mail]),
    ] {
        assert_eq!(found(&mut tx, service, text, 10, trace).await, expected, "{what}");
    }
    let mut elsewhere = signal("api", "request refused by upstream", 10);
    elsewhere.project = selfheal_core::ProjectName::new("elsewhere");
    let wanted = Wanted::by(&elsewhere, &config());
    assert!(tx.candidates("elsewhere", &wanted).await.expect("read").is_empty(), "another project");
    let mut all = config();
    all.correlation.text_similarity = selfheal_core::BasisPoints::saturating(0);
    let wanted = Wanted::by(&signal("shop", "cart emptied", 10), &all);
    assert_eq!(tx.candidates("shop", &wanted).await.expect("read").len(), 2, "any text is alike");
}

async fn candidates_lie_in_the_window(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let api = open(&mut tx, "api", "refused", 10_000, None).await;
    for (seconds, text, expected) in [
        (9_700, "other", true),
        (9_699, "other", false),
        (10_300, "other", true),
        (10_301, "other", false),
        (10_301, "refused", true),
    ] {
        let expected = if expected { vec![api] } else { vec![] };
        assert_eq!(found(&mut tx, "api", text, seconds, None).await, expected, "{text} at {seconds}");
    }
}

async fn a_joined_signal_adds_its_keys(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let api = open(&mut tx, "api", "refused", 0, None).await;
    let new = signal("mail", "mailbox unavailable", 200);
    let (id, _) = tx.put_signal(&new, Span::from_secs(120), at(200)).await.expect("stored");
    let fact = Fact::SignalJoined { signal: SignalSeen::of(id, &new), because: "x".into() };
    tx.record(api, &fact, at(200)).await.expect("legal");
    for (service, text, seconds) in
        [("mail", "other", 490), ("shop", "mailbox unavailable now", 490), ("mail", "mailbox unavailable", 9_000)]
    {
        assert_eq!(found(&mut tx, service, text, seconds, None).await, [api], "{service} {text}");
    }
    let known = tx.open_incidents_with("shop", &new.fingerprint).await.expect("read");
    assert_eq!(known.len(), 1);
}

async fn what_is_closed_is_found_no_more(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "api", Severity::High, 0).await;
    let fingerprint = Fingerprint::of(&["api", "api failed"]);
    let resolved = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at(60) };
    tx.record(id, &resolved, at(1)).await.expect("legal");
    assert!(found(&mut tx, "api", "api failed", 2, None).await.is_empty(), "resolved is not open");
    let watched = tx.watched_incidents_with("shop", &fingerprint).await.expect("read");
    assert_eq!(watched.iter().map(|incident| incident.id).collect::<Vec<_>>(), [id]);
    let other = tx.watched_incidents_with("shop", &Fingerprint::of(&["x"])).await.expect("read");
    assert!(other.is_empty(), "only what knows the failure");
    tx.record(id, &Fact::WatchEnded, at(60)).await.expect("legal");
    assert!(tx.watched_incidents_with("shop", &fingerprint).await.expect("read").is_empty());
}

/// A database from before the keys: what opening it again finds.
async fn incidents_from_before_are_given_their_keys(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = open(&mut tx, "api", "refused", 0, Some("t1")).await;
    let facts = tx.facts(id).await.expect("read").len();
    tx.commit().await.expect("committed");
    let statement = "delete from incident_keys; update incidents set last_signal_at = null";
    match store.write().await.expect("writes").connection {
        Connection::Sqlite(mut tx) => {
            sqlx::raw_sql(statement).execute(&mut *tx).await.expect("run");
            tx.commit().await.expect("committed");
        }
        Connection::Postgres(mut tx) => {
            sqlx::raw_sql(statement).execute(&mut *tx).await.expect("run");
            tx.commit().await.expect("committed");
        }
    }
    let mut tx = store.read().await.expect("reads");
    assert!(found(&mut tx, "api", "other", 1, None).await.is_empty());
    drop(tx);
    store.put_missing_keys().await.expect("put");
    let mut tx = store.write().await.expect("writes");
    assert_eq!(found(&mut tx, "shop", "other", 1, Some("t1")).await, [id]);
    // The count of its facts was kept: the next fact follows them.
    tx.record(id, &Fact::Acknowledged { by: "ada".into() }, at(2)).await.expect("legal");
    assert_eq!(tx.facts(id).await.expect("read").last().map(|fact| fact.seq), Some(facts as i64 + 1));
}
