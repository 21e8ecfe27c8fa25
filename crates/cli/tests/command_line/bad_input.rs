//! Everything that can be wrong is told clearly, says what to do next, and loses nothing.

use std::net::TcpListener;

use crate::support::Place;

/// Runs, and asserts the exit code and every word of what is said.
fn refused(place: &Place, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = place.run(arguments);
    let said = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, code, "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say `{word}`: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_home_that_is_not_there() {
    refused(&Place::empty(), &["incidents", "list"], 1, &["selfheal init"]);
}

#[test]
fn a_broken_configuration_names_file_line_column_and_what_was_expected() {
    let place = Place::new();
    for (text, words) in [
        (
            "self_healing:\n  max_actions_per_hour: lots\n",
            &["monitoring_config.yaml:2:25", "whole number", "`lots`"][..],
        ),
        ("self_healing:\n  enabeld: true\n", &["monitoring_config.yaml:2:3", "enabeld", "enabled"]),
        ("services:\n  - name: a\n    managed: true\n", &["monitoring_config.yaml:3:14", "no target"]),
        ("services: [\n", &["monitoring_config.yaml:"]),
    ] {
        std::fs::write(place.config(), text).expect("written");
        refused(&place, &["serve", "--listen", "127.0.0.1:0"], 1, words);
        refused(&place, &["doctor"], 3, words);
    }
}

#[test]
fn a_port_in_use() {
    let place = Place::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    refused(&place, &["serve", "--listen", &address], 1, &[&address, "in use", "--listen"]);
    assert!(!place.path().join("data/engine.sock").exists(), "nothing was started");
}

#[test]
fn a_database_of_another_program_a_newer_one_and_a_damaged_one() {
    let place = Place::new();
    let database = place.path().join("data/icdev.db");
    // A damaged file.
    let ours = std::fs::read(&database).expect("read");
    std::fs::write(&database, b"not a database at all, but long enough to look like a file that somebody cares about")
        .expect("written");
    for wal in ["data/icdev.db-wal", "data/icdev.db-shm"] {
        let _ = std::fs::remove_file(place.path().join(wal));
    }
    refused(&place, &["incidents", "list"], 1, &["icdev.db", "restore a backup"]);
    // Another program's: the same bytes with another application id (bytes 68 to 71 of the header).
    let mut foreign = ours;
    foreign[68..72].copy_from_slice(b"ELSE");
    std::fs::write(&database, &foreign).expect("written");
    refused(&place, &["incidents", "list"], 1, &["another program", "selfheal knowledge import"]);
    assert_eq!(std::fs::read(&database).expect("read"), foreign, "not a byte was changed");
}

#[test]
fn a_database_server_that_is_not_there() {
    let place = Place::new();
    let url = "postgres://ada:hunter2@127.0.0.1:1/x";
    refused(&place, &["--database", url, "incidents", "list"], 1, &["Check that the server runs"]);
    let ran = place.run(&["--database", url, "incidents", "list"]);
    assert!(!ran.err.contains("hunter2"), "the password is never shown: {}", ran.err);
}

#[test]
fn what_doctor_finds_says_how_to_mend_it() {
    let place = Place::new();
    let text = "services:\n  - name: pay\n    managed: true\n    health_checks: [{ name: http, http: { url: \"http://127.0.0.1:1/\" }, timeout_seconds: 1 }]\n    target: { kind: process, pidfile: /run/pay.pid, start: [/no/such/program] }\n  - name: shop\n    managed: true\n    target: { kind: supervisord, server: \"unix:/no/such.sock\", program: shop }\nsources:\n  - { name: pay-log, file: { path: /no/such.log }, service: pay }\n";
    std::fs::write(place.config(), text).expect("written");
    refused(
        &place,
        &["doctor"],
        3,
        &["/no/such.log cannot be read", "connection refused", "/no/such/program", "/no/such.sock cannot be reached"],
    );
}

