//! A world: a home, its configuration and knowledge, and its services.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use selfheal_adapters::{HttpProbe, all_actuators};
use selfheal_api::ports::{Clock, Probe};
use selfheal_api::{Home, private};
use selfheal_core::config::{CheckSpec, Config, HttpCheck, parse};
use selfheal_core::{Action, ActionKind, IncidentId, Outcome, PatternId, Plan, ServiceName, TargetSpec};

use crate::port::HeldPort;
use crate::scenario::Scenario;
use crate::service::ServiceArguments;

pub struct World {
    home: Home,
    services: Vec<DemoService>,
    /// Those of the services, in their order.
    _ports: Vec<HeldPort>,
    /// Removed with everything in it when the world ends, unless a home was chosen.
    temporary: std::sync::Mutex<Option<tempfile::TempDir>>,
}

#[derive(Clone, Debug)]
pub struct DemoService {
    pub name: &'static str,
    pub port: u16,
    pub pidfile: PathBuf,
    pub log: PathBuf,
    argv: Vec<String>,
}

impl DemoService {
    pub fn health_url(&self) -> String {
        format!("http://127.0.0.1:{}/health", self.port)
    }

    pub fn target(&self) -> TargetSpec {
        TargetSpec::Process {
            pidfile: self.pidfile.clone(),
            start: self.argv.clone(),
            stop: Vec::new(),
            daemonizes: false,
            stop_timeout_seconds: 5,
            working_directory: None,
            output: None,
        }
    }
}

/// Services that a world has, in the order of the scenarios that break them.
pub const SERVICES: [&str; 3] = ["demo-web", "demo-api", "demo-batch"];

