//! Checks everything that Selfheal needs, and says how to mend each.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use selfheal_adapters::files::{self, Links};
use selfheal_core::config::{NotifierKind, Service, SourceKind};
use selfheal_core::told::count;
use selfheal_core::{Action, ActionKind};
use selfheal_engine::NotifierStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::long_work::long;
use crate::view::Verdict;
use crate::{ApiError, App, Principal};

/// How long one look at a file may take.
const LOOK: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Good,
    Warning,
    Bad,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    pub about: String,
    pub health: Health,
    pub what: String,
    /// How to mend it; empty where nothing is to be done.
    pub next: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DoctorReport {
    pub findings: Vec<Finding>,
}

#[utoipa::path(get, path = "/api/v1/doctor", tag = "doctor", responses((status = 200, body = DoctorReport)))]
pub async fn doctor(State(app): State<Arc<App>>, who: Principal) -> Result<Json<DoctorReport>, ApiError> {
    // The file and the trail are read whole.
    let asked = Arc::clone(&app);
    long(&app, &who, move |_| async move { examined(asked).await }).await.map(Json)
}

async fn examined(app: Arc<App>) -> Result<DoctorReport, ApiError> {
    // A database that cannot be used is a finding, not the end of the others.
    let broken = |about: &str, error: ApiError| {
        let (_, problem) = error.problem();
        finding(about, Health::Bad, problem.why, format!("{} Nothing is started until it works again.", problem.next))
    };
    let mut findings = vec![configuration(&app).await];
    findings.push(database(&app).await.unwrap_or_else(|error| broken("database", error)));
    findings.push(audit(&app).await.unwrap_or_else(|error| broken("audit trail", error)));
    findings.extend(known(&app).await.unwrap_or_else(|error| Some(broken("high-water mark", error))));
    findings.extend(open_to_others(&app).await);
    if let Some(brake) = app.engine.brake() {
        let next = "Remove the file, or run `selfheal resume`, when actions may run again.";
        findings.push(finding("emergency brake", Health::Warning, brake, next.into()));
    }
    let config = app.engine.config();
    if config.sources.is_empty() && config.services.is_empty() {
        findings.push(finding(
            "inventory",
            Health::Warning,
            "nothing is watched yet".into(),
            format!("Add `services` and `sources` to {}: the file shows how.", app.config_path.display()),
        ));
    }
    for source in &config.sources {
        if let Some(SourceKind::File(file)) = source.kind() {
            let about = format!("source {}", source.name);
            findings.push(readable(&about, file.path.clone()).await);
        }
    }
    for service in &config.services {
        findings.extend(target(&app, service).await);
        for check in &service.health_checks {
            let result = app.engine.check(check).await;
            let about = format!("health check {}/{}", service.name, check.name);
            findings.push(if result.ok {
                finding(&about, Health::Good, result.detail, String::new())
            } else {
                finding(&about, Health::Warning, result.detail, format!("Expected: {}.", check.words()))
            });
        }
    }
    findings.extend(app.engine.notifiers().iter().filter_map(notifier));
    for (about, problem) in app.engine.status().problems {
        // A finding of its own says how to mend it.
        if findings.iter().any(|finding| finding.about == about && finding.health != Health::Good) {
            continue;
        }
        findings.push(finding(&about, Health::Bad, problem, "See the engine's log for when it began.".into()));
    }
    Ok(DoctorReport { findings })
}

/// Files of the home, and the database, that others than their owner can read.
async fn open_to_others(app: &App) -> Option<Finding> {
    /// Names that are shown.
    const SHOWN: usize = 3;
    let root = app.home.root().to_owned();
    let found = {
        let root = root.clone();
        tokio::time::timeout(LOOK, tokio::task::spawn_blocking(move || crate::private::open_to_others(&root)))
    };
    let found = found.await.ok()?.ok()?;
    if found.is_empty() {
        return None;
    }
    let names: Vec<String> =
        found.iter().take(SHOWN).map(|path| path.strip_prefix(&root).unwrap_or(path).display().to_string()).collect();
    let more = if found.len() > SHOWN { format!(" and {} more", found.len() - SHOWN) } else { String::new() };
    Some(finding(
        "private files",
        Health::Warning,
        format!("others on this machine can read {}{more} in {}", names.join(", "), root.display()),
        format!("Log lines and digests of tokens are in there: chmod -R go-rwx {}", root.display()),
    ))
}

/// Whether a log can be read. Looked at elsewhere and not for long: a pipe or a lost network disk would not answer at all.
async fn readable(about: &str, path: PathBuf) -> Finding {
    let shown = path.display().to_string();
    let looked = tokio::task::spawn_blocking(move || files::open(&path, Links::Follow).map(|_| ()));
    let why = match tokio::time::timeout(LOOK, looked).await {
        Ok(Ok(Ok(()))) => return finding(about, Health::Good, format!("{shown} can be read"), String::new()),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the disk did not answer within {LOOK:?}"),
    };
    let next = "Check the path and the permissions of the user who runs Selfheal.".into();
    finding(about, Health::Bad, format!("{shown} cannot be read: {why}"), next)
}

