//! The process table: what Linux says in `/proc` about one process.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

/// How long a process may be without arguments because it is being started. A kernel thread never has any.
const STARTING_LOOKS: u32 = 10;
const STARTING_PAUSE: Duration = Duration::from_millis(1);

/// The id of a process that may be signalled: never 0, negative or 1, which mean other things to `kill`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pid(i32);

impl Pid {
    pub const fn new(number: i32) -> Option<Self> {
        if number > 1 { Some(Self(number)) } else { None }
    }

    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One process: its id and when it started, which no other process shares until the host restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    pub start_ticks: u64,
}

impl Process {
    /// The running process of this id. One that has ended and was not waited for yet (a zombie) is not running.
    pub fn running(pid: Pid) -> Option<Self> {
        Some(Row::of(pid)?.process)
    }

    /// This very program. In a container it may be the first one, which nobody signals.
    pub fn own() -> Option<Row> {
        Row::of(Pid(nix::unistd::Pid::this().as_raw()))
    }

    /// Whether it was started with this variable. What may not be seen was not, nor what has overwritten it.
    pub fn has_variable(self, variable: &str) -> bool {
        let mut bytes = Vec::new();
        let read = fs::File::open(format!("/proc/{}/environ", self.pid))
            .and_then(|file| file.take(ENVIRONMENT_LIMIT).read_to_end(&mut bytes));
        read.is_ok() && bytes.split(|byte| *byte == 0).any(|found| found == variable.as_bytes())
    }

    pub fn is_running(self) -> bool {
        Self::running(self.pid) == Some(self)
    }

    /// Sends a signal, if it is still this process.
    pub fn signal(self, signal: Signal) -> nix::Result<()> {
        if !self.is_running() {
            return Err(nix::Error::ESRCH);
        }
        kill(nix::unistd::Pid::from_raw(self.pid.0), signal)
    }

    /// The file it runs; `None` where that may not be seen. A file replaced by an upgrade keeps its name.
    pub fn program(self) -> Option<PathBuf> {
        let link = fs::read_link(format!("/proc/{}/exe", self.pid)).ok()?;
        let name = link.to_str().map(|name| name.trim_end_matches(" (deleted)").to_owned());
        Some(name.map_or(link, PathBuf::from))
    }

    /// Its arguments. A process that is being started has none for a moment, so an empty list is looked at again.
    pub fn arguments(self) -> Vec<String> {
        let read = || fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let mut bytes = read();
        for _ in 0..STARTING_LOOKS {
            if !bytes.is_empty() || !self.is_running() {
                break;
            }
            std::thread::sleep(STARTING_PAUSE);
            bytes = read();
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\0').unwrap_or(&text);
        if text.is_empty() { Vec::new() } else { text.split('\0').map(str::to_owned).collect() }
    }

    /// The name that the system shows for it.
    pub fn name(self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default().trim().to_owned()
    }
}

/// Bytes of an environment that are looked at: those of a program that Selfheal started have few.
const ENVIRONMENT_LIMIT: u64 = 256 * 1024;

/// A running process with where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub process: Process,
    pub group: i32,
    pub session: i32,
}

impl Row {
    fn of(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields = Fields::read(&stat)?;
        (!matches!(fields.state, 'Z' | 'X' | 'x')).then_some(Self {
            process: Process { pid, start_ticks: fields.start_ticks },
            group: fields.group,
            session: fields.session,
        })
    }

    /// Every process that runs now.
    pub fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok().and_then(Pid::new)?))
    }
}

/// Fields 3, 5, 6 and 22 of `/proc/PID/stat` (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fields {
    state: char,
    group: i32,
    session: i32,
    start_ticks: u64,
}

impl Fields {
    /// The name in field 2 may hold spaces and parentheses, so fields are counted after its last one.
    fn read(stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        Some(Self {
            state: fields.next()?.chars().next()?,
            group: fields.nth(1)?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            start_ticks: fields.nth(15)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_state_and_start_whatever_the_name() {
        let rest = "S 1 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 8123 1000 2";
        let expected = Fields { state: 'S', group: 40, session: 39, start_ticks: 8123 };
        for name in ["sleep", "a b", "x) Z 1 (y"] {
            assert_eq!(Fields::read(&format!("42 ({name}) {rest}")), Some(expected), "{name}");
        }
        assert_eq!(Fields::read("42 (sleep) S 1"), None);
    }

    #[test]
    fn a_process_that_ended_is_not_running_before_it_was_waited_for() {
        #[expect(clippy::disallowed_methods, reason = "the test needs a process that nobody prepared")]
        let mut child = std::process::Command::new("/bin/sleep").arg("60").spawn().expect("sleep starts");
        let pid = Pid::new(child.id() as i32).expect("a process id");
        let process = Process::running(pid).expect("it runs");
        assert_eq!(process.arguments(), ["/bin/sleep", "60"]);
        process.signal(Signal::SIGKILL).expect("it may be signalled");
        while process.is_running() {
            std::thread::yield_now();
        }
        assert!(PathBuf::from(format!("/proc/{pid}")).exists(), "it is a zombie");
        assert_eq!(process.signal(Signal::SIGKILL), Err(nix::Error::ESRCH));
        child.wait().expect("waits");
    }
}
