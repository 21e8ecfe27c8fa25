//! The bundle: the trail, or a part of it, in one file that can be checked without database, home or engine.
//!
//! JSON lines: a header, entries to the byte as they are stored, each checkpoint right after its entry, and an end with the
//! counts and the digest of every line before it, which the exporting home signs. Written and read line by line, so that
//! neither side ever holds it whole.

use std::collections::BTreeMap;
use std::io::BufRead;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Checkpoint, Entry, KeyId, PublicKey, Report, Signature, Start, Trail, TrailError};
use crate::{AuditId, IncidentId, Timestamp};

pub const FORMAT: &str = "selfheal-audit-bundle";
pub const VERSION: u32 = 2;

/// Versions that are read. The first had no seals.
const READ: [u32; 2] = [1, VERSION];

/// Bytes of one line. The longest entry there can be, an edit of a pattern with all its fields full, has less than half.
pub const LINE_LIMIT: u64 = 8 * 1024 * 1024;

/// What was chosen from the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of it.
    Trail,
    /// Everything from one entry on.
    Since(Timestamp),
    /// The entries of one incident.
    Incident(IncidentId),
}

impl Scope {
    const fn start(self) -> Start {
        match self {
            Self::Trail => Start::Genesis,
            Self::Since(_) => Start::Anywhere,
            Self::Incident(_) => Start::Chosen,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: String,
    pub version: u32,
    pub created_at: Timestamp,
    pub scope: Scope,
    /// The first and the last entry; null where there is none.
    pub first: Option<AuditId>,
    pub last: Option<AuditId>,
    /// The public keys that are on record.
    pub keys: Vec<PublicKey>,
    /// The key that signs the end; null where the exporting program has none.
    pub sealed_by: Option<KeyId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    entries: u64,
    checkpoints: u64,
    /// SHA-256 of every byte before this line.
    digest: String,
    signature: Option<Signature>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Entry(Entry),
    Checkpoint(Checkpoint),
    End(End),
}

/// What is signed at the end of a bundle.
pub fn seal_message(version: u32, digest: &str) -> Vec<u8> {
    format!("selfheal audit bundle {version}\n{digest}\n").into_bytes()
}

/// Writes a bundle, line by line.
pub struct Writer {
    digest: Sha256,
    entries: u64,
    checkpoints: u64,
}

impl Writer {
    pub fn begin(header: Header) -> (Self, String) {
        let mut this = Self { digest: Sha256::new(), entries: 0, checkpoints: 0 };
        let line = this.line(Line::Header(header));
        (this, line)
    }

    pub fn entry(&mut self, entry: Entry) -> String {
        self.entries += 1;
        self.line(Line::Entry(entry))
    }

    pub fn checkpoint(&mut self, checkpoint: Checkpoint) -> String {
        self.checkpoints += 1;
        self.line(Line::Checkpoint(checkpoint))
    }

    /// The last line. `sign` is handed [`seal_message`].
    pub fn end(mut self, sign: impl FnOnce(&[u8]) -> Option<Signature>) -> String {
        let digest = crate::digest::to_hex(&self.digest.finalize_reset());
        let signature = sign(&seal_message(VERSION, &digest));
        let end = End { entries: self.entries, checkpoints: self.checkpoints, digest, signature };
        self.line(Line::End(end))
    }

    fn line(&mut self, line: Line) -> String {
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        self.digest.update(&text);
        text
    }
}

/// What is wrong with a bundle, and in which line.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the bundle cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("line {line}: {fault}")]
    Bad { line: u64, fault: Fault },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("this is no audit bundle of Selfheal: {0}")]
    NotABundle(String),
    #[error("the bundle has format version {0}, and this program reads version {VERSION}: use a newer Selfheal")]
    Version(u32),
    #[error("the line is longer than {LINE_LIMIT} bytes; no entry is")]
    TooLong,
    #[error("the line is no part of a bundle: {0}")]
    Unreadable(String),
    #[error("a bundle has one header, and it is the first line")]
    SecondHeader,
    #[error("the bundle ends here without its last line: its end was cut off")]
    CutOff,
    #[error("something follows the bundle's last line")]
    AfterTheEnd,
    #[error("a checkpoint of entry {0} stands here, and that is not the entry before it")]
    CheckpointElsewhere(AuditId),
    #[error("entry {entry} does not belong to incident {incident}")]
    OtherIncident { entry: AuditId, incident: IncidentId },
    #[error("{0}")]
    Trail(TrailError),
    #[error("the header names the entries {stated}, and the bundle has {found}: entries were taken away or added")]
    Range { stated: String, found: String },
    #[error("the end counts {stated}, and the bundle has {found}: lines were taken away or added")]
    Count { stated: String, found: String },
    #[error("the digest at the end is not that of the lines before it: the bundle was changed")]
    Digest,
    #[error("the end is not signed by key {0}, which the header names")]
    Seal(KeyId),
    #[error("the end is signed by key {0}, which is not one of the expected keys")]
    UnexpectedSeal(KeyId),
    #[error("nothing in this bundle is signed by an expected key")]
    NothingSigned,
}

