//! Backup and restore, while the engine runs.
//!
//! A backup is streamed from one read transaction. A restore checks the whole backup first, then replaces everything in one
//! writing transaction, in which what was there before is saved: nothing can be lost between the two. Afterwards automation
//! is paused until a person resumes it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{Stream, StreamExt};
use selfheal_adapters::files;
use selfheal_core::audit::NewEntry;
use selfheal_core::told::count;
use selfheal_core::{HOUR, Posture, Timestamp};
use selfheal_store::{About, ArchiveError, Automation, Contents, StoreError, Tx, check_archive};
use tokio::io::AsyncWriteExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::{ApiError, App, Principal};

/// Pieces of a backup that wait for a slow reader.
const AHEAD: usize = 16;

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    pub contents: Contents,
    /// What was there before; `None` where nothing was.
    pub safety: Option<PathBuf>,
    pub carried: usize,
}

impl App {
    /// Streams a backup. It is on record when the stream has ended without an error.
    pub(crate) fn backup(
        self: &Arc<Self>,
        who: &Principal,
    ) -> impl Stream<Item = Result<Vec<u8>, std::io::Error>> + Send + use<> {
        let (sender, receiver) = tokio::sync::mpsc::channel(AHEAD);
        let (app, who) = (Arc::clone(self), who.name.clone());
        let made = tokio::spawn(async move {
            let now = app.now();
            let mut tx = app.store().read().await?;
            let contents = tx.archive(now, &who, &sender).await?;
            drop(tx);
            let mut tx = app.store().write().await?;
            let result = count(contents.manifest.rows(), "row");
            tx.audit(entry("backup.made", &who, result, now, serde_json::json!({ "manifest": contents.manifest })))
                .await?;
            tx.commit().await
        });
        // A reader must not take a stream that broke off for a whole one.
        let end = futures::stream::once(async move {
            match made.await {
                Ok(Ok(())) => Ok(Vec::new()),
                Ok(Err(error)) => Err(std::io::Error::other(error.to_string())),
                Err(error) => Err(std::io::Error::other(error.to_string())),
            }
        });
        ReceiverStream::new(receiver).map(Ok).chain(end)
    }

