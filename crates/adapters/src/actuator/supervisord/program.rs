//! What supervisord says about a program (`supervisor.getProcessInfo`).

use std::collections::BTreeMap;

use dxr::Value;
use selfheal_core::Blocker;
use selfheal_core::verify::TargetState;

/// The states of supervisord's process state machine (`supervisor/states.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Stopped,
    Starting,
    Running,
    Backoff,
    Stopping,
    Exited,
    Fatal,
    Unknown,
}

impl State {
    fn read(name: &str) -> Self {
        match name {
            "STOPPED" => Self::Stopped,
            "STARTING" => Self::Starting,
            "RUNNING" => Self::Running,
            "BACKOFF" => Self::Backoff,
            "STOPPING" => Self::Stopping,
            "EXITED" => Self::Exited,
            "FATAL" => Self::Fatal,
            _ => Self::Unknown,
        }
    }

    /// Whether supervisord would stop it: in any other state `stopProcess` is a fault.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Backoff)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    pub state: State,
    state_name: String,
    /// 0 when it does not run.
    pid: i32,
    /// When it was started last, in seconds since 1970.
    started: i32,
    /// In words, e.g. `pid 1669, uptime 0:00:07` or `Exited too quickly (process log may have details)`.
    description: String,
}

impl ProcessInfo {
    pub fn read(value: &Value) -> Option<Self> {
        let Value::Struct(fields) = value else { return None };
        let state_name = text(fields, "statename")?;
        Some(Self {
            state: State::read(&state_name),
            state_name,
            pid: number(fields, "pid"),
            started: number(fields, "start"),
            description: text(fields, "description").unwrap_or_default(),
        })
    }

    /// Without what supervisord repeated of its login. Its state is no text of anybody's.
    pub fn without(mut self, hidden: &crate::hide::Hidden) -> Self {
        self.description = hidden.apply(&self.description);
        self
    }

    /// `RUNNING (pid 1669)`, `EXITED (Nov 24 10:18 AM)`.
    pub fn words(&self) -> String {
        match self.pid {
            0 if self.description.is_empty() => self.state_name.clone(),
            0 => format!("{} ({})", self.state_name, self.description),
            pid => format!("{} (pid {pid})", self.state_name),
        }
    }

    /// For a verification. One that supervisord starts over and over is another one each time.
    pub fn seen(&self) -> TargetState {
        match self.state {
            State::Starting | State::Running if self.pid != 0 => {
                TargetState::Running { instance: format!("pid {}, start {}", self.pid, self.started) }
            }
            State::Unknown => TargetState::Unknown { detail: format!("supervisord says {}", self.words()) },
            _ => TargetState::NotRunning { detail: format!("supervisord says {}", self.words()) },
        }
    }

    /// A program that is just being stopped, or that supervisord lost, cannot be started.
    pub fn blocker(&self) -> Option<Blocker> {
        let (code, text) = match self.state {
            State::Stopping => ("stopping", "somebody is stopping it just now".to_owned()),
            State::Unknown => {
                ("state_unknown", format!("supervisord says {}, so it cannot be started", self.state_name))
            }
            _ => return None,
        };
        Some(Blocker { code: code.to_owned(), text })
    }
}

fn number(fields: &BTreeMap<String, Value>, name: &str) -> i32 {
    match fields.get(name) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

fn text(fields: &BTreeMap<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuator::supervisord::rpc;

    #[test]
    fn reads_what_supervisord_answers() {
        let value = rpc::read(include_str!("getProcessInfo.xml")).expect("a response");
        let info = ProcessInfo::read(&value).expect("process information");
        assert_eq!((info.state, info.words().as_str()), (State::Running, "RUNNING (pid 1669)"));
    }

    #[test]
    fn states_say_what_can_be_done() {
        for (name, running, blocked) in [
            ("STOPPED", false, false),
            ("STARTING", true, false),
            ("RUNNING", true, false),
            ("BACKOFF", true, false),
            ("STOPPING", false, true),
            ("EXITED", false, false),
            ("FATAL", false, false),
            ("UNKNOWN", false, true),
            ("SOMETHING_NEW", false, true),
        ] {
            let fields = [("statename".to_owned(), Value::String(name.to_owned()))];
            let info = ProcessInfo::read(&Value::Struct(fields.into())).expect("process information");
            assert_eq!((info.state.is_running(), info.blocker().is_some()), (running, blocked), "{name}");
            let seen = info.seen();
            assert!(!matches!(seen, TargetState::Running { .. }), "it has no process: {seen:?}");
        }
    }
}
