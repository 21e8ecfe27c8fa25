//! Stops a program: asks it, waits, and kills it when its time is over.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use selfheal_core::Outcome;
use tokio::time::{Instant, sleep};

use super::program::Program;
use super::state::{self, State};
use super::table::Process;
use super::{apart, command, pidfile};

/// How long a killed process may take to go: it may wait for a disk.
const KILL_WAIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// Stops the program behind the pidfile. That it does not run already is what was wanted.
pub async fn stop(program: &Arc<Program>) -> Outcome {
    let found = apart(program, |program| match State::of(program) {
        State::Running(process) => state::adopt(program, process).map(|()| Some(process)),
        _ => Ok(None),
    });
    let process = match found.await {
        Ok(Ok(Some(process))) => process,
        Ok(Ok(None)) => return Outcome::Succeeded { detail: "it was not running".to_owned() },
        Ok(Err(error)) => {
            let detail = format!("{} cannot be written: {error}", program.pidfile.display());
            return Outcome::Failed { detail };
        }
        Err(detail) => return Outcome::Failed { detail },
    };
    let ended = match end(process, program).await {
        Ok(detail) => {
            apart(program, |program| pidfile::remove(&program.pidfile, !program.daemonizes)).await.map(|()| detail)
        }
        Err(detail) => Err(detail),
    };
    match ended {
        Ok(detail) => Outcome::Succeeded { detail },
        Err(detail) => Outcome::Failed { detail },
    }
}

async fn end(process: Process, program: &Arc<Program>) -> Result<String, String> {
    let deadline = Instant::now() + program.stop_timeout;
    let asked = if program.stop.is_empty() {
        signal(process, Signal::SIGTERM)?;
        None
    } else {
        let command = apart(program, |program| command::prepare(&program.stop, program.directory())).await??;
        Some(command::run(command, program.stop_timeout).await?)
    };
    if let Some(ended) = &asked
        && let Some(status) = ended.status.filter(|status| !status.success())
        && process.is_running()
    {
        // A stop command that says it failed may have a reason to: the program is left to a person.
        return Err(format!("the stop command ended with {status}: {}", command::tail(&ended.output, 2_048)));
    }
    if gone(process, deadline).await {
        return Ok(format!("process {} stopped", process.pid));
    }
    signal(process, Signal::SIGKILL)?;
    if gone(process, Instant::now() + KILL_WAIT).await {
        let seconds = program.stop_timeout.as_secs();
        return Ok(format!("process {} did not stop within {seconds}s and was killed", process.pid));
    }
    Err(format!("process {} is still there after SIGKILL; it may be waiting for a disk", process.pid))
}

fn signal(process: Process, signal: Signal) -> Result<(), String> {
    match process.signal(signal) {
        // It went by itself.
        Ok(()) | Err(nix::Error::ESRCH) => Ok(()),
        Err(error) => Err(format!(
            "{signal} to process {} is refused: {}. Run Selfheal as the program's user, or give it a `stop` command",
            process.pid,
            error.desc()
        )),
    }
}

async fn gone(process: Process, deadline: Instant) -> bool {
    while process.is_running() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(POLL).await;
    }
    true
}
