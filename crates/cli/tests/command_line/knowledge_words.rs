//! What the knowledge commands say to people, and what of it goes where programs read.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use crate::support::Place;

fn add(place: &Place, name: &str, rule: &str) {
    place.ok(&["knowledge", "add", name, "--rule", rule, "--root-cause", "leaked connections of the ledger"]);
}

fn edited(place: &Place, name: &str, text: &str) -> String {
    let path = place.path().join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn as_many_matches_are_shown_as_were_asked_for() {
    let place = Place::new();
    add(&place, "Ledger pool", "ledger pool");
    add(&place, "Pool exhausted", "pool exhausted");
    let shown =
        |top: &str| place.run_with(&["knowledge", "match", "-", "--top", top], "ERROR ledger pool exhausted\n").out;
    let (one, many) = (shown("1"), shown("9"));
    assert_eq!(one.matches("relevance").count(), 1, "{one}");
    assert!(many.contains("(ledger-pool)") && many.contains("(pool-exhausted)"), "{many}");
    for arguments in [
        &["knowledge", "match", "-", "--top", "0"][..],
        &["knowledge", "match", "-", "--top", "101"],
        &["knowledge", "search", "pool", "--limit", "0"],
        &["change", "list", "--limit", "0"],
    ] {
        assert_eq!(place.run(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn matching_says_that_nothing_matched_and_how_much_it_keeps_to_itself() {
    let place = Place::new();
    add(&place, "Pool exhausted", "pool exhausted");
    let told = |text: &str| place.run_with(&["knowledge", "match", "-"], text);
    let nothing = told("zzyzx\nqwfp\n");
    assert_eq!((nothing.out.as_str(), nothing.err.as_str()), ("", "0 of 2 lines matched.\n"));
    assert_eq!(told("").err, "", "nothing was read, and nobody watches");
    assert_eq!(told("ERROR pool exhausted\n").err.matches("matched").count(), 0);
    // Weak matches are in the JSON and counted in the text.
    let text = "the pool is warm\n";
    let json = place.run_with(&["knowledge", "match", "-", "--json"], text);
    let line: Value = serde_json::from_str(&json.out).expect("JSON");
    let weak = line["matches"].as_array().expect("matches");
    assert!(!weak.is_empty() && weak.iter().all(|found| found["relevance"].as_f64() < Some(0.3)), "{line}");
    let weaker = told(text);
    assert_eq!(weaker.out, "");
    assert!(weaker.err.contains(&format!("{} weaker", weak.len())) && weaker.err.contains("--json"), "{weaker:?}");
}

#[test]
fn marks_and_colours_do_not_hide_a_line_and_utf_16_is_named() {
    let place = Place::new();
    add(&place, "Pool exhausted", "^ERROR pool exhausted$");
    for text in ["\u{feff}ERROR pool exhausted\r\n", "\x1b[1;31mERROR\x1b[0m pool \x1b[4mexhausted\x1b[m\n"] {
        let ran = place.run_with(&["knowledge", "match", "-"], text);
        assert!(ran.out.contains("1: ERROR pool exhausted\n    Pool exhausted (pool-exhausted)"), "{text:?}: {ran:?}");
        assert!(!ran.err.contains("UTF-16"), "{ran:?}");
    }
    let wide: String = "ERROR pool exhausted\n".chars().flat_map(|c| [c, '\0']).collect();
    let ran = place.run_with(&["knowledge", "match", "-"], &wide.repeat(2));
    assert_eq!(ran.err.matches("this looks like UTF-16").count(), 1, "{ran:?}");
}

#[test]
fn a_replay_counts_in_words_and_only_an_edit_says_that_it_saved() {
    let place = Place::new();
    add(&place, "Pool exhausted", "pool exhausted");
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR pool exhausted\n");
    let replayed = place.ok(&["knowledge", "replay", "pool-exhausted", "--removed"]);
    assert!(replayed.contains("1 incident examined: 0 matches gained, 1 lost,"), "{replayed}");
    assert!(replayed.ends_with("Nothing was saved.\n"), "{replayed}");
    let gone = place.run(&["knowledge", "replay", "pool-exhausted", "--file", "/no/such.yaml"]);
    assert!(gone.code == 1 && gone.err.contains("knowledge edit pool-exhausted --print"), "{gone:?}");
    let document = place.ok(&["knowledge", "edit", "pool-exhausted", "--print"]);
    let file = edited(&place, "edited.yaml", &document.replace("leaked connections", "lost connections"));
    let saved = place.ok(&["knowledge", "edit", "pool-exhausted", "--file", &file, "--yes"]);
    assert!(saved.contains("Saved `pool-exhausted`.") && !saved.contains("Nothing was saved"), "{saved}");
}

#[test]
fn where_documents_are_asked_for_nothing_else_is_on_standard_output() {
    let place = Place::new();
    add(&place, "Pool exhausted", "pool exhausted");
    let edit = |editor: &str| {
        let ran = place.run(&["knowledge", "edit", "pool-exhausted", "--json", "--yes", "--editor", editor]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };
    // An editor that changes nothing.
    let unchanged = edit("true");
    assert!(unchanged.err.contains("Nothing was changed."), "{unchanged:?}");
    let document: Value = serde_json::from_str(&unchanged.out).expect("JSON");
    assert_eq!(document["pattern"], "pool-exhausted");
    let changed = edit("sed -i s/leaked/lost/");
    let reply: Value = serde_json::from_str(&changed.out).expect("JSON");
    assert_eq!(reply["changes"][0]["field"], "root_cause", "{reply}");
    // What is removed goes through a pipe as it is.
    let removed = place.run(&["knowledge", "remove", "pool-exhausted", "--yes"]);
    assert!(removed.err.contains("Removed `pool-exhausted`"), "{removed:?}");
    let file = edited(&place, "removed.yaml", &removed.out);
    assert_eq!(place.json(&["knowledge", "add", &file])["patterns"][0]["is_new"], true);
}

#[test]
fn an_export_is_quiet_when_nobody_reads_on() {
    let place = Place::new();
    let mut child = place.command().args(["knowledge", "export"]).spawn().expect("runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
    let ended = child.wait_with_output().expect("ends");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
    assert!(!line.is_empty());
}

#[test]
fn an_import_says_what_it_would_do_and_never_more_than_it_did() {
    let place = Place::new();
    let pack = "patterns:\n  - { name: Ledger lost, root_cause: x, rule: { any: [{ literal: ledger lost }] } }\n";
    let file = edited(&place, "pack.yaml", pack);
    let dry = place.ok(&["knowledge", "import", &file, "--dry-run"]);
    assert!(dry.contains("would add  1") || dry.contains("would add     1"), "{dry}");
    let bad = edited(&place, "bad.yaml", &format!("{pack}  - {{ name: Bad, confidance: 1 }}\n"));
    let refused = place.run(&["knowledge", "import", &bad]);
    assert!(refused.code == 1 && refused.out.contains("would add") && !refused.out.contains("added"), "{refused:?}");
    let done = place.ok(&["knowledge", "import", &file]);
    assert!(done.contains("added") && !done.contains("would add"), "{done}");
    let empty = edited(&place, "empty.yaml", "pack: { name: shop, version: '1', licence: MIT }\npatterns: []\n");
    let told = place.ok(&["knowledge", "import", &empty]);
    assert!(told.contains("has no patterns in it") && !told.contains("Imported"), "{told}");
    // Copies that killed imports left are taken away, and only those that no import can still be reading.
    let data = place.path().join("data");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
    for (name, age) in [("import-old.part", Some(old)), ("import-new.part", None), ("mine.part", Some(old))] {
        let file = std::fs::File::create(data.join(name)).expect("made");
        if let Some(age) = age {
            file.set_modified(age).expect("aged");
        }
    }
    place.ok(&["knowledge", "import", &file]);
    let there = |name: &str| data.join(name).exists();
    assert_eq!((there("import-old.part"), there("import-new.part"), there("mine.part")), (false, true, true));
}

#[test]
fn a_list_keeps_its_ids_whole_and_leaves_out_columns_instead() {
    let place = Place::new();
    let listed = |columns: &str| {
        let run = place.command().env("COLUMNS", columns).args(["knowledge", "list"]).output().expect("runs");
        crate::support::ran(run).out
    };
    let ids: Vec<String> = place.json(&["knowledge", "list"])["patterns"]
        .as_array()
        .expect("patterns")
        .iter()
        .map(|pattern| pattern["id"].as_str().expect("an id").to_owned())
        .collect();
    for columns in [30, 80, 120, 400] {
        let told = listed(&columns.to_string());
        let first: Vec<&str> = told.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(first, ids, "one line for each, at {columns}");
        let longest = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0) + 1;
        let widest = told.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= columns.max(longest), "{widest} at {columns}");
    }
    assert!(!listed("30").contains("NAME"));
    let whole = place.ok(&["knowledge", "list"]);
    for column in ["NAME", "FAMILY", "CONFIDENCE", "USES", "HEALS ITSELF", "ACTION", "SCOPE", "STATUS"] {
        assert!(whole.lines().next().is_some_and(|head| head.contains(column)), "{column}");
    }
}

#[test]
fn what_is_not_there_is_named_beside_what_is() {
    let place = Place::new();
    add(&place, "Ledger pool exhausted", "ledger pool exhausted");
    for arguments in [
        &["knowledge", "show", "ledger-pool-exausted"][..],
        &["knowledge", "edit", "ledger-pool-exausted", "--print"],
        &["knowledge", "remove", "ledger-pool-exausted", "--yes"],
        &["knowledge", "test", "ledger-pool-exausted"],
    ] {
        let ran = place.run(arguments);
        assert!(ran.code == 1 && ran.err.contains("Did you mean `ledger-pool-exhausted`?"), "{ran:?}");
        assert!(ran.err.contains("knowledge list --search"), "{ran:?}");
    }
    let stranger = place.run(&["knowledge", "show", "zzyzx"]);
    assert!(stranger.code == 1 && !stranger.err.contains("Did you mean"), "{stranger:?}");
    for name in ["", "!!"] {
        assert_eq!(place.run(&["knowledge", "show", name]).code, 2, "{name:?}");
    }
    let family = place.run(&["knowledge", "export", "--family", "nope"]);
    assert!(family.code == 1 && family.err.contains("`nope`") && family.err.contains("databases"), "{family:?}");
    assert_eq!(family.out, "");
    let action = place.run(&["knowledge", "list", "--action", "bogus"]);
    assert!(action.code == 2 && action.err.contains("service.restart"), "{action:?}");
    let server = place.run(&["--server", "localhost:1", "queue"]);
    assert!(server.code == 1 && server.err.contains("write http://localhost:1"), "{server:?}");
    let untested = place.ok(&["knowledge", "test", "Ledger pool exhausted"]);
    assert!(untested.contains("it has no examples") && untested.contains("1 pattern, 0 lines"), "{untested}");
    assert!(place.ok(&["knowledge", "search", "ledger pool"]).contains("(ledger-pool-exhausted): text score "));
}
