//! An engine that is killed between the start of a program and the note of its process; the program then hangs.
//!
//! What was started runs on and is on no record. It must be found again and stopped: whoever only starts another one does so
//! for ever, since the one that hangs keeps the port.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use selfheal_tests::wait::PATIENCE;

use crate::single::home::{Home, SERVICES};
use crate::single::points::STARTED;

const POLL: Duration = Duration::from_millis(100);

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(lost());
}

async fn lost() {
    let mut home = Home::open(0, None).await;
    let (name, begun) = (SERVICES[0], Instant::now());
    home.break_service(name, true);
    let mut engine = home.engine(Some((STARTED, 1)));
    let status = loop {
        if let Some(status) = engine.status() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "the engine starts nothing: {}", home.tail_of_stderr());
        tokio::time::sleep(POLL).await;
    };
    assert_eq!(status.signal(), Some(9), "{}", home.tail_of_stderr());
    while !home.answers(name) {
        assert!(begun.elapsed() < PATIENCE, "what was started does not run on");
        tokio::time::sleep(POLL).await;
    }
    let lost = home.service_pids(name);
    assert_eq!(lost.len(), 1, "it runs on, and it alone: {lost:?}");
    let pidfile = std::fs::read_to_string(home.path(&format!("{name}.pid"))).unwrap_or_default();
    assert_ne!(pidfile.trim(), lost[0].to_string(), "nobody wrote down which process it is");
    kill(lost[0], Signal::SIGSTOP).expect("it hangs");

    let mut engine = home.engine(None);
    while !(home.answers(name) && home.is_quiet().await.expect("the database answers")) {
        assert_eq!(engine.status(), None, "{}", home.tail_of_stderr());
        assert!(begun.elapsed() < PATIENCE, "the service hangs for ever: {}", home.tail_of_stderr());
        // A person takes the unknown outcome off the table and does nothing else, so it is the engine that heals.
        home.tidy().await.expect("the database answers");
        home.feed(&mut engine);
        tokio::time::sleep(POLL).await;
    }
    engine.kill();
    let now = home.service_pids(name);
    assert!(now.len() == 1 && now != lost, "one copy runs, and it is another one: {lost:?}, then {now:?}");
}
