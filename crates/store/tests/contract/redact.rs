//! What was redacted is gone from everything that is stored of an incident, and the incident still is what it was.

use selfheal_core::audit::NewEntry;
use selfheal_core::redact::Redaction;
use selfheal_core::{Effect, Fact, Incident, IncidentId, Notice, NoticeKind, NotifierName, Severity, SignalSeen, Span};
use selfheal_store::{Store, StoreError, Tx};

use crate::on_both;
use crate::support::{at, incident, signal};

on_both!(
    nothing_of_it_is_left_and_the_replay_holds,
    what_the_engine_goes_by_is_refused_or_stays,
    an_expired_story_is_redacted_too,
    others_are_left_alone,
    of_a_closed_incident_names_go_too,
);

const SECRET: &str = "hunter2-abcdef";

/// An incident that holds the secret wherever text is kept.
async fn leaky(tx: &mut Tx) -> IncidentId {
    let mut new = signal("pay", &format!("login failed: password={SECRET} \"x\"\n  at {SECRET}"), 0);
    new.attributes.insert("query".into(), format!("?p={SECRET}"));
    new.trace_id = Some(format!("t-{SECRET}"));
    let (id, _) = tx.put_signal(&new, Span::from_secs(120), at(0)).await.expect("stored");
    let seen = SignalSeen::of(id, &new);
    let title = "Login failed: password=hunter2-ab…".to_owned();
    let id = tx.open_incident(new.project.clone(), title, seen, at(0)).await.expect("opened").id;
    // Two templates that are one when the secret is gone.
    for (seconds, text) in [(1, format!("{SECRET} again")), (2, format!("{} again", SECRET.to_uppercase()))] {
        let more = signal("pay", &text, seconds);
        let (signal, _) = tx.put_signal(&more, Span::from_secs(1), at(seconds)).await.expect("stored");
        let signal = tx.attach_signal(signal, id, &more, at(seconds)).await.expect("stored");
        let fact = Fact::SignalJoined { signal: SignalSeen::of(signal, &more), because: "similar text".into() };
        tx.record(id, &fact, at(seconds)).await.expect("legal");
    }
    let noted = Fact::Noted { by: "ada".into(), text: format!("it was {SECRET}") };
    let incident = tx.record(id, &noted, at(3)).await.expect("legal");
    // A notice that waits for the end of quiet hours.
    let notice = Notice { body: SECRET.into(), ..Notice::of(NoticeKind::Escalated, &incident, &[], at(3), "1") };
    let deliver = Effect::Deliver { notifier: NotifierName::new("mail"), notice: Box::new(notice) };
    tx.put_effect(id, &deliver, at(9_999)).await.expect("stored");
    id
}

/// Everything that is stored of it, as text.
async fn stored(tx: &mut Tx, id: IncidentId) -> String {
    let incident = serde_json::to_string(&tx.incident(id).await.expect("read")).expect("JSON");
    let facts = format!("{:?}", tx.facts(id).await.expect("read"));
    let waiting = format!("{:?}", tx.effects_of(id).await.expect("read"));
    format!("{incident}{facts}{waiting}{:?}", tx.signals_of(id, 99).await.expect("read")).to_lowercase()
}

async fn replay(tx: &mut Tx, id: IncidentId) -> Option<Incident> {
    let project = tx.incident(id).await.expect("read").project;
    let facts = tx.facts(id).await.expect("read");
    Incident::replay(id, project, facts.iter().map(|fact| (fact.at, &fact.body))).expect("legal")
}

async fn nothing_of_it_is_left_and_the_replay_holds(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = leaky(&mut tx).await;
    let before = tx.incident(id).await.expect("read");
    assert_eq!(before.templates.len(), 3);
    tx.audit(NewEntry {
        at: at(4),
        event_type: "incident.noted",
        actor: "ada".into(),
        incident_id: Some(id),
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: format!("said {SECRET}"),
        details: serde_json::json!({}),
    })
    .await
    .expect("appended");
    let redaction = Redaction::text(SECRET).expect("valid");
    assert!(stored(&mut tx, id).await.contains("hunter2"));
    let redacted = tx.redact(id, &redaction, at(9), at(0)).await.expect("redacted");
    assert_eq!((redacted.signals, redacted.facts, redacted.incident), (3, 4, true));
    let text = stored(&mut tx, id).await;
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("login failed: password=[redacted]"), "{text}");
    let after = tx.incident(id).await.expect("read");
    assert_eq!(replay(&mut tx, id).await.as_ref(), Some(&after), "replaying the facts still gives the state");
    assert_eq!((after.state.name(), &after.fingerprints), (before.state.name(), &before.fingerprints));
    assert_eq!(after.templates.len(), 2, "two that are the same now are one");
    // The trail is whole, and says that it still holds it.
    let (trail, error) = tx.verify_audit(Default::default()).await.expect("read");
    assert_eq!((trail.chain().count(), error), (1, None));
    assert_eq!(tx.audit_entries_with(id, &redaction).await.expect("read").len(), 1);
    assert!(tx.redact(id, &redaction, at(9), at(0)).await.expect("again").is_nothing());
    // It goes on as before.
    tx.record(id, &Fact::Acknowledged { by: "ada".into() }, at(5)).await.expect("legal");
    assert_eq!(replay(&mut tx, id).await, Some(tx.incident(id).await.expect("read")));
}

