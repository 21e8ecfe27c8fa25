//! A backup holds everything, is checked before it is used, and goes into either database.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use selfheal_core::audit::NewEntry;
use selfheal_core::{BasisPoints, EventId, Fact, IncidentId, Posture, Severity, SourceName, Span, Timestamp};
use selfheal_store::{
    ApiToken, ArchiveError, Automation, Connection, Contents, IncidentFilter, KnowledgeChanges, NewEvent, Store, Tx,
    check_archive,
};

use crate::on_both;
use crate::support::{at, incident, pattern, plan, postgres, signal, sqlite};

on_both!(
    a_backup_comes_back_whole,
    a_backup_goes_from_one_database_to_the_other_and_back,
    a_backup_sees_one_moment,
    numbers_are_not_given_out_twice,
    the_trail_is_append_only_again_after_a_restore,
    starts_that_the_backup_lacks_still_count,
    a_lease_from_before_writes_no_more,
    every_table_is_in_a_backup,
);

async fn backup_of(store: &Store) -> (Vec<u8>, Contents) {
    let mut tx = store.read().await.expect("reads");
    archive(&mut tx).await
}

async fn archive(tx: &mut Tx) -> (Vec<u8>, Contents) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
    let collect = tokio::spawn(async move {
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(chunk) = receiver.recv().await {
            bytes.extend(chunk);
        }
        bytes
    });
    let contents = tx.archive(at(100), "ada", &sender).await.expect("written");
    drop(sender);
    (collect.await.expect("collected"), contents)
}

async fn restore(store: &Store, backup: &[u8]) {
    let mut tx = store.write().await.expect("writes");
    tx.replace_all(backup).await.expect("restored");
    tx.commit().await.expect("committed");
}

async fn start(tx: &mut Tx, incident: IncidentId, pidfile: &str, started_at: Timestamp) -> EventId {
    let plan = plan(incident, pidfile);
    let confidence = BasisPoints::saturating(7_000);
    let event = NewEvent { incident, plan: &plan, approved_by: None, decision_confidence: confidence, started_at };
    let id = tx.put_event(event).await.expect("stored");
    tx.set_event_status(id, "succeeded", Some(started_at), Some("done")).await.expect("stored");
    id
}

async fn entry(tx: &mut Tx, number: u64) {
    tx.audit(NewEntry {
        at: at(number),
        event_type: "action.started",
        actor: "ada".into(),
        incident_id: Some(IncidentId(1)),
        pattern_id: None,
        confidence: Some(BasisPoints::saturating(7_123)),
        action: None,
        target: Some("process:/run/é\u{1F4A5}".into()),
        result: "running".into(),
        details: serde_json::json!({ "z": 1.10, "a": [1e3, "\u{1F4A5}"] }),
    })
    .await
    .expect("appended");
}

/// Something in every table, with values that are easily lost on the way.
async fn filled(store: &Store) {
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&pattern("Pool exhausted")).await.expect("stored");
    let id = incident(&mut tx, "pay", Severity::Critical, 0).await;
    let odd = signal("pay", "line\nbreak\ttab \"quote\" \\ \u{2028} é", 3);
    tx.put_signal(&odd, Span::from_secs(1), at(3)).await.expect("stored");
    tx.record(id, &Fact::Noted { by: "ada".into(), text: "ünï\n\"x\"".into() }, at(5)).await.expect("legal");
    start(&mut tx, id, "/run/a", at(6)).await;
    let big = serde_json::json!({ "offset": i64::MAX, "inode": u64::MAX, "half": 0.1 });
    tx.put_checkpoint(&SourceName::new("log"), &big, at(7)).await.expect("stored");
    tx.put_token(&ApiToken {
        name: "ci".into(),
        role: "viewer".into(),
        digest: "d".into(),
        created_at: at(1),
        person: "ada".into(),
        expires_at: Some(9),
        made_by: None,
    })
    .await
    .expect("stored");
    tx.put_automation(&Automation { posture: Posture::On, ..Automation::initial(at(0)) }).await.expect("stored");
    for number in 0..3 {
        entry(&mut tx, number).await;
    }
    tx.commit().await.expect("committed");
}

