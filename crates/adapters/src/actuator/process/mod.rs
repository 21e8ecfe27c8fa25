//! Programs with a pidfile, on Linux: what can be healed with nothing else installed.
//!
//! `program` is the target and the calls of its plan, `pidfile` and `table` what the system says, `identity` whether that
//! is the program, `state` what follows, `stop` and `start` the two steps. Disks are looked at on threads that may wait.

mod argv;
mod command;
mod identity;
mod pidfile;
mod program;
mod start;
mod state;
mod stop;
mod table;

pub use command::run_foreground;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use selfheal_core::verify::TargetState;
use selfheal_core::{Action, ActionKind, Blocker, Outcome, Plan, Preflight, TargetSpec, Timestamp, WayBack};
use selfheal_engine::ports::{Actuator, ActuatorError};

use crate::files::{self, Links};
use crate::host::hostname;
use program::Program;
use state::{State, blocker};

/// Restarts programs that have a pidfile.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessActuator;

#[async_trait]
impl Actuator for ProcessActuator {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        // Whose process it is can be told from /proc only.
        cfg!(target_os = "linux")
            && action == ActionKind::ServiceRestart
            && matches!(target, TargetSpec::Process { .. })
    }

    async fn preview(&self, action: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError> {
        let program = program_of(target, action)?;
        if program.start.is_empty() {
            return Err(ActuatorError::Invalid("`start` is empty. Name the program and its arguments".to_owned()));
        }
        let seen = apart(&program, |program| {
            let state = State::of(program);
            let blockers = blockers(program, &state);
            (state, blockers)
        });
        let (state, blockers) = seen.await.map_err(ActuatorError::Invalid)?;
        let running = matches!(state, State::Running(_));
        let steps = running.then(|| program.stop_step()).into_iter().chain([program.start_step()]).collect();
        Ok(Preflight {
            at: now,
            state_now: state.words(),
            host: hostname(),
            steps,
            undo: WayBack::Nothing,
            instances: 1,
            blockers,
        })
    }

    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome {
        let failed = |detail: &str| Outcome::Failed { detail: detail.to_owned() };
        let Ok(program) = program_of(&plan.target, &plan.action) else { return failed("its target is no process") };
        match plan.steps.get(index) {
            Some(step) if *step == program.start_step() => start::start(&program).await,
            Some(step) if *step == program.stop_step() => stop::stop(&program).await,
            Some(_) => failed("the plan names a step that this target does not have"),
            None => failed("the plan has no such step"),
        }
    }

    async fn inspect(&self, action: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError> {
        let program = program_of(target, action)?;
        apart(&program, |program| State::of(program).seen()).await.map_err(ActuatorError::Invalid)
    }
}

fn program_of(target: &TargetSpec, action: &Action) -> Result<Arc<Program>, ActuatorError> {
    Program::of(target, action).map(Arc::new).ok_or_else(|| wrong_kind(target))
}

/// Does what may wait for a disk on a thread that may.
async fn apart<T: Send + 'static>(
    program: &Arc<Program>,
    look: impl FnOnce(&Program) -> T + Send + 'static,
) -> Result<T, String> {
    let program = Arc::clone(program);
    tokio::task::spawn_blocking(move || look(&program)).await.map_err(|error| error.to_string())
}

fn wrong_kind(target: &TargetSpec) -> ActuatorError {
    ActuatorError::Invalid(format!("a target of kind {} is no process", target.kind()))
}

fn blockers(program: &Program, state: &State) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    if let State::Unknown(blocker) = state {
        blockers.push(blocker.clone());
    }
    if let Some(missing) = missing_directory(program.directory()) {
        blockers.push(blocker("working_directory_missing", format!("there is no directory {}", missing.display())));
    }
    if let Some(missing) = missing_directory(program.pidfile.parent()) {
        blockers.push(blocker("pidfile_directory_missing", format!("there is no directory {}", missing.display())));
    }
    if let Some(missing) = missing_directory(program.output.as_deref().and_then(Path::parent)) {
        blockers.push(blocker("output_directory_missing", format!("there is no directory {}", missing.display())));
    } else if let Some((output, why)) = program.output.as_deref().and_then(unusable) {
        let text = format!("its output {} cannot be used: {why}. Name a file, or leave `output` out", output.display());
        blockers.push(blocker("output_unusable", text));
    }
    let stop = program.stop.first().filter(|_| matches!(state, State::Running(_)));
    for name in program.start.first().into_iter().chain(stop) {
        match argv::find(name, program.directory()) {
            Ok(_) => {}
            Err(why @ argv::NoProgram::Missing) => blockers.push(blocker("program_missing", format!("{name}: {why}"))),
            Err(why @ argv::NoProgram::NotExecutable) => {
                blockers.push(blocker("program_not_executable", format!("{name}: {why}")));
            }
        }
    }
    blockers
}

fn missing_directory(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty() && !path.is_dir())
}

/// Why nothing can be written to a file that is there. One that may not be read may be writable all the same.
fn unusable(path: &Path) -> Option<(&Path, std::io::Error)> {
    let error = files::open(path, Links::Refuse).err()?;
    (!matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)).then_some((path, error))
}