#[test]
fn wrong_usage_is_two_and_a_server_that_is_gone_is_one() {
    let place = Place::new();
    refused(&place, &["incidents", "explode"], 2, &["explode"]);
    refused(&place, &["pause", "soon"], 2, &["15m or 2h"]);
    refused(&place, &["--server", "http://127.0.0.1:1", "incidents", "list"], 1, &["cannot be reached"]);
    refused(&place, &["incidents", "show", "99"], 1, &["no incident 99"]);
    refused(&place, &["knowledge", "add", "A", "--root-cause", "x", "--rule", "("], 1, &["unclosed group"]);
    refused(&place, &["ingest", "/no/such/file"], 1, &["/no/such/file cannot be read"]);
    refused(&place, &["ingest", "/tmp"], 1, &["is a folder"]);
    refused(&place, &["demo", "explode"], 1, &["kill-service"]);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    let mut child = place.command().args(["knowledge", "list"]).spawn().expect("runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}

/// What was typed, pasted or logged by a stranger reaches a terminal as what it is.
#[test]
fn what_is_repeated_on_a_terminal_hides_nothing() {
    const HOSTILE: &str = "user \u{202e}gnp.exe\u{200b}\u{1b}[2J\u{e0041}";
    const SHOWN: &str = "user \\u{202e}gnp.exe\\u{200b}\\u{1b}[2J\\u{e0041}";
    let place = Place::new();
    let place_note = place.run_with(&["ingest", "-", "--service", "web"], &format!("ERROR {HOSTILE}\n"));
    assert_eq!(place_note.code, 0, "{place_note:?}");
    for arguments in [
        &[HOSTILE][..],
        &["incidents", "list", HOSTILE],
        &["incidents", "show", HOSTILE],
        &["knowledge", "show", HOSTILE],
        &["knowledge", "recommend", HOSTILE],
        &["audit", "verify", HOSTILE],
        &["audit", "list", "--since", HOSTILE],
        &["restore", HOSTILE],
        &["token", "add", HOSTILE, "--role", "viewer"],
        &["incidents", "list"],
        &["incidents", "show", "1"],
        &["-v", "incidents", "show", "1"],
    ] {
        let ran = place.run(arguments);
        let said = format!("{}{}", ran.out, ran.err);
        let hidden = |c: char| c != '\n' && c != '\t' && !selfheal_core::is_plain(c);
        assert!(!said.contains(hidden), "{arguments:?}: {said:?}");
        assert_eq!(ran.code == 0, !arguments.contains(&HOSTILE), "{arguments:?}: {said}");
    }
    let said = place.run(&["knowledge", "recommend", HOSTILE]).err;
    assert!(said.contains(SHOWN), "{said}");
    assert!(place.run(&["incidents", "show", "1"]).out.contains(SHOWN));
    // As data it is exact, and what would not be seen is escaped as JSON has it.
    let ran = place.run(&["incidents", "show", "1", "--json"]);
    assert!(ran.out.contains("\\u202e") && !ran.out.contains('\u{202e}'), "{}", ran.out);
    let data: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert!(data.to_string().contains(HOSTILE.split_once('\u{1b}').expect("parts").0), "{data}");
}

#[test]
fn an_id_that_another_name_has_is_not_overwritten() {
    let place = Place::new();
    let add =
        |name: &str| vec!["knowledge".to_owned(), "add".into(), name.into(), "--root-cause".into(), "theirs".into()];
    let file = place.path().join("one.yaml");
    place.ok(&["knowledge", "add", "Caf\u{e9} closed", "--root-cause", "ours"]);
    for name in ["Caf\u{e9} closed!!!", "caf\u{e9} CLOSED", "Cafe\u{301} -- closed"] {
        let arguments = add(name);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&place, &arguments, 1, &["would have the id", "the pattern `Caf\u{e9} closed`", "knowledge edit"]);
        std::fs::write(&file, format!("version: 1\npatterns:\n  - name: \"{name}\"\n    root_cause: theirs\n"))
            .expect("written");
        let file = file.to_str().expect("UTF-8");
        let added = place.run(&["knowledge", "add", file]);
        assert!(added.code != 0 && added.err.contains("would have the id"), "{added:?}");
        let imported = place.run(&["knowledge", "import", file, "--replace"]);
        assert!(imported.out.contains("its id belongs to another pattern here"), "{imported:?}");
    }
    // Composed and decomposed letters are one name.
    place.ok(&["knowledge", "add", "Cafe\u{301} closed", "--description", "said in another way"]);
    let shown = place.json(&["knowledge", "show", "caf\u{e9}-closed"]);
    assert_eq!((&shown["name"], &shown["root_cause"]), (&"Caf\u{e9} closed".into(), &"ours".into()));
    assert_eq!(shown["description"], "said in another way");
}

#[test]
fn names_that_nobody_can_read_and_rules_that_tell_nothing_are_refused() {
    let place = Place::new();
    for name in ["two\nlines", "user \u{202e}gnp.exe", "zero\u{200b}width", "bell\u{7}", " blank"] {
        refused(&place, &["knowledge", "add", name, "--root-cause", "x"], 1, &["its name"]);
        let add = ["knowledge", "add", "Fine", "--root-cause", "x", "--service", name];
        refused(&place, &add, 1, &["its service"]);
        let ingested = place.run_with(&["ingest", "-", "--service", name], "ERROR boom\n");
        assert!(ingested.code == 1 && ingested.err.contains("the name of the service or project"), "{ingested:?}");
        let record = ["change", "record", "--service", "pay", "--kind", "deployment", "--version", name];
        if name.trim() == name {
            refused(&place, &record, 1, &["the version"]);
        }
    }
    for rule in ["\\d", " ", ".{5,}", "(?i)e"] {
        refused(&place, &["knowledge", "add", "Any", "--root-cause", "x", "--rule", rule], 1, &["nearly any text"]);
    }
    refused(
        &place,
        &["knowledge", "add", "Any", "--root-cause", "x", "--must-not", "e"],
        1,
        &["rules out nearly everything"],
    );
}
