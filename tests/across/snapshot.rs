//! A start from a snapshot knows what a start that reads every pattern knows, and no start trusts one of another database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use selfheal_api::{App, AppOptions, Client, Home};
use selfheal_core::knowledge::{PackEntry, Pattern, Rule};
use selfheal_core::matching::{PatternMatch, Query};
use selfheal_core::{
    Fingerprint, NewSignal, PatternId, ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp,
};
use selfheal_tests::postgres::Postgres;
use serde_json::{Value, json};

fn pattern(number: usize) -> Pattern {
    let entry = PackEntry {
        description: format!("the pool of shard{number} is exhausted"),
        rule: Some(Rule::regex(format!(r"pool of shard{number} \w+ exhausted"))),
        ..PackEntry::new(format!("Pool {number}"), "too few connections")
    };
    entry.into_pattern("person", Timestamp::EPOCH).expect("valid")
}

async fn open(home: &Path, database: Option<&str>) -> Arc<App> {
    let mut options = AppOptions::new(Home::new(home));
    options.database = database.map(ToOwned::to_owned);
    App::open(options).await.expect("opens")
}

async fn add(app: &App, patterns: &[Pattern]) {
    let mut tx = app.engine.store().write().await.expect("a transaction");
    tx.put_patterns(patterns, Timestamp::EPOCH).await.expect("stored");
    tx.commit().await.expect("committed");
}

/// What a line is matched with.
async fn matched(app: &App, text: &str) -> Vec<PatternMatch> {
    let signal = NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("s"),
        service: ServiceName::new("pay"),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[text]),
        template: text.into(),
        text: text.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    };
    let mut tx = app.engine.store().read().await.expect("a transaction");
    let base = app.engine.knowledge(&mut tx).await.expect("a base");
    let query = Query { project: &signal.project, service: &signal.service, signals: std::slice::from_ref(&signal) };
    base.rank(&query, 5)
}

fn best(found: &[PatternMatch]) -> Option<(&str, u32)> {
    found.first().map(|best| (best.pattern.as_str(), best.relevance.get()))
}

