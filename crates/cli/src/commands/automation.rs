//! `selfheal pause`, `resume` and `observe`.
//!
//! Two things stop Selfheal: the switch, which the engine keeps in its database, and the emergency brake, a file in the home.
//! Where they disagree the brake wins. A pause puts the brake on first and asks the engine afterwards: whatever state that is
//! in, nothing new starts. Once the switch holds, the brake is not needed any more, and the switch can be set from everywhere.

use std::process::ExitCode;

use selfheal_api::Client;
use selfheal_api::view::AutomationView;
use selfheal_core::Posture;
use serde_json::json;

use crate::args::Place;
use crate::brake::{Brake, Put};
use crate::{connect, failure, output};

const SWITCH: &str = "/api/v1/automation";

/// Stops everything.
pub async fn pause(
    place: &Place,
    as_json: bool,
    minutes: Option<u64>,
    reason: Option<String>,
) -> anyhow::Result<ExitCode> {
    let brake = Brake::of(place)?;
    let put = brake.as_ref().map(Brake::put);
    let wanted = json!({ "posture": Posture::Paused, "minutes": minutes, "reason": reason });
    let asked = async {
        let client = connect::client(place).await?;
        let view: AutomationView = client.put(SWITCH, &wanted).await?;
        anyhow::Ok((client, view))
    };
    match (asked.await, &brake, put) {
        (Ok((client, view)), Some(brake), Some(Ok(Put::New))) => {
            brake.release()?;
            told(as_json, &now(&client).await.unwrap_or(AutomationView { brake: None, ..view }))
        }
        (Ok((_, view)), brake, put) => {
            if let (Some(brake), Some(Err(why))) = (brake, put) {
                output::beside(format!(
                    "warning: the emergency brake {} cannot be put on: {why}. The engine has paused all the same.",
                    brake.file().display()
                ));
            }
            told(as_json, &view)
        }
        (Err(error), Some(brake), Some(Ok(_))) => held_by_brake(as_json, brake, &error, minutes),
        (Err(error), Some(brake), Some(Err(why))) => {
            let cannot = format!(
                "NOTHING IS PAUSED. The emergency brake {} cannot be put on either: {why}. End the engine's process: without it nothing runs",
                brake.file().display()
            );
            failure::tell(&error, as_json);
            Err(anyhow::anyhow!(cannot))
        }
        (Err(error), ..) => {
            if place.server.is_some() {
                output::beside(
                    "NOTHING IS PAUSED. On the machine where the engine runs `selfheal pause` works without an answer from it.",
                );
            }
            Err(error)
        }
    }
}

/// The engine could not be asked: the brake stays on.
fn held_by_brake(
    as_json: bool,
    brake: &Brake,
    error: &anyhow::Error,
    minutes: Option<u64>,
) -> anyhow::Result<ExitCode> {
    if as_json {
        output::json(&json!({
            "effective": Posture::Paused, "until": null, "brake": brake.file(), "switch_set": false,
            "problem": failure::problem(error),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("Paused by the emergency brake: while {} is there nothing runs.", brake.file().display()));
    if minutes.is_some() {
        output::line(
            "The brake has no end: it holds until `selfheal resume` (or `observe`), not for the time that you gave.",
        );
    }
    output::beside(format!("The switch was not set, which changes nothing of that:\n{}", failure::words(error)));
    Ok(ExitCode::SUCCESS)
}

/// Lets Selfheal heal by itself again; the emergency brake is released too.
pub async fn resume(place: &Place, as_json: bool, accept_database: bool) -> anyhow::Result<ExitCode> {
    let mut wanted = json!({ "posture": Posture::On, "minutes": null, "reason": null });
    if accept_database {
        wanted["accept_database"] = json!(true);
    }
    let code = loosen(place, as_json, &wanted).await?;
    if accept_database && !as_json {
        output::line("The database is taken as it is.");
    }
    Ok(code)
}

/// Lets approved actions run; the emergency brake is released too.
pub async fn observe(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    loosen(place, as_json, &json!({ "posture": Posture::Observe, "minutes": null, "reason": null })).await
}

/// The switch first: as long as it is not set the brake holds.
async fn loosen(place: &Place, as_json: bool, wanted: &serde_json::Value) -> anyhow::Result<ExitCode> {
    let brake = Brake::of(place)?;
    let asked = async {
        let client = connect::client(place).await?;
        let view: AutomationView = client.put(SWITCH, wanted).await?;
        anyhow::Ok((client, view))
    };
    let (client, view) = match asked.await {
        Ok(set) => set,
        Err(error) => {
            if let Some(brake) = brake.filter(|brake| brake.file().exists()) {
                output::beside(format!(
                    "The emergency brake stays on, and nothing runs: {} is removed when the switch is set.",
                    brake.file().display()
                ));
            }
            return Err(error);
        }
    };
    let Some(brake) = brake else { return told(as_json, &view) };
    if !brake.release()? {
        return told(as_json, &view);
    }
    output::beside(format!("The emergency brake is released: {} was removed.", brake.file().display()));
    told(as_json, &now(&client).await.unwrap_or(AutomationView { brake: None, ..view }))
}

async fn now(client: &Client) -> Option<AutomationView> {
    client.get(SWITCH).await.ok()
}

fn told(as_json: bool, view: &AutomationView) -> anyhow::Result<ExitCode> {
    if as_json {
        output::json(view)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(posture(view));
    if let Some(brake) = &view.brake {
        output::line(format!("The emergency brake holds everything: {brake}."));
    } else if view.effective != view.posture {
        output::line("The configuration (self_healing.enabled: false) allows no more than that.");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the switch lets through, in a sentence.
pub fn posture(view: &AutomationView) -> String {
    let until = view.until.as_ref().map_or_else(String::new, |until| format!(" until {}", output::at(until)));
    match view.effective {
        Posture::On => "Automation is on: trusted fixes run by themselves.".to_owned(),
        Posture::Observe => format!("Automation is observe only{until}: only approved fixes run."),
        Posture::Paused => format!("Automation is paused{until}: nothing runs."),
    }
}