/// What people and the engine read, for comparison.
async fn everything(store: &Store) -> String {
    let mut tx = store.read().await.expect("reads");
    let incidents = tx.list_incidents(&IncidentFilter { limit: 99, ..IncidentFilter::default() }).await.expect("read");
    let mut said = format!("{incidents:?}");
    for incident in incidents {
        said.push_str(&format!("{:?}", tx.facts(incident.id).await.expect("read")));
        said.push_str(&format!("{:?}", tx.signals_of(incident.id, 99).await.expect("read")));
        said.push_str(&format!("{:?}", tx.signal_counts(incident.id).await.expect("read")));
        said.push_str(&format!("{:?}", tx.effects_of(incident.id).await.expect("read")));
    }
    said.push_str(&format!("{:?}", tx.latest_events(99).await.expect("read")));
    said.push_str(&format!("{:?}", tx.patterns().await.expect("read")));
    said.push_str(&format!("{:?}", tx.tokens().await.expect("read")));
    said.push_str(&format!("{:?}", tx.automation(at(9)).await.expect("read")));
    // PostgreSQL's jsonb has an order of its own for the fields of an object.
    let checkpoint = tx.checkpoint(&SourceName::new("log")).await.expect("read").expect("stored");
    let sorted: std::collections::BTreeMap<_, _> = checkpoint.as_object().expect("an object").iter().collect();
    said.push_str(&format!("{sorted:?}"));
    said.push_str(&format!("{:?}", tx.audit_entries(&Default::default(), None, 99).await.expect("read")));
    assert_eq!(tx.verify_audit(Default::default()).await.expect("read").1, None);
    said
}

async fn a_backup_comes_back_whole(store: Store) {
    filled(&store).await;
    let before = everything(&store).await;
    let (backup, contents) = backup_of(&store).await;
    let schema = contents.about.schema;
    assert_eq!(check_archive(&*backup, schema).expect("whole"), contents);
    let mut tx = store.write().await.expect("writes");
    incident(&mut tx, "other", Severity::Low, 50).await;
    entry(&mut tx, 9).await;
    tx.commit().await.expect("committed");
    restore(&store, &backup).await;
    assert_eq!(everything(&store).await, before);
    let (again, _) = backup_of(&store).await;
    let tables = |bytes: &[u8]| check_archive(bytes, schema).expect("whole").manifest.tables;
    assert_eq!(tables(&again), tables(&backup), "to the byte");
}

async fn a_backup_goes_from_one_database_to_the_other_and_back(store: Store) {
    filled(&store).await;
    let before = everything(&store).await;
    let other = if store.kind() == "SQLite" { postgres().await } else { sqlite().await };
    let (backup, _) = backup_of(&store).await;
    restore(&other, &backup).await;
    assert_eq!(everything(&other).await, before);
    let (back, _) = backup_of(&other).await;
    restore(&store, &back).await;
    assert_eq!(everything(&store).await, before);
}

async fn a_backup_sees_one_moment(store: Store) {
    filled(&store).await;
    let mut tx = store.read().await.expect("reads");
    let head = tx.audit_head().await.expect("read");
    let mut writer = store.write().await.expect("writes");
    entry(&mut writer, 8).await;
    writer.commit().await.expect("committed");
    let (_, contents) = archive(&mut tx).await;
    assert_eq!(contents.manifest.audit.map(|head| (head.id, head.hash)), head);
}