/// What was found good in a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleReport {
    pub header: Header,
    pub trail: Report,
    /// Whether the keys were given by whoever checks; else they come from the bundle itself.
    pub pinned: bool,
    /// The key that signed the whole file.
    pub sealed_by: Option<KeyId>,
}

/// Checks a bundle. With `expected` keys nothing else is trusted; without, the keys that the bundle brings along.
pub fn verify(mut input: impl BufRead, expected: &[PublicKey]) -> Result<BundleReport, BundleError> {
    let (mut number, mut buffer) = (0, Vec::new());
    let mut reader: Option<Reader> = None;
    loop {
        number += 1;
        let more = read_line(&mut input, &mut buffer, number)?;
        let bad = |fault| BundleError::Bad { line: number, fault };
        reader = match (reader, more) {
            (None, false) => return Err(bad(Fault::NotABundle("it is empty".into()))),
            (None, true) => Some(Reader::begin(&buffer, expected).map_err(bad)?),
            (Some(reader), false) if reader.report.is_none() => return Err(bad(Fault::CutOff)),
            (Some(Reader { report: Some(report), .. }), false) => return Ok(*report),
            (Some(mut reader), _) => {
                reader.line(&buffer).map_err(bad)?;
                Some(reader)
            }
        };
    }
}

/// Reads one line with its end. False where there is none.
fn read_line(input: &mut impl BufRead, buffer: &mut Vec<u8>, line: u64) -> Result<bool, BundleError> {
    buffer.clear();
    std::io::Read::take(&mut *input, LINE_LIMIT + 1).read_until(b'\n', buffer)?;
    let bad = |fault| Err(BundleError::Bad { line, fault });
    match buffer.last() {
        None => Ok(false),
        Some(b'\n') => Ok(true),
        Some(_) if buffer.len() as u64 > LINE_LIMIT => bad(Fault::TooLong),
        Some(_) if line == 1 => bad(Fault::NotABundle("its first line has no end".into())),
        Some(_) => bad(Fault::CutOff),
    }
}

struct Reader {
    header: Header,
    trail: Trail,
    pinned: bool,
    keys: BTreeMap<KeyId, PublicKey>,
    digest: Sha256,
    last_hash: String,
    checkpoints: u64,
    /// There once the end was reached.
    report: Option<Box<BundleReport>>,
}