impl World {
    /// Writes a world into an empty folder (a temporary one by default). `program` is the binary that offers the hidden
    /// subcommand.
    ///
    /// A folder in which something is belongs to somebody, if only to an earlier demo, whose incidents would be taken for this
    /// one's.
    pub fn create(folder: Option<&Path>, program: &Path) -> anyhow::Result<Self> {
        let temporary = match folder {
            Some(folder) => {
                ensure_empty(folder)?;
                None
            }
            None => Some(tempfile::Builder::new().prefix("selfheal-demo-").tempdir().context("no temporary folder")?),
        };
        let root = folder.map(Path::to_owned).or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned()));
        let root = std::path::absolute(root.context("no folder for the demo")?)?;
        let home = Home::new(&root);
        // The mark first: what a demo that was interrupted leaves behind is never taken for a home.
        std::fs::create_dir_all(&root).with_context(|| format!("{} cannot be made", root.display()))?;
        std::fs::write(home.demo_mark(), "{}").with_context(|| format!("{} cannot be written", root.display()))?;
        home.init()?;
        let run = root.join("run");
        private::create_dir_all(&run)?;
        let ports: Vec<HeldPort> = (0..SERVICES.len())
            .map(|_| HeldPort::any())
            .collect::<Result<_, _>>()
            .context("no port for the demo's services")?;
        let services: Vec<DemoService> = SERVICES
            .iter()
            .zip(&ports)
            .map(|(name, port)| {
                let port = port.number();
                let log = run.join(format!("{name}.log"));
                let arguments =
                    ServiceArguments { name: (*name).into(), port, log: log.clone(), owner: std::process::id() };
                DemoService {
                    name,
                    port,
                    pidfile: run.join(format!("{name}.pid")),
                    log,
                    argv: arguments.to_argv(program),
                }
            })
            .collect();
        private::write(&home.config(), configuration(&services)?)?;
        private::write(&home.knowledge().join("demo.yaml"), KNOWLEDGE)?;
        let described: serde_json::Map<String, serde_json::Value> = services
            .iter()
            .map(|s| (s.name.into(), serde_json::json!({ "url": s.health_url(), "pidfile": s.pidfile, "log": s.log })))
            .collect();
        private::write(&home.demo_mark(), serde_json::json!({ "services": described }).to_string())?;
        Ok(Self { home, services, _ports: ports, temporary: std::sync::Mutex::new(temporary) })
    }

    pub const fn home(&self) -> &Home {
        &self.home
    }

    pub fn service(&self, name: &str) -> anyhow::Result<&DemoService> {
        self.services.iter().find(|service| service.name == name).context("the demo has no such service")
    }

    /// Starts every service and waits until it answers.
    pub async fn start(&self) -> anyhow::Result<()> {
        // At once: each start is watched for a while.
        let mut starts = tokio::task::JoinSet::new();
        for service in self.services.clone() {
            starts.spawn(async move { start(&service).await });
        }
        while let Some(started) = starts.join_next().await {
            started??;
        }
        let probe = HttpProbe::new()?;
        for service in &self.services {
            let check = CheckSpec {
                name: "http".into(),
                http: Some(HttpCheck { url: service.health_url(), expect_status: Some(200), expect_body: None }),
                interval_seconds: 1,
                timeout_seconds: 1,
                warn_after: 1,
                critical_after: 3,
                clear_after: 1,
            };
            let mut tries = 0;
            loop {
                let result = probe.check(&check).await;
                if result.ok {
                    break;
                }
                tries += 1;
                anyhow::ensure!(tries < 100, "{} does not answer: {}", service.name, result.detail);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Breaks what a scenario breaks.
    pub async fn break_for(&self, scenario: Scenario) -> anyhow::Result<()> {
        let service = self.service(scenario.service())?;
        match scenario {
            Scenario::KillService | Scenario::NeedsApproval => {
                let pid = pid(service).with_context(|| format!("{} does not run", service.name))?;
                nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)
                    .with_context(|| format!("{} cannot be killed", service.name))?;
            }
            Scenario::Unknown => {
                use std::io::Write;
                // The service itself writes it: the same line as its own, at its own time.
                let mut stream = std::net::TcpStream::connect(("127.0.0.1", service.port))?;
                let body = "ledger page 7 does not balance: expected 1204.50, found 1204.05";
                write!(
                    stream,
                    "POST /fail HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )?;
                let mut answer = String::new();
                std::io::Read::read_to_string(&mut stream, &mut answer)?;
                anyhow::ensure!(answer.contains(" 200 "), "{} did not take the failure: {answer}", service.name);
            }
        }
        Ok(())
    }

    /// Ends the world: stops every service, and removes a temporary home. Said outright, because a process that exits
    /// drops nothing.
    pub fn end(&self) {
        self.stop();
        let temporary = self.temporary.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(Err(error)) = temporary.map(tempfile::TempDir::close) {
            tracing::warn!(%error, "the demo's folder is left behind");
        }
    }

    fn stop(&self) {
        for service in &self.services {
            if let Some(pid) = pid(service) {
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
            }
            let _ = std::fs::remove_file(&service.pidfile);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
    }
}

fn ensure_empty(folder: &Path) -> anyhow::Result<()> {
    let mut entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => anyhow::bail!("{} cannot be used for the demo: {error}. Choose another folder", folder.display()),
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let whose = if Home::new(folder).is_demo() { "is the home of another demo" } else { "is not empty" };
    anyhow::bail!(
        "{} {whose}, and is left alone: the demo wants an empty folder, or none (it then makes one and removes it afterwards)",
        folder.display()
    )
}

/// The process of a service, if it is one that this world started: a number in a file may be anybody's by now.
fn pid(service: &DemoService) -> Option<nix::unistd::Pid> {
    let text = std::fs::read_to_string(&service.pidfile).ok()?;
    let pid: i32 = text.trim().parse().ok().filter(|pid| *pid > 1)?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments: Vec<String> =
        line.split(|byte| *byte == 0).map(|argument| String::from_utf8_lossy(argument).into_owned()).collect();
    // The command line names this very process as the owner.
    (arguments.get(1..service.argv.len())? == &service.argv[1..]).then(|| nix::unistd::Pid::from_raw(pid))
}

/// Starts a service the way that the engine would: through the same actuator.
async fn start(service: &DemoService) -> anyhow::Result<()> {
    let (action, target) = (Action::new(ActionKind::ServiceRestart), service.target());
    let actuators = all_actuators();
    let actuator = actuators
        .iter()
        .find(|actuator| actuator.handles(action.kind, &target))
        .context("no actuator for a process")?;
    let preflight = actuator.preview(&action, &target, selfheal_adapters::SystemClock.now()).await?;
    let plan = Plan {
        incident: IncidentId(0),
        pattern: PatternId::new("demo"),
        attempt: 1,
        action,
        service: ServiceName::new(service.name),
        target,
        steps: preflight.steps,
        undo: selfheal_core::WayBack::Nothing,
        instances: 1,
        dependants: Vec::new(),
        checks: Vec::new(),
    };
    for index in 0..plan.steps.len() {
        match actuator.run_step(&plan, index).await {
            Outcome::Succeeded { .. } => {}
            other => anyhow::bail!("{} cannot be started: {}", service.name, other.detail()),
        }
    }
    Ok(())
}

/// The demo's configuration: short times, and limits wide enough to watch it more than once.
fn configuration(services: &[DemoService]) -> anyhow::Result<String> {
    let described: Vec<serde_json::Value> = services
        .iter()
        .map(|service| {
            serde_json::json!({
                "name": service.name,
                "project": "demo",
                "managed": true,
                "depends_on": if service.name == "demo-web" { vec!["demo-api"] } else { vec![] },
                "health_checks": [{
                    "name": "http",
                    "http": { "url": service.health_url(), "expect_status": 200 },
                    "interval_seconds": 1,
                    "timeout_seconds": 1,
                }],
                "target": service.target(),
            })
        })
        .collect();
    let sources: Vec<serde_json::Value> = services
        .iter()
        .map(|service| {
            serde_json::json!({
                "name": format!("{}-log", service.name),
                "file": { "path": service.log, "from_start": true },
                "service": service.name,
                "project": "demo",
            })
        })
        .collect();
    // JSON is YAML, so what is generated needs no quoting rules of its own.
    let text = format!(
        "# The demo's configuration: short times, so that you can watch.\n\
         self_healing:\n  cooldown_minutes: 0        # so that the demo can be watched again at once\n  max_actions_per_hour: 60\n\
         verification:\n  stabilisation_seconds: 5\n  timeout_seconds: 20\n  interval_seconds: 1\n  watch_minutes: 1\n\
         correlation:\n  join_seconds: 1            # each scenario is an incident of its own\n\
         services: {}\nsources: {}\n",
        serde_json::to_string_pretty(&described)?,
        serde_json::to_string_pretty(&sources)?,
    );
    let _: Config = parse(&text, "the demo's configuration")?;
    Ok(text)
}

/// What the demo knows: one fix that is trusted, one that is not yet, and nothing about the third failure.
pub(crate) const KNOWLEDGE: &str = r#"# What the demo knows.
version: 1
patterns:
  - name: Demo web service is down
    description: The demo's web service does not accept connections.
    scope: { service: demo-web }
    rule: { any: [{ regex: 'health check \S+ failed: connection refused' }] }
    root_cause: >-
      The process of {service} was killed: nothing listens on its port. It was ended by a signal from outside, so
      starting it again is enough.
    action: { kind: service.restart }
    checks: [the health check succeeds and no new failure is seen]
    confidence: 0.75
    auto_healable: true
  - name: Demo API is down
    description: The demo's API does not accept connections. Restarting it has not been proven yet.
    scope: { service: demo-api }
    rule: { any: [{ regex: 'health check \S+ failed: connection refused' }] }
    root_cause: >-
      The process of {service} is gone: nothing listens on its port. Starting it again has helped now and then.
    action: { kind: service.restart }
    checks: [the health check succeeds and no new failure is seen]
    confidence: 0.5
    auto_healable: true
"#;