async fn numbers_are_not_given_out_twice(store: Store) {
    filled(&store).await;
    let (backup, _) = backup_of(&store).await;
    let mut tx = store.write().await.expect("writes");
    let later = incident(&mut tx, "later", Severity::Low, 50).await;
    tx.commit().await.expect("committed");
    restore(&store, &backup).await;
    let mut tx = store.write().await.expect("writes");
    let next = incident(&mut tx, "next", Severity::Low, 60).await;
    assert!(next > later, "incident {next} would be taken for the {later} that was replaced");
    drop(tx);
    // Nor in a new database, where the row that had the last number is gone.
    let mut tx = store.write().await.expect("writes");
    let last = tx.due_effects(at(1_000), 99).await.expect("read").iter().map(|effect| effect.id).max();
    for effect in tx.due_effects(at(1_000), 99).await.expect("read") {
        tx.finish_effect(effect.id).await.expect("stored");
    }
    tx.commit().await.expect("committed");
    let (backup, _) = backup_of(&store).await;
    for fresh in [sqlite().await, postgres().await] {
        restore(&fresh, &backup).await;
        let mut tx = fresh.write().await.expect("writes");
        incident(&mut tx, "next", Severity::Low, 60).await;
        let first = tx.due_effects(at(1_000), 99).await.expect("read")[0].id;
        assert!(Some(first) > last, "effect {first:?} after {last:?} on {}", fresh.kind());
    }
}

async fn the_trail_is_append_only_again_after_a_restore(store: Store) {
    filled(&store).await;
    let (backup, _) = backup_of(&store).await;
    restore(&store, &backup).await;
    let mut tx = store.write().await.expect("writes");
    let refused = match &mut tx.connection {
        Connection::Sqlite(tx) => sqlx::query("delete from audit_trail").execute(&mut **tx).await.expect_err("refused"),
        Connection::Postgres(tx) => {
            sqlx::query("delete from audit_trail").execute(&mut **tx).await.expect_err("refused")
        }
    };
    assert!(refused.to_string().contains("append-only"), "{refused}");
}

async fn starts_that_the_backup_lacks_still_count(store: Store) {
    filled(&store).await;
    let (backup, _) = backup_of(&store).await;
    let now = at(3_700);
    let hour_ago = now - Span::from_minutes(60);
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "later", Severity::Low, 50).await;
    start(&mut tx, id, "/run/b", hour_ago).await;
    start(&mut tx, id, "/run/c", Timestamp::from_micros(hour_ago.as_micros() + 1)).await;
    start(&mut tx, id, "/run/d", now).await;
    let before = tx.admission_counts(id, "service.restart", "process:/run/d", now).await.expect("counted");
    assert_eq!(before.starts.len(), 2);
    let version = tx.knowledge_version().await.expect("read");
    tx.observe_clock(at(9_000)).await.expect("stored");
    let kept = tx.keep(hour_ago).await.expect("read");
    tx.replace_all(&*backup).await.expect("restored");
    assert_eq!(tx.carry_over(&kept, "ada", now).await.expect("stored"), 2);
    let any = IncidentId(1);
    let after = tx.admission_counts(any, "service.restart", "process:/run/d", now).await.expect("counted");
    assert_eq!(after.starts, before.starts);
    assert_eq!(after.last_identical_start, before.last_identical_start);
    assert_eq!(after.executing, None);
    let carried = tx.latest_events(1).await.expect("read").remove(0);
    assert_eq!(carried.status, "carried_over");
    assert!(carried.detail.as_deref().is_some_and(|detail| detail.contains(&format!("of incident {id}"))));
    let record = tx.incident(carried.incident_id).await.expect("read");
    assert_eq!(record.state.name(), "closed");
    assert_eq!(tx.latest_time().await.expect("read"), Some(at(9_000)), "the later clock holds");
    assert!(tx.knowledge_version().await.expect("read") > version, "no old copy is taken for this one");
    let changes = tx.knowledge_changes(version).await.expect("read");
    assert_eq!(changes, KnowledgeChanges::Everything, "no old copy is brought up to date");
    // Again, with the same ones: nothing is carried twice.
    let kept = tx.keep(hour_ago).await.expect("read");
    assert_eq!(tx.carry_over(&kept, "ada", now).await.expect("stored"), 0);
}

