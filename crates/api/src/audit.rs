//! The trail of an opened home, checked: against the checkpoints in its database and those that the home keeps itself.

use selfheal_core::audit::{ChainError, Checkpoint, PublicKey, Report, Start, Trail, TrailError};
use selfheal_engine::ports::Signer;
use selfheal_store::Tx;

use crate::{ApiError, App};

/// What a check of the whole trail found.
pub(crate) struct Checked {
    pub report: Report,
    /// Entries in the database, good or not.
    pub entries: u64,
    pub first_bad: Option<TrailError>,
    pub problems: Vec<String>,
}

/// Checks the whole trail, from its first entry on.
pub(crate) async fn check(app: &App) -> Result<Checked, ApiError> {
    // The file first: what it says was committed before, so the database must have it.
    let (kept, problems) = kept(app).await;
    let mut tx = app.store().read().await?;
    let trail = begin(app, &mut tx, kept).await?;
    let (trail, error) = tx.verify_audit(trail).await?;
    let entries = tx.audit_count(&Default::default()).await? as u64;
    let first_bad = error.or_else(|| trail.finish().err());
    Ok(Checked { report: trail.report(), entries, first_bad, problems })
}

/// Looks at what was written since the last look: whole at the first, and then from where the last one ended. A screen must
/// not cost more with every day of operation. [`check`] always begins at the first entry.
pub(crate) async fn look(app: &App) -> Result<(Report, Option<TrailError>), ApiError> {
    let mut known = app.trail.lock().await;
    let known_checkpoints = if known.is_none() { kept(app).await.0 } else { Vec::new() };
    let mut tx = app.store().read().await?;
    let trail = match known.take() {
        Some(trail) => trail,
        None => begin(app, &mut tx, known_checkpoints).await?,
    };
    let tail = tail_is_there(&trail, &mut tx).await?.map(TrailError::from);
    let (trail, error) = tx.verify_audit(trail).await?;
    let first_bad = tail.or(error).or_else(|| trail.finish().err());
    let report = trail.report();
    *known = Some(trail);
    Ok((report, first_bad))
}

/// Another trail took the place of the one that was known: what was known of that one is set aside.
pub(crate) async fn replaced(app: &App) {
    *app.trail.lock().await = None;
    let stamp: String = app.now().to_rfc3339().chars().filter(char::is_ascii_alphanumeric).collect();
    let file = app.kept.clone();
    match tokio::task::spawn_blocking(move || file.set_aside(&stamp)).await {
        Ok(Ok(Some(place))) => {
            tracing::warn!(place = %place.display(), "the checkpoints of the trail that was replaced are kept there");
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => app.engine.problem("audit trail", Some(error.to_string())),
        Err(error) => app.engine.problem("audit trail", Some(error.to_string())),
    }
}

async fn begin(app: &App, tx: &mut Tx, kept: Vec<Checkpoint>) -> Result<Trail, ApiError> {
    let mut checkpoints = tx.audit_checkpoints().await?;
    checkpoints.extend(kept);
    Ok(Trail::new(Start::Genesis, own_key(app), checkpoints))
}

/// The key of this home.
pub(crate) fn own_key(app: &App) -> Option<PublicKey> {
    app.signer.as_ref().map(|signer| signer.public_key())
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

/// The checkpoints that this home keeps, and what is wrong with its file.
async fn kept(app: &App) -> (Vec<Checkpoint>, Vec<String>) {
    let file = app.kept.clone();
    match tokio::task::spawn_blocking(move || file.read()).await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => (Vec::new(), vec![error.to_string()]),
        Err(error) => (Vec::new(), vec![error.to_string()]),
    }
}
