//! Named points in an engine's life, and death at one of them.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfheal_store::CommitObserver;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Counts how often the chosen point is passed, and kills the process there.
#[derive(Debug)]
pub struct Points {
    /// Where every point that is passed is written, by its name.
    pub seen: PathBuf,
    /// Die when this point is passed for the n-th time.
    pub fault: Option<(String, usize)>,
    pub passed: AtomicUsize,
}

impl Points {
    pub fn pass(&self, point: &str) {
        let seen = OpenOptions::new().create(true).append(true).open(&self.seen);
        // In one piece: others write too.
        let _ = seen.and_then(|mut file| file.write_all(format!("{point}\n").as_bytes()));
        if self.is_fatal(point) {
            die();
        }
    }

    /// Whether this is the pass at which to die: for points that lie within something.
    pub fn is_fatal(&self, point: &str) -> bool {
        let Some((name, nth)) = &self.fault else { return false };
        name == point && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    }
}

impl CommitObserver for Points {
    fn before_commit(&self, label: &str) {
        self.pass(&format!("before commit: {label}"));
    }

    fn after_commit(&self, label: &str) {
        self.pass(&format!("after commit: {label}"));
    }
}

/// The point at which a program was started and nobody wrote down yet which process it is.
pub const STARTED: &str = "after a start, before its note";

/// Passes [`STARTED`] where the adapter says in its log that it is there: no call of a port is.
pub struct Told(pub Arc<Points>);

impl Subscriber for Told {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.is_event() && about.target().ends_with("process::start")
    }

    fn event(&self, event: &Event<'_>) {
        let mut found = Found(false);
        event.record(&mut found);
        if found.0 {
            self.0.pass(STARTED);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Found(bool);

impl Visit for Found {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}") == "started, and not on record yet";
    }
}

/// As the kernel's out-of-memory killer does it: nothing is cleaned up.
pub fn die() -> ! {
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        std::thread::park();
    }
}
