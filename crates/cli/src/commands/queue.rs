//! `selfheal queue`.

use std::process::ExitCode;

use selfheal_api::view::QueueView;

use crate::args::Place;
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let view: QueueView = connect::client(place).await?.get("/api/v1/queue").await?;
    if as_json {
        output::json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    match &view.executing {
        Some(now) => output::line(format!("Running: {} on {} for incident {}.", now.action, now.target, now.incident)),
        None => output::line("Nothing runs."),
    }
    let next = view
        .slots
        .next_free_at
        .as_ref()
        .map_or_else(|| "a slot is free".to_owned(), |at| format!("the next slot is free at {}", output::time(at)));
    output::line(format!(
        "{} of {} actions started in the last 60 minutes; {next}.",
        view.slots.used, view.slots.limit
    ));
    for connection in &view.connections {
        output::line(match &connection.open_until {
            Some(until) => {
                format!("{} failed repeatedly and is given a rest until {}.", connection.name, output::time(until))
            }
            None => format!("{} failed {} times within a minute.", connection.name, connection.failures),
        });
    }
    if view.entries.is_empty() {
        output::line("The queue is empty.");
        return Ok(ExitCode::SUCCESS);
    }
    output::line("");
    output::table(
        ["#", "incident", "severity", "action", "waits for", "until", "expires"],
        view.entries.iter().map(|entry| {
            [
                entry.position.to_string(),
                entry.incident.id.clone(),
                super::word(&entry.incident.severity),
                entry.action.clone().unwrap_or_else(|| "-".into()),
                entry.reason.clone(),
                entry.until.as_ref().map_or_else(|| "its turn".into(), |until| output::time(until)),
                output::time(&entry.expires_at),
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}
