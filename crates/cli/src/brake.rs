//! The emergency brake as the command line puts it on: a file in the home, for which neither engine nor database is needed.
//!
//! Invariant: it is on before anybody is asked, and stays on until somebody has taken over what it holds.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::args::Place;
use crate::connect;

pub struct Brake {
    file: PathBuf,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New,
    /// Somebody else's: it stays where it is.
    WasThere,
}

impl Brake {
    /// The brake of this home. None where the engine is on another machine, and where there is no home: a folder that no engine
    /// looks at would look like a pause and stop nothing.
    pub fn of(place: &Place) -> anyhow::Result<Option<Self>> {
        if place.server.is_some() {
            return Ok(None);
        }
        let home = connect::home(place)?;
        Ok(home.data().is_dir().then(|| Self { file: home.pause() }))
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Puts it on. What is there is neither followed nor replaced.
    pub fn put(&self) -> std::io::Result<Put> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file) {
            Ok(mut file) => {
                // That it is there counts. On a full disk these words are lost.
                let _ = writeln!(file, "Nothing runs while this file is there. `selfheal resume` removes it.");
                Ok(Put::New)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists && self.file.exists() => Ok(Put::WasThere),
            Err(error) => Err(error),
        }
    }

    /// Takes it off. Whether it was on.
    pub fn release(&self) -> anyhow::Result<bool> {
        match std::fs::remove_file(&self.file) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => anyhow::bail!(
                "the emergency brake stays on: {} cannot be removed: {error}. Remove it and try again",
                self.file.display()
            ),
        }
    }
}
