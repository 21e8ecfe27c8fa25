//! A process target as the inventory describes it, and the calls of its plan.
//!
//! Invariant: a call names the pidfile and never a process id, so that two previews of one target give one plan.

use std::path::Path;
use std::time::Duration;

use selfheal_core::{Action, Step, TargetSpec};

use super::argv;

/// The fields of [`TargetSpec::Process`].
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    pub pidfile: &'a Path,
    pub start: &'a [String],
    pub stop: &'a [String],
    pub daemonizes: bool,
    pub stop_timeout: Duration,
    pub working_directory: Option<&'a Path>,
    pub output: Option<&'a Path>,
}

impl<'a> Program<'a> {
    /// The program of a target, as an action's parameters want it treated.
    pub fn of(target: &'a TargetSpec, action: &Action) -> Option<Self> {
        let stop_timeout = target.parameter(action, "stop_timeout_seconds").unwrap_or_default();
        match target {
            TargetSpec::Process { pidfile, start, stop, daemonizes, working_directory, output, .. } => Some(Self {
                pidfile,
                start,
                stop,
                daemonizes: *daemonizes,
                stop_timeout: Duration::from_secs(stop_timeout),
                working_directory: working_directory.as_deref(),
                output: output.as_deref(),
            }),
            TargetSpec::Supervisord { .. } => None,
        }
    }

    pub fn stop_step(&self) -> Step {
        let pidfile = self.pidfile.display();
        let seconds = self.stop_timeout.as_secs();
        let call = if self.stop.is_empty() {
            format!("SIGTERM to the process in {pidfile}, SIGKILL after {seconds}s")
        } else {
            format!("{}, SIGKILL to the process in {pidfile} after {seconds}s", argv::shown(self.stop))
        };
        Step::stop(call)
    }

    pub fn start_step(&self) -> Step {
        let mut call = argv::shown(self.start);
        if let Some(directory) = self.working_directory {
            call = format!("{call} in {}", directory.display());
        }
        Step::start(call)
    }
}

#[cfg(test)]
impl<'a> Program<'a> {
    pub fn example(start: &'a [String]) -> Self {
        Self {
            pidfile: Path::new("/run/example.pid"),
            start,
            stop: &[],
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
        let start = ["/opt/web".to_owned(), "--name=a b".to_owned()];
        let stop = ["/opt/web".to_owned(), "stop".to_owned()];
        let program = Program::example(&start);
        assert_eq!(program.stop_step().call, "SIGTERM to the process in /run/example.pid, SIGKILL after 10s");
        assert_eq!(program.start_step().call, "/opt/web '--name=a b'");
        let program = Program { stop: &stop, working_directory: Some(Path::new("/srv")), ..program };
        assert_eq!(program.stop_step().call, "/opt/web stop, SIGKILL to the process in /run/example.pid after 10s");
        assert_eq!(program.start_step().call, "/opt/web '--name=a b' in /srv");
    }
}
