//! What runs of a program: behind its pidfile, or by Selfheal's own note where that names nothing that runs.

use std::io;

use selfheal_core::Blocker;
use selfheal_core::verify::TargetState;

use super::identity;
use super::pidfile::{self, Note, Pidfile};
use super::program::Program;
use super::table::{Pid, Process};

#[derive(Debug)]
pub enum State {
    Running(Process),
    NotRunning(String),
    /// The pidfile cannot be used: the blocker says why.
    Unknown(Blocker),
}

impl State {
    pub fn of(program: &Program) -> Self {
        let path = program.pidfile.display();
        let note = Note::read(&program.pidfile);
        let in_pidfile = match pidfile::read(&program.pidfile) {
            Pidfile::Missing => Err("not running: no pidfile".to_owned()),
            Pidfile::Garbage(text) => {
                return Self::Unknown(blocker(
                    "pidfile_garbage",
                    format!(
                        "{path} holds `{}`, which is no process id. Remove it if the program does not run",
                        text.trim()
                    ),
                ));
            }
            Pidfile::Unreadable(error) => {
                return Self::Unknown(blocker(
                    "pidfile_unreadable",
                    format!("{path} cannot be read: {error}. Let the user that runs Selfheal read and write it"),
                ));
            }
            Pidfile::Pid(pid) => ours(pid, program, note.as_ref()),
        };
        // An engine that died while it started the program wrote no pidfile, and somebody may have removed one.
        in_pidfile
            .or_else(|why| note.and_then(|note| note.process(program)).ok_or(why))
            .map_or_else(Self::NotRunning, Self::Running)
    }

    pub fn words(&self) -> String {
        match self {
            Self::Running(process) => format!("running (pid {})", process.pid),
            Self::NotRunning(words) => words.clone(),
            Self::Unknown(_) => "unknown: the pidfile cannot be used".to_owned(),
        }
    }

    /// For a verification.
    pub fn seen(self) -> TargetState {
        match self {
            Self::Running(process) => {
                TargetState::Running { instance: format!("pid {}, start {}", process.pid, process.start_ticks) }
            }
            Self::NotRunning(detail) => TargetState::NotRunning { detail },
            Self::Unknown(blocker) => TargetState::Unknown { detail: blocker.text },
        }
    }
}

fn ours(pid: Pid, program: &Program, note: Option<&Note>) -> Result<Process, String> {
    match Process::running(pid) {
        None => Err(format!("not running: process {pid} is gone")),
        Some(process) if identity::is_ours(process, program, note) => Ok(process),
        Some(process) => {
            Err(format!("not running: process {pid} of the pidfile is another program ({})", process.name()))
        }
    }
}

/// Puts a process that was found on record, where that did not happen: what stops the program may read the pidfile.
pub fn adopt(program: &Program, process: Process) -> io::Result<()> {
    if program.daemonizes {
        // The program writes its pidfile itself.
        return Ok(());
    }
    match pidfile::read(&program.pidfile) {
        Pidfile::Pid(pid) if pid == process.pid => Ok(()),
        _ => pidfile::record(&program.pidfile, process),
    }
}

pub fn blocker(code: &str, text: String) -> Blocker {
    Blocker { code: code.to_owned(), text }
}
