//! Packs and documents, as people use them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Place, ran};

const PACK: &str = "pack: { name: shop, version: '3', licence: CC-BY-4.0 }
patterns:
  # Ada's
  - name: Pool exhausted # as in the runbook
    root_cause: too few connections
    rule:
      any:
        # the driver's words
        - regex: 'pool \\d+ exhausted'
    action: { kind: service.restart }
    confidence: 0.9
    auto_healable: true
";

fn write(place: &Place, name: &str, text: &str) -> String {
    let path = place.path().join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn events(place: &Place, kind: &str) -> Vec<Value> {
    let page = place.json(&["audit", "list"]);
    let entries = page["entries"].as_array().expect("entries");
    entries.iter().filter(|entry| entry["event_type"] == kind).cloned().collect()
}

#[test]
fn a_pack_comes_in_with_little_trust_and_goes_out_with_its_comments() {
    let place = Place::new();
    let file = write(&place, "pack.yaml", PACK);
    let dry = place.json(&["knowledge", "import", &file, "--dry-run"]);
    assert_eq!((&dry["added"], &dry["applied"], &dry["pack"]), (&json!(1), &json!(false), &json!("shop 3")));
    assert_eq!(place.run(&["knowledge", "show", "pool-exhausted"]).code, 1, "a dry run changes nothing");
    let told = place.ok(&["knowledge", "import", &file]);
    assert!(told.contains("1 pattern comes in with less trust than its file says"), "{told}");
    let view = place.json(&["knowledge", "show", "pool-exhausted"]);
    assert_eq!((&view["confidence"]["value"], &view["auto_healable"]), (&json!(0.6), &json!(false)));
    assert_eq!(place.json(&["knowledge", "import", &file])["unchanged"], 1);
    assert_eq!(events(&place, "knowledge.imported").len(), 1, "what changes nothing is not on record");

    let export = place.ok(&["knowledge", "export", "--pattern", "Pool exhausted"]);
    for kept in ["# Ada's", "# as in the runbook", "# the driver's words", "name: shop", "confidence: 0.6"] {
        assert!(export.contains(kept), "{kept} is missing:\n{export}");
    }
    let other = Place::new();
    let copy = write(&other, "copy.yaml", &export);
    other.ok(&["knowledge", "import", &copy]);
    let out = other.path().join("again.yaml").display().to_string();
    other.ok(&["knowledge", "export", "--pattern", "pool-exhausted", "--out", &out]);
    assert_eq!(std::fs::read_to_string(&out).expect("read"), export);
    assert_eq!(other.run(&["knowledge", "export", "--out", &out]).code, 1, "a file that is there is left alone");
}

#[test]
fn nothing_is_imported_where_something_is_wrong_and_everything_wrong_is_told() {
    let place = Place::new();
    let bad = "  - name: Typo\n    confidance: 1\n  - name: Examples\n    rule: { any: [{ literal: boom }] }\n    examples: { matches: [bang] }\n";
    let file = write(&place, "bad.yaml", &format!("{PACK}{bad}"));
    let refused = place.run(&["knowledge", "import", &file]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("bad.yaml:14:5: `Typo`: unknown field `confidance`"), "{}", refused.err);
    assert!(refused.err.contains("does not match its own example `bang`"), "{}", refused.err);
    assert!(refused.out.contains("Nothing was imported"), "{}", refused.out);
    assert_eq!(place.run(&["knowledge", "show", "pool-exhausted"]).code, 1);
    let skipped = place.run(&["knowledge", "import", &file, "--skip-bad", "--json"]);
    let reply: Value = serde_json::from_str(&skipped.out).expect("JSON");
    assert_eq!((&reply["added"], &reply["refused"], &reply["applied"]), (&json!(1), &json!(2), &json!(true)));
    let typo = write(&place, "typo.yaml", "patterns:\n  - nam: x\n");
    assert_eq!(place.run(&["knowledge", "import", &typo]).code, 1);
}

#[test]
fn what_was_edited_here_is_kept() {
    let place = Place::new();
    let file = write(&place, "pack.yaml", PACK);
    place.ok(&["knowledge", "import", &file]);
    place.ok(&["knowledge", "add", "Pool exhausted", "--root-cause", "ours", "--confidence", "0.8", "--auto-healable"]);
    let newer = write(&place, "newer.yaml", &PACK.replace("too few connections", "theirs"));
    let kept = place.json(&["knowledge", "import", &newer]);
    assert_eq!((&kept["kept"], &kept["updated"]), (&json!(1), &json!(0)));
    assert_eq!(place.json(&["knowledge", "show", "pool-exhausted"])["root_cause"], "ours");
    place.ok(&["knowledge", "import", &newer, "--replace"]);
    let view = place.json(&["knowledge", "show", "pool-exhausted"]);
    assert_eq!(
        (&view["root_cause"], &view["auto_healable"]),
        (&json!("theirs"), &json!(true)),
        "only its text is theirs"
    );
    let wider = write(&place, "wider.yaml", &PACK.replace("pool \\d+ exhausted", "pool"));
    let reply = place.json(&["knowledge", "import", &wider, "--replace"]);
    let view = place.json(&["knowledge", "show", "pool-exhausted"]);
    assert_eq!((&reply["disarmed"], &view["auto_healable"]), (&json!(1), &json!(false)), "it acts on more than before");
}

/// A program that changes a file, in the place of an editor.
fn editor(place: &Place, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path: PathBuf = place.path().join("my editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("executable");
    format!("'{}' --wait", path.display())
}

#[test]
fn a_document_is_edited_and_keeps_its_comments() {
    let place = Place::new();
    let file = write(&place, "pack.yaml", PACK);
    place.ok(&["knowledge", "import", &file]);
    // Another way of changing it is written into the document, too.
    place.ok(&["knowledge", "add", "Pool exhausted", "--must-not", "quota"]);
    let command =
        editor(&place, "sed -i -e 's/too few/far too few/' -e 's/^auto_healable: false/auto_healable: true/' \"$2\"");
    let temporary = place.path().join("tmp");
    std::fs::create_dir(&temporary).expect("made");
    let edit = |command: &str, more: &[&str]| {
        let mut run = place.command();
        run.env("TMPDIR", &temporary).env("VISUAL", command).args(["knowledge", "edit", "pool-exhausted"]).args(more);
        ran(run.output().expect("runs"))
    };
    let nobody = edit(&command, &[]);
    assert!(nobody.code == 1 && nobody.err.contains("say --yes"), "{nobody:?}");
    let acts = edit(&command, &["--yes"]);
    assert!(acts.code == 1 && acts.err.contains("say --yes-act"), "{acts:?}");
    assert_eq!(std::fs::read_dir(&temporary).expect("a folder").count(), 2, "both texts are kept: {acts:?}");
    assert_eq!(place.json(&["knowledge", "show", "pool-exhausted"])["root_cause"], "too few connections");
    let saved = edit(&command, &["--yes", "--yes-act"]);
    assert_eq!(saved.code, 0, "{saved:?}");
    assert!(saved.out.contains("0 incidents examined: 0 matches gained"), "its consequences are shown: {saved:?}");
    assert!(
        saved.out.contains("- too few connections") && saved.out.contains("+ far too few connections"),
        "{saved:?}"
    );
    let document = place.ok(&["knowledge", "edit", "pool-exhausted", "--print"]);
    for part in ["# Ada's", "# the driver's words", "far too few", "- quota", "auto_healable: true"] {
        assert!(document.contains(part), "{part} is missing:\n{document}");
    }
    let broken = edit(&editor(&place, "echo 'rule: [' >> \"$2\""), &["--yes"]);
    assert!(
        broken.code == 1 && broken.err.contains("line ") && broken.err.contains("Your text is kept in"),
        "{broken:?}"
    );
    let examples = edit(&editor(&place, "printf 'examples:\\n  matches: [nothing]\\n' >> \"$2\""), &["--yes"]);
    assert!(examples.code == 3 && examples.err.contains("its own example `nothing`"), "{examples:?}");
    let none = place
        .command()
        .env_remove("VISUAL")
        .env_remove("EDITOR")
        .args(["knowledge", "edit", "pool-exhausted"])
        .output();
    assert!(ran(none.expect("runs")).err.contains("no editor is known"));
    // What was learned or set meanwhile is not undone by an older text.
    let base = place.ok(&["knowledge", "edit", "pool-exhausted", "--print"]);
    // It is trusted more, so that it acts where it did not: that is said, and asked.
    let more = ["knowledge", "add", "Pool exhausted", "--confidence", "0.7"];
    let asked = place.run(&more);
    assert!(asked.code == 1 && asked.err.contains("say --yes-act"), "{asked:?}");
    assert!(asked.out.contains("On the incidents that are stored"), "{asked:?}");
    place.ok(&[&more[..], &["--yes-act"]].concat());
    let short: String =
        base.lines().filter(|line| !line.starts_with("confidence")).map(|line| format!("{line}\n")).collect();
    let ran = place.run_with(&["knowledge", "edit", "pool-exhausted", "--file", "-", "--yes", "--yes-act"], &short);
    assert_eq!(
        (ran.code, place.json(&["knowledge", "show", "pool-exhausted"])["confidence"]["value"].as_f64()),
        (0, Some(0.7))
    );
}

#[test]
fn files_are_added_and_patterns_removed() {
    let place = Place::new();
    let one = write(&place, "one.yaml", "# mine\nname: Disk full\nroot_cause: logs\n");
    assert_eq!(place.json(&["knowledge", "add", &one])["patterns"][0]["is_new"], true);
    assert!(place.ok(&["knowledge", "edit", "disk-full", "--print"]).starts_with("# mine\n"));
    assert!(place.ok(&["knowledge", "add", &one]).contains("unchanged"));
    let pack = write(&place, "pack.yaml", PACK);
    let acts = place.run(&["knowledge", "add", &pack]);
    assert!(acts.code == 1 && acts.err.contains("--yes-act"), "{acts:?}");
    place.ok(&["knowledge", "add", &pack, "--yes-act"]);
    assert_eq!(place.json(&["knowledge", "show", "pool-exhausted"])["confidence"]["value"], 0.9, "a person added it");
    let nobody = place.run(&["knowledge", "add"]);
    assert!(nobody.code == 1 && nobody.err.contains("nobody is there to ask"), "{nobody:?}");
    assert!(place.run(&["knowledge", "remove", "disk-full"]).err.contains("say --yes"));
    assert!(place.ok(&["knowledge", "remove", "disk-full", "--yes"]).contains("# mine"));
    assert_eq!(place.run(&["knowledge", "remove", "disk-full", "--yes"]).code, 1);
    assert_eq!(events(&place, "knowledge.removed").len(), 1);
}

#[test]
fn an_icdev_database_is_imported_and_not_touched() {
    let place = Place::new();
    let file = place.path().join("their.db").display().to_string();
    let sql = "create table knowledge_patterns (id integer primary key, pattern_type text, pattern_signature text, remediation text, confidence real, auto_healable integer, occurrence_count integer);
        insert into knowledge_patterns values (5, 'memory_leak', 'OutOfMemory', '{\"action\": \"restart_service\"}', 0.95, 1, 12), (6, null, null, null, null, null, null);";
    let made = Command::new("python3")
        .args(["-c", "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2])", &file, sql])
        .status();
    assert!(made.expect("python3 runs: install it").success());
    let before = std::fs::read(&file).expect("read");
    let refused = place.run(&["knowledge", "import", &file]);
    assert!(refused.code == 1 && refused.err.contains("row 6"), "{refused:?}");
    let reply = place.json(&["knowledge", "import", &file, "--skip-bad"]);
    assert_eq!((&reply["kind"], &reply["added"], &reply["lowered"]), (&json!("icdev"), &json!(1), &json!(1)));
    let view = place.json(&["knowledge", "show", "memory-leak"]);
    assert_eq!(
        (&view["action"], &view["use_count"], &view["origin"]),
        (&json!("service.restart"), &json!(0), &json!("icdev"))
    );
    assert!(view["sources"][0]["name"].as_str().is_some_and(|name| name.contains("row 5 (seen 12 times")), "{view}");
    assert_eq!(std::fs::read(&file).expect("read"), before);
    let ours = place.path().join("data/icdev.db").display().to_string();
    let own = place.run(&["knowledge", "import", &ours]);
    assert!(own.code == 1 && own.err.contains("a database of Selfheal itself"), "{own:?}");
    // In the place of a home's own database it is left alone, and the message says what to do with it.
    let other = Place::new();
    let place_of = other.path().join("data/icdev.db");
    for name in ["icdev.db", "icdev.db-wal", "icdev.db-shm"] {
        let _ = std::fs::remove_file(other.path().join("data").join(name));
    }
    std::fs::write(&place_of, &before).expect("written");
    let foreign = other.run(&["knowledge", "list"]);
    assert!(foreign.code == 1 && foreign.err.contains("selfheal knowledge import"), "{foreign:?}");
    assert_eq!(std::fs::read(&place_of).expect("read"), before);
}
