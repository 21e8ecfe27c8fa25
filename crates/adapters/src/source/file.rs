//! Follows a log file through rotation and truncation, by polling.
//!
//! The stored checkpoint is the only position: every poll reads from the one it is given, so that a batch that could
//! not be stored is read again. What is kept between polls are open handles, through which a file that was renamed or
//! deleted is read to its end, and since when nothing new came.
//!
//! What a program wrote between the last poll and a truncation in place (`copytruncate`) is lost, as logrotate says.

use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use selfheal_core::config;
use selfheal_core::detect::parse_record;
use selfheal_core::{SourceName, Span, Timestamp};
use selfheal_engine::ports::{Batch, Checkpoint, Source, SourceError};

use crate::files::{self, Links};

use super::mark::{Mark, inode};
use super::records::{Limits, Read};
use super::rotation;

/// A record that may still grow is handed out when nothing new came for this long.
const QUIET: Span = Span::from_millis(500);

/// A [`Source`] that reads one log file.
#[derive(Debug)]
pub struct FileSource {
    name: SourceName,
    /// In a mutex because reading runs on a thread for blocking work. Polls never overlap, so nobody waits for it.
    reader: Arc<Mutex<Reader>>,
}

impl FileSource {
    pub fn new(name: SourceName, spec: &config::FileSource) -> Self {
        let reader = Reader {
            path: spec.path.clone(),
            from_start: spec.from_start,
            limits: Limits::default(),
            handles: Vec::new(),
            first: None,
            still: None,
        };
        Self { name, reader: Arc::new(Mutex::new(reader)) }
    }
}

#[async_trait]
impl Source for FileSource {
    fn name(&self) -> &SourceName {
        &self.name
    }

    fn at_most(&mut self, records: usize) {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).limits.records = records.max(1);
    }

    async fn poll(&mut self, from: Option<&Checkpoint>, now: Timestamp) -> Result<Batch, SourceError> {
        let mark = from.and_then(Mark::read);
        if mark.is_none() && from.is_some() {
            tracing::warn!(source = %self.name, "the stored position is not one of a file: starting as if it were new");
        }
        let reader = Arc::clone(&self.reader);
        tokio::task::spawn_blocking(move || {
            reader.lock().unwrap_or_else(PoisonError::into_inner).poll(mark.as_ref(), now)
        })
        .await
        .unwrap_or_else(|error| {
            Err(SourceError::Unreadable {
                what: self.name.to_string(),
                why: error.to_string(),
                next: "It is tried again with the next poll".to_owned(),
            })
        })
    }
}

#[derive(Debug)]
struct Reader {
    path: PathBuf,
    from_start: bool,
    limits: Limits,
    /// The file being read, and the one that follows it once the caller was told to go on there. The older one is kept
    /// until the caller does.
    handles: Vec<Arc<File>>,
    /// Where reading began. Kept for a caller that comes again without a checkpoint: the end of the file moves.
    first: Option<Mark>,
    still: Option<Still>,
}

/// The end of a file, and since when it stands there.
#[derive(Debug)]
struct Still {
    inode: u64,
    end: u64,
    since: Timestamp,
}

impl Reader {
    fn poll(&mut self, from: Option<&Mark>, now: Timestamp) -> Result<Batch, SourceError> {
        let (file, start) = match from.or(self.first.as_ref()).cloned() {
            Some(mark) => self.find(mark)?,
            None => self.begin()?,
        };
        self.read(&file, &start, from, now).map_err(|error| self.unreadable(&error))
    }

    fn read(&mut self, file: &File, start: &Mark, from: Option<&Mark>, now: Timestamp) -> io::Result<Batch> {
        let mut read = Read::from(file, start.offset, start.skip_line, self.limits)?;
        let settled = match read.end {
            Some(end) => self.is_still(inode(file)?, end, now),
            None => false,
        };
        if settled {
            read.flush();
        }
        let mut next = Mark::at(file, read.offset, read.skip_line)?;
        let mut more = read.end.is_none();
        if settled && self.was_rotated(file)? {
            match self.successor(file)? {
                Some(successor) => {
                    next = Mark::at(&successor, 0, false)?;
                    more = true;
                    self.handles.push(successor);
                }
                // Said only when there is nothing left to hand out.
                None if read.records.is_empty() && Some(&next) == from => {
                    fs::metadata(&self.path)?;
                }
                None => {}
            }
        }
        let checkpoint = (Some(&next) != from).then(|| next.checkpoint());
        let records = read.records.iter().map(|raw| parse_record(raw, now)).collect();
        Ok(Batch { records, checkpoint, more })
    }

