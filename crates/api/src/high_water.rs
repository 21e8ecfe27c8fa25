//! `data/high_water.json`: what the home remembers of its databases, outside of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use selfheal_adapters::files::{self, Links};
use selfheal_engine::{HighWater, Mark};
use serde::{Deserialize, Serialize};

use crate::whole_file::replace;

/// Bytes of the file: each database has about two hundred.
const BYTES: u64 = 1 << 20;

/// A mark in the home's file, for one of the databases that the home is used with.
pub struct MarkFile {
    path: PathBuf,
    database: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Marks {
    databases: BTreeMap<String, Mark>,
}

impl MarkFile {
    pub fn new(path: PathBuf, database: String) -> Self {
        Self { path, database }
    }

    fn read(&self) -> Result<Marks, String> {
        match files::read(&self.path, Links::Follow, BYTES) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.words(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Marks::default()),
            Err(error) => Err(self.words(&error)),
        }
    }

    fn words(&self, error: &dyn std::fmt::Display) -> String {
        format!("{}: {error}", self.path.display())
    }
}

impl HighWater for MarkFile {
    fn load(&self) -> Result<Option<Mark>, String> {
        Ok(self.read()?.databases.remove(&self.database))
    }

    fn store(&self, mark: &Mark) -> Result<(), String> {
        // What cannot be read is not worth keeping: only a person's word leads here then.
        let mut marks = self.read().unwrap_or_default();
        marks.databases.insert(self.database.clone(), mark.clone());
        let text = serde_json::to_vec_pretty(&marks).map_err(|error| self.words(&error))?;
        replace(&self.path, |file| file.write_all(&text)).map_err(|error| self.words(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfheal_core::{AuditId, Timestamp};

    #[test]
    fn each_database_has_a_mark_of_its_own_and_a_broken_file_is_no_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("high_water.json");
        let mark = |id| Mark { id: AuditId(id), hash: "h".into(), latest: Timestamp::EPOCH, signed: None };
        let (one, other) = (MarkFile::new(path.clone(), "one".into()), MarkFile::new(path.clone(), "other".into()));
        assert_eq!(one.load(), Ok(None));
        one.store(&mark(1)).expect("stored");
        other.store(&mark(2)).expect("stored");
        assert_eq!((one.load(), other.load()), (Ok(Some(mark(1))), Ok(Some(mark(2)))));
        std::fs::write(&path, "{ half").expect("written");
        assert!(one.load().expect_err("refused").contains("high_water.json"));
        one.store(&mark(3)).expect("stored");
        assert_eq!(one.load(), Ok(Some(mark(3))));
    }
}
