//! An engine that is suspended: it accepts and does not answer. The brake works all the same, and no command waits for ever.

use std::process::Command;
use std::time::Duration;

use selfheal_tests::wait::eventually;
use serde_json::{Value, json};

use crate::patient::{Patient, Running};

const SOON: Duration = Duration::from_secs(60);

impl Running {
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.process().to_string()]).status().expect("sent");
        assert!(status.success());
    }

    /// Suspends it, and waits until the system has done that.
    fn freeze(&self) {
        self.signal("-STOP");
        eventually(SOON, "it is suspended", || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process())).expect("it is there");
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')).then_some(())
        });
    }
}

#[test]
fn a_pause_holds_whatever_state_the_engine_is_in() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    engine.freeze();
    let brake = patient.data().join("pause");
    let pausing = patient.command().args(["pause", "15m"]).spawn().expect("runs");
    // On before the engine is asked, and so long before anybody gives up on it.
    eventually(SOON, "the brake is on", || brake.exists().then_some(()));
    let ran = crate::support::ran(pausing.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, brake.exists()), (0, true), "{ran:?}");
    assert!(ran.out.contains("Paused by the emergency brake") && ran.out.contains("no end"), "{ran:?}");
    assert!(ran.err.contains("does not answer"), "{ran:?}");
    let ran = patient.run(&["pause", "--json"]);
    let document: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&document["effective"], &document["switch_set"]), (&json!("paused"), &json!(false)), "{document}");
    assert_eq!(document["problem"]["code"], "engine_silent", "{document}");
    // Without an answer the brake is not released, and that is said.
    let ran = patient.run(&["resume"]);
    assert!(ran.code == 1 && ran.err.contains("stays on") && brake.exists(), "{ran:?}");
    engine.signal("-CONT");
    patient.fails();
    patient.is_not_touched();
    assert!(patient.ok(&["queue"]).starts_with("Held by the emergency brake"));
    // Who resumes takes off both.
    patient.ok(&["resume"]);
    assert!(!brake.exists());
    patient.is_healed();
    engine.stop();
}

#[test]
fn the_switch_takes_over_and_a_brake_of_ones_own_stays() {
    let patient = Patient::new(None);
    let brake = patient.data().join("pause");
    let engine = patient.serve();
    let view: Value = serde_json::from_str(&patient.ok(&["pause", "15m", "--json"])).expect("JSON");
    assert_eq!((&view["posture"], &view["brake"]), (&json!("paused"), &Value::Null), "{view}");
    assert!(!brake.exists(), "the switch holds by itself, and ends by itself");
    std::fs::write(&brake, "mine").expect("written");
    patient.ok(&["pause", "15m"]);
    assert_eq!(std::fs::read_to_string(&brake).expect("it is there"), "mine");
    patient.ok(&["observe"]);
    assert!(!brake.exists(), "whoever wants approved actions to run is not held by the brake");
    engine.stop();
}

#[test]
fn a_folder_that_is_no_home_is_never_paused() {
    let place = crate::support::Place::empty();
    let ran = place.run(&["pause"]);
    assert!(ran.code == 1 && ran.err.contains("selfheal init"), "{ran:?}");
    assert_eq!(std::fs::read_dir(place.path()).expect("read").count(), 0, "nothing was made");
}

#[test]
fn where_the_brake_cannot_be_put_on_the_engine_is_asked() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    // A link that leads nowhere: it is not followed, and it is no brake.
    let brake = patient.data().join("pause");
    std::os::unix::fs::symlink("/nonexistent/pause", &brake).expect("linked");
    let ran = patient.run(&["pause"]);
    assert!(ran.code == 0 && ran.err.contains("cannot be put on"), "{ran:?}");
    assert!(ran.out.contains("Automation is paused"), "{ran:?}");
    engine.freeze();
    let ran = patient.run(&["pause"]);
    assert!(ran.code == 1 && ran.err.contains("NOTHING IS PAUSED"), "{ran:?}");
    engine.signal("-CONT");
    std::fs::remove_file(&brake).expect("removed");
    engine.stop();
}

#[test]
fn no_command_waits_for_ever() {
    let patient = Patient::new(None);
    let engine = patient.serve();
    engine.freeze();
    let file = patient.place.path().join("out").display().to_string();
    // Each kind of request: to read, to write, up, down, and over the network.
    let commands: [&[&str]; 7] = [
        &["incidents", "list"],
        &["incidents", "note", "1", "x"],
        &["audit", "verify"],
        &["backup", &file],
        &["knowledge", "import", "/etc/hostname"],
        &["doctor"],
        &["--server", &engine.url, "pause"],
    ];
    let running: Vec<_> =
        commands.iter().map(|arguments| patient.command().args(*arguments).spawn().expect("runs")).collect();
    for (arguments, child) in commands.iter().zip(running) {
        let ran = crate::support::ran(child.wait_with_output().expect("it ends"));
        let doctor = arguments[0] == "doctor";
        let said = if doctor { &ran.out } else { &ran.err };
        assert_eq!(ran.code, if doctor { 3 } else { 1 }, "{arguments:?}: {ran:?}");
        assert!(said.contains("does not answer") && said.contains("selfheal pause"), "{arguments:?}: {ran:?}");
        if !arguments.contains(&"--server") {
            assert!(said.contains(&format!("kill -CONT {}", engine.process())), "{arguments:?}: {ran:?}");
        }
    }
    assert!(patient.ok(&[]).contains("did not answer"));
    engine.signal("-CONT");
    engine.stop();
}
