//! `selfheal queue`.

use std::process::ExitCode;

use selfheal_api::view::{AutomationView, QueueView};
use selfheal_core::Posture;

use super::automation;
use crate::args::Place;
use crate::output::{Gives, Shape, Style};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let view: QueueView = client.get("/api/v1/queue").await?;
    if as_json {
        output::json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    // What holds everything comes before what waits for its turn.
    let switch: AutomationView = client.get("/api/v1/automation").await?;
    if let Some(brake) = &switch.brake {
        output::styled(&[(Style::Attention, &format!("Held by the emergency brake: {brake}."))]);
    } else if switch.effective != Posture::On {
        output::styled(&[(Style::Attention, &automation::posture(&switch))]);
    }
    match &view.executing {
        Some(now) => output::line(format!("Running: {} on {} for incident {}.", now.action, now.target, now.incident)),
        None => output::line("Nothing runs."),
    }
    let next = view
        .slots
        .next_free_at
        .as_ref()
        .map_or_else(|| "a slot is free".to_owned(), |at| format!("the next slot is free at {}", output::at(at)));
    output::line(format!(
        "{} of {} started in the last 60 minutes; {next}.",
        view.slots.used,
        output::count(view.slots.limit, "action")
    ));
    for connection in &view.connections {
        output::line(match &connection.open_until {
            Some(until) => {
                format!("{} failed repeatedly and is given a rest until {}.", connection.name, output::at(until))
            }
            None => {
                format!("{} failed {} within a minute.", connection.name, output::count(connection.failures, "time"))
            }
        });
    }
    if view.entries.is_empty() {
        output::line("The queue is empty.");
        return Ok(ExitCode::SUCCESS);
    }
    output::line("");
    output::shaped(
        ["#", "incident", "severity", "action", "waits for", "until", "expires"],
        Shape { wanted: &[], text: "waits for", gives: Gives::Below },
        view.entries.iter().map(|entry| {
            [
                entry.position.to_string(),
                entry.incident.id.clone(),
                super::word(&entry.incident.severity),
                entry.action.clone().unwrap_or_else(|| "-".into()),
                output::told(&entry.reason),
                entry.until.as_ref().map_or_else(|| "its turn".into(), |until| output::at(until)),
                output::at(&entry.expires_at),
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}
