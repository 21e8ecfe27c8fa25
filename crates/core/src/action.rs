//! Typed remediations and what they act on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The actions that exist. Which of them can run here is up to the actuators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ActionKind {
    #[serde(rename = "service.restart")]
    ServiceRestart,
    #[serde(rename = "infrastructure.scale")]
    InfrastructureScale,
    #[serde(rename = "cache.clear")]
    CacheClear,
    #[serde(rename = "deployment.rollback")]
    DeploymentRollback,
    #[serde(rename = "config.apply")]
    ConfigApply,
    #[serde(rename = "dependency.update")]
    DependencyUpdate,
    #[serde(rename = "database.failover")]
    DatabaseFailover,
    #[serde(rename = "ci.rerun")]
    CiRerun,
    #[serde(rename = "command.run")]
    CommandRun,
    #[serde(rename = "http.call")]
    HttpCall,
}

/// How far an action reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionClass {
    Service,
    Infrastructure,
}

impl ActionKind {
    pub const ALL: [Self; 10] = [
        Self::ServiceRestart,
        Self::InfrastructureScale,
        Self::CacheClear,
        Self::DeploymentRollback,
        Self::ConfigApply,
        Self::DependencyUpdate,
        Self::DatabaseFailover,
        Self::CiRerun,
        Self::CommandRun,
        Self::HttpCall,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceRestart => "service.restart",
            Self::InfrastructureScale => "infrastructure.scale",
            Self::CacheClear => "cache.clear",
            Self::DeploymentRollback => "deployment.rollback",
            Self::ConfigApply => "config.apply",
            Self::DependencyUpdate => "dependency.update",
            Self::DatabaseFailover => "database.failover",
            Self::CiRerun => "ci.rerun",
            Self::CommandRun => "command.run",
            Self::HttpCall => "http.call",
        }
    }

    /// What it does to a service, as people say it: put before the service's name.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::ServiceRestart => "Restart",
            Self::InfrastructureScale => "Scale",
            Self::CacheClear => "Clear the cache of",
            Self::DeploymentRollback => "Roll back",
            Self::ConfigApply => "Apply configuration to",
            Self::DependencyUpdate => "Update dependencies of",
            Self::DatabaseFailover => "Fail over",
            Self::CiRerun => "Run again the pipeline of",
            Self::CommandRun => "Run a command on",
            Self::HttpCall => "Call",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The parameters that this kind of action takes on some kind of target.
    pub const fn parameters(self) -> &'static [ParameterSpec] {
        match self {
            Self::ServiceRestart => &[STOP_TIMEOUT],
            Self::InfrastructureScale => &[REPLICAS],
            _ => &[],
        }
    }

    /// The class unless the action declares another.
    pub const fn default_class(self) -> ActionClass {
        match self {
            Self::InfrastructureScale
            | Self::DatabaseFailover
            | Self::DeploymentRollback
            | Self::CommandRun
            | Self::HttpCall => ActionClass::Infrastructure,
            _ => ActionClass::Service,
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An action as a pattern names it: on the incident's service, which the inventory turns into a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub kind: ActionKind,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// `command.run` and `http.call` may be declared to be of class service; the rest cannot be declared down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ActionClass>,
}

impl Action {
    pub const fn new(kind: ActionKind) -> Self {
        Self { kind, parameters: BTreeMap::new(), class: None }
    }

    /// What is wrong with the parameters whatever the target, if anything: a name that no target knows, or a value out of
    /// range. [`TargetSpec::check_parameters`] is narrower, where the target is known. What a runbook step takes only its
    /// target can say.
    pub fn check_parameters(&self) -> Result<(), String> {
        if self.is_step() {
            return Ok(());
        }
        check_parameters(self, self.kind.parameters(), "")
    }

    pub const fn class(&self) -> ActionClass {
        match (self.kind, self.class) {
            (ActionKind::CommandRun | ActionKind::HttpCall, Some(declared)) => declared,
            (_, Some(ActionClass::Infrastructure)) => ActionClass::Infrastructure,
            (kind, _) => kind.default_class(),
        }
    }

    /// Whether it is the same fix as another one on the same service: the same kind of action, parameters aside. The
    /// runbook steps `command.run` and `http.call` are the exception, since what they act on is one of their parameters.
    pub fn is_same_fix(&self, other: &Self) -> bool {
        self.kind == other.kind && (!self.is_step() || self.parameters == other.parameters)
    }

    const fn is_step(&self) -> bool {
        matches!(self.kind, ActionKind::CommandRun | ActionKind::HttpCall)
    }
}

/// A parameter that an action takes on a kind of target: a whole number within a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    pub name: &'static str,
    pub what: &'static str,
    pub least: u64,
    pub most: u64,
    /// What holds where it is left out.
    pub default: u64,
}

