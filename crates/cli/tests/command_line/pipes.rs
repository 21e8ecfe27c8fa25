//! A pipe in the place of a file that somebody else may put there: it is told, and holds up nothing.

use std::path::Path;
use std::process::{Command, Stdio};

use selfheal_tests::wait::{PATIENCE, eventually};

use crate::support::{Place, Ran, ran};

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

/// Like `Place::run`, and fails instead of hanging.
fn run(place: &Place, arguments: &[&str]) -> Ran {
    let mut child = place.command().args(arguments).spawn().expect("the binary runs");
    eventually(PATIENCE, &format!("{arguments:?} ends"), || child.try_wait().expect("waited for"));
    ran(child.wait_with_output().expect("it ended"))
}

#[test]
fn an_engine_full_of_pipes_answers_and_ends_when_it_is_asked_to() {
    let place = Place::new();
    let at = |name: &str| place.path().join(name);
    let folder = place.path().display();
    // Started by nobody, and asked about by everybody.
    let config = format!(
        "services:\n\
         - name: web\n  managed: true\n  target: {{ kind: process, pidfile: {folder}/web.pid, start: [/bin/sleep, '600'] }}\n\
         - name: api\n  managed: true\n  target: {{ kind: process, pidfile: {folder}/api.pid, start: [/bin/sleep, '600'], output: {folder}/api.log }}\n\
         sources:\n- {{ name: web-log, file: {{ path: {folder}/web.log }}, service: web }}\n"
    );
    std::fs::write(place.config(), config).expect("written");
    for name in ["web.pid", "api.log", "web.log", "args/knowledge/odd.yaml"] {
        pipe(&at(name));
    }
    let told = run(&place, &["init"]);
    assert!(told.err.contains("odd.yaml") || told.out.contains("odd.yaml"), "{told:?}");
    let mut engine = place.command().args(["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn();
    let engine = engine.as_mut().expect("the binary runs");
    let told = eventually(PATIENCE, "the engine leads", || {
        let told = run(&place, &["doctor"]).out;
        told.contains("healed by").then_some(told)
    });
    for name in ["web.pid", "api.log", "web.log"] {
        let line = told.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(told.contains("not a regular file"), "{line}");
    }
    std::fs::rename(place.config(), at("elsewhere.yaml")).expect("moved");
    pipe(&place.config());
    eventually(PATIENCE, "the pipe in the configuration's place is told, and the last good one stays", || {
        let told = run(&place, &["doctor"]).out;
        (told.contains("monitoring_config.yaml cannot be read") && told.contains("web.pid")).then_some(())
    });
    std::fs::remove_file(place.config()).expect("removed");
    std::fs::rename(at("elsewhere.yaml"), place.config()).expect("moved back");
    eventually(PATIENCE, "the configuration is read again", || {
        (!run(&place, &["doctor"]).out.contains("monitoring_config.yaml cannot be read")).then_some(())
    });
    assert!(Command::new("kill").args(["-TERM", &engine.id().to_string()]).status().expect("kill runs").success());
    let status = eventually(PATIENCE, "it ends when it is asked to", || engine.try_wait().expect("waited for"));
    assert!(status.success(), "{status}");
}
