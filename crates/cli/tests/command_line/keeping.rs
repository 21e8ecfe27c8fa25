//! Backup, restore, an older database and redaction, with the engine running in a process of its own.

use std::path::Path;
use std::time::Duration;

use selfheal_tests::postgres::Postgres;
use selfheal_tests::wait::eventually;
use serde_json::{Value, json};

use crate::patient::Patient;
use crate::support::Place;

const SOON: Duration = Duration::from_secs(30);

fn json(patient: &Patient, arguments: &[&str]) -> Value {
    let out = patient.ok(&[arguments, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[test]
fn a_restore_frees_no_slot_and_nothing_heals_until_a_person_resumes() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    let file = patient.place.path().join("monday.selfheal");
    let name = file.display().to_string();
    let made = json(&patient, &["backup", &name]);
    let head = made["manifest"]["audit"].clone();
    assert!(head["hash"].is_string(), "{made}");
    let ran = patient.run(&["backup", &name]);
    assert!(ran.code == 1 && ran.err.contains("--force"), "{ran:?}");
    // What is healed now is not in the backup.
    patient.fails();
    patient.is_healed();
    let before = json(&patient, &["audit", "list", "--limit", "1"])["entries"][0].clone();
    let reply = json(&patient, &["restore", &name, "--yes"]);
    assert_eq!(reply["carried_starts"], 1, "{reply}");
    let listed = json(&patient, &["incidents", "list"]);
    assert_eq!(listed["incidents"].as_array().map(Vec::len), Some(1), "only the record of the start: {listed}");
    // The trail says what happened, and where the one that it replaced ended.
    let entry = json(&patient, &["audit", "list", "--limit", "1"])["entries"][0].clone();
    assert_eq!((&entry["event_type"], &entry["details"]["backup"]["audit"]), (&json!("backup.restored"), &head));
    assert_eq!(entry["details"]["replaced"], json!({ "id": before["id"], "hash": before["hash"] }));
    assert_eq!(json(&patient, &["audit", "verify"])["ok"], true);
    // The same failure again: paused, and held.
    patient.fails();
    eventually(SOON, "it is held", || {
        let listed = json(&patient, &["incidents", "list", "--group", "needs-you"]);
        (listed["incidents"][0]["state_words"] == "held by the automation switch").then_some(())
    });
    // Resumed, the cooldown of the start that the backup never saw still holds.
    patient.ok(&["resume"]);
    eventually(SOON, "it is queued", || {
        let listed = json(&patient, &["incidents", "list", "--group", "in-progress"]);
        (listed["incidents"][0]["state"] == "queued").then_some(())
    });
    assert_eq!(patient.starts(), 1, "a restore freed a slot");
    // What was there before is saved, whole, and goes back the same way.
    let safety = reply["safety_backup"].as_str().expect("a path").to_owned();
    patient.ok(&["restore", &safety, "--yes"]);
    assert_eq!(
        json(&patient, &["incidents", "list", "--group", "recently-fixed"])["incidents"][0]["resolved_by"],
        "automatic_fix"
    );
    engine.stop();
}

#[test]
fn a_damaged_backup_changes_nothing() {
    let place = Place::new();
    let file = place.path().join("b.selfheal");
    let name = file.display().to_string();
    place.ok(&["backup", &name]);
    let whole = std::fs::read(&file).expect("read");
    let before = place.json(&["audit", "list"]);
    for bytes in [&whole[..whole.len() / 2], b"something else"] {
        std::fs::write(&file, bytes).expect("written");
        let ran = place.run(&["restore", &name, "--yes"]);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.err.contains("Nothing was changed"), "{ran:?}");
    }
    assert_eq!(place.json(&["audit", "list"]), before);
    std::fs::write(&file, &whole).expect("written");
    let ran = place.run(&["restore", &name]);
    assert!(ran.code == 1 && ran.err.contains("--yes"), "nobody is there to ask: {ran:?}");
    assert_eq!(place.json(&["audit", "list"]), before);
    place.ok(&["restore", &name, "--yes"]);
}

#[test]
fn a_home_moves_to_postgresql_and_back() {
    let place = Place::new();
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR nobody knows this\n");
    place.ok(&["incidents", "note", "1", "looking"]);
    let file = place.path().join("b.selfheal").display().to_string();
    place.ok(&["backup", &file]);
    let url = Postgres::server().database();
    let there = |arguments: &[&str]| place.json(&[&["--database", url.as_str()], arguments].concat());
    let reply = there(&["restore", &file, "--yes"]);
    assert_eq!(reply["safety_backup"], Value::Null, "nothing was there");
    // `can` and the times of now aside, it is the same incident.
    for part in ["incident", "story", "signals"] {
        let (here, moved) = (place.json(&["incidents", "show", "1"]), there(&["incidents", "show", "1"]));
        assert_eq!(here[part], moved[part], "{part}");
    }
    assert_eq!(there(&["audit", "verify"])["ok"], true);
    assert_eq!(there(&["knowledge", "stats"]), place.json(&["knowledge", "stats"]));
    let back = place.path().join("back.selfheal").display().to_string();
    place.ok(&["--database", &url, "backup", &back]);
    place.ok(&["restore", &back, "--yes"]);
    assert_eq!(place.json(&["incidents", "show", "1"])["story"], there(&["incidents", "show", "1"])["story"]);
}

/// The file, with everything that its log still holds.
fn whole(database: &Path) -> Vec<u8> {
    assert!(!database.with_extension("db-wal").exists(), "an engine that was stopped leaves one file");
    std::fs::read(database).expect("read")
}

fn put_back(database: &Path, bytes: &[u8]) {
    for log in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(database.with_extension(log));
    }
    std::fs::write(database, bytes).expect("put back");
}

