//! Which configuration is active, which one waits, and who took it.
//!
//! Invariants: a file that was not written whole is not looked at; one that takes something away ([`takes_away`]) waits for a
//! person, also over a restart; what takes effect is on record before it does, with who took it. What was accepted is kept
//! in the home, so that the next start can tell what changed meanwhile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use selfheal_adapters::files::{self, Links};
use selfheal_core::audit::NewEntry;
use selfheal_core::config::{Accepted, Config, Reason, Settling, parse_bytes, takes_away};
use selfheal_core::{Notice, Timestamp};
use selfheal_engine::ports::Clock;
use selfheal_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::home::HomeError;
use crate::whole_file::replace;
use crate::{ApiError, App, Home, Principal};

const ABOUT: &str = "configuration";
/// Who took what needed nobody.
const FILE: &str = "configuration file";
/// Bytes of what is kept: the file's text, and what it means.
const KEPT_BYTES: u64 = 64 << 20;
/// A start does not wait for ever for a file that goes on changing.
const LOOKS: usize = 6;

/// The active configuration and where it is kept.
pub(crate) struct Configuration {
    kept: KeptConfig,
    state: Mutex<State>,
}

struct State {
    active: Accepted,
    /// It is kept in the home as it is now.
    is_kept: bool,
    /// The content that was looked at last, by its digest.
    seen: Option<String>,
    waiting: Option<Waiting>,
}

/// A file that takes something away.
#[derive(Clone, Debug)]
struct Waiting {
    digest: String,
    reasons: Vec<String>,
    told: BTreeSet<selfheal_core::NotifierName>,
    tried: bool,
    /// Told to everybody who is to be told.
    done: bool,
}

impl State {
    /// What a file takes away, as it was told when it was first seen.
    fn why(&self, digest: &str, reasons: &[Reason]) -> Vec<String> {
        let told = self.waiting.as_ref().filter(|waiting| waiting.digest == digest);
        told.map_or_else(|| words(reasons), |waiting| waiting.reasons.clone())
    }
}

/// What a start finds.
pub(crate) struct Found {
    pub active: Accepted,
    is_kept: bool,
    digest: String,
    reasons: Vec<Reason>,
}

/// The configuration, as people see it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationView {
    pub file: String,
    /// RFC 3339; when the active one was taken, and by whom.
    #[schema(required)]
    pub accepted_at: Option<String>,
    #[schema(required)]
    pub accepted_by: Option<String>,
    /// What is wrong with the file as it stands now, with every place.
    #[schema(required)]
    pub errors: Option<String>,
    /// The file as it stands now, where it waits for a person.
    #[schema(required)]
    pub waiting: Option<WaitingConfiguration>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitingConfiguration {
    /// Of the file: what is accepted is exactly what was shown.
    pub digest: String,
    /// What it takes away.
    pub takes_away: Vec<String>,
}

/// The file as it stands.
enum Look {
    Unreadable(HomeError),
    Same,
    Good { text: String, config: Box<Config>, digest: String },
    TakesAway { text: String, config: Box<Config>, digest: String, reasons: Vec<Reason> },
}

