//! What people do on an ordinary day.

use std::time::Duration;

use selfheal_tests::wait::eventually;
use serde_json::json;

use crate::support::Place;

#[test]
fn init_makes_a_home_once_and_leaves_it_alone_afterwards() {
    let place = Place::empty();
    let first = place.json(&["init"]);
    assert!(first["patterns_added"].as_i64() > Some(0));
    std::fs::write(place.config(), "server: { listen: \"127.0.0.1:1\" }\n").expect("written");
    let second = place.json(&["init"]);
    assert_eq!((&second["made"], &second["patterns_added"]), (&json!([]), &json!(0)));
    assert!(std::fs::read_to_string(place.config()).expect("read").starts_with("server"));
}

#[test]
fn a_pattern_is_added_matched_updated_and_counted() {
    let place = Place::new();
    let add = |confidence: &'static str| {
        place.json(&[
            "knowledge",
            "add",
            "Pool exhausted",
            "--rule",
            "pool exhausted",
            "--root-cause",
            "too few connections",
            "--action",
            "service.restart",
            "--check",
            "http://x/health",
            "--must-not",
            "quota",
            "--auto-healable",
            "--confidence",
            confidence,
            "--service",
            "pay",
        ])
    };
    let added = add("0.72");
    assert_eq!((&added["id"], &added["confidence"]["value"]), (&json!("pool-exhausted"), &json!(0.72)));
    assert_eq!(add("0.8")["confidence"]["value"], json!(0.8));
    let stats = place.json(&["knowledge", "stats"]);
    assert_eq!(stats["auto_healable"], 1);
    let ran = place.run_with(
        &["knowledge", "match", "-", "--json", "--service", "pay"],
        "ERROR pool exhausted\nquota: pool exhausted\nall is well\n",
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "one line for each line");
    assert_eq!((&lines[0]["line"], &lines[0]["matches"][0]["pattern"]), (&json!(1), &json!("pool-exhausted")));
    assert_eq!(
        (&lines[0]["matches"][0]["relevance"], &lines[0]["matches"][0]["decision_confidence"]),
        (&json!(1.0), &json!(0.8))
    );
    assert_eq!(lines[2]["matches"], json!([]), "nothing fits");
    assert!(lines[1]["matches"].as_array().is_some_and(|found| found.iter().all(|m| m["pattern"] != "pool-exhausted")));
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let place = Place::new();
    let ran = place.run_with(
        &["ingest", "-", "--service", "pay", "--dry-run", "--json"],
        "2026-02-28T14:02:00Z ERROR exited: pay (terminated by SIGKILL; not expected)\n",
    );
    let reply: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    for key in ["signals", "incident", "matches", "decision", "reasons", "gates"] {
        assert!(reply.get(key).is_some(), "{key} is missing");
    }
    assert_eq!((&reply["decision"], &reply["signals"][0]["count"]), (&json!("suggest"), &json!(1)));
    assert_eq!(place.json(&["incidents", "list"])["incidents"], json!([]));
}

