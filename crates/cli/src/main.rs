//! The `selfheal` binary: commands, daemon and demo on the one application interface.

mod args;
mod commands;
mod connect;
mod failure;
mod names;
mod nearest;
mod output;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(names::arguments(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => error.exit(),
        // It repeats what was typed, or pasted.
        Err(error) => {
            eprint!("{}", output::harmless(&error.render().to_string()));
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    log(&arguments);
    selfheal_api::raise_descriptors();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            output::complain(failure::words(&error));
            ExitCode::FAILURE
        }
    }
}

/// Engines log what they do; commands stay silent unless asked.
fn log(arguments: &Arguments) {
    let engine = matches!(arguments.command, Command::Run(_) | Command::Serve(_));
    let level = match (engine, arguments.verbose) {
        (true, 0) => "info,sqlx=warn",
        (false, 0) => "error",
        (_, 1) => "debug,sqlx=warn,hyper=info,reqwest=info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("SELFHEAL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| output::Visible(std::io::stderr()))
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
}
