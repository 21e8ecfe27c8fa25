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
fn called_alone_it_says_how_it_stands_and_what_one_needs_at_night() {
    let place = Place::empty();
    let said = place.ok(&[]);
    assert!(said.contains("selfheal init"), "no home yet: {said}");
    place.ok(&["init"]);
    let said = place.ok(&[]);
    assert!(said.contains("No engine runs"), "{said}");
    for call in ["selfheal incidents", "selfheal incidents approve ID", "selfheal pause", "selfheal doctor"] {
        assert!(said.contains(call), "{call}: {said}");
    }
    for hidden in ["openapi", "schema", "demo-service"] {
        assert!(!said.contains(hidden), "{said}");
        let usage = place.run(&["--nonsense"]);
        assert!(usage.code == 2 && !usage.err.contains(hidden), "{usage:?}");
    }
    assert_eq!(place.json(&[])["engine"], "none");
    std::fs::write(place.path().join("data/pause"), "").expect("written");
    assert!(place.ok(&[]).contains("emergency brake is on"));
}

#[test]
fn what_the_environment_says_shows_in_no_usage_line() {
    let place = Place::new();
    for arguments in [&["incidents", "explode"][..], &["incidents", "show"], &["pause", "soon"], &["knowledge"]] {
        let ran = place.run(arguments);
        let usage: Vec<&str> = ran.err.lines().filter(|line| line.contains("Usage:")).collect();
        assert!(ran.code == 2 && usage.iter().all(|line| !line.contains("--home")), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn the_options_of_a_command_come_before_those_of_all() {
    let help = Place::empty().ok(&["incidents", "resolve", "--help"]);
    let own = help.find("--fixed-by").expect("its own option");
    let heading = help.find("Global options:").expect("a heading");
    assert!(own < heading && heading < help.find("--home").expect("a global one"), "{help}");
    assert!(help.contains("Examples:") && help.contains("selfheal incidents resolve 7"), "{help}");
}

#[test]
fn what_was_done_is_one_line_and_a_document_for_programs() {
    let place = Place::new();
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR nobody knows this\n");
    for (arguments, words) in [
        (&["incidents", "note", "1", "looking"][..], "Incident 1: noted. Now: detected"),
        (&["incidents", "ack", "1"], "Incident 1: acknowledged. Now: "),
        (&["incidents", "snooze", "1", "30m"], "Incident 1: left alone until "),
        (&["incidents", "resolve", "1"], "Incident 1: resolved by hand. Now: resolved by hand."),
    ] {
        let said = place.ok(arguments);
        assert!(said.lines().count() == 1 && said.starts_with(words), "{arguments:?}: {said}");
    }
    let document = place.json(&["incidents", "note", "1", "more"]);
    assert!(document["story"].is_array(), "{document}");
    assert!(document["incident"]["opened_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{document}");
}

#[test]
fn people_are_told_times_as_they_have_them_and_one_of_a_thing() {
    let place = Place::new();
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR nobody knows this\n");
    let listed = place.ok(&["incidents", "list"]);
    assert!(listed.contains(" ago") || listed.contains(" now "), "{listed}");
    let shown = |zone: &str| {
        let output = place.command().env("TZ", zone).args(["incidents", "show", "1"]).output().expect("runs");
        crate::support::ran(output).out
    };
    let (utc, east) = (shown("UTC"), shown("Asia/Kolkata"));
    assert!(utc.contains("Story (UTC+00:00)") && utc.contains(", 1 signal, "), "{utc}");
    assert!(east.contains("Story (UTC+05:30)"), "{east}");
    for text in [&listed, &utc, &east] {
        assert!(!text.contains("00Z") && !text.contains("1 signals"), "{text}");
    }
}

#[test]
fn colour_is_never_in_a_pipe_unless_it_is_asked_for() {
    let place = Place::new();
    place.run_with(&["ingest", "-", "--service", "pay"], "FATAL nobody knows this\n");
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = place.command();
        command.args(arguments).envs(variables.iter().copied());
        crate::support::ran(command.output().expect("runs")).out
    };
    for arguments in [&["incidents", "list"][..], &["incidents", "show", "1"], &["doctor"], &["knowledge", "list"]] {
        assert!(!shown(arguments, &[]).contains('\u{1b}'), "{arguments:?}");
        assert!(shown(arguments, &[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'), "{arguments:?}");
        assert!(shown(&[arguments, &["--color", "always"]].concat(), &[]).contains('\u{1b}'), "{arguments:?}");
        let plain = shown(arguments, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
        assert!(!plain.contains('\u{1b}'), "{arguments:?}");
        let document = shown(&[arguments, &["--json", "--color", "always"]].concat(), &[]);
        assert!(!document.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn doctor_says_a_thing_once() {
    let place = Place::new();
    let mut engine = place.command().args(["serve", "--listen", "127.0.0.1:0"]).spawn().expect("runs");
    eventually(Duration::from_secs(60), "the engine answers", || (place.json(&[])["engine"] == "runs").then_some(()));
    let broken = "self_healing:\n  enabeld: true\n";
    std::fs::write(place.config(), broken).expect("written");
    let with_engine = place.run(&["doctor"]);
    engine.kill().expect("killed");
    engine.wait().expect("ends");
    for ran in [with_engine, place.run(&["doctor"])] {
        assert_eq!((ran.code, ran.out.to_lowercase().matches("mend").count()), (3, 1), "{ran:?}");
        for word in ["`enabeld`", "is not known in"] {
            assert_eq!(ran.out.matches(word).count(), 1, "{word}: {ran:?}");
        }
        assert!(!ran.out.contains("selfheal doctor"), "{ran:?}");
    }
}

#[test]
fn a_narrow_table_says_what_it_leaves_out() {
    let place = Place::new();
    let run = place.command().env("COLUMNS", "80").args(["knowledge", "list"]).output().expect("runs");
    let ran = crate::support::ran(run);
    assert!(ran.err.contains("No room for: ") && ran.err.contains("family"), "{}", ran.err);
    let run = place.command().env("COLUMNS", "400").args(["knowledge", "list"]).output().expect("runs");
    assert_eq!(crate::support::ran(run).err, "");
}

#[test]
fn nothing_that_was_typed_drives_the_terminal() {
    let place = Place::new();
    let odd = "\u{1b}]0;x\u{7}\u{202e}";
    for arguments in [
        &["incidents", odd][..],
        &["incidents", "show", odd],
        &["pause", odd],
        &["knowledge", "show", odd],
        &["knowledge", "search", odd],
        &["ingest", odd],
        &["demo", odd],
        &["--server", odd, "incidents"],
        &["notify", "test", odd],
        &["token", "remove", odd],
        &["incidents", "approve", "1", "--plan", odd],
    ] {
        let ran = place.run(arguments);
        for text in [&ran.out, &ran.err] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{arguments:?}: {text:?}");
        }
    }
}

#[test]
fn an_error_is_a_document_where_documents_are_asked_for() {
    let place = Place::new();
    let ran = place.run(&["incidents", "show", "99", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!((ran.code, &error["error"]["code"]), (1, &json!("not_found")), "{ran:?}");
    let ran = Place::empty().run(&["queue", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!((ran.code, &error["error"]["code"]), (1, &json!("no_home")), "{ran:?}");
}

#[test]
fn a_list_says_when_there_is_more_and_a_large_limit_is_no_error() {
    let place = Place::new();
    // Nothing alike, so that each is an incident of its own.
    for (service, log) in [
        ("pay", "ERROR ledger page seven does not balance\n"),
        ("shop", "ERROR vault sealed while rotating keys\n"),
        ("mail", "ERROR printer on fire again\n"),
    ] {
        place.run_with(&["ingest", "-", "--service", service], log);
    }
    assert!(place.ok(&["incidents", "list", "--limit", "2"]).contains("there are more"));
    let whole = place.json(&["incidents", "list", "--limit", "6000"]);
    assert_eq!((whole["incidents"].as_array().map(Vec::len), &whole["next"]), (Some(3), &json!(null)));
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
fn init_says_what_the_switch_really_is() {
    let place = Place::new();
    assert!(place.ok(&["init"]).contains("Automation is observe only"));
    place.ok(&["resume"]);
    let said = place.ok(&["init"]);
    assert!(said.contains("Automation is on") && !said.contains("observe only"), "{said}");
    assert_eq!(place.json(&["init"])["automation"]["effective"], "on");
    place.ok(&["pause"]);
    assert!(place.ok(&["init"]).contains("Automation is paused"));
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