#[test]
fn without_an_engine_facts_are_recorded_and_nothing_runs() {
    let place = Place::new();
    let ran =
        place.run_with(&["ingest", "-", "--service", "pay"], "ERROR no one knows this\nERROR no one knows this\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    let listed = place.json(&["incidents", "list"]);
    let id = listed["incidents"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(listed["incidents"][0]["state"], "detected");
    assert_eq!(listed["incidents"][0]["signal_count"], 2);
    let shown = place.json(&["incidents", "note", &id, "looking into it"]);
    assert_eq!(shown["story"][1]["detail"], "looking into it");
    place.ok(&["incidents", "resolve", &id, "--comment", "by hand"]);
    let audit = place.json(&["audit", "list", "--incident", &id]);
    assert_eq!(audit["entries"][0]["event_type"], "incident.resolved");
    assert_eq!(place.json(&["audit", "verify"])["ok"], true);
}

#[test]
fn the_automation_switch_is_set_from_the_command_line() {
    let place = Place::new();
    for (arguments, effective) in [(&["resume"][..], "on"), (&["pause", "15m"], "paused"), (&["observe"], "observe")] {
        assert_eq!(place.json(arguments)["effective"], effective);
    }
    assert!(place.json(&["pause", "2h"])["until"].is_string());
    std::fs::write(place.config(), "self_healing: { enabled: false }\n").expect("written");
    assert_eq!(place.json(&["resume"])["effective"], "observe", "the configuration is the ceiling");
}

#[test]
fn completions_and_manual_are_generated() {
    let place = Place::empty();
    assert!(place.ok(&["completions", "bash"]).contains("knowledge"));
    assert!(place.ok(&["man"]).contains(".TH"));
}

#[test]
fn a_second_process_goes_through_the_running_engine() {
    let place = Place::new();
    let mut engine = place.command().args(["serve", "--listen", "127.0.0.1:0"]).spawn().expect("runs");
    eventually(Duration::from_secs(20), "the engine's socket", || {
        place.path().join("data/engine.sock").exists().then_some(())
    });
    let ran = place.run_with(&["ingest", "-", "--service", "pay"], "ERROR nobody has seen this\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    // Only an engine decides: without one it would stay detected.
    eventually(Duration::from_secs(20), "the running engine escalates it", || {
        (place.json(&["incidents", "list"])["incidents"][0]["state"] == "escalated").then_some(())
    });
    let second = place.run(&["run"]);
    assert_eq!(second.code, 1);
    assert!(second.err.contains("an engine already runs for this home"), "{second:?}");
    let status = std::process::Command::new("kill").args(["-TERM", &engine.id().to_string()]).status().expect("sent");
    assert!(status.success());
    assert!(engine.wait().expect("ends").success());
    assert!(!place.path().join("data/engine.sock").exists());
}

#[test]
fn the_demo_leaves_a_home_of_ones_own_alone() {
    let place = Place::new();
    let before = std::fs::read_to_string(place.config()).expect("read");
    let ran = place.run(&["demo", "unknown"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("is left alone"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(place.config()).expect("read"), before);
    assert_eq!(place.json(&["incidents", "list"])["incidents"], json!([]));
}

#[test]
fn changing_a_pattern_keeps_what_is_left_out() {
    let place = Place::new();
    place.ok(&[
        "knowledge",
        "add",
        "Node down",
        "--rule",
        "node gone",
        "--root-cause",
        "x",
        "--action",
        "service.restart",
        "--must-not",
        "quota",
        "--infrastructure",
        "--require-approval",
        "--check",
        "look",
    ]);
    let changed = place.json(&["knowledge", "add", "Node down", "--root-cause", "better words", "--auto-healable"]);
    assert_eq!(changed["root_cause"], "better words");
    for (field, kept) in [
        ("infrastructure", json!(true)),
        ("require_approval", json!(true)),
        ("must_not", json!(["quota"])),
        ("checks", json!(["look"])),
        ("auto_healable", json!(true)),
        ("action", json!("service.restart")),
    ] {
        assert_eq!(changed[field], kept, "{field}");
    }
    let changed = place.json(&["knowledge", "add", "Node down", "--infrastructure=false"]);
    assert_eq!((&changed["infrastructure"], &changed["require_approval"]), (&json!(false), &json!(true)));
}

#[test]
fn what_a_log_says_does_not_drive_the_terminal() {
    let place = Place::new();
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR \u{1b}]0;approved\u{7}\u{1b}[2J gone\n");
    for arguments in [&["incidents", "list"][..], &["incidents", "show", "1"]] {
        let out = place.ok(arguments);
        assert!(!out.contains('\u{1b}') && !out.contains('\u{7}'), "{out:?}");
    }
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_not() {
    let place = Place::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let status = place.command().args(["knowledge", "list"]).stdout(full).status().expect("runs");
    assert_eq!(status.code(), Some(1));
    let mut child = place.command().args(["completions", "bash"]).spawn().expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_rehearsal_is_about_its_own_input_only() {
    let place = Place::new();
    let known = "ERROR exited: pay (terminated by SIGKILL; not expected)\n";
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR nobody knows this\n");
    let ran = place.run_with(&["ingest", "-", "--service", "pay", "--dry-run", "--json"], known);
    let reply: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&reply["decision"], &reply["matches"][0]["relevance"]), (&json!("suggest"), &json!(1.0)));
    assert_eq!(reply["matches"][0]["action"], "service.restart");
    assert_eq!(reply["reasons"].as_array().and_then(|r| r.last()).map(|r| &r["code"]), Some(&json!("escalated")));
}
