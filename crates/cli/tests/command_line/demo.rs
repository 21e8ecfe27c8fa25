//! The demo's scenarios, headless, and that they leave nothing behind.

use std::process::Command;
use std::time::Duration;

use selfheal_tests::wait::eventually;
use serde_json::Value;

use crate::support::Place;

/// Processes of this home's demo that still run.
fn left_behind(place: &Place) -> Vec<String> {
    let home = place.path().display().to_string();
    let entries = std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains("demo-service") && line.contains(&home))
        .collect()
}

/// A demo in the folder of `place`, which it is told by name.
fn demo(place: &Place, arguments: &[&str]) -> Vec<String> {
    let home = place.path().display().to_string();
    ["demo", "--home", &home].iter().chain(arguments).map(|&argument| argument.to_owned()).collect()
}

fn scenario(arguments: &[&str]) -> Value {
    let place = Place::empty();
    let arguments = demo(&place, arguments);
    let document = place.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // A service that was killed is gone when the system has taken it down, which may be just after the demo itself.
    eventually(Duration::from_secs(10), "nothing is left", || left_behind(&place).is_empty().then_some(()));
    assert_eq!(document["audit_ok"], true);
    document
}

#[test]
fn a_killed_service_heals_by_itself() {
    let document = scenario(&["kill-service"]);
    assert_eq!(document["scenario"], "kill-service");
    assert!(matches!(document["state"].as_str(), Some("resolved" | "closed")), "{document}");
    assert_eq!((document["decision"].as_str(), document["action"].as_str()), (Some("auto"), Some("service.restart")));
    assert_eq!(
        (document["attempts"].as_i64(), &document["confidence"]),
        (Some(1), &serde_json::json!({ "before": 0.75, "after": 0.8 }))
    );
    for stage in ["detect", "decide", "act", "verify", "total"] {
        assert!(document["seconds"][stage].as_f64().is_some_and(|seconds| seconds >= 0.0), "{stage}: {document}");
    }
    // Three failed checks a second apart, and five seconds without a symptom.
    assert!(document["seconds"]["detect"].as_f64() > Some(1.5) && document["seconds"]["verify"].as_f64() >= Some(5.0));
}

#[test]
fn a_half_known_failure_waits_or_heals_with_approval() {
    let waits = scenario(&["needs-approval"]);
    assert_eq!((waits["state"].as_str(), waits["attempts"].as_i64()), (Some("awaiting_approval"), Some(0)));
    let healed = scenario(&["needs-approval", "--approve"]);
    assert!(matches!(healed["state"].as_str(), Some("resolved" | "closed")), "{healed}");
    assert_eq!(healed["confidence"], serde_json::json!({ "before": 0.5, "after": 0.55 }));
}

#[test]
fn an_unknown_failure_is_a_persons_and_nothing_runs() {
    let document = scenario(&["unknown"]);
    assert_eq!((document["state"].as_str(), document["decision"].as_str()), (Some("escalated"), Some("escalate")));
    assert_eq!((document["attempts"].as_i64(), &document["action"]), (Some(0), &Value::Null));
}

#[test]
fn an_interrupted_demo_stops_what_it_started() {
    let place = Place::empty();
    let mut child = place.command().args(demo(&place, &["kill-service"])).spawn().expect("runs");
    eventually(Duration::from_secs(20), "the demo's services run", || (left_behind(&place).len() == 3).then_some(()));
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("sent");
    assert!(status.success());
    child.wait().expect("ends");
    eventually(Duration::from_secs(10), "nothing is left", || left_behind(&place).is_empty().then_some(()));
}

#[test]
fn the_demo_never_kills_a_process_that_is_not_its_own() {
    let place = Place::empty();
    let mut stranger = Command::new("sleep").arg("60").spawn().expect("runs");
    std::fs::create_dir_all(place.path().join("run")).expect("made");
    std::fs::write(place.path().join("run/demo-web.pid"), stranger.id().to_string()).expect("written");
    for scenario in ["nosuch", "unknown"] {
        // Of the folder's name and of its own.
        place.run(&demo(&place, &[scenario]).iter().map(String::as_str).collect::<Vec<_>>());
        place.run(&["demo", scenario]);
        assert!(stranger.try_wait().expect("asked").is_none(), "the demo killed a stranger");
    }
    stranger.kill().expect("it still runs");
    stranger.wait().expect("ends");
}

/// Everything in a folder, with the bytes of its files.
fn contents(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("read").filter_map(Result::ok) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                all.push((entry.path(), std::fs::read(entry.path()).unwrap_or_default()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn the_home_of_the_environment_is_never_made_a_demo() {
    // Nothing is there yet, and then a home of one's own.
    let place = Place::empty();
    let ran = place.run(&["demo", "unknown"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("SELFHEAL_HOME is not used"), "{ran:?}");
    assert_eq!(contents(place.path()), [], "the folder is as it was");
    place.ok(&["init"]);
    let before = contents(place.path());
    assert_eq!(place.run(&["demo", "unknown"]).code, 0);
    assert_eq!(contents(place.path()), before, "the home is as it was");
    let ran = place.run(&demo(&place, &["unknown"]).iter().map(String::as_str).collect::<Vec<_>>());
    assert!(ran.code == 1 && ran.err.contains("is not empty"), "{ran:?}");
    assert_eq!(contents(place.path()), before, "named outright it is left alone, too");
}

#[test]
fn nobody_takes_over_the_home_of_a_demo() {
    let place = Place::empty();
    let arguments = demo(&place, &["unknown"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    assert_eq!(place.run(&arguments).code, 0);
    for command in [&["init"][..], &["serve", "--listen", "127.0.0.1:0"], &["run"]] {
        let ran = place.run(command);
        assert!(ran.code == 1 && ran.err.contains("is the home of a demo"), "{command:?}: {ran:?}");
    }
    // Not even another demo, which would tell this one's incident as its own.
    let ran = place.run(&arguments);
    assert!(ran.code == 1 && ran.err.contains("another demo"), "{ran:?}");
}

#[test]
fn a_demo_tells_no_change_that_is_none() {
    let waits = Place::empty().ok(&["demo", "needs-approval"]);
    assert!(waits.contains("The pattern's confidence is 0.50, as before"), "{waits}");
    assert_eq!(waits.matches("Asked for approval").count(), 1, "{waits}");
}
