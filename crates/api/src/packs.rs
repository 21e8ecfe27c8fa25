//! Importing a file of patterns: receive it, read it whole, and only then change the base, in batches.
//!
//! While a batch is written nobody else writes; between two batches the engine has its turn. Each batch is on record with the
//! patterns it changed, in its own transaction, so that the trail tells what came in however an import ends. One that broke
//! off is simply done again: what came in already is unchanged then.

use std::path::Path;

use futures::{Stream, StreamExt};
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::{
    Local, PACK_BYTES, PackEntry, PackFault, PackInfo, Verdict, content_digest, entries_of, lower_trust, read_entries,
    weigh,
};
use selfheal_core::told::many;
use selfheal_core::{Timestamp, sha256_hex};
use selfheal_store::{ForeignDatabaseError, Tx, is_sqlite, read_icdev};
use tokio::io::AsyncWriteExt;

use crate::view::{ImportFault, ImportReply, ImportRow};
use crate::{ApiError, App, Principal};

/// Patterns that are written in one transaction.
const BATCH: usize = 500;
/// Faults, and patterns with something to say about them, that a reply lists.
const LISTED: usize = 1_000;
/// Characters of a file's name on record.
const FILE_NAME: usize = 200;

/// How a file is imported.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportOptions {
    pub file: String,
    pub replace: bool,
    pub skip_bad: bool,
    pub dry_run: bool,
}

/// A pattern that is to come in.
struct Incoming {
    entry: PackEntry,
    document: Option<String>,
    line: u64,
    row: Option<String>,
    notes: Vec<String>,
    lowered: bool,
}

/// A file that was read.
struct ReadFile {
    reply: ImportReply,
    bytes: usize,
    origin: &'static str,
    incoming: Vec<Incoming>,
}

impl App {
    /// Keeps a file that is sent beside the database until it has been looked at.
    pub(crate) async fn receive_pack(
        &self,
        mut body: impl Stream<Item = Result<impl AsRef<[u8]>, impl std::fmt::Display>> + Unpin,
    ) -> Result<tempfile::TempPath, ApiError> {
        let failed = |why: &dyn std::fmt::Display| ApiError::Internal(format!("the file could not be received: {why}"));
        let (file, path) = tempfile::Builder::new()
            .prefix("import-")
            .suffix(".part")
            .tempfile_in(self.home.data())
            .map_err(|error| failed(&error))?
            .into_parts();
        let (mut file, mut size) = (tokio::fs::File::from_std(file), 0u64);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| failed(&error))?;
            size += piece.as_ref().len() as u64;
            if size > PACK_BYTES {
                return Err(ApiError::Refused {
                    code: "pack_too_large",
                    what: "The file was not imported".into(),
                    why: format!("it has more than {PACK_BYTES} bytes"),
                    next: "Split it into several files.".into(),
                });
            }
            file.write_all(piece.as_ref()).await.map_err(|error| failed(&error))?;
        }
        file.flush().await.map_err(|error| failed(&error))?;
        Ok(path)
    }

    pub(crate) async fn import_knowledge(
        &self,
        file: &Path,
        mut options: ImportOptions,
        who: &Principal,
    ) -> Result<ImportReply, ApiError> {
        options.file = options.file.chars().filter(|c| !c.is_control()).take(FILE_NAME).collect();
        let ReadFile { mut reply, bytes, origin, incoming } = read_file(file).await?;
        reply.dry_run = options.dry_run;
        let may_begin = reply.refused == 0 || options.skip_bad;
        reply.applied = may_begin && !options.dry_run;
        let now = self.now();
        let total = incoming.len();
        let mut done = 0;
        for batch in incoming.chunks(BATCH) {
            done += batch.len();
            if !reply.applied {
                let mut tx = self.store().read().await?;
                for one in batch {
                    weigh_one(&mut tx, one, origin, options.replace, now, &mut reply).await?;
                }
                continue;
            }
            let mut tx = self.store().write().await?;
            let (mut patterns, mut documents, mut changed) = (Vec::new(), Vec::new(), Vec::new());
            for one in batch {
                let Some(change) = weigh_one(&mut tx, one, origin, options.replace, now, &mut reply).await? else {
                    continue;
                };
                changed.push(serde_json::json!({
                    "pattern": change.pattern.id, "outcome": change.outcome, "content_sha256": change.digest,
                }));
                documents.push((change.pattern.id.clone(), change.document, change.digest));
                patterns.push(change.pattern);
            }
            if patterns.is_empty() {
                continue;
            }
            tx.put_patterns(&patterns, now).await?;
            for (id, document, digest) in documents {
                tx.put_document(&id, document.as_deref(), Some(&digest), now, &who.name).await?;
            }
            tx.audit(NewEntry {
                at: now,
                event_type: "knowledge.imported",
                actor: who.name.clone(),
                incident_id: None,
                pattern_id: None,
                confidence: None,
                action: None,
                target: None,
                result: format!("{}, {done} of {total} of the file looked at", many(changed.len(), "pattern")),
                details: serde_json::json!({
                    "file": options.file, "sha256": reply.sha256, "bytes": bytes, "kind": reply.kind, "pack": reply.pack,
                    "replace": options.replace, "skip_bad": options.skip_bad, "refused": reply.refused,
                    "patterns": changed,
                }),
            })
            .await?;
            tx.commit().await?;
        }
        Ok(reply)
    }
}