    /// Keeps a backup that is sent in a file of the home until it has been looked at.
    pub(crate) async fn spool(
        &self,
        mut body: impl Stream<Item = Result<impl AsRef<[u8]>, impl std::fmt::Display>> + Unpin,
    ) -> Result<tempfile::TempPath, ApiError> {
        let folder = self.home.data();
        let failed =
            |why: &dyn std::fmt::Display| ApiError::Internal(format!("the backup could not be received: {why}"));
        let (file, path) = tempfile::Builder::new()
            .prefix("restore-")
            .suffix(".part")
            .tempfile_in(folder)
            .map_err(|error| failed(&error))?
            .into_parts();
        let mut file = tokio::fs::File::from_std(file);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| failed(&error))?;
            file.write_all(piece.as_ref()).await.map_err(|error| failed(&error))?;
        }
        file.flush().await.map_err(|error| failed(&error))?;
        Ok(path)
    }

    /// Puts a backup in the place of everything that is there.
    pub(crate) async fn restore(&self, file: &Path, who: &Principal) -> Result<Restored, ApiError> {
        let mut tx = self.store().read().await?;
        let schema = tx.schema().await?;
        drop(tx);
        let contents = checked(file.to_owned(), schema).await?;
        // The engine would only find the database locked, and then another one than it knows.
        let _still = self.engine.stand_still();
        // From here on nobody else writes: what is saved is what is replaced.
        let mut tx = self.store().write().await?;
        let now = self.now();
        if tx.actions_in_flight().await? > 0 {
            return Err(ApiError::Conflict {
                code: "action_in_flight",
                what: "Nothing was restored".into(),
                why: "an action is under way, and its outcome would be lost".into(),
                next: "Pause automation (`selfheal pause`), wait until the action has ended, and try again.".into(),
            });
        }
        let safety = if tx.is_empty().await? { None } else { Some(self.save(&mut tx, who, now).await?) };
        let replaced = tx.audit_head().await?;
        let cooldown = self.engine.config().self_healing.cooldown_minutes;
        let kept = tx.keep(now - HOUR.max(selfheal_core::Span::from_minutes(cooldown))).await?;
        tx.replace_all(BufReader::new(opened(file)?)).await.map_err(refused)?;
        let carried = tx.carry_over(&kept, &who.name, now).await?;
        let now = tx.observe_clock(now).await?;
        let About { made_at, made_by, .. } = &contents.about;
        tx.put_automation(&Automation {
            posture: Posture::Paused,
            until: None,
            then: Posture::Paused,
            set_by: who.name.clone(),
            set_at: now,
            reason: Some(format!("restored from a backup of {made_at} by {made_by}")),
        })
        .await?;
        let details = serde_json::json!({
            "backup": { "made_at": made_at, "made_by": made_by, "audit": contents.manifest.audit },
            // The trail that this one took the place of ended here; the safety backup holds it.
            "replaced": replaced.map(|(id, hash)| serde_json::json!({ "id": id, "hash": hash })),
            "safety_backup": safety.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy()),
            "carried_starts": carried,
            "automation": "paused",
        });
        let result = format!("restored from a backup of {made_at}");
        tx.audit(entry("backup.restored", &who.name, result, now, details)).await?;
        tx.fence_everyone().await?;
        tx.commit().await?;
        crate::audit::replaced(self).await;
        self.engine.forget();
        if let Err(error) = self.engine.trust().await {
            // It will ask for a person's word: safe, and it says so.
            tracing::warn!(%error, "the restored database is not remembered yet");
        }
        Ok(Restored { contents, safety, carried })
    }

    /// Writes what is there into a backup beside the database, and makes sure that it is on the disk.
    async fn save(&self, tx: &mut Tx, who: &Principal, now: Timestamp) -> Result<PathBuf, ApiError> {
        let stamp: String = now.to_rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
        let path = self.home.data().join(format!("before-restore-{stamp}.selfheal"));
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(AHEAD);
        let target = path.clone();
        let writing = tokio::task::spawn_blocking(move || {
            use std::io::Write;
            files::replace(&target, 0o600, |file| {
                while let Some(chunk) = receiver.blocking_recv() {
                    file.write_all(&chunk)?;
                }
                Ok(())
            })
        });
        let saved = tx.archive(now, &who.name, &sender).await;
        drop(sender);
        let written = writing.await.map_err(|error| std::io::Error::other(error.to_string())).and_then(|result| result);
        if let Err(error) = written {
            let _ = std::fs::remove_file(&path);
            return Err(ApiError::Conflict {
                code: "no_safety_backup",
                what: "Nothing was restored".into(),
                why: format!("what is there now could not be saved to {}: {error}", path.display()),
                next: "Make room on that disk, and try again.".into(),
            });
        }
        saved?;
        Ok(path)
    }
}

/// Checks a backup in a file.
async fn checked(file: PathBuf, schema: i64) -> Result<Contents, ApiError> {
    let checked = tokio::task::spawn_blocking(move || check_archive(BufReader::new(File::open(file)?), schema));
    checked.await.map_err(|error| ApiError::Internal(error.to_string()))?.map_err(|error| refused(error.into()))
}

fn opened(file: &Path) -> Result<File, ApiError> {
    File::open(file).map_err(|error| ApiError::Internal(format!("the backup could not be read again: {error}")))
}

fn refused(error: StoreError) -> ApiError {
    match error {
        StoreError::Archive(error) => ApiError::Refused {
            code: "backup_damaged",
            what: "Nothing was restored".into(),
            why: error.to_string(),
            next: match error {
                ArchiveError::Newer { .. } | ArchiveError::Format { .. } => {
                    "Update this Selfheal, and try again.".into()
                }
                _ => "Use another backup; this one must not be relied on.".into(),
            },
        },
        other => other.into(),
    }
}

fn entry(event_type: &'static str, who: &str, result: String, at: Timestamp, details: serde_json::Value) -> NewEntry {
    NewEntry {
        at,
        event_type,
        actor: who.to_owned(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result,
        details,
    }
}

/// What a backup in a file holds, after it was checked whole; for whoever has just written it.
pub fn inspect_backup(file: &Path) -> Result<Contents, ArchiveError> {
    check_archive(BufReader::new(File::open(file)?), i64::MAX)
}
