//! The base looked after: review, merge and undo, as a tired person reads them.

use std::time::Duration;

use selfheal_tests::wait::eventually;
use serde_json::json;

use crate::patient::Patient;
use crate::support::Place;

#[test]
fn two_patterns_that_are_one_are_found_merged_and_taken_apart() {
    let place = Place::empty();
    place.ok(&["init"]);
    for (name, action) in
        [("Lease lost", "service.restart"), ("Lease is lost", "service.restart"), ("Other", "cache.clear")]
    {
        let rule = if name == "Other" { "ledger lease gone" } else { "ledger lease lost" };
        place.ok(&["knowledge", "add", name, "--rule", rule, "--root-cause", "two writers", "--action", action]);
    }
    let review = place.run(&["knowledge", "review"]);
    assert!(review.out.contains("merge lease-is-lost into lease-lost: their rules are the same."), "{review:?}");
    // Another fix is another pattern, and the refusal says why.
    let refused = place.run(&["knowledge", "merge", "Other", "Lease lost"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("their fixes differ"), "{refused:?}");
    let dry = place.ok(&["knowledge", "merge", "Lease is lost", "Lease lost", "--dry-run"]);
    assert!(dry.starts_with("Nothing was changed. It would be: lease-is-lost into lease-lost"), "{dry}");
    let merged = place.ok(&["knowledge", "merge", "Lease is lost", "Lease lost"]);
    assert!(merged.contains("To undo: selfheal knowledge unmerge lease-is-lost"), "{merged}");
    let shown = place.ok(&["knowledge", "show", "lease-is-lost"]);
    assert!(shown.contains("Merged into: lease-lost"), "{shown}");
    assert!(!place.run(&["knowledge", "review"]).out.contains("merge lease-is-lost"));
    let undone = place.ok(&["knowledge", "unmerge", "lease-is-lost"]);
    assert!(undone.contains("active again"), "{undone}");
    assert_eq!(place.json(&["knowledge", "show", "lease-is-lost"])["status"], json!("active"));
    // Where the other one was edited since, the merged one alone comes back.
    place.ok(&["knowledge", "merge", "Lease is lost", "Lease lost"]);
    place.ok(&["knowledge", "add", "Lease lost", "--description", "edited since"]);
    let refused = place.run(&["knowledge", "unmerge", "lease-is-lost"]);
    assert!(refused.code == 1 && refused.err.contains("selfheal knowledge enable lease-is-lost"), "{refused:?}");
    assert!(place.ok(&["knowledge", "enable", "lease-is-lost"]).contains("lease-is-lost is active."));
    assert!(!place.ok(&["knowledge", "show", "lease-is-lost"]).contains("Merged into"));
    assert!(place.ok(&["knowledge", "disable", "lease-is-lost"]).contains("lease-is-lost is disabled."));
}

#[test]
fn without_drafts_it_says_where_they_come_from_and_what_is_no_draft_is_refused() {
    let place = Place::new();
    assert!(place.ok(&["knowledge", "drafts"]).contains("No drafts wait."));
    assert_eq!(place.json(&["knowledge", "drafts"]), json!({ "drafts": [] }));
    for arguments in [&["knowledge", "accept", "nothing"][..], &["knowledge", "reject-draft", "nothing"]] {
        let refused = place.run(arguments);
        assert_eq!(refused.code, 1, "{refused:?}");
    }
}

#[test]
fn a_draft_is_shown_before_it_is_accepted_and_another_version_is_refused() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    let place = &patient.place;
    place.run_with(&["ingest", "-", "--service", "pay"], "ERROR vault sealed while rotating keys\n");
    eventually(Duration::from_secs(30), "its decision", || {
        place.ok(&["audit", "list", "--json"]).contains("self_heal.escalated").then_some(())
    });
    place.ok(&["incidents", "resolve", "1", "--comment", "unsealed it"]);
    let drafts = patient.ok(&["knowledge", "drafts"]);
    let version = drafts.lines().find_map(|line| line.trim().strip_prefix("Version: ")).expect("a version").to_owned();
    let draft = "vault-sealed-while-rotating-keys";
    for arguments in [["knowledge", "accept", draft, "--seen"], ["knowledge", "reject-draft", draft, "--seen"]] {
        let refused = patient.run(&[&arguments[..], &["000000000000"]].concat());
        assert!(refused.code == 1 && refused.err.contains("Nothing was changed"), "{refused:?}");
    }
    // Without a version it is shown first.
    let refused = patient.run(&["knowledge", "accept", draft, "--rule", "something else"]);
    assert!(refused.code == 1 && refused.out.contains(&version), "{refused:?}");
    let accepted =
        patient.ok(&["knowledge", "accept", draft, "--seen", &version, "--root-cause", "the vault restarted"]);
    assert!(accepted.starts_with("Accepted: vault-sealed-while-rotating-keys is active now"), "{accepted}");
    engine.stop();
}