/// The file as it stands now, which may be newer than what is active.
async fn configuration(app: &App) -> Finding {
    let view = app.configuration.view(app).await;
    match (view.errors, view.waiting) {
        (Some(errors), _) => {
            let next = "Mend what is marked; the last good configuration stays active.";
            finding("configuration", Health::Bad, errors, next.into())
        }
        (None, Some(waiting)) => {
            let what = format!("{} waits and is not active: {}", view.file, waiting.takes_away.join("; "));
            let next = "Take it with `selfheal config accept`, or put the file right; until then what was accepted before stays active.";
            finding("configuration", Health::Bad, what, next.into())
        }
        (None, None) => finding("configuration", Health::Good, format!("{} is valid", view.file), String::new()),
    }
}

async fn database(app: &App) -> Result<Finding, ApiError> {
    if let Some(damage) = app.store().damage().await? {
        let next =
            "Stop Selfheal, move the file away, start it again, and restore the last backup: selfheal restore FILE.";
        return Ok(finding("database", Health::Bad, format!("the file is damaged: {damage}"), next.into()));
    }
    // Nothing is written; but it could be.
    app.store().write().await?.try_write().await?;
    let mut tx = app.store().read().await?;
    let holder = tx.lease_holder(app.now()).await?;
    let counts = tx.pattern_counts().await?;
    let engine = holder.map_or_else(|| "no engine heals it now".to_owned(), |holder| format!("healed by {holder}"));
    let what = format!("{} with {} active patterns; {engine}", app.store().kind(), counts.active);
    Ok(if counts.active == 0 {
        finding("database", Health::Warning, what, "`selfheal init` adds the starter knowledge.".into())
    } else {
        finding("database", Health::Good, what, String::new())
    })
}

async fn audit(app: &App) -> Result<Finding, ApiError> {
    let checked = crate::audit::check(app).await?;
    let verdict = checked.verdict();
    Ok(match checked.faults().into_iter().next() {
        None => {
            let signed = checked.report.signed().map_or_else(
                || "nothing is signed yet: the engine signs when it runs".to_owned(),
                |id| format!("signed up to entry {id}"),
            );
            let what = format!("{}, the chain is whole; {signed}", count(checked.report.entries, "entry"));
            finding("audit trail", Health::Good, what, String::new())
        }
        Some(doubt) if verdict == Verdict::CannotTell => finding(
            "audit trail",
            Health::Warning,
            format!("it cannot be told whether all of it is good: {doubt}"),
            "`selfheal audit verify` says more.".into(),
        ),
        Some(error) => finding(
            "audit trail",
            Health::Bad,
            error,
            "Somebody or something changed the database: keep a copy, compare it with a backup, and find out who."
                .into(),
        ),
    })
}

/// Whether this is the database that the home knows.
async fn known(app: &App) -> Result<Option<Finding>, ApiError> {
    let mut tx = app.store().read().await?;
    Ok(app.engine.distrust(&mut tx).await?.map(|(why, _)| {
        let next = "Put the right database back, or accept this one: selfheal resume --accept-database.";
        finding("older database", Health::Bad, why, next.into())
    }))
}

/// What can be said of a configured notifier without sending anything.
fn notifier(status: &NotifierStatus) -> Option<Finding> {
    let spec = status.spec.as_ref()?;
    let about = format!("notifier {}", status.name);
    let to = format!("{} to {}", status.kind, status.place);
    Some(match (&status.broken, spec.kind()) {
        (Some(broken), _) => finding(&about, Health::Bad, broken.why.clone(), format!("{}.", broken.next)),
        (None, Some(NotifierKind::Email(mail))) if mail.is_exposed() => finding(
            &about,
            Health::Warning,
            format!("{to}: mail crosses the network unencrypted"),
            "Set `security` to tls or starttls: log lines stand in the mails.".into(),
        ),
        (None, Some(NotifierKind::Webhook(hook)))
            if hook.secret_env.is_none() && hook.bearer_env.is_none() && hook.url.is_some() =>
        {
            let next = "Give it a `secret_env`, so that the receiver knows who speaks.".into();
            finding(&about, Health::Warning, format!("{to}: notices are not signed"), next)
        }
        _ => finding(
            &about,
            Health::Good,
            format!("{to}; `selfheal notify test {}` sends a test", status.name),
            String::new(),
        ),
    })
}

async fn target(app: &App, service: &Service) -> Option<Finding> {
    let target = service.target.as_ref()?;
    let about = format!("target of {}", service.name);
    let action = Action::new(ActionKind::ServiceRestart);
    Some(match app.engine.preview(&action, target).await {
        None => finding(&about, Health::Warning, format!("no action is known for a {}", target.kind()), String::new()),
        Some(Ok(report)) if report.blockers.is_empty() => {
            let managed = if service.managed { "managed" } else { "not managed: Selfheal will not act on it" };
            finding(&about, Health::Good, format!("{}; {managed}", report.state_now), String::new())
        }
        Some(Ok(report)) => {
            let blockers: Vec<&str> = report.blockers.iter().map(|blocker| blocker.text.as_str()).collect();
            finding(&about, Health::Bad, blockers.join(" "), "Until then Selfheal escalates instead of acting.".into())
        }
        Some(Err(error)) => finding(&about, Health::Bad, error.to_string(), String::new()),
    })
}

fn finding(about: &str, health: Health, what: String, next: String) -> Finding {
    Finding { about: about.to_owned(), health, what, next }
}
