//! What each command does.

mod audit;
mod automation;
mod backup;
mod change;
mod config;
mod demo;
mod doctor;
mod documents;
mod engine;
mod incidents;
mod ingest;
mod init;
mod knowledge;
mod knowledge_advise;
mod knowledge_learn;
mod knowledge_list;
mod knowledge_match;
mod knowledge_replay;
mod knowledge_review;
mod knowledge_test;
mod lines;
mod maintenance;
mod notify;
mod packs;
mod queue;
mod standing;
mod tokens;

use std::process::ExitCode;

use crate::args::{self, Arguments, Command};
use crate::manual;

/// Found what it looked for, and it is bad.
const BAD: u8 = 3;
/// Looked, and what it found is neither good nor bad.
const CANNOT_TELL: u8 = 4;

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { place, json, command, .. } = arguments;
    let Some(command) = command else { return standing::run(&place, json).await };
    match command {
        Command::Init => init::run(&place, json).await,
        Command::Run(run) => engine::run(&place, run.observe).await,
        Command::Serve(serve) => engine::serve(&place, serve.listen).await,
        Command::Ingest(ingest) => ingest::run(&place, json, ingest).await,
        Command::Incidents { command } => incidents::run(&place, json, command).await,
        Command::Knowledge(command) => knowledge::run(&place, json, command).await,
        Command::Audit(command) => audit::run(&place, json, command).await,
        Command::Pause { duration, reason } => automation::pause(&place, json, duration, reason).await,
        Command::Resume { accept_database } => automation::resume(&place, json, accept_database).await,
        Command::Observe => automation::observe(&place, json).await,
        Command::Queue => queue::run(&place, json).await,
        Command::Maintenance(command) => maintenance::run(&place, json, command).await,
        Command::Config(command) => config::run(&place, json, command).await,
        Command::Change(command) => change::run(&place, json, command).await,
        Command::Backup(arguments) => backup::make(&place, json, arguments).await,
        Command::Restore(arguments) => backup::restore(&place, json, arguments).await,
        Command::Token(command) => tokens::run(&place, json, command).await,
        Command::Notify(command) => notify::run(&place, json, command).await,
        Command::Doctor => doctor::run(&place, json).await,
        Command::Demo(demo) => demo::run(&place, json, demo).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut args::command(), "selfheal", &mut text);
            crate::output::line(String::from_utf8_lossy(&text).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            crate::output::line(manual::page().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            crate::output::line(selfheal_api::document().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema => {
            crate::output::line(selfheal_core::config::json_schema());
            Ok(ExitCode::SUCCESS)
        }
        Command::DemoService(service) => demo::service(service).await,
    }
}

/// The word that a value has in JSON.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A part of an address, with everything but letters, digits and hyphens escaped.
pub(super) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