async fn what_the_engine_goes_by_is_refused_or_stays(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = leaky(&mut tx).await;
    let before = tx.incident(id).await.expect("read");
    // Everything that is a word or a number; what remains is what it was.
    let all = Redaction::regex(r"[[:alnum:]]+").expect("valid");
    match tx.redact(id, &all, at(9), at(0)).await {
        Ok(_) => {
            let after = tx.incident(id).await.expect("read");
            assert_eq!((after.services, after.severity, after.onset), (before.services, before.severity, before.onset));
        }
        Err(error) => assert!(matches!(error, StoreError::Unredactable), "{error}"),
    }
}

async fn an_expired_story_is_redacted_too(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = leaky(&mut tx).await;
    let resolved = Fact::ResolvedByPerson { by: "ada".into(), comment: Some(SECRET.into()), watch_until: at(9) };
    for (seconds, fact) in [(8, resolved), (9, Fact::WatchEnded)] {
        tx.record(id, &fact, at(seconds)).await.expect("legal");
    }
    tx.purge_facts(at(9), 3).await.expect("purged");
    tx.redact(id, &Redaction::text(SECRET).expect("valid"), at(9), at(0)).await.expect("redacted");
    let text = stored(&mut tx, id).await;
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(tx.incident(id).await.expect("read").state.name(), "closed");
}

async fn others_are_left_alone(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let other = incident(&mut tx, "shop", Severity::High, 0).await;
    let before = stored(&mut tx, other).await;
    let id = leaky(&mut tx).await;
    tx.redact(id, &Redaction::regex("failed").expect("valid"), at(9), at(0)).await.expect("redacted");
    assert_eq!(stored(&mut tx, other).await, before);
}

async fn of_a_closed_incident_names_go_too(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, SECRET, Severity::High, 0).await;
    let redaction = Redaction::text(SECRET).expect("valid");
    let before = tx.incident(id).await.expect("read");
    // The engine goes by the name, and that is said.
    let open = tx.redact(id, &redaction, at(9), at(0)).await.expect("redacted");
    assert!(!open.names && tx.incident(id).await.expect("read").service == before.service);
    let resolved = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at(9) };
    for (seconds, fact) in [(8, resolved), (9, Fact::WatchEnded)] {
        tx.record(id, &fact, at(seconds)).await.expect("legal");
    }
    let done = tx.redact(id, &redaction, at(99), at(0)).await.expect("redacted");
    assert!(done.names && done.incident && done.signals > 0, "{done:?}");
    let text = stored(&mut tx, id).await;
    assert!(!text.contains("hunter2"), "{text}");
    let after = tx.incident(id).await.expect("read");
    assert_eq!(replay(&mut tx, id).await.as_ref(), Some(&after), "replaying the facts still gives the state");
    // Whatever else holds it is named.
    let other = incident(&mut tx, SECRET, Severity::High, 9_000).await;
    let left = tx.texts_left(&redaction).await.expect("read");
    assert!(left.contains_key("incidents.service") && left.contains_key("signals.service"), "{left:?}");
    assert_ne!(other, id);
}

#[tokio::test]
async fn the_files_hold_nothing_of_it_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("icdev.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await.expect("opens");
    let mut tx = store.write().await.expect("writes");
    let id = leaky(&mut tx).await;
    // Long enough to be on pages of its own, some of which are let go of.
    let long = Fact::Noted { by: "ada".into(), text: SECRET.repeat(3_000) };
    tx.record(id, &long, at(5)).await.expect("legal");
    tx.commit().await.expect("committed");
    let holds = || {
        let mut bytes = std::fs::read(&path).expect("read");
        bytes.extend(std::fs::read(folder.path().join("icdev.db-wal")).unwrap_or_default());
        bytes.windows(7).any(|window| window.eq_ignore_ascii_case(b"hunter2"))
    };
    assert!(holds());
    let mut tx = store.write().await.expect("writes");
    tx.redact(id, &Redaction::text(SECRET).expect("valid"), at(9), at(0)).await.expect("redacted");
    tx.commit().await.expect("committed");
    store.sweep().await.expect("swept");
    assert!(!holds(), "overwritten, and not only let go of");
}