    /// Reads a new file from its start or its end. A file that was missing when first looked for is new from its start.
    fn begin(&mut self) -> Result<(Arc<File>, Mark), SourceError> {
        let opened = open(&self.path);
        if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            self.from_start = true;
        }
        let start = |file: File| {
            let offset = if self.from_start { 0 } else { file.metadata()?.len() };
            let skip_line = !ends_line(&file, offset)?;
            let mark = Mark::at(&file, offset, skip_line)?;
            Ok((Arc::new(file), mark))
        };
        let (file, mark) = opened.and_then(start).map_err(|error| self.unreadable(&error))?;
        self.first = Some(mark.clone());
        self.handles = vec![Arc::clone(&file)];
        Ok((file, mark))
    }

    /// The file that the mark was made in: still open, in its place, or rotated away. Where what was read is gone from
    /// it, it was truncated, and is read from its start; where it is gone itself, so is what stands in its place.
    fn find(&mut self, mark: Mark) -> Result<(Arc<File>, Mark), SourceError> {
        let is_marked = |file: &Arc<File>| mark.is_in(file).unwrap_or(false);
        if let Some(index) = self.handles.iter().position(is_marked) {
            self.handles.drain(..index);
            return Ok((Arc::clone(&self.handles[0]), mark));
        }
        let mut candidates = mem::take(&mut self.handles);
        candidates.extend(rotation::chain(&self.path).iter().rev().filter_map(|path| open(path).ok()).map(Arc::new));
        let (file, mark) = if let Some(file) = candidates.iter().find(|file| is_marked(file)) {
            (Arc::clone(file), mark)
        } else {
            let same = candidates.iter().find(|file| inode(file).is_ok_and(|inode| inode == mark.inode));
            let file = same.cloned().map_or_else(|| open(&self.path).map(Arc::new), Ok);
            tracing::info!(path = %self.path.display(), "truncated or replaced: read from its start");
            file.and_then(|file| Ok((Arc::clone(&file), Mark::at(&file, 0, false)?)))
                .map_err(|error| self.unreadable(&error))?
        };
        self.handles.push(Arc::clone(&file));
        Ok((file, mark))
    }

    /// Whether the file has ended there for a while. A clock that went back starts the while anew.
    fn is_still(&mut self, inode: u64, end: u64, now: Timestamp) -> bool {
        match &self.still {
            Some(still) if (still.inode, still.end) == (inode, end) && still.since <= now => {
                now.since(still.since) >= QUIET
            }
            _ => {
                self.still = Some(Still { inode, end, since: now });
                false
            }
        }
    }

    fn was_rotated(&self, file: &File) -> io::Result<bool> {
        let inode_here = inode(file)?;
        Ok(open(&self.path).and_then(|there| inode(&there)).map_or(true, |there| there != inode_here))
    }

    /// The file that was begun after this one; after one that is no longer in its directory, the log itself. Not an
    /// empty one: until something is written there, the writer may still hold the old one.
    fn successor(&self, file: &File) -> io::Result<Option<Arc<File>>> {
        let inode_here = inode(file)?;
        let mut chain = Vec::new();
        for path in rotation::chain(&self.path) {
            if let Ok(next) = open(&path) {
                chain.push((inode(&next)?, path == self.path, next));
            }
        }
        let here = chain.iter().position(|(inode, ..)| *inode == inode_here);
        let newer =
            chain.into_iter().enumerate().filter(|(index, (_, is_log, _))| here.map_or(*is_log, |here| here < *index));
        for (_, (_, _, next)) in newer {
            if next.metadata()?.len() > 0 {
                return Ok(Some(Arc::new(next)));
            }
        }
        Ok(None)
    }

    fn unreadable(&self, error: &io::Error) -> SourceError {
        let (why, next) = match error.kind() {
            io::ErrorKind::NotFound => (
                "there is no such file (yet)".to_owned(),
                "It is read as soon as it is there; if it never comes, correct the source's `path`",
            ),
            io::ErrorKind::PermissionDenied => (
                "permission denied".to_owned(),
                "Let the user that runs Selfheal read it, for example through the group that owns it",
            ),
            io::ErrorKind::IsADirectory => {
                ("it is a directory".to_owned(), "Name the log file itself in the source's `path`")
            }
            io::ErrorKind::InvalidInput => (error.to_string(), "Name a regular file in the source's `path`"),
            _ => (error.to_string(), "It is tried again with the next poll"),
        };
        SourceError::Unreadable { what: self.path.display().to_string(), why, next: next.to_owned() }
    }
}

/// Opens a regular file; a log may be a link to one.
fn open(path: &Path) -> io::Result<File> {
    files::open(path, Links::Follow)
}

/// Whether a line begins at `offset`.
fn ends_line(mut file: &File, offset: u64) -> io::Result<bool> {
    use io::{Read, Seek, SeekFrom};
    let Some(last) = offset.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}
