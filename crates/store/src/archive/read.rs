//! Reads a backup line by line, and checks a whole one before anything is done with it.

use std::io::{BufRead, BufReader, Read};

use flate2::read::GzDecoder;
use selfheal_core::audit::{Entry, Verifier};
use selfheal_core::{AuditId, BasisPoints, IncidentId, PatternId};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::write::hex;
use super::{About, ArchiveError, AuditHead, Contents, FORMAT, Manifest, ManifestLine, TableLine, TableSum};

/// Bytes of one line. No row of ours is nearly as long; what is, was made to exhaust memory.
const LINE_LIMIT: u64 = 256 * 1024 * 1024;

/// A row of `audit_trail`.
#[derive(serde::Deserialize)]
struct AuditRow {
    id: i64,
    at: i64,
    event_type: String,
    actor: String,
    incident_id: Option<i64>,
    pattern_id: Option<String>,
    confidence: Option<u32>,
    action: Option<String>,
    target: Option<String>,
    result: String,
    controls: String,
    details: String,
    evidence_digest: String,
    prev_hash: String,
    hash: String,
}

impl AuditRow {
    /// `None` where a score is none.
    fn entry(self) -> Option<Entry> {
        let confidence = match self.confidence.map(BasisPoints::new) {
            Some(score) => Some(score.ok()?),
            None => None,
        };
        Some(Entry {
            id: AuditId(self.id),
            at: self.at.into(),
            event_type: self.event_type,
            actor: self.actor,
            incident_id: self.incident_id.map(IncidentId),
            pattern_id: self.pattern_id.map(PatternId),
            confidence,
            action: self.action,
            target: self.target,
            result: self.result,
            controls: self.controls,
            details: self.details,
            evidence_digest: self.evidence_digest,
            prev_hash: self.prev_hash,
            hash: self.hash,
            // Whose it is is asked where the trail lives: here it is looked at whether it is whole.
            seal: None,
        })
    }
}

/// One line after the first.
pub(super) enum Line {
    Table { name: String, columns: Vec<String> },
    Row(Vec<Value>),
    End(Manifest),
}

pub(super) struct Reader<R: Read> {
    lines: BufReader<GzDecoder<R>>,
    total: Sha256,
    /// The line that was read last, with its break.
    pub bytes: Vec<u8>,
    number: u64,
}

impl<R: Read> Reader<R> {
    /// Reads the first line.
    pub fn open(file: R) -> Result<(About, Self), ArchiveError> {
        let lines = BufReader::with_capacity(128 * 1024, GzDecoder::new(file));
        let mut reader = Self { lines, total: Sha256::new(), bytes: Vec::new(), number: 0 };
        let not_ours = |why: String| ArchiveError::NotOurs(why);
        reader.read().map_err(|error| not_ours(error.to_string()))?;
        let about: About = serde_json::from_slice(&reader.bytes).map_err(|error| not_ours(error.to_string()))?;
        if about.format != FORMAT {
            return Err(ArchiveError::Format { found: about.format });
        }
        reader.total.update(&reader.bytes);
        Ok((about, reader))
    }

    fn read(&mut self) -> Result<(), ArchiveError> {
        self.bytes.clear();
        self.number += 1;
        match (&mut self.lines).take(LINE_LIMIT).read_until(b'\n', &mut self.bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(ArchiveError::CutOff),
            Err(error)
                if matches!(error.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData) =>
            {
                Err(self.damaged(&error))
            }
            Err(error) => Err(error.into()),
            Ok(_) if self.bytes.last() != Some(&b'\n') => Err(ArchiveError::CutOff),
            Ok(_) => Ok(()),
        }
    }

    /// The next line. The manifest's digest of all before it is checked here.
    pub fn next(&mut self) -> Result<Line, ArchiveError> {
        self.read()?;
        let line = if self.bytes.first() == Some(&b'[') {
            Line::Row(serde_json::from_slice(&self.bytes).map_err(|error| self.damaged(&error))?)
        } else if self.bytes.starts_with(b"{\"manifest\"") {
            let end: ManifestLine = serde_json::from_slice(&self.bytes).map_err(|error| self.damaged(&error))?;
            if hex(self.total.clone()) != end.sha256 {
                return Err(ArchiveError::Digest { what: "lines".into() });
            }
            Line::End(end.manifest)
        } else {
            let table: TableLine = serde_json::from_slice(&self.bytes).map_err(|error| self.damaged(&error))?;
            Line::Table { name: table.table, columns: table.columns }
        };
        self.total.update(&self.bytes);
        Ok(line)
    }

    /// After the last line: nothing more, and the checksum of the whole file, which covers the last line too.
    fn finish(&mut self) -> Result<(), ArchiveError> {
        match self.lines.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(self.damaged(&"something stands after its end")),
            Err(error) => Err(self.damaged(&error)),
        }
    }

    fn damaged(&self, why: &impl ToString) -> ArchiveError {
        ArchiveError::Damaged { line: self.number, why: why.to_string() }
    }
}

/// Checks a whole backup: every digest, every count, and the chain of its audit trail. `ours` is the schema of the
/// database that it is meant for.
pub fn check_archive(file: impl Read, ours: i64) -> Result<Contents, ArchiveError> {
    let (about, mut reader) = Reader::open(file)?;
    if about.schema > ours {
        return Err(ArchiveError::Newer { found: about.schema, ours });
    }
    let mut sums: Vec<(TableSum, Sha256)> = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    let (mut chain, mut head) = (Verifier::default(), None);
    loop {
        match reader.next()? {
            Line::Table { name, columns: named } => {
                columns = named;
                sums.push((TableSum { name, rows: 0, sha256: String::new() }, Sha256::new()));
            }
            Line::Row(values) => {
                let misplaced = reader.damaged(&"a row that belongs to no table, or has not its columns");
                let Some((sum, digest)) = sums.last_mut().filter(|_| values.len() == columns.len()) else {
                    return Err(misplaced);
                };
                sum.rows += 1;
                digest.update(&reader.bytes);
                if sum.name == "audit_trail" {
                    let row: Map<String, Value> = columns.iter().cloned().zip(values).collect();
                    let row: AuditRow =
                        serde_json::from_value(Value::Object(row)).map_err(|error| reader.damaged(&error))?;
                    let entry = row.entry().ok_or_else(|| reader.damaged(&"an audit entry that nobody writes"))?;
                    chain.check(&entry).map_err(ArchiveError::Chain)?;
                    head = Some(AuditHead { id: entry.id, hash: entry.hash });
                }
            }
            Line::End(manifest) => {
                let sums: Vec<TableSum> =
                    sums.into_iter().map(|(sum, digest)| TableSum { sha256: hex(digest), ..sum }).collect();
                if let Some(wrong) = manifest.tables.iter().zip(&sums).find(|(named, found)| named != found) {
                    return Err(ArchiveError::Digest { what: format!("rows of {}", wrong.0.name) });
                }
                if manifest.tables.len() != sums.len() {
                    return Err(ArchiveError::Digest { what: "tables".into() });
                }
                if manifest.audit != head {
                    return Err(ArchiveError::Head);
                }
                reader.finish()?;
                return Ok(Contents { about, manifest });
            }
        }
    }
}
