//! The pidfile, and beside it what Selfheal noted when it started the program itself.
//!
//! A process id alone does not name a process, since ids are used again. The note (`PIDFILE.selfheal`) keeps the start
//! time with it, which together do. It is written before the program is started, too, so that a start in whose midst the
//! engine died is known to have begun (ADR 0035). Pidfiles are other programs': none is reached through a link.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity;
use super::program::Program;
use super::table::{Pid, Process, Row};
use crate::files::{self, Links};

/// What a pidfile holds.
#[derive(Debug)]
pub enum Pidfile {
    Missing,
    /// It holds something that is no process id.
    Garbage(String),
    Unreadable(io::Error),
    Pid(Pid),
}

/// Bytes of a pidfile that are looked at.
const SHOWN: u64 = 40;
/// Bytes of a note; one has about a hundred.
const NOTE: u64 = 1_024;
/// Others read pidfiles too.
const MODE: u32 = 0o644;

pub fn read(path: &Path) -> Pidfile {
    let mut bytes = Vec::new();
    let read = files::open(path, Links::Refuse).and_then(|file| file.take(SHOWN).read_to_end(&mut bytes));
    match read {
        Ok(_) => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.trim().parse().ok().and_then(Pid::new).map_or(Pidfile::Garbage(text), Pidfile::Pid)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Pidfile::Missing,
        Err(error) => Pidfile::Unreadable(error),
    }
}

/// What Selfheal noted about its last start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Note {
    /// The process that it started; `start_ticks` in clock ticks since the host started.
    Started { pid: i32, start_ticks: u64 },
    /// A start that began, and of which nobody knows yet which process it made.
    Starting(Begun),
}

impl Note {
    pub const fn of(process: Process) -> Self {
        Self::Started { pid: process.pid.number(), start_ticks: process.start_ticks }
    }

    /// Reads the note beside a pidfile. One that cannot be read is none, and so is one that others may have written: it
    /// would name whatever process they want ended.
    pub fn read(pidfile: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_own(&beside(pidfile), NOTE).ok()?).ok()
    }

    pub fn write(&self, pidfile: &Path) -> io::Result<()> {
        replace(&beside(pidfile), &serde_json::to_string(self)?)
    }

    /// The process that it speaks of, if that runs.
    pub fn process(&self, program: &Program) -> Option<Process> {
        match self {
            Self::Started { pid, start_ticks } => {
                Process::running(Pid::new(*pid)?).filter(|process| process.start_ticks == *start_ticks)
            }
            Self::Starting(begun) => begun.find(program),
        }
    }
}

/// By what a process is known whose id was not written down before the engine died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// What the program has in its environment, and nothing else has.
    mark: String,
    /// The engine's session, which what it starts cannot leave, since it leads a group of its own.
    session: i32,
    /// When the engine itself started: nothing that it started is older.
    since_ticks: u64,
}

impl Begun {
    /// The environment variable that holds the mark.
    pub const VARIABLE: &str = "SELFHEAL_START";

    pub fn now() -> io::Result<Self> {
        let own = Process::own().ok_or_else(|| io::Error::other("/proc does not show this very process"))?;
        let mark = format!("{}{}", files::unguessable()?, files::unguessable()?);
        Ok(Self { mark, session: own.session, since_ticks: own.process.start_ticks })
    }

    pub fn mark(&self) -> &str {
        &self.mark
    }

    pub fn variable(&self) -> String {
        format!("{}={}", Self::VARIABLE, self.mark)
    }

    /// The process that this start made, if it runs. A program hands its environment on to what it starts, so it is the one
    /// that leads its group in the engine's session; what puts itself into the background leads none there, and of those the
    /// oldest is meant. A title that a program gives itself may overwrite its environment: then it has to look like it.
    fn find(&self, program: &Program) -> Option<Process> {
        let is_started = |row: &Row| row.group == row.process.pid.number() && row.session == self.session;
        let is_it = |row: &Row| {
            row.process.start_ticks >= self.since_ticks
                && (is_started(row) != program.daemonizes)
                && (row.process.has_variable(&self.variable())
                    || (is_started(row) && identity::is_like(row.process, program)))
        };
        Row::all()
            .filter(is_it)
            .map(|row| row.process)
            .min_by_key(|process| (process.start_ticks, process.pid.number()))
    }
}