impl Reader {
    fn begin(line: &[u8], expected: &[PublicKey]) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
            version: u32,
        }
        #[derive(Deserialize)]
        struct Any {
            header: Format,
        }
        // The version first: what a newer one's header looks like is not known here.
        let any: Any = serde_json::from_slice(line).map_err(|error| Fault::NotABundle(error.to_string()))?;
        if any.header.format != FORMAT {
            return Err(Fault::NotABundle(format!("its format is `{:.40}`", any.header.format)));
        }
        if !READ.contains(&any.header.version) {
            return Err(Fault::Version(any.header.version));
        }
        let Line::Header(header) = parse(line)? else { return Err(Fault::NotABundle("it has no header".into())) };
        let pinned = !expected.is_empty();
        let trusted = if pinned { expected.to_vec() } else { header.keys.clone() };
        let keys = trusted.iter().map(|key| (key.id(), key.clone())).collect();
        // Also without expected keys: what signs must stand in the header, where everybody sees it.
        let trail = Trail::new(header.scope.start(), trusted, Vec::new()).pinned();
        let mut digest = Sha256::new();
        digest.update(line);
        Ok(Self { header, trail, pinned, keys, digest, last_hash: String::new(), checkpoints: 0, report: None })
    }

    fn line(&mut self, text: &[u8]) -> Result<(), Fault> {
        if self.report.is_some() {
            return Err(Fault::AfterTheEnd);
        }
        match parse(text)? {
            Line::Header(_) => return Err(Fault::SecondHeader),
            Line::Entry(entry) => {
                if let Scope::Incident(incident) = self.header.scope
                    && entry.incident_id != Some(incident)
                {
                    return Err(Fault::OtherIncident { entry: entry.id, incident });
                }
                self.trail.check(&entry).map_err(Fault::Trail)?;
                self.last_hash = entry.hash;
            }
            Line::Checkpoint(checkpoint) => {
                let id = checkpoint.entry_id;
                if self.trail.chain().last() != Some(id) {
                    return Err(Fault::CheckpointElsewhere(id));
                }
                self.trail.add(checkpoint);
                self.trail.compare(id, &self.last_hash).map_err(|error| Fault::Trail(error.into()))?;
                self.checkpoints += 1;
            }
            Line::End(end) => self.report = Some(Box::new(self.end(&end)?)),
        }
        self.digest.update(text);
        Ok(())
    }

    fn end(&self, end: &End) -> Result<BundleReport, Fault> {
        let trail = self.trail.finish().map_err(Fault::Trail)?;
        let range = |first: Option<AuditId>, last: Option<AuditId>| match first.zip(last) {
            Some((first, last)) => format!("{first} to {last}"),
            None => "none".to_owned(),
        };
        let (stated, found) = (range(self.header.first, self.header.last), range(trail.first, trail.last));
        if stated != found {
            return Err(Fault::Range { stated, found });
        }
        let counts = |entries: u64, checkpoints: u64| format!("{entries} entries and {checkpoints} checkpoints");
        let (stated, found) = (counts(end.entries, end.checkpoints), counts(trail.entries, self.checkpoints));
        if stated != found {
            return Err(Fault::Count { stated, found });
        }
        if end.digest != crate::digest::to_hex(&self.digest.clone().finalize()) {
            return Err(Fault::Digest);
        }
        let sealed_by = match (&self.header.sealed_by, &end.signature) {
            (None, None) => None,
            (Some(id), Some(signature)) => {
                let key = self.keys.get(id).ok_or_else(|| Fault::UnexpectedSeal(id.clone()))?;
                if !key.signed(&seal_message(self.header.version, &end.digest), signature) {
                    return Err(Fault::Seal(id.clone()));
                }
                Some(id.clone())
            }
            (Some(id), None) => return Err(Fault::Seal(id.clone())),
            (None, Some(_)) => return Err(Fault::Unreadable("it is signed, and the header names no key".into())),
        };
        if self.pinned && sealed_by.is_none() && trail.signed_to.is_empty() {
            return Err(Fault::NothingSigned);
        }
        Ok(BundleReport { header: self.header.clone(), trail, pinned: self.pinned, sealed_by })
    }
}

