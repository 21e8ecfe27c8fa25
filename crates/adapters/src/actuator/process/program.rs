//! A process target as the inventory describes it, and the calls of its plan.
//!
//! Invariant: a call names the pidfile and never a process id, so that two previews of one target give one plan.

use std::path::{Path, PathBuf};
use std::time::Duration;

use selfheal_core::{Action, Step, TargetSpec};

use super::argv;

/// The fields of [`TargetSpec::Process`], owned, since disks are looked at on threads of their own.
#[derive(Clone, Debug)]
pub struct Program {
    pub pidfile: PathBuf,
    pub start: Vec<String>,
    pub stop: Vec<String>,
    pub daemonizes: bool,
    pub stop_timeout: Duration,
    pub working_directory: Option<PathBuf>,
    pub output: Option<PathBuf>,
}

impl Program {
    /// The program of a target, as an action's parameters want it treated.
    pub fn of(target: &TargetSpec, action: &Action) -> Option<Self> {
        let stop_timeout = target.parameter(action, "stop_timeout_seconds").unwrap_or_default();
        match target {
            TargetSpec::Process { pidfile, start, stop, daemonizes, working_directory, output, .. } => Some(Self {
                pidfile: pidfile.clone(),
                start: start.clone(),
                stop: stop.clone(),
                daemonizes: *daemonizes,
                stop_timeout: Duration::from_secs(stop_timeout),
                working_directory: working_directory.clone(),
                output: output.clone(),
            }),
            TargetSpec::Supervisord { .. } => None,
        }
    }

    pub fn directory(&self) -> Option<&Path> {
        self.working_directory.as_deref()
    }

    pub fn stop_step(&self) -> Step {
        let pidfile = self.pidfile.display();
        let seconds = self.stop_timeout.as_secs();
        let call = if self.stop.is_empty() {
            format!("SIGTERM to the process in {pidfile}, SIGKILL after {seconds}s")
        } else {
            format!("{}, SIGKILL to the process in {pidfile} after {seconds}s", argv::shown(&self.stop))
        };
        Step::stop(call)
    }

    pub fn start_step(&self) -> Step {
        let mut call = argv::shown(&self.start);
        if let Some(directory) = &self.working_directory {
            call = format!("{call} in {}", directory.display());
        }
        Step::start(call)
    }
}

#[cfg(test)]
impl Program {
    pub fn example(start: &[&str]) -> Self {
        Self {
            pidfile: PathBuf::from("/run/example.pid"),
            start: start.iter().map(|word| (*word).to_owned()).collect(),
            stop: Vec::new(),
            daemonizes: false,
            stop_timeout: Duration::from_secs(10),
            working_directory: None,
            output: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_say_what_will_run() {
        let program = Program::example(&["/opt/web", "--name=a b"]);
        assert_eq!(program.stop_step().call, "SIGTERM to the process in /run/example.pid, SIGKILL after 10s");
        assert_eq!(program.start_step().call, "/opt/web '--name=a b'");
        let stop = ["/opt/web".to_owned(), "stop".to_owned()].to_vec();
        let program = Program { stop, working_directory: Some(PathBuf::from("/srv")), ..program };
        assert_eq!(program.stop_step().call, "/opt/web stop, SIGKILL to the process in /run/example.pid after 10s");
        assert_eq!(program.start_step().call, "/opt/web '--name=a b' in /srv");
    }
}