async fn a_lease_from_before_writes_no_more(store: Store) {
    filled(&store).await;
    let mut tx = store.write().await.expect("writes");
    let lease = tx.take_lease("a", at(0), Span::from_secs(15)).await.expect("stored").expect("free");
    let (backup, _) = archive(&mut tx).await;
    tx.replace_all(&*backup).await.expect("restored");
    assert!(tx.check_lease(&lease).await.is_ok(), "the lease is no part of a backup");
    tx.fence_everyone().await.expect("stored");
    assert!(tx.check_lease(&lease).await.is_err());
    let again = tx.take_lease("a", at(1), Span::from_secs(15)).await.expect("stored").expect("free at once");
    assert!(again.token > lease.token);
}

/// A table of a later migration is found, and one with a type that a backup cannot hold fails here.
async fn every_table_is_in_a_backup(store: Store) {
    let (_, contents) = backup_of(&store).await;
    let mut found: Vec<&str> = contents.manifest.tables.iter().map(|table| table.name.as_str()).collect();
    found.sort_unstable();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let mut made: Vec<String> = Vec::new();
    for file in std::fs::read_dir(folder).expect("the migrations") {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("read");
        made.extend(text.lines().filter_map(|line| {
            let rest = line.trim().strip_prefix("create table ")?;
            Some(rest.split([' ', '(']).next().unwrap_or_default().to_owned())
        }));
    }
    made.retain(|name| name != "lease");
    made.sort_unstable();
    made.dedup();
    assert_eq!(found, made);
}

fn unpacked(backup: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(backup).read_to_string(&mut text).expect("unpacked");
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).expect("packed");
    gzip.finish().expect("packed")
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_says_where() {
    let store = sqlite().await;
    filled(&store).await;
    let (backup, contents) = backup_of(&store).await;
    let schema = contents.about.schema;
    let text = unpacked(&backup);
    let refused = |bytes: &[u8]| check_archive(bytes, schema).expect_err("must be refused");
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        refused(&packed(&text.replacen(from, to, 1)))
    };
    assert!(matches!(refused(b"something else"), ArchiveError::NotOurs(_)));
    assert!(matches!(refused(b""), ArchiveError::NotOurs(_)));
    assert!(matches!(changed("\"selfheal_backup\":1", "\"selfheal_backup\":2"), ArchiveError::Format { found: 2 }));
    assert!(matches!(check_archive(&*backup, schema - 1), Err(ArchiveError::Newer { .. })));
    // Cut off anywhere.
    for end in (20..backup.len()).step_by(backup.len() / 40) {
        check_archive(&backup[..end], schema).expect_err("cut off");
    }
    let lines: Vec<&str> = text.lines().collect();
    for end in 1..lines.len() {
        let cut = format!("{}\n", lines[..end].join("\n"));
        assert!(matches!(refused(&packed(&cut)), ArchiveError::CutOff), "line {end}");
    }
    // A row changed, removed, or moved to the end of its table.
    assert!(matches!(changed("pay failed", "pay FAILED"), ArchiveError::Digest { .. }));
    // Who made it is covered too.
    assert!(matches!(changed("\"made_by\":\"ada\"", "\"made_by\":\"bob\""), ArchiveError::Digest { .. }));
    // The trail is named for itself, whatever the digests say.
    assert!(matches!(changed("\"action.started\"", "\"action.undone\""), ArchiveError::Chain(_)));
    // Each flipped bit is found, wherever it is; but for those that fill up a byte of the compressed stream and say nothing.
    for at in (10..backup.len()).step_by(97) {
        let mut flipped = backup.clone();
        flipped[at] ^= 0x10;
        if check_archive(&*flipped, schema).is_ok() {
            assert!(unpacked(&flipped) == text, "byte {at} is another one, and nobody saw it");
        }
    }
}

#[tokio::test]
async fn a_restore_that_fails_changes_nothing() {
    let store = sqlite().await;
    filled(&store).await;
    let (backup, _) = backup_of(&store).await;
    let text = unpacked(&backup).replacen("\"checkpoints\"", "\"checkpints\"", 1);
    let before = everything(&store).await;
    let mut tx = store.write().await.expect("writes");
    tx.replace_all(&*packed(&text)).await.expect_err("unknown table");
    drop(tx);
    assert_eq!(everything(&store).await, before);
}
