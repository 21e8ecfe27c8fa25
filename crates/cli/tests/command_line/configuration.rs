//! A configuration that takes something away waits for a person, and a broken one says everything that is wrong.

use std::time::Duration;

use selfheal_tests::wait::eventually;

use crate::patient::Patient;
use crate::support::Place;

const SOON: Duration = Duration::from_secs(60);

/// Waits until the engine has kept what it started with.
fn kept(patient: &Patient) {
    eventually(SOON, "the configuration is kept", || {
        patient.data().join("accepted_config.json").exists().then_some(())
    });
}

/// Whether the configuration that is active is still the one with the service.
fn still_watches(patient: &Patient) -> bool {
    patient.run(&["doctor"]).out.contains("target of pay")
}

#[test]
fn an_empty_file_takes_nothing_away_until_a_person_accepts_it() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    kept(&patient);
    let whole = std::fs::read_to_string(patient.place.config()).expect("read");
    std::fs::write(patient.place.config(), "").expect("written");
    patient.doctor_says("waits and is not active");
    // The window's header shows the engine's problem.
    let overview = eventually(SOON, "the window says so", || {
        let ran = patient.run(&["doctor", "--json"]);
        ran.out.contains("config accept").then_some(ran.out)
    });
    assert!(overview.contains("the file is empty"), "{overview}");
    assert!(still_watches(&patient));

    // Nobody is there to ask, and a look changes nothing.
    let asked = patient.run(&["config", "accept"]);
    assert_eq!(asked.code, 1, "{asked:?}");
    assert!(asked.err.contains("the file is empty") && asked.err.contains("--yes"), "{asked:?}");
    assert!(still_watches(&patient));

    // Also the next start, and one without an engine.
    engine.stop();
    assert!(still_watches(&patient));
    let engine = patient.serve();
    patient.doctor_says("waits and is not active");
    assert!(still_watches(&patient));

    // Put right again, nothing waits any more.
    std::fs::write(patient.place.config(), &whole).expect("written");
    eventually(SOON, "nothing waits", || {
        (!patient.run(&["doctor"]).out.contains("waits and is not active")).then_some(())
    });

    std::fs::write(patient.place.config(), "").expect("written");
    patient.doctor_says("waits and is not active");
    patient.ok(&["config", "accept", "--yes"]);
    assert!(!still_watches(&patient));
    let audit = patient.ok(&["audit", "list", "--json"]);
    let audit: serde_json::Value = serde_json::from_str(&audit).expect("JSON");
    let entries = audit["entries"].as_array().expect("entries");
    let accepted = entries.iter().find(|entry| entry["result"] == "accepted").expect("on record");
    assert_eq!(accepted["event_type"], "automation.configured");
    assert_ne!(accepted["actor"], "configuration file", "with who took it");
    engine.stop();
    // What was accepted is what the next start compares with.
    let engine = patient.serve();
    assert!(!still_watches(&patient) && patient.run(&["config", "accept"]).out.contains("Nothing waits"));
    engine.stop();
}

#[test]
fn a_cut_file_and_one_that_loosens_wait_and_one_that_tightens_does_not() {
    let patient = Patient::new(None);
    let whole = std::fs::read_to_string(patient.place.config()).expect("read");
    let safe = format!("self_healing: {{ enabled: false, max_actions_per_hour: 1 }}\n{whole}");
    std::fs::write(patient.place.config(), &safe).expect("written");
    let engine = patient.serve();
    eventually(SOON, "it is kept", || {
        let kept = std::fs::read_to_string(patient.data().join("accepted_config.json")).unwrap_or_default();
        kept.contains("\"max_actions_per_hour\": 1").then_some(())
    });
    for (text, says) in [
        (safe[..safe.find("sources:").expect("sources")].to_owned(), "the file ends after line"),
        (whole.clone(), "self_healing.enabled: false would become true"),
        (safe.replace("per_hour: 1", "per_hour: 100"), "max_actions_per_hour: 1 would become 100"),
        ("services: []\nself_healing: { enabled: false, max_actions_per_hour: 1 }\n".to_owned(), "would be gone: pay"),
    ] {
        std::fs::write(patient.place.config(), text).expect("written");
        patient.doctor_says(says);
        assert!(still_watches(&patient), "{says}");
    }
    std::fs::write(patient.place.config(), safe.replace("per_hour: 1", "per_hour: 0")).expect("written");
    eventually(SOON, "what tightens is taken", || {
        let kept = std::fs::read_to_string(patient.data().join("accepted_config.json")).unwrap_or_default();
        kept.contains("\"max_actions_per_hour\": 0").then_some(())
    });
    engine.stop();
}

#[test]
fn what_was_accepted_and_cannot_be_read_is_observed_only() {
    let patient = Patient::new(None);
    std::fs::write(patient.data().join("accepted_config.json"), "{ half").expect("written");
    let engine = patient.serve();
    patient.doctor_says("nobody can tell what changed");
    patient.fails();
    patient.is_not_touched();
    patient.ok(&["config", "accept", "--yes"]);
    patient.is_healed();
    engine.stop();
}

#[test]
fn check_says_everything_that_is_wrong_and_needs_no_engine() {
    let place = Place::new();
    assert!(place.ok(&["config", "check"]).contains("is valid"));
    std::fs::remove_dir_all(place.path().join("data")).expect("removed");
    std::fs::write(
        place.config(),
        "self_healing:\n  enabled: yes\n  colour: red\nservices: [{ name: a, depends_on: [a] }]\n",
    )
    .expect("written");
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    for words in [
        "yaml:2:12: `enabled` is `yes`; expected true or false; write true",
        "3:3: `colour`",
        "depends on itself",
        "3 errors",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.contains("\n  2 |   enabled: yes\n    |            ^^^\n"), "{}", ran.out);
    let json = place.run(&["config", "check", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!((json.code, report["errors"].as_array().map(Vec::len)), (3, Some(3)), "{report}");
    assert!(!place.path().join("data").exists(), "nothing was made");
}
