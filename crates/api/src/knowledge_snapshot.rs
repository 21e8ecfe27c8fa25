//! `data/knowledge.snapshot`: the knowledge base as the home saw it last.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use selfheal_adapters::files::{self, Links};
use selfheal_core::AuditId;
use selfheal_core::matching::KnowledgeBase;
use selfheal_core::matching::snapshot::{Bodies, Damaged, Label, open, save};
use selfheal_engine::{Snapshot, Snapshots};

use crate::whole_file::replace;

/// The home's file, for the database that the home is used with.
pub struct SnapshotFile {
    path: PathBuf,
    database: String,
}

/// Patterns are read from the file that was opened, also when another one has taken its place.
#[derive(Debug)]
struct OpenFile(Arc<File>);

impl Bodies for OpenFile {
    fn read(&self, at: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.0.read_exact_at(buffer, at)
    }
}

impl SnapshotFile {
    pub fn new(path: PathBuf, database: String) -> Self {
        Self { path, database }
    }

    fn words(&self, error: &dyn std::fmt::Display) -> String {
        format!("{}: {error}", self.path.display())
    }
}

impl Snapshots for SnapshotFile {
    fn load(&self) -> Result<Option<(Snapshot, KnowledgeBase)>, String> {
        let file = match files::open(&self.path, Links::Refuse) {
            Ok(file) => Arc::new(file),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.words(&error)),
        };
        match open(file.as_ref(), Arc::new(OpenFile(Arc::clone(&file)))) {
            Ok((label, base)) if label.database == self.database => {
                let audit = (AuditId(label.audit_id), label.audit_hash);
                Ok(Some((Snapshot { version: label.version, audit }, base)))
            }
            // Of another database, or of another version of this program: neither is a fault.
            Ok(_) | Err(Damaged::OtherDialect) => Ok(None),
            Err(error) => Err(self.words(&error)),
        }
    }

    fn store(&self, snapshot: &Snapshot, base: &KnowledgeBase) -> Result<(), String> {
        let Snapshot { version, audit: (id, hash) } = snapshot;
        let (audit_id, audit_hash) = (id.0, hash.clone());
        let label = Label { database: self.database.clone(), version: *version, audit_id, audit_hash };
        replace(&self.path, |out| save(base, &label, out)).map_err(|error| self.words(&error))
    }

    fn remove(&self) -> Result<(), String> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.words(&error)),
            _ => Ok(()),
        }
    }
}