impl Found {
    /// Reads the file, and holds it against what was accepted last.
    pub async fn read(home: &Home, path: &Path) -> Result<Self, HomeError> {
        let clock = selfheal_adapters::SystemClock;
        let kept = KeptConfig(home.accepted_config(path)).load();
        let mut bytes = home.read_config(path)?;
        let known = matches!(&kept, Ok(Some(accepted)) if accepted.text.as_bytes() == bytes);
        // Somebody may be writing it at this moment.
        let mut looks = 0;
        while !known && changed_just_now(path, clock.now()) && looks < LOOKS {
            tokio::time::sleep(Duration::from_micros(Settling::PAUSE.as_micros().unsigned_abs())).await;
            let again = home.read_config(path)?;
            if again == bytes {
                break;
            }
            (bytes, looks) = (again, looks + 1);
        }
        let config = parse_bytes(&bytes, &path.display().to_string())?;
        let (text, now) = (String::from_utf8_lossy(&bytes).into_owned(), clock.now());
        let digest = selfheal_core::sha256_hex(&bytes);
        let file = |config: Config| Accepted { text: text.clone(), config, at: now, by: FILE.into() };
        Ok(match kept {
            Ok(None) => Self { active: file(config), is_kept: false, digest, reasons: Vec::new() },
            Ok(Some(accepted)) => match takes_away(&accepted, &text, &config, now) {
                reasons if !reasons.is_empty() => Self { active: accepted, is_kept: true, digest, reasons },
                _ if accepted.text == text && accepted.config == config => {
                    Self { active: accepted, is_kept: true, digest, reasons: Vec::new() }
                }
                _ => Self { active: file(config), is_kept: false, digest, reasons: Vec::new() },
            },
            // Everything is watched, and nothing is done until a person has looked.
            Err(why) if config.self_healing.enabled => {
                let mut careful = config;
                careful.self_healing.enabled = false;
                Self { active: file(careful), is_kept: true, digest, reasons: vec![Reason::Unknown { why }] }
            }
            Err(_) => Self { active: file(config), is_kept: false, digest, reasons: Vec::new() },
        })
    }
}

/// Whether a file was written so lately that it may still be being written.
fn changed_just_now(path: &Path, now: Timestamp) -> bool {
    let modified = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let modified = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = modified.and_then(|since| i64::try_from(since.as_micros()).ok()).map(Timestamp::from_micros);
    modified.is_some_and(|at| now.since(at) < Settling::PAUSE)
}

impl Configuration {
    pub fn new(kept: PathBuf, config: Config) -> Self {
        let active = Accepted { text: String::new(), config, at: Timestamp::EPOCH, by: FILE.into() };
        let state = State { active, is_kept: true, seen: None, waiting: None };
        Self { kept: KeptConfig(kept), state: Mutex::new(state) }
    }

    /// Takes over what a start found, and shows what waits.
    pub async fn opened(&self, app: &App, found: Found) {
        let mut state = self.state.lock().await;
        state.active = found.active;
        state.is_kept = found.is_kept;
        state.seen = Some(found.digest.clone());
        if !found.reasons.is_empty() {
            wait(app, &mut state, found.digest, &found.reasons);
        }
    }

    /// What an engine does first: what it starts with is on record and kept.
    pub async fn started(&self, app: &App) -> Result<(), String> {
        let mut state = self.state.lock().await;
        if state.is_kept {
            return Ok(());
        }
        let before = self.kept.load().ok().flatten().map(|accepted| accepted.config);
        if before.as_ref() != Some(&state.active.config) {
            record(app, before.as_ref(), &state.active.config, FILE, "taken at the start", &[])
                .await
                .map_err(|error| error.to_string())?;
        }
        self.kept.store(&state.active)?;
        state.is_kept = true;
        Ok(())
    }

    /// Looks at the file, once it has stopped changing, and takes it up where it may be.
    pub async fn look(&self, app: &App, settling: &mut Settling, elapsed: Timestamp) {
        let read = read(app).await;
        let digest = match &read {
            Ok(bytes) => selfheal_core::sha256_hex(bytes),
            Err(error) => error.to_string(),
        };
        let mut state = self.state.lock().await;
        if state.seen.as_ref() == Some(&digest) || !settling.is_whole(&digest, elapsed) {
            return;
        }
        state.seen = Some(digest);
        match held_against(app, &state.active, read) {
            Look::Unreadable(error) => {
                state.waiting = None;
                let why = match &error {
                    HomeError::Config(errors) => errors.in_short(),
                    other => other.to_string(),
                };
                app.engine.problem(ABOUT, Some(format!("{why}. The last good configuration stays active")));
            }
            Look::Same => {
                state.waiting = None;
                app.engine.problem(ABOUT, None);
            }
            Look::TakesAway { digest, reasons, .. } => wait(app, &mut state, digest, &reasons),
            Look::Good { text, config, .. } => {
                if let Err(why) = self.take(app, &mut state, text, *config, FILE, "changed", &[]).await {
                    // What cannot be put on record does not take effect; it is tried again.
                    app.engine.problem(ABOUT, Some(format!("the change could not be recorded: {why}")));
                    state.seen = None;
                }
            }
        }
    }