/// A pattern that changes, as it is to be stored.
struct Change {
    pattern: selfheal_core::knowledge::Pattern,
    document: Option<String>,
    digest: String,
    outcome: &'static str,
}

/// Weighs one pattern against the base, and counts what becomes of it.
async fn weigh_one(
    tx: &mut Tx,
    one: &Incoming,
    origin: &str,
    replace: bool,
    now: Timestamp,
    reply: &mut ImportReply,
) -> Result<Option<Change>, ApiError> {
    let id = one.entry.pattern_id();
    let kept = tx.kept_pattern(&id).await?;
    let digest = content_digest(&one.entry);
    let local = kept.as_ref().map(|kept| Local { pattern: &kept.pattern, imported: kept.imported_digest.as_deref() });
    let (verdict, pattern) = weigh(local, one.entry.clone(), origin, replace, now);
    let mut notes = one.notes.clone();
    let outcome = match verdict {
        Verdict::Added => {
            reply.added += 1;
            "added"
        }
        Verdict::Updated { disarmed } => {
            reply.updated += 1;
            if disarmed {
                reply.disarmed += 1;
                notes.push("what it reads or does has changed: it does not heal by itself until you say so".into());
            }
            "updated"
        }
        Verdict::Unchanged => {
            reply.unchanged += 1;
            "unchanged"
        }
        Verdict::Taken => {
            reply.kept += 1;
            let name = kept.as_ref().map_or("", |kept| kept.pattern.name.as_str());
            notes.push(format!(
                "its id belongs to another pattern here, `{name}`, which stays as it is; give one of them a name that differs in a letter or digit, or an `id:` of its own"
            ));
            "kept"
        }
        Verdict::Kept { why } => {
            reply.kept += 1;
            notes.push(format!("{why}; replace it with --replace"));
            "kept"
        }
    };
    if pattern.is_some() && one.lowered {
        reply.lowered += 1;
    }
    // Of a pack only what was not simply taken is worth a line; of a foreign table every row is.
    if one.row.is_some() || !notes.is_empty() || outcome == "updated" {
        if reply.rows.len() < LISTED {
            reply.rows.push(ImportRow {
                pattern: id.to_string(),
                name: one.entry.name.clone(),
                outcome: outcome.to_owned(),
                line: one.line,
                row: one.row.clone(),
                notes,
            });
        } else {
            reply.omitted += 1;
        }
    }
    let own_document = kept.and_then(|kept| kept.document);
    Ok(pattern.map(|pattern| Change { pattern, document: one.document.clone().or(own_document), digest, outcome }))
}