const STOP_TIMEOUT: ParameterSpec = ParameterSpec {
    name: "stop_timeout_seconds",
    what: "Seconds it may take to stop before it is killed",
    least: 1,
    most: 600,
    default: default_stop_seconds(),
};

/// None at all is no scaling: it takes the service away.
const REPLICAS: ParameterSpec =
    ParameterSpec { name: "replicas", what: "Instances that it shall have", least: 1, most: 10_000, default: 1 };

fn check_parameters(action: &Action, known: &[ParameterSpec], place: &str) -> Result<(), String> {
    for (name, value) in &action.parameters {
        let Some(spec) = known.iter().find(|spec| spec.name == name) else {
            let names: Vec<&str> = known.iter().map(|spec| spec.name).collect();
            let takes = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("{}{place} has no parameter `{name}`; it takes {takes}.", action.kind));
        };
        if !value.parse::<u64>().is_ok_and(|number| (spec.least..=spec.most).contains(&number)) {
            return Err(format!("{name} is `{value}`: expected a whole number from {} to {}.", spec.least, spec.most));
        }
    }
    Ok(())
}

/// What stands behind a service here, so that an action can reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetSpec {
    /// A program with a pidfile. Needs nothing else installed.
    Process {
        /// Where the process id stands. Written by Selfheal when it starts the program, unless `daemonizes`.
        #[schemars(extend("format" = "absolute-path"))]
        pidfile: PathBuf,
        /// The program and its arguments. No shell reads it.
        start: Vec<String>,
        /// The command that stops it. Without one it is asked with SIGTERM.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stop: Vec<String>,
        /// True when the program puts itself into the background and writes the pidfile itself.
        #[serde(default)]
        daemonizes: bool,
        /// How long it may take to stop before it is killed.
        #[serde(default = "default_stop_seconds")]
        #[schemars(range(min = 1, max = 600))]
        stop_timeout_seconds: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "absolute-path"))]
        working_directory: Option<PathBuf>,
        /// Where the program's standard output and error go (appended); nowhere by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "absolute-path"))]
        output: Option<PathBuf>,
    },
    /// A program under supervisord, reached over XML-RPC.
    Supervisord {
        /// `unix:/run/supervisor.sock` or `http://127.0.0.1:9001`.
        #[schemars(extend("format" = "line"))]
        server: String,
        /// The program, or `group:program`.
        #[schemars(extend("format" = "line"))]
        program: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "line"))]
        username: Option<String>,
        /// The environment variable that holds the password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "env-name"))]
        password_env: Option<String>,
    },
}

/// A path without `.` and doubled slashes. `..` stays: what it leads to depends on links.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

const fn default_stop_seconds() -> u64 {
    10
}

impl TargetSpec {
    /// The one name of this target, however it is written: two services with the same canonical target share its cooldown.
    /// Told from the description alone; that two paths lead to one file through a link is not seen.
    pub fn canonical(&self) -> String {
        match self {
            Self::Process { pidfile, .. } => format!("process:{}", plain(pidfile).display()),
            Self::Supervisord { server, program, .. } => {
                // supervisord puts a program that is in no group into one of its own name.
                let program = match program.split_once(':') {
                    None => format!("{program}:{program}"),
                    Some(_) => program.clone(),
                };
                format!("supervisord:{}#{program}", server.trim_end_matches('/'))
            }
        }
    }

    /// The connection that the circuit breaker watches: the same for all targets behind one server.
    pub fn connection(&self) -> String {
        match self {
            Self::Process { .. } => "process:local".to_owned(),
            Self::Supervisord { server, .. } => format!("supervisord:{}", server.trim_end_matches('/')),
        }
    }