    /// Whether something waits that nobody was told of yet.
    pub async fn is_untold(&self) -> bool {
        self.state.lock().await.waiting.as_ref().is_some_and(|waiting| !waiting.tried)
    }

    /// Tells operations of what waits, until everybody was told.
    pub async fn tell(&self, app: &App) {
        let Some(mut waiting) = self.state.lock().await.waiting.clone().filter(|waiting| !waiting.done) else { return };
        let notice = Notice::configuration(&waiting.digest, &waiting.reasons, app.now());
        waiting.done = app.engine.tell_operations(&notice, &mut waiting.told).await;
        if let Some(now) = self.state.lock().await.waiting.as_mut().filter(|now| now.digest == waiting.digest) {
            (now.told, now.done, now.tried) = (waiting.told, waiting.done, true);
        }
    }

    /// The file as it stands now, and what is active.
    pub async fn view(&self, app: &App) -> ConfigurationView {
        let state = self.state.lock().await;
        let (errors, waiting) = match held_against(app, &state.active, read(app).await) {
            // What to do is said by whoever shows them.
            Look::Unreadable(HomeError::Config(errors)) => (Some(errors.to_string()), None),
            Look::Unreadable(error) => (Some(error.to_string()), None),
            Look::TakesAway { digest, reasons, .. } => {
                let takes_away = state.why(&digest, &reasons);
                (None, Some(WaitingConfiguration { digest, takes_away }))
            }
            Look::Same | Look::Good { .. } => (None, None),
        };
        let is_known = state.active.at != Timestamp::EPOCH;
        ConfigurationView {
            file: app.config_path.display().to_string(),
            accepted_at: is_known.then(|| state.active.at.to_rfc3339()),
            accepted_by: is_known.then(|| state.active.by.clone()),
            errors,
            waiting,
        }
    }

