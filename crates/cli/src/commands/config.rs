//! `selfheal config`: the file checked as a whole, and taking one that takes something away.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use selfheal_api::{ConfigurationView, HomeError, WaitingConfiguration};
use serde_json::{Value, json};

use super::BAD;
use crate::args::{ConfigCommand, Place};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => check(place, as_json),
        ConfigCommand::Accept { yes } => accept(place, as_json, yes).await,
    }
}

/// Needs neither engine nor database: it is what a person runs before either is started.
fn check(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let home = connect::home(place)?;
    let file = place.config.clone().unwrap_or_else(|| home.config());
    let errors = match home.load_config(&file) {
        Ok(_) => Vec::new(),
        Err(HomeError::Config(errors)) => errors.0,
        Err(error) => return Err(error.into()),
    };
    if as_json {
        let errors: Vec<Value> = errors
            .iter()
            .map(|error| json!({ "line": error.line, "column": error.column, "message": error.message }))
            .collect();
        output::json(&json!({ "file": file, "ok": errors.is_empty(), "errors": errors }))?;
    } else if errors.is_empty() {
        output::line(format!("{} is valid.", file.display()));
    } else {
        for error in &errors {
            output::line(error.to_string());
        }
        output::line(summary(&file, errors.len()));
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BAD) })
}

fn summary(file: &Path, errors: usize) -> String {
    let count = if errors == 1 { "one error".to_owned() } else { format!("{errors} errors") };
    format!("{} has {count}. An engine that runs keeps the last good configuration.", file.display())
}

async fn accept(place: &Place, as_json: bool, yes: bool) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let view: ConfigurationView = client.get("/api/v1/configuration").await?;
    if let Some(errors) = &view.errors {
        bail!("{errors}\n  Mend what is marked and try again: nothing was changed");
    }
    let Some(WaitingConfiguration { digest, takes_away }) = &view.waiting else {
        if as_json {
            output::json(&view)?;
        } else {
            output::line(format!("Nothing waits: {} takes nothing away.", view.file));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let what = takes_away.iter().map(|reason| format!("  - {reason}")).collect::<Vec<_>>().join("\n");
    let shown = format!("{} takes away what was accepted before:\n{what}", view.file);
    if !as_json {
        output::line(&shown);
    }
    if !yes && !asked("Accept it?", &shown)? {
        output::line("Nothing was changed: what was accepted before stays active.");
        return Ok(ExitCode::FAILURE);
    }
    let view: ConfigurationView = client.post("/api/v1/configuration/accept", &json!({ "digest": digest })).await?;
    if as_json {
        output::json(&view)?;
    } else {
        output::line("Accepted. It is active from now on, and on record in the audit trail.");
    }
    Ok(ExitCode::SUCCESS)
}

fn asked(question: &str, shown: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{shown}\n  Nobody is there to ask: look at it, then say --yes");
    }
    super::documents::confirmed(question)
}
