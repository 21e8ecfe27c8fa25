//! Who is let in over TCP: the tokens of this process, the one that the home keeps, and those of the database.
//!
//! Invariant: a token that was removed, has expired or has another role now is worth nothing from then on, also on a
//! stream of events that was opened before, and also where another process of the same database removed it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use selfheal_core::Timestamp;
use selfheal_store::Store;
use tokio::sync::watch;

use crate::token::{Accepted, Presented, digest, identify, random};
use crate::{ApiError, Principal, Role, Secret, whole_file};

/// The name under which the token that the home keeps is listed and taken back.
pub const KEPT: &str = "serve";
/// How old what is known of the database's tokens may be for a stream that is open already.
const FRESH: Duration = Duration::from_millis(250);
/// Streams of events of one token.
const STREAMS: usize = 16;

pub struct Access {
    /// Tokens that only this process knows.
    session: Mutex<Vec<Accepted>>,
    kept: PathBuf,
    /// The tokens of the database as they were a moment ago, for streams.
    seen: tokio::sync::Mutex<Option<(Instant, Vec<Accepted>)>>,
    changed: watch::Sender<()>,
    streams: Mutex<BTreeMap<String, usize>>,
}

impl Access {
    pub fn new(kept: PathBuf) -> Self {
        Self {
            session: Mutex::default(),
            kept,
            seen: Default::default(),
            changed: watch::Sender::new(()),
            streams: Mutex::default(),
        }
    }

    /// A token for this process's lifetime.
    pub fn for_this_process(&self, name: &str, role: Role) -> Result<Secret, getrandom::Error> {
        let secret = random()?;
        let accepted =
            Accepted { name: name.to_owned(), person: name.to_owned(), role, digest: digest(&secret), expires: None };
        lock(&self.session).push(accepted);
        Ok(secret)
    }

    /// The token that the home keeps, so that a bookmark outlives a restart. Made where there is none, or where others than
    /// its owner could read it.
    pub fn kept_token(&self) -> std::io::Result<Secret> {
        match read_kept(&self.kept) {
            Ok(Some(secret)) => return Ok(secret),
            Ok(None) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, file = %self.kept.display(), "the token is made anew"),
        }
        let secret = random().map_err(std::io::Error::other)?;
        whole_file::replace(&self.kept, |out| writeln!(out, "{}", secret.expose()))?;
        Ok(secret)
    }

    pub fn kept_in(&self) -> &Path {
        &self.kept
    }

    /// Whether there is a token that the home keeps, and since when.
    pub fn kept_since(&self) -> Option<Timestamp> {
        let made = std::fs::symlink_metadata(&self.kept).ok()?.modified().ok()?;
        read_kept(&self.kept).ok()??;
        let since = made.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?))
    }

    /// Takes back what the home keeps. True where there was one.
    pub fn forget_kept(&self) -> std::io::Result<bool> {
        match std::fs::remove_file(&self.kept) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Who a token belongs to. The tokens of this home are known without the database: whoever looks for what is wrong with
    /// it can get in.
    pub async fn identify(&self, presented: &Secret, store: &Store, now: Timestamp) -> Result<Presented, ApiError> {
        match identify(presented, &self.own(), now) {
            Presented::Unknown => Ok(identify(presented, &stored(store).await?, now)),
            known => Ok(known),
        }
    }

    /// Whether somebody who was let in would still be let in, as the same. What cannot be found out is no.
    pub async fn still(&self, who: &Principal, store: &Store, now: Timestamp) -> bool {
        let Some(token) = &who.token else { return true };
        let holds = |accepted: &Accepted| {
            accepted.digest == *token
                && accepted.role == who.role
                && accepted.name == who.name
                && accepted.expires.is_none_or(|at| now < at)
        };
        if self.own().iter().any(holds) {
            return true;
        }
        let mut seen = self.seen.lock().await;
        if seen.as_ref().is_none_or(|(at, _)| at.elapsed() > FRESH) {
            let asked = Instant::now();
            *seen = stored(store).await.ok().map(|tokens| (asked, tokens));
        }
        seen.as_ref().is_some_and(|(_, tokens)| tokens.iter().any(holds))
    }

    /// Tokens were added or removed: streams look at once.
    pub async fn changed(&self) {
        *self.seen.lock().await = None;
        self.changed.send_replace(());
    }

    pub fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// A place for a stream of events, or `None` where this token has too many. Whoever owns the home has as many as there
    /// are connections.
    pub fn seat(self: &Arc<Self>, who: &Principal) -> Option<Seat> {
        if let Some(token) = &who.token {
            let mut streams = lock(&self.streams);
            let open = streams.entry(token.clone()).or_default();
            if *open >= STREAMS {
                return None;
            }
            *open += 1;
        }
        Some(Seat { access: Arc::clone(self), token: who.token.clone() })
    }

    /// The tokens that are known without the database.
    fn own(&self) -> Vec<Accepted> {
        let mut own = lock(&self.session).clone();
        // Read each time: it is small, and taking it away is enough to take it back.
        if let Ok(Some(kept)) = read_kept(&self.kept) {
            let Principal { name, person, role, .. } = Principal::local();
            own.push(Accepted { name, person, role, digest: digest(&kept), expires: None });
        }
        own
    }
}

/// A stream of events that is open, counted until it is dropped.
pub struct Seat {
    access: Arc<Access>,
    token: Option<String>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(token) = &self.token else { return };
        let mut streams = lock(&self.access.streams);
        if let Some(open) = streams.get_mut(token) {
            *open -= 1;
            if *open == 0 {
                streams.remove(token);
            }
        }
    }
}

/// What stands in the file, where it is a token. An error where others could have read it.
fn read_kept(path: &Path) -> std::io::Result<Option<Secret>> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let no_link = nix::fcntl::OFlag::O_NOFOLLOW.bits() | nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = std::fs::File::options().read(true).custom_flags(no_link).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.mode() & 0o077 != 0 || about.uid() != nix::unistd::geteuid().as_raw() {
        return Err(std::io::Error::other("it is no file that only its owner may read"));
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, 1_024), &mut text)?;
    let text = text.trim();
    let is_token = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_token.then(|| Secret::new(text)))
}

async fn stored(store: &Store) -> Result<Vec<Accepted>, ApiError> {
    let mut tx = store.read().await?;
    Ok(tx
        .tokens()
        .await?
        .into_iter()
        .filter_map(|token| {
            let expires = token.expires();
            // Told apart from the operating system's users by its prefix.
            let name = format!("token:{}", token.name);
            let person = if token.person.is_empty() { token.name } else { token.person };
            Some(Accepted { role: Role::parse(&token.role)?, name, person, digest: token.digest, expires })
        })
        .collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_kept_token_outlives_a_restart_is_private_and_can_be_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("serve.token");
        let first = Access::new(path.clone()).kept_token().expect("made");
        let access = Access::new(path.clone());
        assert!(access.kept_token().expect("read") == first, "the same after a restart");
        let mode = || std::fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        let known = |token: &Secret| access.own().iter().any(|own| own.digest == digest(token));
        assert!(known(&first));
        // Whoever could read it may have it.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(!known(&first), "not while others may read it");
        let second = access.kept_token().expect("made anew");
        assert!(second != first && mode() == 0o600);
        assert!(access.forget_kept().expect("removed") && !known(&second), "taken back at once");
    }
}
