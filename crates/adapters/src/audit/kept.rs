//! The checkpoints that a home signed, one JSON object a line, in a file that is only ever appended to.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use selfheal_core::audit::Checkpoint;
use selfheal_engine::ports::SignerError;

use crate::files::{self, Links};

/// Bytes of a line that is one. A checkpoint has about 400.
const LINE: u64 = 4_096;

#[derive(Clone, Debug)]
pub struct KeptCheckpoints {
    path: PathBuf,
}

impl KeptCheckpoints {
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn append(&self, checkpoint: &Checkpoint) -> Result<(), SignerError> {
        self.try_append(checkpoint).map_err(|why| self.failed("written", &why))
    }

    fn try_append(&self, checkpoint: &Checkpoint) -> std::io::Result<()> {
        let mut file = files::append(&self.path, 0o600)?;
        let mut line = String::new();
        // After a power cut the last line may have no end.
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                line.push('\n');
            }
        }
        line.push_str(&serde_json::to_string(checkpoint)?);
        line.push('\n');
        file.write_all(line.as_bytes())?;
        file.sync_data()
    }

    /// Every checkpoint that was kept, and what is wrong with lines that are none. A file that is not there is empty.
    pub fn read(&self) -> Result<(Vec<Checkpoint>, Vec<String>), SignerError> {
        match files::open(&self.path, Links::Refuse) {
            Ok(file) => self.lines(file).map_err(|why| self.failed("read", &why)),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok((Vec::new(), Vec::new())),
            Err(why) => Err(self.failed("read", &why)),
        }
    }

    /// Another trail takes the place of the one that these belong to: they are kept under another name. Returns where.
    pub fn set_aside(&self, stamp: &str) -> Result<Option<PathBuf>, SignerError> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(format!(".before-{stamp}"));
        let aside = PathBuf::from(aside);
        match std::fs::rename(&self.path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(self.failed("set aside", &why)),
        }
    }

    fn lines(&self, file: File) -> std::io::Result<(Vec<Checkpoint>, Vec<String>)> {
        let mut reader = BufReader::new(file);
        let (mut kept, mut problems, mut line) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1.. {
            line.clear();
            if (&mut reader).take(LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(checkpoint) => kept.push(checkpoint),
                // Cut off by a power cut, alone or before the line that was written next.
                Err(_) if !line.trim_ascii_end().ends_with(b"}") => {}
                Err(error) => problems.push(format!("{} line {number}: {error}", self.path.display())),
            }
        }
        Ok((kept, problems))
    }

    fn failed(&self, verb: &str, why: &std::io::Error) -> SignerError {
        SignerError {
            what: format!("the checkpoints of the audit trail in {} cannot be {verb}", self.path.display()),
            why: why.to_string(),
            next: "Check that the folder belongs to you and that there is room".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use selfheal_core::audit::{KeyId, Signature};
    use selfheal_core::{AuditId, Timestamp};

    use super::*;

    fn checkpoint(id: i64) -> Checkpoint {
        Checkpoint {
            entry_id: AuditId(id),
            entry_hash: "0".repeat(64),
            entries: id as u64,
            at: Timestamp::EPOCH,
            key_id: KeyId("0".repeat(32)),
            signature: Signature::from_bytes([0; 64]),
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.checkpoints");
        let kept = KeptCheckpoints::at(path.clone());
        assert_eq!(kept.read().expect("empty"), (vec![], vec![]));
        kept.append(&checkpoint(1)).expect("kept");
        kept.append(&checkpoint(2)).expect("kept");
        let whole = std::fs::read(&path).expect("there");
        std::fs::write(&path, &whole[..whole.len() - 30]).expect("torn");
        assert_eq!(kept.read().expect("read"), (vec![checkpoint(1)], vec![]));
        kept.append(&checkpoint(3)).expect("kept");
        assert_eq!(kept.read().expect("read"), (vec![checkpoint(1), checkpoint(3)], vec![]));
    }

    #[test]
    fn a_line_that_is_no_checkpoint_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.checkpoints");
        let kept = KeptCheckpoints::at(path.clone());
        kept.append(&checkpoint(1)).expect("kept");
        let text = std::fs::read_to_string(&path).expect("there");
        std::fs::write(&path, text.replace("\"entries\":1", "\"entries\":\"x\"")).expect("changed");
        let (kept, problems) = kept.read().expect("read");
        assert!(kept.is_empty() && problems.len() == 1 && problems[0].contains("line 1"), "{problems:?}");
    }
}
