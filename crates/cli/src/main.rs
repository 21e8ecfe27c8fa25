//! The `selfheal` binary: commands, daemon and demo on the one application interface.

#![deny(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what is printed goes through `output`, which lets nothing drive a terminal"
)]

mod args;
mod brake;
mod commands;
mod connect;
mod failure;
mod manual;
mod names;
mod nearest;
mod output;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use args::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = match args::parse(names::arguments(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => return wrong_usage(&error),
    };
    output::decide(arguments.color);
    log(&arguments);
    let as_json = arguments.json;
    selfheal_api::raise_descriptors();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            failure::tell(&error, as_json);
            ExitCode::FAILURE
        }
    }
}

/// Help and version are what was asked for; everything else repeats what was typed, and that may drive a terminal.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        output::beside(error.render().to_string().trim_end());
    } else {
        // Whoever stopped reading has what was wanted.
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Engines log what they do; commands stay silent unless asked. What the database library thinks of its own speed is for those
/// who ask for more.
fn log(arguments: &Arguments) {
    let engine = matches!(arguments.command, Some(Command::Run(_) | Command::Serve(_)));
    let level = level(engine, arguments.verbose);
    let filter = EnvFilter::try_from_env("SELFHEAL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| output::Visible(std::io::stderr()))
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
}

const fn level(engine: bool, verbose: u8) -> &'static str {
    match (engine, verbose) {
        (true, 0) => "info,sqlx=error",
        (false, 0) => "error",
        (_, 1) => "debug,sqlx=warn,hyper=info,reqwest=info",
        _ => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn the_database_library_warns_those_who_ask_for_more() {
        for (engine, verbose, shown) in [(true, 0, false), (false, 0, false), (true, 1, true), (false, 2, true)] {
            let (out, log) =
                (std::sync::Arc::new(std::sync::Mutex::new(Vec::new())), EnvFilter::new(level(engine, verbose)));
            let writer = std::sync::Arc::clone(&out);
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter(log)
                .with_writer(move || Told(std::sync::Arc::clone(&writer)))
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                tracing::event!(target: "sqlx::query", Level::WARN, "slow statement");
            });
            let told = out.lock().expect("written by one").clone();
            assert_eq!(String::from_utf8_lossy(&told).contains("slow statement"), shown, "{engine} {verbose}");
        }
    }

    struct Told(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("written by one").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
