//! Waiting for something that happens outside the test.

use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// Waits until `found` gives a value, and returns it. Panics after `timeout`, saying what did not come.
#[track_caller]
pub fn eventually<T>(timeout: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(Instant::now() < deadline, "still not after {timeout:?}: {what}");
        thread::sleep(POLL);
    }
}