#[test]
fn an_older_database_is_not_acted_on_until_a_person_accepts_it() {
    let patient = Patient::new(None);
    let database = patient.data().join("icdev.db");
    let old = whole(&database);
    let engine = patient.serve();
    patient.ok(&["pause"]);
    patient.ok(&["resume"]);
    // The mark follows within a moment.
    let marked = std::fs::read_to_string(patient.data().join("high_water.json")).expect("a mark");
    eventually(SOON, "the mark moves", || {
        let now = std::fs::read_to_string(patient.data().join("high_water.json")).expect("a mark");
        let last = json(&patient, &["audit", "list", "--limit", "1"])["entries"][0]["hash"].clone();
        (now != marked || now.contains(last.as_str().expect("a hash"))).then_some(())
    });
    engine.stop();
    let newer = whole(&database);
    put_back(&database, &old);
    let engine = patient.serve();
    patient.fails();
    patient.is_not_touched();
    patient.doctor_says("older database");
    // Everything can be read, and signals are taken all the same: the source's, and what is sent.
    eventually(SOON, "the source is followed", || {
        patient.ok(&["incidents", "list"]).contains("Pool exhausted").then_some(())
    });
    let sent = patient.over_http(&engine, &["ingest", "-", "--service", "odd"], "ERROR while it waits\n");
    assert_eq!(sent.code, 0, "{sent:?}");
    // The switch alone does not accept it.
    patient.ok(&["resume"]);
    patient.is_not_touched();
    patient.ok(&["resume", "--accept-database"]);
    let entries = json(&patient, &["audit", "list"])["entries"].clone();
    let accepted =
        entries.as_array().expect("entries").iter().find(|e| e["event_type"] == "automation.database_accepted");
    assert!(accepted.is_some_and(|entry| entry["details"]["expected"]["hash"].is_string()), "{entries}");
    patient.is_healed();
    patient.holds(&["while it waits".to_owned()]);
    engine.stop();
    // The newer one is now the one that is not known.
    put_back(&database, &newer);
    patient.doctor_says("older database");
}

#[test]
fn a_secret_is_taken_out_of_everything_that_is_shown() {
    let place = Place::new();
    let secret = "hunter2-abcdef";
    place.run_with(&["ingest", "-", "--service", "pay"], &format!("ERROR login with password={secret} failed\n"));
    place.ok(&["incidents", "note", "1", &format!("it was {secret}")]);
    let shown = || format!("{}{}", place.ok(&["incidents", "show", "1", "--json"]), place.ok(&["incidents", "list"]));
    assert!(shown().contains(secret));
    let redact = |arguments: &[&str]| place.run(&[&["incidents", "redact", "1"], arguments].concat());
    for (arguments, code, word) in [
        (&["--text", "abc", "--reason", "x"][..], 1, "shorter"),
        (&["--text", secret, "--reason", "it said HUNTER2-abcdef"], 1, "without naming it"),
        (&["--regex", "x*", "--reason", "x"], 1, "empty text"),
        (&["--text", "nowhere at all", "--reason", "x"], 1, "Nothing was redacted"),
        (&["--text", secret], 2, "--reason"),
        (&["--reason", "x"], 2, "--text"),
    ] {
        let ran = redact(arguments);
        assert!(ran.code == code && ran.err.contains(word), "{arguments:?}: {ran:?}");
    }
    let ran = redact(&["--text", secret, "--reason", "a password was logged"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!shown().contains("hunter2") && shown().contains("password=[redacted]"), "{}", shown());
    let entry = place.json(&["audit", "list", "--limit", "1"])["entries"][0].clone();
    assert_eq!(
        (&entry["event_type"], &entry["details"]["reason"]),
        (&json!("incident.redacted"), &json!("a password was logged"))
    );
    assert!(!place.ok(&["audit", "list", "--json"]).contains("hunter2"));
    assert_eq!(place.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn a_redacted_rule_acts_no_more_and_that_is_said() {
    let place = Place::empty();
    place.ok(&["init"]);
    let line = "vault of tenant acme-corp sealed again";
    place.run_with(&["ingest", "-", "--service", "pay"], &format!("ERROR {line}\n"));
    let add = ["knowledge", "add", "Vault sealed", "--root-cause", "moved", "--action", "service.restart"];
    place.ok(&[&add[..], &["--rule", line, "--must-not", "drill of acme-corp", "--auto-healable"]].concat());
    let said = place.ok(&["incidents", "redact", "1", "--text", "acme-corp", "--reason", "a customer's name"]);
    for words in [
        "vault-sealed: 1 condition of its rule holds on more now",
        "1 must-not term is gone",
        "it does not act by itself any more",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let shown = place.json(&["knowledge", "show", "vault-sealed"]);
    assert_eq!((&shown["auto_healable"], &shown["must_not"]), (&json!(false), &json!([])));
    let entry = place.json(&["audit", "list", "--limit", "1"])["entries"][0].clone();
    assert_eq!(entry["details"]["redacted"]["knowledge"]["patterns"][0]["changed"]["disarmed"], json!(true));
    assert!(!place.ok(&["audit", "list", "--json"]).contains("acme-corp"));
}