    /// The parameters that an action takes here.
    pub fn parameters(&self, action: ActionKind) -> Vec<ParameterSpec> {
        match (self, action) {
            (Self::Process { stop_timeout_seconds, .. }, ActionKind::ServiceRestart) => {
                vec![ParameterSpec { default: *stop_timeout_seconds, ..STOP_TIMEOUT }]
            }
            _ => Vec::new(),
        }
    }

    /// What is wrong with an action's parameters here, if anything.
    pub fn check_parameters(&self, action: &Action) -> Result<(), String> {
        check_parameters(action, &self.parameters(action.kind), &format!(" on a target of kind {}", self.kind()))
    }

    /// A parameter's value: the action's, or the default.
    pub fn parameter(&self, action: &Action, name: &str) -> Option<u64> {
        let spec = self.parameters(action.kind).into_iter().find(|spec| spec.name == name)?;
        Some(action.parameters.get(name).and_then(|value| value.parse().ok()).unwrap_or(spec.default))
    }

    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Process { .. } => "process",
            Self::Supervisord { .. } => "supervisord",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for kind in ActionKind::ALL {
            assert_eq!(ActionKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).expect("serialises"), format!("\"{kind}\""));
        }
    }

    #[test]
    fn one_target_has_one_name() {
        let process = |pidfile: &str| {
            TargetSpec::Process {
                pidfile: pidfile.into(),
                start: vec![],
                stop: vec![],
                daemonizes: false,
                stop_timeout_seconds: 10,
                working_directory: None,
                output: None,
            }
            .canonical()
        };
        for pidfile in ["/run/web.pid", "/run//web.pid", "/run/./web.pid", "/run/web.pid/"] {
            assert_eq!(process(pidfile), "process:/run/web.pid");
        }
        assert_ne!(process("/run/x/../web.pid"), "process:/run/web.pid");
        let supervised = |server: &str, program: &str| {
            TargetSpec::Supervisord {
                server: server.into(),
                program: program.into(),
                username: None,
                password_env: None,
            }
            .canonical()
        };
        for (server, program) in [("http://a:9001", "web"), ("http://a:9001/", "web:web")] {
            assert_eq!(supervised(server, program), "supervisord:http://a:9001#web:web");
        }
        assert_eq!(supervised("unix:/s", "group:web"), "supervisord:unix:/s#group:web");
    }

    #[test]
    fn parameters_are_checked_before_anything_is_asked() {
        let process = TargetSpec::Process {
            pidfile: "/run/x".into(),
            start: vec!["x".into()],
            stop: vec![],
            daemonizes: false,
            stop_timeout_seconds: 10,
            working_directory: None,
            output: None,
        };
        let restart = |name: &str, value: &str| Action {
            parameters: [(name.to_owned(), value.to_owned())].into(),
            ..Action::new(ActionKind::ServiceRestart)
        };
        for (value, fine) in [("1", true), ("600", true), ("0", false), ("601", false), ("-1", false), ("x; rm", false)]
        {
            let action = restart("stop_timeout_seconds", value);
            assert_eq!(process.check_parameters(&action).is_ok(), fine, "{value}");
        }
        let unknown = process.check_parameters(&restart("force", "1")).expect_err("unknown");
        assert!(unknown.contains("no parameter `force`; it takes stop_timeout_seconds"), "{unknown}");
        let action = restart("stop_timeout_seconds", "30");
        assert_eq!(process.parameter(&action, "stop_timeout_seconds"), Some(30));
        assert_eq!(process.parameter(&Action::new(ActionKind::ServiceRestart), "stop_timeout_seconds"), Some(10));
    }

    #[test]
    fn only_runbook_steps_can_be_declared_down() {
        let declared = |kind, class| Action { class, ..Action::new(kind) }.class();
        assert_eq!(declared(ActionKind::CommandRun, None), ActionClass::Infrastructure);
        assert_eq!(declared(ActionKind::CommandRun, Some(ActionClass::Service)), ActionClass::Service);
        assert_eq!(declared(ActionKind::DatabaseFailover, Some(ActionClass::Service)), ActionClass::Infrastructure);
        assert_eq!(
            declared(ActionKind::ServiceRestart, Some(ActionClass::Infrastructure)),
            ActionClass::Infrastructure
        );
        assert_eq!(declared(ActionKind::ServiceRestart, None), ActionClass::Service);
    }
}
