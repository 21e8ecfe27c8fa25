//! `selfheal pause`, `resume` and `observe`.

use std::process::ExitCode;

use selfheal_api::view::AutomationView;
use selfheal_core::Posture;
use serde_json::json;

use crate::args::Place;
use crate::{connect, output};

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
    if view.effective != view.posture {
        output::line("The configuration (self_healing.enabled: false) allows no more than that.");
    }
    Ok(ExitCode::SUCCESS)
}
