//! Asking the knowledge base: search, match, analyse, recommend, test, replay.

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};

use crate::support::{Place, Ran};

const KILLED: &str = "2026-02-28T14:02:00Z ERROR exited: pay (terminated by SIGKILL; not expected)\n";

fn pool(place: &Place) {
    place.ok(&[
        "knowledge",
        "add",
        "Pool exhausted",
        "--rule",
        "pool exhausted",
        "--root-cause",
        "{service} leaks connections",
        "--action",
        "service.restart",
        "--check",
        "look at the pool",
        "--must-not",
        "quota",
        "--confidence",
        "0.8",
    ]);
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_list_is_filtered_sorted_and_limited() {
    let place = Place::new();
    pool(&place);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let page = place.json(&[&["knowledge", "list"], arguments].concat());
        page["patterns"].as_array().expect("a list").iter().map(|p| p["id"].as_str().expect("an id").into()).collect()
    };
    let all = ids(&[]);
    assert!(all.len() > 1 && all.contains(&"pool-exhausted".to_owned()));
    assert_eq!(ids(&["--search", "leaks conn"]), ["pool-exhausted"]);
    assert_eq!(ids(&["--sort", "confidence", "--limit", "1"]), ["pool-exhausted"]);
    assert_eq!(ids(&["--auto-healable"]), Vec::<String>::new());
    assert_eq!(ids(&["--status", "draft"]), Vec::<String>::new());
    let none = place.ok(&["knowledge", "list", "--family", "no such family"]);
    assert!(none.contains("No pattern is like that"), "{none}");
    let shown = place.ok(&["knowledge", "show", "Pool exhausted"]);
    for part in ["Must not: quota", "Check: look at the pool", "Action: service.restart", "From: person"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn words_find_patterns_and_so_do_parts_of_names() {
    let place = Place::new();
    pool(&place);
    for words in [&["connections", "leaks"][..], &["ool exh"]] {
        let reply = place.json(&[&["knowledge", "search"], words].concat());
        let hits = reply["patterns"].as_array().expect("hits");
        assert!(hits.iter().any(|hit| hit["pattern"] == "pool-exhausted"), "{words:?}: {reply}");
    }
    let reply = place.json(&["knowledge", "search", "connections", "--limit", "100"]);
    let hits = reply["patterns"].as_array().expect("hits");
    let hit = hits.iter().find(|hit| hit["pattern"] == "pool-exhausted").expect("found");
    let shown = hit["texts"].as_array().expect("texts");
    let cause = shown.iter().find(|text| text["field"] == "root_cause").expect("the root cause has the word");
    assert_eq!(cause["highlights"], json!([{ "start": 16, "end": 27 }]));
}

#[test]
fn matching_answers_before_the_input_ends_and_stops_when_nobody_reads() {
    let place = Place::new();
    pool(&place);
    let mut child = place
        .command()
        .args(["knowledge", "match", "-", "--json"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("runs");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    for line in 1..=2 {
        input.write_all(b"ERROR pool exhausted\n").expect("written");
        let mut answer = String::new();
        // The input is still open: a reader that waits for its end would wait here for ever.
        output.read_line(&mut answer).expect("read");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!((&answer["line"], &answer["matches"][0]["pattern"]), (&json!(line), &json!("pool-exhausted")));
    }
    drop(output);
    // Nobody reads any more: the command ends by itself, although there is always more to read.
    let written = (0..1_000_000).map(|_| input.write_all(b"ERROR pool exhausted\n")).find(Result::is_err);
    assert!(written.is_some(), "the command goes on reading");
    let ended = child.wait_with_output().expect("ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn any_bytes_match_and_a_line_that_is_too_long_is_named() {
    let place = Place::new();
    pool(&place);
    let mut bytes = b"\xff\xfe pool exhausted\n".to_vec();
    bytes.extend("x".repeat(70_000).bytes());
    bytes.extend(b" pool exhausted\npool exhausted");
    let file = place.path().join("strange.log");
    std::fs::write(&file, bytes).expect("written");
    let ran = place.run(&["knowledge", "match", &file.display().to_string(), "--json", "--top", "1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = lines(&ran);
    let patterns: Vec<&Value> = found.iter().map(|line| &line["matches"][0]["pattern"]).collect();
    assert_eq!(patterns, [&json!("pool-exhausted"), &Value::Null, &json!("pool-exhausted")]);
    assert_eq!((&found[0]["cut_at"], &found[1]["cut_at"]), (&Value::Null, &json!(65_536)));
    assert!(ran.err.contains("the first is line 2"), "{ran:?}");
}

#[test]
fn more_lines_than_a_batch_keep_their_numbers() {
    let place = Place::new();
    pool(&place);
    let text: String = (1..=3_500).map(|i| format!("{}\n", ["fine", "pool exhausted"][i % 2])).collect();
    let ran = place.run_with(&["knowledge", "match", "-", "--json"], &text);
    let found = lines(&ran);
    assert_eq!(found.len(), 3_500);
    for (i, line) in found.iter().enumerate() {
        assert_eq!(line["line"], i + 1);
        let expected = if i % 2 == 0 { json!("pool-exhausted") } else { Value::Null };
        assert_eq!(line["matches"][0]["pattern"], expected, "line {}", i + 1);
    }
}

#[test]
fn an_analysis_names_cause_evidence_and_what_is_missing() {
    let place = Place::new();
    pool(&place);
    let ask = |what: &str, text: &str| -> Value {
        let ran = place.run_with(&["knowledge", what, "-", "--service", "pay", "--json"], text);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.out).expect("JSON")
    };
    let known = ask("analyze", "INFO fine\nERROR pool exhausted\nERROR pool exhausted\n");
    assert_eq!((&known["known"], &known["root_cause"]), (&json!(true), &json!("pay leaks connections")));
    assert_eq!(
        (&known["evidence"][0]["count"], &known["evidence"][0]["pattern"]),
        (&json!(2), &json!("pool-exhausted"))
    );
    assert_eq!(known["checks"], json!(["look at the pool"]));
    assert_eq!(known["decision"], "suggest");
    // Text that names no level is a failure because somebody asks about it.
    assert_eq!(ask("analyze", "pool exhausted\n")["known"], true);
    // A rule that holds is a failure whatever the line says of itself, beside lines that say it and beside those that do not.
    for text in ["INFO pool exhausted\nERROR zzyzx qwfp\n", "hello world\npool exhausted\nall is well\n"] {
        let found = ask("analyze", text);
        assert_eq!(found["known"], true, "{text}: {found}");
    }
    let unknown = ask("analyze", "ERROR zzyzx qwfp\n");
    assert_eq!(
        (&unknown["known"], &unknown["root_cause"], &unknown["decision"]),
        (&json!(false), &Value::Null, &json!("escalate"))
    );
    assert!(unknown["missing"].to_string().contains("selfheal knowledge add"), "{unknown}");
    let nothing = ask("analyze", "INFO fine\n");
    assert_eq!((&nothing["evidence"], &nothing["decision"]), (&json!([]), &Value::Null));
    let fixes = ask("recommend", "ERROR pool exhausted\n");
    let best = &fixes["recommendations"][0];
    assert_eq!(
        (&best["rank"], &best["pattern"], &best["action"]),
        (&json!(1), &json!("pool-exhausted"), &json!("service.restart"))
    );
    assert_eq!((&best["decision"], &best["reasons"][0]["code"]), (&json!("suggest"), &json!("not_auto_healable")));
    assert_eq!((&best["attempts"], &best["wilson_lower_bound"]), (&json!(0), &Value::Null));
}

#[test]
fn a_stored_incident_is_analysed_with_what_ended_one_like_it() {
    let place = Place::new();
    pool(&place);
    let text = "ERROR pool exhausted\n";
    place.run_with(&["ingest", "-", "--service", "pay"], text);
    place.ok(&["incidents", "resolve", "1", "--comment", "restarted"]);
    place.run_with(&["ingest", "-", "--service", "mail"], text);
    let analysis = place.json(&["knowledge", "analyze", "--incident", "2"]);
    assert_eq!((&analysis["incident"], &analysis["service"]), (&json!("2"), &json!("mail")));
    let past = &analysis["similar"][0];
    assert_eq!(
        (&past["incident"], &past["ended_by"], &past["worked"]),
        (&json!("1"), &json!("a person"), &Value::Null)
    );
    let out = place.ok(&["knowledge", "analyze", "--incident", "2"]);
    assert!(out.contains("mail leaks connections") && out.contains("#1"), "{out}");
    assert_eq!(place.run(&["knowledge", "analyze", "--incident", "99"]).code, 1);
    assert_eq!(place.run(&["knowledge", "analyze"]).code, 2, "a file or an incident is needed");
}

#[test]
fn examples_are_tested_and_a_line_is_explained() {
    let place = Place::new();
    let all = place.json(&["knowledge", "test", "--all"]);
    assert_eq!(all["ok"], true, "the starter knowledge holds");
    assert!(all["patterns"].as_array().is_some_and(|tested| !tested.is_empty()));
    pool(&place);
    let explain = |line: &str| place.run(&["knowledge", "test", "Pool exhausted", "--line", line, "--json"]);
    let held = explain("the pool exhausted");
    let line: Value = serde_json::from_str(&held.out).expect("JSON");
    assert_eq!((held.code, &line["line"]["conditions"][0]["span"]), (0, &json!({ "start": 4, "end": 18 })));
    assert_eq!((&line["line"]["place"], &line["line"]["winner"]), (&json!(1), &Value::Null));
    let ruled_out = explain("quota: pool exhausted");
    let line: Value = serde_json::from_str(&ruled_out.out).expect("JSON");
    assert_eq!((ruled_out.code, &line["line"]["ruled_out_by"]), (3, &json!(["quota"])));
    assert_eq!(explain("disk full").code, 3);
}

#[test]
fn a_replay_shows_what_an_edit_would_change_and_saves_nothing() {
    let place = Place::new();
    pool(&place);
    // Two projects, so that one failure is two incidents.
    for (service, project) in [("pay", "shop"), ("mail", "post")] {
        place.run_with(&["ingest", "-", "--service", service, "--project", project], "ERROR pool exhausted\n");
    }
    place.run_with(&["ingest", "-", "--service", "web"], KILLED);
    let file = place.path().join("edited.yaml");
    let edited = |more: &str| {
        let text = format!(
            "name: Pool exhausted\nroot_cause: x\nrule: {{ any: [{{ regex: pool exhausted }}] }}\naction: {{ kind: service.restart }}\n{more}"
        );
        std::fs::write(&file, text).expect("written");
    };
    let path = file.display().to_string();
    let replay = |more: &[&str]| place.json(&[&["knowledge", "replay", "pool-exhausted"], more].concat());
    edited("auto_healable: true\n");
    let before = place.ok(&["knowledge", "show", "pool-exhausted", "--json"]);
    let found = replay(&["--file", &path]);
    assert_eq!(
        (&found["examined"], &found["newly_automatic"], &found["would_newly_act"]),
        (&json!(3), &json!(2), &json!(true))
    );
    assert_eq!(found["changes"][0]["change"], "newly_automatic");
    assert_eq!(
        found["decisions"].as_array().map(|d| d.iter().filter_map(|e| e["incidents"].as_u64()).sum::<u64>()),
        Some(3)
    );
    assert_eq!(place.ok(&["knowledge", "show", "pool-exhausted", "--json"]), before, "nothing was saved");
    assert!(place.ok(&["knowledge", "replay", "pool-exhausted", "--file", &path]).contains("WARNING"));
    let found = replay(&["--disabled"]);
    assert_eq!((&found["lost"], &found["decisions_changed"]), (&json!(2), &json!(2)));
    let found = replay(&["--removed", "--limit", "1"]);
    assert_eq!((&found["examined"], &found["more"], &found["incidents"]), (&json!(1), &json!(true), &json!(3)));
    edited("unknown_key: 1\n");
    let refused = place.run(&["knowledge", "replay", "pool-exhausted", "--file", &path]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("unknown_key"), "{refused:?}");
    assert_eq!(place.run(&["knowledge", "replay", "pool-exhausted"]).code, 2);
}

#[test]
fn the_binary_answers_to_its_other_name() {
    let place = Place::new();
    let other = place.path().join("icdev-knowledge");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_selfheal"), &other).expect("linked");
    let output = std::process::Command::new(&other)
        .args(["stats", "--json"])
        .env_remove("SELFHEAL_SERVER")
        .env_remove("SELFHEAL_DATABASE")
        .env("SELFHEAL_HOME", place.path())
        .output()
        .expect("runs");
    let stats: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["patterns", "active", "drafts", "auto_healable", "healing_events", "failures"] {
        assert!(stats[key].is_i64(), "{key}: {stats}");
    }
    let families = stats["by_family"].as_object().expect("families");
    assert_eq!(families.values().filter_map(Value::as_i64).sum::<i64>(), stats["patterns"].as_i64().unwrap_or(-1));
}
