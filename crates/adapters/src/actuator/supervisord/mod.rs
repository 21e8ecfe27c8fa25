//! Programs under supervisord.
//!
//! `rpc` talks to it, `program` reads what it says about a program. A call whose answer was lost may have been carried
//! out: its outcome is unknown, and nothing repeats it.

mod program;
mod rpc;

use async_trait::async_trait;
use dxr::Value;
use selfheal_core::verify::TargetState;
use selfheal_core::{Action, ActionKind, Blocker, Outcome, Plan, Preflight, Step, TargetSpec, Timestamp, WayBack};
use selfheal_engine::ports::{Actuator, ActuatorError};

use program::ProcessInfo;
use rpc::{CallError, Server};

/// Fault codes of supervisord (`supervisor/xmlrpc.py`).
mod fault {
    pub const BAD_NAME: i32 = 10;
    pub const ALREADY_STARTED: i32 = 60;
    pub const NOT_RUNNING: i32 = 70;
}

/// Restarts programs of supervisord over its XML-RPC interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct SupervisordActuator;

#[async_trait]
impl Actuator for SupervisordActuator {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        action == ActionKind::ServiceRestart && matches!(target, TargetSpec::Supervisord { .. })
    }

    async fn preview(&self, _: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError> {
        let target = Target::of(target).map_err(ActuatorError::Invalid)?;
        let (state_now, running, blockers) = match target.info().await {
            Ok(info) => (info.words(), info.state.is_running(), info.blocker().into_iter().collect()),
            Err(CallError::Fault { code: fault::BAD_NAME, .. }) => {
                let text = format!("{} has no program `{}`", target.server, target.program);
                ("not there".to_owned(), false, vec![Blocker { code: "no_such_program".to_owned(), text }])
            }
            Err(error) => return Err(target.error(error)),
        };
        let stop = running.then(|| target.step(Verb::Stop));
        Ok(Preflight {
            at: now,
            state_now,
            host: target.server.host(),
            steps: stop.into_iter().chain([target.step(Verb::Start)]).collect(),
            undo: WayBack::Nothing,
            instances: 1,
            blockers,
        })
    }

    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome {
        let failed = |detail: &str| Outcome::Failed { detail: detail.to_owned() };
        let target = match Target::of(&plan.target) {
            Ok(target) => target,
            Err(why) => return failed(&why),
        };
        let Some(step) = plan.steps.get(index) else { return failed("the plan has no such step") };
        match [Verb::Stop, Verb::Start].into_iter().find(|verb| target.step(*verb) == *step) {
            Some(verb) => target.run(verb).await,
            None => failed("the plan names a step that this target does not have"),
        }
    }

    async fn inspect(&self, _: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError> {
        let target = Target::of(target).map_err(ActuatorError::Invalid)?;
        match target.info().await {
            Ok(info) => Ok(info.seen()),
            Err(CallError::Fault { code: fault::BAD_NAME, .. }) => {
                let detail = format!("{} has no program `{}`", target.server, target.program);
                Ok(TargetState::NotRunning { detail })
            }
            Err(error) => Err(target.error(error)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Stop,
    Start,
}

impl Verb {
    const fn method(self) -> &'static str {
        match self {
            Self::Stop => "supervisor.stopProcess",
            Self::Start => "supervisor.startProcess",
        }
    }
}

/// A program behind a server.
struct Target<'a> {
    server: Server,
    program: &'a str,
}

impl<'a> Target<'a> {
    fn of(target: &'a TargetSpec) -> Result<Self, String> {
        let TargetSpec::Supervisord { server, program, username, password_env } = target else {
            return Err(format!("a target of kind {} is no program of supervisord", target.kind()));
        };
        if program.is_empty() || program.contains('*') {
            return Err(format!("`{program}` names no single program. Write `program` or `group:program`"));
        }
        Ok(Self { server: Server::new(server, username.as_deref(), password_env.as_deref())?, program })
    }

    fn step(&self, verb: Verb) -> Step {
        let call = format!("{}({:?}, wait=true) at {}", verb.method(), self.program, self.server);
        match verb {
            Verb::Stop => Step::stop(call),
            Verb::Start => Step::start(call),
        }
    }

    async fn info(&self) -> Result<ProcessInfo, CallError> {
        let name = Value::String(self.program.to_owned());
        let value = self.server.call("supervisor.getProcessInfo", vec![name], rpc::ASK_LIMIT).await?;
        ProcessInfo::read(&value)
            .map(|info| info.without(&self.server.hidden()))
            .ok_or_else(|| CallError::Strange("it describes the program in no known way".to_owned()))
    }

    async fn run(&self, verb: Verb) -> Outcome {
        let parameters = vec![Value::String(self.program.to_owned()), Value::Boolean(true)];
        let failed = |error: &CallError| format!("{}: {error}", self.server);
        let detail = match (verb, self.server.call(verb.method(), parameters, rpc::ACT_LIMIT).await) {
            (Verb::Stop, Ok(_)) => "stopped",
            (Verb::Start, Ok(_)) => "started",
            (Verb::Stop, Err(CallError::Fault { code: fault::NOT_RUNNING, .. })) => "it was not running",
            (Verb::Start, Err(CallError::Fault { code: fault::ALREADY_STARTED, .. })) => "it was running already",
            (_, Err(error)) if error.may_have_run() => return Outcome::Unknown { detail: failed(&error) },
            (_, Err(error)) => return Outcome::Failed { detail: failed(&error) },
        };
        Outcome::Succeeded { detail: detail.to_owned() }
    }

    fn error(&self, error: CallError) -> ActuatorError {
        let what = format!("supervisord at {}", self.server);
        let next = match &error {
            CallError::Refused(_) => "Start supervisord, or correct the target's `server`",
            CallError::Denied => {
                return ActuatorError::Invalid(format!(
                    "{what} refuses the login. Correct `username` and the variable that `password_env` names"
                ));
            }
            _ => "Look into supervisord's own log",
        };
        ActuatorError::Unreachable { what, why: error.to_string(), next: next.to_owned() }
    }
}