    /// A person takes the file as it was shown.
    pub async fn accept(&self, app: &App, digest: &str, who: &Principal) -> Result<(), ApiError> {
        let mut state = self.state.lock().await;
        let conflict = |why: &str, next: &str| ApiError::Conflict {
            code: "configuration_changed",
            what: "The configuration was not accepted".into(),
            why: why.into(),
            next: next.into(),
        };
        let look = held_against(app, &state.active, read(app).await);
        let (text, config, found, reasons) = match look {
            Look::TakesAway { text, config, digest, reasons } => {
                let why = state.why(&digest, &reasons);
                (text, *config, digest, why)
            }
            Look::Good { text, config, digest } => (text, *config, digest, Vec::new()),
            Look::Same => {
                return Err(conflict("nothing waits: this configuration is active", "There is nothing to do."));
            }
            Look::Unreadable(error) => {
                return Err(ApiError::invalid(
                    "The configuration was not accepted",
                    error.to_string(),
                    "Mend the file first.",
                ));
            }
        };
        if found != digest {
            return Err(conflict(
                "the file has changed since it was shown",
                "Look at it again with `selfheal config accept`, and accept what it is now.",
            ));
        }
        self.take(app, &mut state, text, config, &who.name, "accepted", &reasons).await.map_err(ApiError::Internal)?;
        state.seen = Some(found);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one private place where everything that is known comes together")]
    async fn take(
        &self,
        app: &App,
        state: &mut State,
        text: String,
        config: Config,
        by: &str,
        result: &str,
        reasons: &[String],
    ) -> Result<(), String> {
        let changes = config != *app.engine.config();
        let accepted = Accepted { text, config, at: app.now(), by: by.to_owned() };
        if changes || !reasons.is_empty() {
            tracing::info!(by, "the configuration changed");
            record(app, Some(&app.engine.config()), &accepted.config, by, result, reasons)
                .await
                .map_err(|error| error.to_string())?;
        }
        self.kept.store(&accepted)?;
        if changes {
            app.engine.reconfigure(accepted.config.clone());
            if let Err(error) = app.engine.maintenance_changed().await {
                tracing::warn!(%error, "what waits for maintenance is looked at when it was to end");
            }
        }
        *state = State { active: accepted, is_kept: true, seen: state.seen.take(), waiting: None };
        app.engine.problem(ABOUT, None);
        Ok(())
    }
}

/// The file as it is. On a thread that may wait: a lost network disk does not answer at all.
async fn read(app: &App) -> Result<Vec<u8>, HomeError> {
    let (home, path) = (app.home.clone(), app.config_path.clone());
    tokio::task::spawn_blocking(move || home.read_config(&path)).await.unwrap_or_else(|error| {
        let path = app.config_path.display().to_string();
        Err(HomeError::Io { path, verb: "read", why: std::io::Error::other(error.to_string()) })
    })
}

fn held_against(app: &App, active: &Accepted, read: Result<Vec<u8>, HomeError>) -> Look {
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => return Look::Unreadable(error),
    };
    let config = match parse_bytes(&bytes, &app.config_path.display().to_string()) {
        Ok(config) => Box::new(config),
        Err(errors) => return Look::Unreadable(errors.into()),
    };
    let digest = selfheal_core::sha256_hex(&bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let reasons = takes_away(active, &text, &config, app.now());
    match reasons.is_empty() {
        true if text == active.text => Look::Same,
        true => Look::Good { text, config, digest },
        false => Look::TakesAway { text, config, digest, reasons },
    }
}

fn wait(app: &App, state: &mut State, digest: String, reasons: &[Reason]) {
    let reasons = words(reasons);
    let what = format!(
        "the changed file waits for `selfheal config accept`, and what was accepted before stays active: {}",
        reasons.join("; ")
    );
    app.engine.problem(ABOUT, Some(what));
    state.waiting = Some(Waiting { digest, reasons, told: BTreeSet::new(), tried: false, done: false });
}

fn words(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// A changed configuration changes what Selfheal may do: that is on record before it takes effect.
async fn record(
    app: &App,
    before: Option<&Config>,
    after: &Config,
    by: &str,
    result: &str,
    reasons: &[String],
) -> Result<(), StoreError> {
    let digest = |config: &Config| selfheal_core::sha256_hex(serde_json::to_vec(config).unwrap_or_default());
    let now = app.now();
    let mut tx = app.store().write().await?;
    tx.audit(NewEntry {
        at: now,
        event_type: "automation.configured",
        actor: by.to_owned(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: result.to_owned(),
        details: serde_json::json!({
            "before": before.map(digest),
            "after": digest(after),
            "takes_away": reasons,
            "self_healing": after.self_healing,
            "managed": after.services.iter().filter(|s| s.managed).map(|s| &s.name).collect::<Vec<_>>(),
        }),
    })
    .await?;
    tx.commit().await
}

/// `data/accepted_config.json`: what was accepted last.
struct KeptConfig(PathBuf);

impl KeptConfig {
    fn load(&self) -> Result<Option<Accepted>, String> {
        let words = |error: &dyn std::fmt::Display| format!("{}: {error}", self.0.display());
        match files::read(&self.0, Links::Refuse, KEPT_BYTES) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| words(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(words(&error)),
        }
    }

    fn store(&self, accepted: &Accepted) -> Result<(), String> {
        let words = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", self.0.display());
        let text = serde_json::to_vec_pretty(accepted).map_err(|error| words(&error))?;
        replace(&self.0, |file| file.write_all(&text)).map_err(|error| words(&error))
    }
}