/// Writes the process id, at once or not at all: nobody reads half of it.
pub fn write(path: &Path, pid: Pid) -> io::Result<()> {
    replace(path, &format!("{pid}\n"))
}

/// Puts a process on record, where Selfheal writes the pidfile: the note first, since it says more.
pub fn record(path: &Path, process: Process) -> io::Result<()> {
    Note::of(process).write(path)?;
    write(path, process.pid)
}

/// Removes the note, and the pidfile too where it is Selfheal that writes it. What is not there is removed already.
pub fn remove(path: &Path, also_pidfile: bool) {
    let _ = fs::remove_file(beside(path));
    if also_pidfile {
        let _ = fs::remove_file(path);
    }
}

fn beside(pidfile: &Path) -> PathBuf {
    let mut name = pidfile.as_os_str().to_owned();
    name.push(".selfheal");
    PathBuf::from(name)
}

fn replace(path: &Path, content: &str) -> io::Result<()> {
    files::replace(path, MODE, |file| file.write_all(content.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_what_can_be_a_process() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x.pid");
        assert!(matches!(read(&path), Pidfile::Missing));
        assert!(matches!(read(directory.path()), Pidfile::Unreadable(_)));
        for (content, expected) in [
            ("123\n", Some("123")),
            (" 123 ", Some("123")),
            // Signals to these reach groups, everything, or the system's first process.
            ("0", None),
            ("-1", None),
            ("1", None),
            ("", None),
            ("12x", None),
            ("99999999999", None),
        ] {
            fs::write(&path, content).expect("writes");
            let found = match read(&path) {
                Pidfile::Pid(pid) => Some(pid.to_string()),
                _ => None,
            };
            assert_eq!(found.as_deref(), expected, "{content:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_removed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x.pid");
        let note = Note::Started { pid: 77, start_ticks: 5 };
        write(&path, Pid::new(77).expect("a process id")).expect("writes");
        note.write(&path).expect("writes");
        assert!(matches!(read(&path), Pidfile::Pid(_)));
        assert_eq!(Note::read(&path), Some(note));
        let begun = Note::Starting(Begun::now().expect("this process runs"));
        begun.write(&path).expect("writes");
        assert_eq!(Note::read(&path), Some(begun));
        remove(&path, true);
        assert_eq!(fs::read_dir(directory.path()).expect("lists").count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_link_in_the_place_of_a_pidfile_is_neither_read_nor_written_through() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("of-another"), "77\n").expect("writes");
        for name in ["x.pid", "x.pid.selfheal", "x.pid.selfheal-new"] {
            std::os::unix::fs::symlink(at("of-another"), at(name)).expect("a link");
        }
        assert!(matches!(read(&at("x.pid")), Pidfile::Unreadable(_)));
        assert_eq!(Note::read(&at("x.pid")), None);
        let pid = Pid::new(nix::unistd::Pid::this().as_raw()).expect("a process id");
        record(&at("x.pid"), Process::running(pid).expect("it runs")).expect("on record");
        assert_eq!(fs::read_to_string(at("of-another")).expect("there"), "77\n");
        assert!(matches!(read(&at("x.pid")), Pidfile::Pid(found) if found == pid));
    }

    #[test]
    fn a_note_that_others_may_have_written_is_none() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x.pid");
        Note::Started { pid: 77, start_ticks: 5 }.write(&path).expect("writes");
        fs::set_permissions(beside(&path), fs::Permissions::from_mode(0o666)).expect("set");
        assert_eq!(Note::read(&path), None);
    }
}