/// Reads a file, whatever it is.
async fn read_file(file: &Path) -> Result<ReadFile, ApiError> {
    let unreadable = |error: std::io::Error| ApiError::Internal(format!("the file could not be read again: {error}"));
    let bytes = tokio::fs::read(file).await.map_err(unreadable)?;
    if is_sqlite(file).map_err(unreadable)? {
        return read_database(file, &bytes).await;
    }
    let read = tokio::task::spawn_blocking(move || read_pack_text(&bytes)).await;
    read.map_err(|error| ApiError::Internal(error.to_string()))?
}

fn read_pack_text(bytes: &[u8]) -> Result<ReadFile, ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ApiError::Refused {
        code: "not_a_pack",
        what: "The file was not imported".into(),
        why: format!("it is neither YAML in UTF-8 (byte {} is not) nor an SQLite database", error.valid_up_to()),
        next: "Give a knowledge pack, or an ICDEV database as its program left it.".into(),
    })?;
    let reading = read_entries(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut reply = reply_of("pack", bytes);
    reply.pack = reading.info.as_ref().map(named);
    reply.examples_failed = reading.has_failing_examples();
    reply.refused = refused(&reading.faults);
    for fault in reading.faults {
        list_fault(&mut reply, fault_view(fault));
    }
    let incoming = reading.entries.into_iter().map(|read| {
        let mut entry = read.entry;
        let lowered = lower_trust(&mut entry);
        entry.pack = entry.pack.or_else(|| reading.info.clone());
        Incoming { entry, document: read.document, line: read.line, row: None, notes: Vec::new(), lowered }
    });
    Ok(ReadFile { incoming: incoming.collect(), reply, bytes: bytes.len(), origin: "import" })
}

async fn read_database(file: &Path, bytes: &[u8]) -> Result<ReadFile, ApiError> {
    let rows = read_icdev(file).await.map_err(|error| ApiError::Refused {
        code: "not_an_icdev_database",
        what: "The database was not imported".into(),
        why: error.to_string(),
        next: match error {
            ForeignDatabaseError::Ours => {
                "Take its patterns over with `selfheal --home ITS_HOME knowledge export --out FILE.yaml`, or everything with `selfheal backup`."
            }
            ForeignDatabaseError::Damaged(_) => {
                "Nothing was changed. Close the program that has it open and copy it again, or mend it with `sqlite3 FILE .recover`."
            }
            _ => "Give the file in which ICDEV keeps its patterns, mostly data/icdev.db.",
        }
        .into(),
    })?;
    let mut reply = reply_of("icdev", bytes);
    let found = tokio::task::spawn_blocking(move || entries_of(&rows))
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let mut incoming = Vec::new();
    for one in found {
        match one.entry {
            Ok(entry) => incoming.push(Incoming {
                entry,
                document: None,
                line: 0,
                row: Some(one.row),
                notes: one.notes,
                lowered: one.lowered,
            }),
            Err(why) => {
                reply.refused += 1;
                let next = "Give it a name there, or leave it out with --skip-bad.".to_owned();
                list_fault(&mut reply, ImportFault { line: 0, column: 0, row: Some(one.row), name: None, why, next });
            }
        }
    }
    Ok(ReadFile { reply, bytes: bytes.len(), origin: "icdev", incoming })
}

fn reply_of(kind: &str, bytes: &[u8]) -> ImportReply {
    ImportReply { kind: kind.to_owned(), sha256: sha256_hex(bytes), ..ImportReply::default() }
}

fn named(info: &PackInfo) -> String {
    format!("{} {}", info.name, info.version)
}

/// How many entries are behind these faults: an entry may have several.
fn refused(faults: &[PackFault]) -> usize {
    let mut places: Vec<_> = faults.iter().map(|fault| (fault.line, &fault.name)).collect();
    places.dedup();
    places.len()
}

fn list_fault(reply: &mut ImportReply, fault: ImportFault) {
    if reply.faults.len() < LISTED {
        reply.faults.push(fault);
    } else {
        reply.omitted += 1;
    }
}

fn fault_view(fault: PackFault) -> ImportFault {
    let PackFault { line, column, name, why, next, is_example: _ } = fault;
    ImportFault { line, column, row: None, name, why, next }
}
