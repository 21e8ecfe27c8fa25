//! `selfheal pause`, `resume` and `observe`.

use std::process::ExitCode;

use selfheal_api::view::AutomationView;
use selfheal_core::Posture;
use serde_json::json;

use crate::args::Place;
use crate::{connect, output};

/// Stops everything. Where the engine and its database cannot be reached, the emergency brake does.
pub async fn pause(
    place: &Place,
    as_json: bool,
    minutes: Option<u64>,
    reason: Option<String>,
) -> anyhow::Result<ExitCode> {
    match set(place, as_json, Posture::Paused, minutes, reason, false).await {
        Err(error) if place.server.is_none() => {
            let file = connect::home(place)?.pause();
            let made = file
                .parent()
                .map_or(Ok(()), selfheal_api::private::create_dir_all)
                .and_then(|()| selfheal_api::private::write(&file, ""));
            if let Err(why) = made {
                return Err(error.context(format!("and {} cannot be written either: {why}", file.display())));
            }
            output::complain(format!("warning: the switch could not be set: {error:#}"));
            output::line(format!(
                "Paused by the emergency brake: while {} is there nothing runs. `selfheal resume` removes it.",
                file.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
        other => other,
    }
}

/// Lets Selfheal heal by itself again; the emergency brake is released too.
pub async fn resume(place: &Place, as_json: bool, accept_database: bool) -> anyhow::Result<ExitCode> {
    if place.server.is_none() {
        let file = connect::home(place)?.pause();
        match std::fs::remove_file(&file) {
            Ok(()) => eprintln!("The emergency brake is released: {} was removed.", file.display()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => anyhow::bail!(
                "the emergency brake stays on: {} cannot be removed: {error}. Remove it and try again",
                file.display()
            ),
        }
    }
    set(place, as_json, Posture::On, None, None, accept_database).await
}

pub async fn set(
    place: &Place,
    as_json: bool,
    posture: Posture,
    minutes: Option<u64>,
    reason: Option<String>,
    accept_database: bool,
) -> anyhow::Result<ExitCode> {
    let mut body = json!({ "posture": posture, "minutes": minutes, "reason": reason });
    if accept_database {
        body["accept_database"] = json!(true);
    }
    let view: AutomationView = connect::client(place).await?.put("/api/v1/automation", &body).await?;
    if as_json {
        output::json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    if accept_database {
        output::line("The database is taken as it is.");
    }
    let until = view.until.as_ref().map_or_else(String::new, |until| format!(" until {}", output::time(until)));
    output::line(match view.effective {
        Posture::On => "Automation is on: trusted fixes run by themselves.".to_owned(),
        Posture::Observe => format!("Automation is observe only{until}: only approved fixes run."),
        Posture::Paused => format!("Automation is paused{until}: nothing runs."),
    });
    if let Some(brake) = &view.brake {
        output::line(format!("The emergency brake holds everything: {brake}."));
    } else if view.effective != view.posture {
        output::line("The configuration (self_healing.enabled: false) allows no more than that.");
    }
    Ok(ExitCode::SUCCESS)
}
