//! Programs with a pidfile, on Linux: what can be healed with nothing else installed.
//!
//! `program` is the target and the calls of its plan, `pidfile` and `table` what the system says, `identity` whether that
//! is the program, `stop` and `start` the two steps.

mod argv;
mod command;
mod identity;
mod pidfile;
mod program;
mod start;
mod stop;
mod table;

pub use command::run_foreground;

use std::path::Path;

use async_trait::async_trait;
use selfheal_core::{Action, ActionKind, Blocker, Outcome, Plan, Preflight, TargetSpec, Timestamp};
use selfheal_engine::ports::{Actuator, ActuatorError};

use crate::host::hostname;
use pidfile::{Note, Pidfile};
use program::Program;
use table::{Pid, Process};

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
        let program = Program::of(target, action).ok_or_else(|| wrong_kind(target))?;
        if program.start.is_empty() {
            return Err(ActuatorError::Invalid("`start` is empty. Name the program and its arguments".to_owned()));
        }
        let state = State::of(&program);
        let running = matches!(state, State::Running(_));
        let steps = running.then(|| program.stop_step()).into_iter().chain([program.start_step()]).collect();
        Ok(Preflight {
            at: now,
            state_now: state.words(),
            host: hostname(),
            steps,
            undo: selfheal_core::WayBack::Nothing,
            instances: 1,
            blockers: blockers(&program, &state),
        })
    }

    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome {
        let failed = |detail: &str| Outcome::Failed { detail: detail.to_owned() };
        let Some(program) = Program::of(&plan.target, &plan.action) else { return failed("its target is no process") };
        match plan.steps.get(index) {
            Some(step) if *step == program.start_step() => start::start(&program).await,
            Some(step) if *step == program.stop_step() => stop::stop(&program).await,
            Some(_) => failed("the plan names a step that this target does not have"),
            None => failed("the plan has no such step"),
        }
    }
}

fn wrong_kind(target: &TargetSpec) -> ActuatorError {
    ActuatorError::Invalid(format!("a target of kind {} is no process", target.kind()))
}

/// What runs behind a pidfile.
#[derive(Debug)]
enum State {
    Running(Process),
    NotRunning(String),
    /// The pidfile cannot be used: the blocker says why.
    Unknown(Blocker),
}

impl State {
    fn of(program: &Program<'_>) -> Self {
        let path = program.pidfile.display();
        match pidfile::read(program.pidfile) {
            Pidfile::Missing => Self::NotRunning("not running: no pidfile".to_owned()),
            Pidfile::Garbage(text) => Self::Unknown(blocker(
                "pidfile_garbage",
                format!(
                    "{path} holds `{}`, which is no process id. Remove it if the program does not run",
                    text.trim()
                ),
            )),
            Pidfile::Unreadable(error) => Self::Unknown(blocker(
                "pidfile_unreadable",
                format!("{path} cannot be read: {error}. Let the user that runs Selfheal read and write it"),
            )),
            Pidfile::Pid(pid) => Self::of_pid(pid, program),
        }
    }

    fn of_pid(pid: Pid, program: &Program<'_>) -> Self {
        match Process::running(pid) {
            None => Self::NotRunning(format!("not running: process {pid} is gone")),
            Some(process) if identity::is_ours(process, program, Note::read(program.pidfile)) => Self::Running(process),
            Some(process) => Self::NotRunning(format!(
                "not running: process {pid} of the pidfile is another program ({})",
                process.name()
            )),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Running(process) => format!("running (pid {})", process.pid),
            Self::NotRunning(words) => words.clone(),
            Self::Unknown(_) => "unknown: the pidfile cannot be used".to_owned(),
        }
    }
}

fn blockers(program: &Program<'_>, state: &State) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    if let State::Unknown(blocker) = state {
        blockers.push(blocker.clone());
    }
    if let Some(missing) = missing_directory(program.working_directory) {
        blockers.push(blocker("working_directory_missing", format!("there is no directory {}", missing.display())));
    }
    if let Some(missing) = missing_directory(program.pidfile.parent()) {
        blockers.push(blocker("pidfile_directory_missing", format!("there is no directory {}", missing.display())));
    }
    if let Some(missing) = missing_directory(program.output.and_then(Path::parent)) {
        blockers.push(blocker("output_directory_missing", format!("there is no directory {}", missing.display())));
    }
    let stop = program.stop.first().filter(|_| matches!(state, State::Running(_)));
    for name in program.start.first().into_iter().chain(stop) {
        match argv::find(name, program.working_directory) {
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

fn blocker(code: &str, text: String) -> Blocker {
    Blocker { code: code.to_owned(), text }
}