/// Waits until the snapshot is another one than it was.
async fn written(file: &Path, before: Option<&[u8]>) -> Vec<u8> {
    for _ in 0..400 {
        match std::fs::read(file) {
            Ok(bytes) if Some(bytes.as_slice()) != before => return bytes,
            _ => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
    panic!("no snapshot was written");
}

async fn starts_from_what_it_left(folder: &Path, database: Option<&str>) {
    let home = Home::new(folder);
    home.init().expect("made");
    let file = home.knowledge_snapshot();
    let app = open(folder, database).await;
    // An audit entry, as whatever a person does leaves one.
    Client::in_process(&app)
        .post::<Value>("/api/v1/tokens", &json!({ "name": "one", "role": "viewer" }))
        .await
        .expect("made");
    add(&app, &(0..1_200).map(pattern).collect::<Vec<_>>()).await;
    let line = "the pool of shard77 was exhausted";
    let anew = matched(&app, line).await;
    assert_eq!(best(&anew), Some(("pool-77", 10_000)));
    let first = written(&file, None).await;
    app.engine.store().close().await;

    // From the snapshot: nothing else was read, so what is changed past the store is not seen.
    let app = open(folder, database).await;
    assert_eq!(matched(&app, line).await, anew);
    // What changes meanwhile in another process is taken up by the next start.
    let mut other = pattern(77);
    other.rule = None;
    add(&app, &[other, pattern(5_000)]).await;
    let mut tx = app.engine.store().write().await.expect("a transaction");
    tx.remove_pattern(&PatternId::new("pool-78"), Timestamp::EPOCH).await.expect("removed");
    tx.commit().await.expect("committed");
    app.engine.store().close().await;
    assert_eq!(std::fs::read(&file).expect("there"), first, "a few changes are not worth a snapshot");
    let app = open(folder, database).await;
    assert!(best(&matched(&app, line).await).is_none_or(|(_, relevance)| relevance < 10_000), "it has no rule now");
    assert_eq!(best(&matched(&app, "the pool of shard5000 was exhausted").await), Some(("pool-5000", 10_000)));
    assert_ne!(best(&matched(&app, "the pool of shard78 was exhausted").await), Some(("pool-78", 10_000)));

    // Many changes are, and so is a damaged one.
    add(&app, &(2_000..3_400).map(pattern).collect::<Vec<_>>()).await;
    matched(&app, line).await;
    let second = written(&file, Some(&first)).await;
    app.engine.store().close().await;
    let mut damaged = second.clone();
    let middle = damaged.len() - damaged.len() / 4;
    damaged[middle] ^= 1;
    std::fs::write(&file, &damaged).expect("written");
    let app = open(folder, database).await;
    assert_eq!(best(&matched(&app, "pool of shard3000 is exhausted").await), Some(("pool-3000", 10_000)));
    let third = written(&file, Some(&damaged)).await;
    // So is one whose patterns are damaged: found when one is looked at.
    app.engine.store().close().await;
    let mut damaged = third.clone();
    damaged[8..third.len() / 3].fill(b'x');
    std::fs::write(&file, &damaged).expect("written");
    let app = open(folder, database).await;
    assert_eq!(best(&matched(&app, "pool of shard12 is exhausted").await), None, "it cannot be read");
    assert_eq!(best(&matched(&app, "pool of shard12 is exhausted").await), Some(("pool-12", 10_000)), "read anew");
    app.engine.store().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_starts_from_what_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    starts_from_what_it_left(folder.path(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_starts_from_what_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Postgres::server().database();
    starts_from_what_it_left(folder.path(), Some(&database)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_database_is_not_taken_for_a_later_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = open(folder.path(), None).await;
    let all: Vec<Pattern> = (0..1_200).map(pattern).collect();
    add(&app, &all).await;
    app.engine.store().close().await;
    let copy = std::fs::read(home.database()).expect("the whole database");
    let app = open(folder.path(), None).await;
    add(&app, &[Pattern { rule: Some(Rule::regex("a later state")), ..pattern(3) }]).await;
    let token = json!({ "name": "one", "role": "viewer" });
    Client::in_process(&app).post::<Value>("/api/v1/tokens", &token).await.expect("made");
    assert_eq!(best(&matched(&app, "this is a later state").await), Some(("pool-3", 10_000)));
    written(&home.knowledge_snapshot(), None).await;
    app.engine.store().close().await;
    // Somebody copies the file back, and goes on until the version is the same.
    std::fs::write(home.database(), copy).expect("copied");
    let app = open(folder.path(), None).await;
    add(&app, &[Pattern { rule: Some(Rule::regex("another future")), ..pattern(4) }]).await;
    assert!(matched(&app, "this is a later state").await.iter().all(|found| found.relevance.get() < 10_000));
    assert_eq!(best(&matched(&app, "this is another future").await), Some(("pool-4", 10_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_redacted_leaves_the_snapshot_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = open(folder.path(), None).await;
    let client = Client::in_process(&app);
    let token = json!({ "name": "one", "role": "viewer" });
    let _: Value = client.post("/api/v1/tokens", &token).await.expect("made");
    let mut secret = pattern(7);
    secret.description = "seen with password hunter2-abcdef".into();
    let mut all: Vec<Pattern> = (0..1_200).map(pattern).collect();
    all[7] = secret;
    add(&app, &all).await;
    let line = "ERROR login with hunter2-abcdef failed";
    let body = json!({ "text": line, "source": "test", "service": "pay", "project": null, "dry_run": false });
    let reply: Value = client.post("/api/v1/ingest", &body).await.expect("taken");
    let id = reply["incident"]["id"].as_str().expect("an incident").to_owned();
    matched(&app, line).await;
    let holds = |bytes: &[u8]| bytes.windows(14).any(|part| part == b"hunter2-abcdef");
    let before = written(&home.knowledge_snapshot(), None).await;
    assert!(holds(&before));
    let body = json!({ "text": "hunter2-abcdef", "reason": "logged" });
    let _: Value = client.post(&format!("/api/v1/incidents/{id}/redact"), &body).await.expect("redacted");
    assert!(!holds(&written(&home.knowledge_snapshot(), Some(&before)).await));
}
