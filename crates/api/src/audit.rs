//! The trail of an opened home, checked: against the checkpoints in its database, those that the home keeps itself, what the
//! home remembers of both, the seals of what is not signed yet, and the triggers that keep it append-only.

use selfheal_core::audit::{
    ChainError, Checkpoint, KEY_ADDED, PublicKey, Report, Start, Trail, TrailError, first_is_missing, key_on_record,
    missing,
};
use selfheal_core::{Span, Timestamp};
use selfheal_engine::ports::Signer;
use selfheal_engine::{Mark, mended_entry};
use selfheal_store::{AuditFilter, Tx};

use crate::view::Verdict;
use crate::{ApiError, App};

/// How long what was found beside the trail itself is taken for what is there.
const FRESH: Span = Span::from_secs(60);
/// Earlier findings that are told with a check.
const NOTES: i64 = 5;

/// What a check of the whole trail found.
pub(crate) struct Checked {
    pub report: Report,
    /// Entries in the database, good or not.
    pub entries: u64,
    pub first_bad: Option<TrailError>,
    /// What is wrong beside the trail: something that keeps it was taken away.
    pub problems: Vec<String>,
    /// What was found and mended, or accepted, before.
    pub notes: Vec<String>,
}

impl Checked {
    pub(crate) const fn verdict(&self) -> Verdict {
        verdict(self.first_bad.is_some() || !self.problems.is_empty(), &self.report)
    }

    /// Everything that keeps it from being verified, in words.
    pub(crate) fn faults(&self) -> Vec<String> {
        let bad = self.first_bad.iter().map(ToString::to_string);
        bad.chain(self.problems.clone()).chain(self.report.doubts.iter().map(ToString::to_string)).collect()
    }
}

const fn verdict(broken: bool, report: &Report) -> Verdict {
    match (broken, report.doubts.is_empty()) {
        (true, _) => Verdict::Broken,
        (false, false) => Verdict::CannotTell,
        (false, true) => Verdict::Verified,
    }
}

/// What is known of the trail, for a screen.
pub(crate) struct Known {
    trail: Trail,
    problems: Vec<String>,
    at: Timestamp,
}

/// What a screen is told.
pub(crate) struct Looked {
    pub report: Report,
    pub verdict: Verdict,
    /// The first thing that is wrong or cannot be told.
    pub first_bad: Option<String>,
}

/// What a home has of the trail outside the database. Read before it: what stands here was committed there.
#[derive(Default)]
struct Outside {
    kept: Vec<Checkpoint>,
    mark: Option<Mark>,
    problems: Vec<String>,
}

/// Checks the whole trail, from its first entry on.
pub(crate) async fn check(app: &App) -> Result<Checked, ApiError> {
    let outside = outside(app).await;
    let mut tx = app.store().read().await?;
    let (trail, beside) = begin(app, &mut tx, &outside).await?;
    let mut problems = outside.problems;
    problems.extend(beside);
    let (trail, error) = tx.verify_audit(trail).await?;
    let entries = tx.audit_count(&AuditFilter::default()).await? as u64;
    let first_bad = error.or_else(|| trail.finish().err()).or_else(|| cut_off(&trail, outside.mark.as_ref()));
    let report = trail.report();
    let mut notes: Vec<String> = report
        .accepted
        .iter()
        .map(|taken| format!("entry {}: {} took the trail before it as it was, at {}", taken.entry, taken.by, taken.at))
        .collect();
    let mended = AuditFilter { event: "audit.mended".into(), ..AuditFilter::default() };
    if let Ok(mended) = tx.audit_entries(&mended, None, NOTES).await {
        notes.extend(mended.into_iter().map(|entry| format!("entry {}: {}", entry.id, entry.result)));
    }
    Ok(Checked { report, entries, first_bad, problems, notes })
}

/// Looks at what was written since the last look: whole at the first, and then from where the last one ended. A screen must
/// not cost more with every day of operation. [`check`] always begins at the first entry.
pub(crate) async fn look(app: &App) -> Result<Looked, ApiError> {
    let mut known = app.trail.lock().await;
    let now = app.now();
    let fresh = known.take().filter(|known| known.at <= now && now < known.at + FRESH);
    // Before the transaction: what stands outside was committed before.
    let outside = if fresh.is_none() { outside(app).await } else { Outside::default() };
    let mut tx = app.store().read().await?;
    let (trail, mut problems, at, mark) = match fresh {
        Some(Known { trail, problems, at }) => (trail, problems, at, None),
        None => {
            let (trail, beside) = begin(app, &mut tx, &outside).await?;
            (trail, [outside.problems, beside].concat(), now, outside.mark)
        }
    };
    let tail = tail_is_there(&trail, &mut tx).await?.map(TrailError::from);
    let (trail, error) = tx.verify_audit(trail).await?;
    let bad = tail.or(error).or_else(|| trail.finish().err()).or_else(|| cut_off(&trail, mark.as_ref()));
    if problems.is_empty() {
        problems = guards(&mut tx).await?;
    }
    let report = trail.report();
    let first_bad = bad.map(|bad| bad.to_string()).or_else(|| problems.first().cloned());
    let verdict = verdict(first_bad.is_some(), &report);
    let first_bad = first_bad.or_else(|| report.doubts.first().map(ToString::to_string));
    // What is wrong is looked at anew from the beginning, once in a while: it may have been mended or accepted since.
    *known = Some(Known { trail, problems, at });
    Ok(Looked { report, verdict, first_bad })
}

