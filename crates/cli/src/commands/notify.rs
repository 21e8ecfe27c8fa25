//! `selfheal notify`.

use std::process::ExitCode;

use selfheal_api::Client;
use selfheal_api::view::{NotifierList, NotifierReading, NotifierTestView, NotifierView};
use serde_json::json;

use super::{BAD, escaped};
use crate::args::{NotifyCommand, Place};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: NotifyCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    match command {
        NotifyCommand::List => list(&client, as_json).await,
        NotifyCommand::Test { name } => test(&client, as_json, name).await,
    }
}

async fn list(client: &Client, as_json: bool) -> anyhow::Result<ExitCode> {
    let list: NotifierList = client.get("/api/v1/notifiers").await?;
    if as_json {
        output::json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::table(
        ["name", "kind", "where", "from", "state"],
        "state",
        list.notifiers.iter().map(|notifier| {
            [
                notifier.name.clone(),
                notifier.kind.clone(),
                notifier.place.clone(),
                notifier.min_severity.as_str().to_owned(),
                state(notifier),
            ]
        }),
    );
    if let Some(until) = &list.quiet_until {
        output::line(format!("Quiet hours until {}: only what is critical is told.", output::at(until)));
    }
    Ok(ExitCode::SUCCESS)
}

fn state(notifier: &NotifierView) -> String {
    let read = |reading: &NotifierReading| format!("{} ({})", reading.what, output::ago(&reading.at));
    match (&notifier.problem, &notifier.last_success, &notifier.last_error) {
        (Some(problem), ..) => problem.clone(),
        _ if !notifier.active => "off".to_owned(),
        (None, Some(good), Some(bad)) if bad.at > good.at => format!("failed: {}", read(bad)),
        (None, Some(good), _) => read(good),
        (None, None, Some(bad)) => format!("failed: {}", read(bad)),
        (None, None, None) => "nothing told yet".to_owned(),
    }
}

async fn test(client: &Client, as_json: bool, name: Option<String>) -> anyhow::Result<ExitCode> {
    let names = match name {
        Some(name) => vec![name],
        None => {
            let list: NotifierList = client.get("/api/v1/notifiers").await?;
            let configured = |notifier: &NotifierView| !matches!(notifier.kind.as_str(), "native" | "log");
            list.notifiers.into_iter().filter(configured).map(|notifier| notifier.name).collect()
        }
    };
    if names.is_empty() && !as_json {
        output::line("No notifiers: add some under `notifications` in the configuration.");
    }
    let mut tests = Vec::new();
    for name in names {
        let path = format!("/api/v1/notifiers/{}/test", escaped(&name));
        let test: NotifierTestView = client.post(&path, &json!({})).await?;
        if !as_json {
            let mark = if test.ok { "ok  " } else { "BAD " };
            output::line(format!("{mark} {}: {} in {}ms", test.name, test.what, test.milliseconds));
            if !test.next.is_empty() {
                output::line(format!("       {}", test.next));
            }
        }
        tests.push(test);
    }
    if as_json {
        output::json(&json!({ "tests": tests }))?;
    }
    Ok(if tests.iter().all(|test| test.ok) { ExitCode::SUCCESS } else { ExitCode::from(BAD) })
}