fn parse(line: &[u8]) -> Result<Line, Fault> {
    serde_json::from_slice(line).map_err(|error| Fault::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::{Key, signed};
    use super::*;

    fn header(scope: Scope, entries: &[Entry], key: &Key) -> Header {
        Header {
            format: FORMAT.into(),
            version: VERSION,
            created_at: Timestamp::EPOCH,
            scope,
            first: entries.first().map(|entry| entry.id),
            last: entries.last().map(|entry| entry.id),
            keys: vec![key.public()],
            sealed_by: Some(key.public().id()),
        }
    }

    fn bundle(scope: Scope, entries: &[Entry], checkpoints: &[Checkpoint], key: &Key) -> Vec<String> {
        let (mut writer, first) = Writer::begin(header(scope, entries, key));
        let mut lines = vec![first];
        for entry in entries {
            lines.push(writer.entry(entry.clone()));
            let here = checkpoints.iter().filter(|checkpoint| checkpoint.entry_id == entry.id);
            lines.extend(here.map(|checkpoint| writer.checkpoint(checkpoint.clone())));
        }
        lines.push(writer.end(|message| Some(key.sign(message))));
        lines
    }

    fn check(lines: &[String], expected: &[PublicKey]) -> Result<BundleReport, String> {
        verify(lines.concat().as_bytes(), expected).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bundle_says_exactly_what_was_verified() {
        let key = Key::new(1);
        let (entries, checkpoints) = signed(7, 3, &key);
        let whole = bundle(Scope::Trail, &entries, &checkpoints, &key);
        let report = check(&whole, &[key.public()]).expect("good");
        assert_eq!((report.trail.entries, report.trail.linked, report.trail.checkpoints), (7, 7, 3));
        assert_eq!((report.pinned, report.trail.signed()), (true, Some(AuditId(7))));
        assert!(!check(&whole, &[]).expect("good").pinned);
        // A part: what its first entry follows is not known.
        let part = bundle(Scope::Since(Timestamp::EPOCH), &entries[2..], &checkpoints, &key);
        let report = check(&part, &[]).expect("good");
        assert_eq!((report.trail.entries, report.trail.linked), (5, 4));
        // Chosen entries: only neighbours are linked.
        let chosen: Vec<Entry> = entries.iter().filter(|e| e.incident_id == Some(IncidentId(2))).cloned().collect();
        let report = check(&bundle(Scope::Incident(IncidentId(2)), &chosen, &[], &key), &[]).expect("good");
        assert_eq!((report.trail.entries, report.trail.linked), (1, 0));
        assert_eq!(report.sealed_by, Some(key.public().id()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let key = Key::new(1);
        let (entries, checkpoints) = signed(5, 2, &key);
        let good = bundle(Scope::Trail, &entries, &checkpoints, &key);
        let changed = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines = good.clone();
            change(&mut lines);
            check(&lines, &[]).expect_err("must be found")
        };
        for (error, words) in [
            (changed(&|l| l.clear()), "line 1: this is no audit bundle"),
            (changed(&|l| l[0] = "{}\n".into()), "line 1: this is no audit bundle"),
            (
                changed(&|l| l[0] = l[0].replace("\"version\":2", "\"version\":3")),
                "line 1: the bundle has format version 3",
            ),
            (changed(&|l| l[1] = l[1].replace("engine", "nobody")), "line 2: entry 1 was changed"),
            (changed(&|l| drop(l.remove(1))), "line 2: entry 1 is missing"),
            (changed(&|l| l[2] = "{\"entry\":1}\n".into()), "line 3: the line is no part of a bundle"),
            (changed(&|l| l.insert(1, l[0].clone())), "line 2: a bundle has one header"),
            (changed(&|l| l.truncate(4)), "line 5: the bundle ends here"),
            (changed(&|l| l.push("{}\n".into())), "line 11: something follows"),
            (changed(&|l| l.swap(3, 4)), "line 5: a checkpoint of entry 2 stands here"),
            (
                changed(&|l| {
                    l[3] = l[3].replace("\"entries\":\"", "").replace("\"signature\":\"", "\"signature\":\"00")
                }),
                "line 4:",
            ),
            (changed(&|l| drop(l.remove(3))), "the end counts"),
            (changed(&|l| l[0] = l[0].replace("1970", "1971")), "line 10: the digest at the end"),
            (changed(&|l| l[9].truncate(20)), "line 10: the bundle ends here"),
        ] {
            assert!(error.starts_with(words) || error.contains(words), "{error} / {words}");
        }
    }

    #[test]
    fn a_bundle_of_another_key_is_not_taken_for_the_expected_one() {
        let (key, other) = (Key::new(1), Key::new(2));
        let (entries, checkpoints) = signed(5, 2, &other);
        let forged = bundle(Scope::Trail, &entries, &checkpoints, &other);
        assert!(check(&forged, &[]).is_ok(), "by itself it is consistent");
        let error = check(&forged, &[key.public()]).expect_err("must be found");
        assert!(error.contains("not trusted"), "{error}");
        // Without checkpoints, and without a seal.
        let bare = bundle(Scope::Trail, &entries, &[], &other);
        let error = check(&bare, &[key.public()]).expect_err("must be found");
        assert!(error.contains("not one of the expected keys"), "{error}");
        let (mut writer, first) = Writer::begin(Header { sealed_by: None, ..header(Scope::Trail, &entries, &key) });
        let mut lines = vec![first];
        lines.extend(entries.iter().map(|entry| writer.entry(entry.clone())));
        lines.push(writer.end(|_| None));
        assert!(check(&lines, &[]).is_ok());
        let error = check(&lines, &[key.public()]).expect_err("must be found");
        assert!(error.contains("nothing in this bundle is signed"), "{error}");
    }

    #[test]
    fn what_no_checkpoint_covers_is_held_to_its_seals_in_a_bundle_too() {
        let key = Key::new(1);
        let mut entries = crate::audit::tests_support::sealed(4, &key);
        let good = bundle(Scope::Trail, &entries, &[], &key);
        assert!(check(&good, &[key.public()]).expect("good").trail.doubts.is_empty());
        entries[3].seal = None;
        for expected in [vec![], vec![key.public()]] {
            let error = check(&bundle(Scope::Trail, &entries, &[], &key), &expected).expect_err("must be found");
            assert!(error.contains("entry 4 has no seal"), "{error}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let error = verify(std::io::BufReader::new(std::io::repeat(b'x')), &[]).expect_err("no bundle");
        assert!(error.to_string().contains("longer than"), "{error}");
    }
}
