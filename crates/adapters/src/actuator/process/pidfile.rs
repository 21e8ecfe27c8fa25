//! The pidfile, and beside it what Selfheal noted when it started the program itself.
//!
//! A process id alone does not name a process, since ids are used again. The note (`PIDFILE.selfheal`) keeps the start
//! time with it, which together do.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::table::Pid;

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
const SHOWN: usize = 40;

pub fn read(path: &Path) -> Pidfile {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
            text.trim().parse().ok().and_then(Pid::new).map_or(Pidfile::Garbage(text), Pidfile::Pid)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Pidfile::Missing,
        Err(error) => Pidfile::Unreadable(error),
    }
}

/// A process that Selfheal started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub pid: i32,
    /// In clock ticks since the host started.
    pub start_ticks: u64,
}

impl Note {
    /// Reads the note beside a pidfile. One that cannot be read is none.
    pub fn read(pidfile: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(beside(pidfile)).ok()?).ok()
    }

    pub fn write(self, pidfile: &Path) -> io::Result<()> {
        replace(&beside(pidfile), &serde_json::to_string(&self)?)
    }
}

/// Writes the process id, at once or not at all: nobody reads half of it.
pub fn write(path: &Path, pid: Pid) -> io::Result<()> {
    replace(path, &format!("{pid}\n"))
}

/// Removes the note, and the pidfile too where it is Selfheal that writes it. What is not there is removed already.
pub fn remove(path: &Path, also_pidfile: bool) {
    let _ = fs::remove_file(beside(path));
    if also_pidfile {
        let _ = fs::remove_file(path);
    }
}

fn beside(pidfile: &Path) -> PathBuf {
    with_suffix(pidfile, ".selfheal")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn replace(path: &Path, content: &str) -> io::Result<()> {
    let temporary = with_suffix(path, ".selfheal-new");
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
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
        let note = Note { pid: 77, start_ticks: 5 };
        write(&path, Pid::new(77).expect("a process id")).expect("writes");
        note.write(&path).expect("writes");
        assert!(matches!(read(&path), Pidfile::Pid(_)));
        assert_eq!(Note::read(&path), Some(note));
        remove(&path, true);
        assert_eq!(fs::read_dir(directory.path()).expect("lists").count(), 0, "nothing is left behind");
    }
}
