//! The checkpoint of a file source: which file, and how far it was read.
//!
//! A file is known by its inode and by the bytes that stand just before the position. The inode alone is not enough:
//! after a rotation it may be that of a new file, and a file truncated in place keeps it. A digest of the file's head (as
//! Vector's file source takes) would not tell files apart that begin with the same banner, while the bytes before the
//! position usually carry a time. The device is left out, since its number may change at a restart of the host.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use selfheal_core::sha256_hex;
use selfheal_engine::ports::Checkpoint;
use serde::{Deserialize, Serialize};

/// Bytes before the position that must be the same.
const BEFORE: u64 = 256;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub inode: u64,
    /// Bytes from the file's start. Never inside a record, except where `skip_line` says so.
    pub offset: u64,
    /// Digest of the up to 256 bytes before `offset`.
    pub before: String,
    /// The offset lies in a line whose beginning was handed out or is not wanted: the rest of it is dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_line: bool,
}

impl Mark {
    /// The position `offset` in `file`, as it is now.
    pub fn at(file: &File, offset: u64, skip_line: bool) -> io::Result<Self> {
        Ok(Self { inode: inode(file)?, offset, before: before(file, offset)?.unwrap_or_default(), skip_line })
    }

    /// Whether this mark was made in `file`, and what stood before it still stands there.
    pub fn is_in(&self, file: &File) -> io::Result<bool> {
        Ok(inode(file)? == self.inode && before(file, self.offset)?.as_ref() == Some(&self.before))
    }

    /// Reads a stored checkpoint; `None` where it is not one of ours.
    pub fn read(checkpoint: &Checkpoint) -> Option<Self> {
        Self::deserialize(&checkpoint.0).ok()
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(serde_json::json!(self))
    }
}

/// The digest of the bytes before `offset`; `None` where the file is shorter.
fn before(mut file: &File, offset: u64) -> io::Result<Option<String>> {
    if file.metadata()?.len() < offset {
        return Ok(None);
    }
    let length = offset.min(BEFORE);
    file.seek(SeekFrom::Start(offset - length))?;
    let mut bytes = Vec::with_capacity(BEFORE as usize);
    file.take(length).read_to_end(&mut bytes)?;
    let mut digest = sha256_hex(&bytes);
    digest.truncate(16);
    Ok((bytes.len() as u64 == length).then_some(digest))
}

#[cfg(unix)]
pub fn inode(file: &File) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.ino())
}

/// Elsewhere only the bytes before the position tell files apart.
#[cfg(not(unix))]
pub fn inode(_: &File) -> io::Result<u64> {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn knows_its_file_until_what_stood_before_it_changes() {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(b"one\ntwo\n").expect("writes");
        let mark = Mark::at(&file, 4, false).expect("reads");
        assert!(mark.is_in(&file).expect("reads"), "unchanged");
        file.write_all(b"three\n").expect("writes");
        assert!(mark.is_in(&file).expect("reads"), "grown");
        let other = tempfile::tempfile().expect("a temporary file");
        assert!(!mark.is_in(&other).expect("reads"), "another file");
        file.set_len(0).expect("truncates");
        assert!(!mark.is_in(&file).expect("reads"), "truncated");
        file.seek(SeekFrom::Start(0)).expect("seeks");
        file.write_all(b"new\nlines that are longer\n").expect("writes");
        assert!(!mark.is_in(&file).expect("reads"), "truncated, and filled past the mark");
        assert_eq!(Mark::read(&mark.checkpoint()), Some(mark));
        assert_eq!(Mark::read(&Checkpoint(serde_json::json!({"line": 3}))), None);
    }
}