/// Another trail took the place of the one that was known: what was known of that one is set aside, and what this home signed
/// of the new one is kept.
pub(crate) async fn replaced(app: &App) {
    *app.trail.lock().await = None;
    let stamp: String = app.now().to_rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let stored = match app.store().read().await {
        Ok(mut tx) => tx.audit_checkpoints().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let own = own_key(app).map(|key| key.id());
    let file = app.kept.clone();
    let moved = tokio::task::spawn_blocking(move || {
        let aside = file.set_aside(&stamp)?;
        for checkpoint in stored.iter().filter(|checkpoint| Some(&checkpoint.key_id) == own.as_ref()) {
            file.append(checkpoint)?;
        }
        Ok::<_, selfheal_engine::ports::SignerError>(aside)
    });
    match moved.await {
        Ok(Ok(Some(place))) => {
            tracing::warn!(place = %place.display(), "the checkpoints of the trail that was replaced are kept there");
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => app.engine.problem("audit trail", Some(error.to_string())),
        Err(error) => app.engine.problem("audit trail", Some(error.to_string())),
    }
}

/// Makes the triggers again that keep the trail append-only, where they are missing. On record, in the same transaction.
pub(crate) async fn mend_guards(app: &App) -> Result<(), ApiError> {
    let missing = app.store().read().await?.audit_guards().await?.missing;
    if missing.is_empty() {
        return Ok(());
    }
    let mut tx = app.store().write().await?;
    // Another one may have been faster.
    let missing = tx.audit_guards().await?.missing;
    if missing.is_empty() {
        return Ok(());
    }
    let words = format!("what keeps the trail append-only was missing and was made again: {}", missing.join(", "));
    tx.mend_audit_guards(&missing).await?;
    tx.audit(mended_entry(words.clone(), app.now())).await?;
    tx.commit().await?;
    app.engine.problem("audit triggers", Some(format!("{words}. Somebody removed it: find out who")));
    Ok(())
}

/// The trail as far as nothing is known of it, and what is wrong beside it.
async fn begin(app: &App, tx: &mut Tx, outside: &Outside) -> Result<(Trail, Vec<String>), ApiError> {
    let stored = tx.audit_checkpoints().await?;
    let mut problems = guards(tx).await?;
    if let Some(own) = own_key(app) {
        let remembered = outside.mark.as_ref().and_then(|mark| mark.signed.as_ref());
        problems.extend(missing(&own.id(), &stored, &outside.kept, remembered).iter().map(ToString::to_string));
    }
    let entries = tx.audit_key_entries().await?;
    let first = entries.iter().find(|entry| entry.event_type == KEY_ADDED);
    let first = first.and_then(|entry| Some((key_on_record(entry)?.id(), entry.id)));
    problems.extend(first_is_missing(first, &stored, &outside.kept).iter().map(ToString::to_string));
    if let Some(mark) = &outside.mark
        && tx.audit_hash(mark.id).await?.is_some_and(|hash| hash != mark.hash)
    {
        problems.push(format!("entry {} is another one than this home has seen: the trail was replaced", mark.id));
    }
    let checkpoints = stored.into_iter().chain(outside.kept.iter().cloned()).collect();
    Ok((Trail::new(Start::Genesis, own_key(app), checkpoints), problems))
}

async fn guards(tx: &mut Tx) -> Result<Vec<String>, ApiError> {
    let guards = tx.audit_guards().await?;
    let missing = guards.missing.iter().map(|name| {
        format!("the trigger {name}, which keeps the trail append-only, is missing, off or changed: the next start makes it again")
    });
    let strange =
        guards.strange.iter().map(|name| format!("the trigger {name} of the audit trail is not one of Selfheal's"));
    Ok(missing.chain(strange).collect())
}

/// The home has seen an entry that is not there any more.
fn cut_off(trail: &Trail, mark: Option<&Mark>) -> Option<TrailError> {
    let (mark, last) = (mark?, trail.chain().last());
    let next = last.map_or(1, |last| last.0.saturating_add(1));
    (mark.id.0 >= next).then(|| ChainError::CutOff { id: selfheal_core::AuditId(next), last: mark.id }.into())
}

/// The key of this home.
pub(crate) fn own_key(app: &App) -> Option<PublicKey> {
    app.signer.as_ref().map(|signer| Signer::public_key(&**signer))
}

/// What was verified last must still be there, and the same.
async fn tail_is_there(trail: &Trail, tx: &mut Tx) -> Result<Option<ChainError>, ApiError> {
    let chain = trail.chain();
    let Some((last, hash)) = chain.last().zip(chain.last_hash()) else { return Ok(None) };
    Ok(match tx.audit_hash(last).await? {
        Some(found) if found == hash => None,
        Some(_) => Some(ChainError::Edited { id: last }),
        None => Some(ChainError::CutOff { id: last, last }),
    })
}

async fn outside(app: &App) -> Outside {
    let (mark, mut problems) = match app.engine.mark() {
        Ok(mark) => (mark, Vec::new()),
        Err(why) => (None, vec![format!("what this home remembers of the trail cannot be read: {why}")]),
    };
    let file = app.kept.clone();
    let kept = match tokio::task::spawn_blocking(move || file.read()).await {
        Ok(Ok((kept, faults))) => {
            problems.extend(faults);
            kept
        }
        Ok(Err(error)) => {
            problems.push(error.to_string());
            Vec::new()
        }
        Err(error) => {
            problems.push(error.to_string());
            Vec::new()
        }
    };
    Outside { kept, mark, problems }
}
