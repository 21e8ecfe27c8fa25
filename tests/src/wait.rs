//! Waiting for something that happens outside the test.

use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// How long anything is waited for before it counts as never coming. It is no measure of anything: whatever a machine is
/// busy with, what is waited for in tests takes seconds.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until `found` gives a value, and returns it. Panics when it never does, saying what did not come.
#[track_caller]
pub fn eventually<T>(_timeout: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "still not after {PATIENCE:?}: {what}");
        thread::sleep(POLL);
    }
}
