//! A home for one engine at a time: its configuration, its two services, and what is put in and acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use selfheal_adapters::ProcessActuator;
use selfheal_core::knowledge::parse_pack;
use selfheal_core::{
    Action, ActionKind, Approval, Fact, Incident, IncidentId, Outcome, PatternId, Plan, Posture, ServiceName, State,
    TargetSpec, Timestamp,
};
use selfheal_engine::ports::Actuator;
use selfheal_store::{Automation, IncidentFilter, Store, StoreError};
use selfheal_tests::port::HeldPort;

use super::ports::{note, now};

/// Short, because every kill waits for the lease of the killed engine to run out.
pub const LEASE_MILLIS: u64 = 700;
/// `asks` needs a person's approval, `heals` none.
pub const SERVICES: [&str; 2] = ["heals", "asks"];

pub struct Home {
    pub folder: tempfile::TempDir,
    pub database: String,
    pub store: Store,
    ports: [HeldPort; 2],
    /// Every second home forgets what it fixed at once, so that the next failure opens an incident of its own; in the others
    /// it is a recurrence.
    watch_minutes: u8,
    /// Handed in, by the way it went, and what came back as acknowledged.
    pub handed_in: BTreeSet<String>,
    pub acknowledged: Arc<Mutex<BTreeSet<String>>>,
    pub written: BTreeSet<String>,
    words: u32,
}

pub struct Engine {
    child: Child,
    input: ChildStdin,
    /// How far the list of points was written when it started.
    points_before: u64,
}

impl Home {
    pub async fn open(number: u16, database: Option<String>) -> Self {
        let folder = tempfile::Builder::new().prefix("selfheal-crash-").tempdir().expect("a folder");
        let database = database.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("icdev.db").display()));
        let store = Store::open(&database).await.expect("the database opens");
        let ports = [HeldPort::any(), HeldPort::any()];
        let home = Self {
            folder,
            database,
            store,
            ports,
            watch_minutes: (number % 2) as u8,
            handed_in: BTreeSet::new(),
            acknowledged: Arc::default(),
            written: BTreeSet::new(),
            words: 0,
        };
        std::fs::write(home.path("config.yaml"), home.configuration()).expect("written");
        let at = Timestamp::from_micros(now());
        let mut tx = home.store.write().await.expect("writes");
        for pattern in parse_pack(KNOWLEDGE, "crash", "crash", at).expect("valid") {
            tx.put_pattern(&pattern).await.expect("stored");
        }
        let switch = Automation { posture: Posture::On, then: Posture::On, ..Automation::initial(at) };
        tx.put_automation(&switch).await.expect("stored");
        tx.commit().await.expect("committed");
        for name in SERVICES {
            home.start(name).await;
        }
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn target(&self, name: &str) -> TargetSpec {
        let port = self.ports[usize::from(name == SERVICES[1])].number();
        let program = std::env::current_exe().expect("this program").display().to_string();
        TargetSpec::Process {
            pidfile: self.path(&format!("{name}.pid")),
            start: vec![
                program,
                "service".into(),
                name.into(),
                port.to_string(),
                self.folder.path().display().to_string(),
            ],
            stop: Vec::new(),
            daemonizes: false,
            stop_timeout_seconds: 2,
            working_directory: None,
            output: None,
        }
    }

    fn configuration(&self) -> String {
        let mut services: Vec<serde_json::Value> = SERVICES
            .iter()
            .zip(&self.ports)
            .map(|(name, port)| {
                let port = port.number();
                serde_json::json!({
                    "name": name,
                    "managed": true,
                    "health_checks": [{
                        "name": "http",
                        "http": { "url": format!("http://127.0.0.1:{port}/"), "expect_status": 200 },
                        "interval_seconds": 1,
                        "timeout_seconds": 1,
                        "critical_after": 1,
                    }],
                    "target": self.target(name),
                })
            })
            .collect();
        // Nobody heals it: its log is read.
        services.push(serde_json::json!({ "name": "journal" }));
        serde_json::json!({
            "self_healing": { "max_actions_per_hour": 1_000, "cooldown_minutes": 0 },
            "limits": { "breaker_failures": 1_000 },
            "learning": { "success_step": 0.0, "failure_step": 0.0 },
            "verification": { "stabilisation_seconds": 1, "timeout_seconds": 2, "interval_seconds": 1, "watch_minutes": self.watch_minutes },
            "services": services,
            "sources": [{ "name": "journal", "file": { "path": self.path("journal.log"), "from_start": true }, "service": "journal" }],
        })
        .to_string()
    }

    /// Starts a service as a person would: the same way, with nobody's intent.
    pub async fn start(&self, name: &str) {
        let (action, target) = (Action::new(ActionKind::ServiceRestart), self.target(name));
        let preflight =
            ProcessActuator.preview(&action, &target, Timestamp::from_micros(now())).await.expect("a preview");
        let plan = Plan {
            incident: IncidentId(0),
            pattern: PatternId::new("by-hand"),
            attempt: 1,
            action,
            service: ServiceName::new(name),
            target,
            steps: preflight.steps,
            undo: selfheal_core::WayBack::Nothing,
            instances: 1,
            dependants: Vec::new(),
            checks: Vec::new(),
        };
        for index in 0..plan.steps.len() {
            let outcome = ProcessActuator.run_step(&plan, index).await;
            assert!(matches!(outcome, Outcome::Succeeded { .. }), "{name}: {outcome:?}");
            if let Some(pid) = outcome.detail().strip_prefix("started (pid ") {
                note(&self.path("ledger"), &format!("{} by-hand {}", now(), pid.trim_end_matches(')')));
            }
        }
    }

    /// Breaks a service for real: killed, or answering with errors.
    pub fn break_service(&self, name: &str, kill_it: bool) {
        if !kill_it {
            std::fs::write(self.path(&format!("{name}.sick")), "").expect("written");
            return;
        }
        for pid in self.service_pids(name) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// Every process of a service that this home started, whatever its pidfile says.
    pub fn service_pids(&self, name: &str) -> Vec<Pid> {
        let ledger = std::fs::read_to_string(self.path("ledger")).unwrap_or_default();
        let started = ledger.lines().filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words.get(1..3) == Some(&["started", name])).then(|| words[3].parse::<i32>().ok())?
        });
        let folder = self.folder.path().display().to_string();
        started
            .filter(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains(&folder)
            })
            .map(Pid::from_raw)
            .collect()
    }

    pub fn answers(&self, name: &str) -> bool {
        let port = self.ports[usize::from(name == SERVICES[1])].number();
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let mut answer = String::new();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
        let _ = stream.read_to_string(&mut answer);
        answer.contains("200 well")
    }

    /// Starts an engine that dies at the n-th pass of a point, or not at all.
    pub fn engine(&self, fault: Option<(&str, usize)>) -> Engine {
        let (point, nth) = fault.unwrap_or(("-", 0));
        let points_before = std::fs::metadata(self.path("points")).map_or(0, |file| file.len());
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["engine", &self.folder.path().display().to_string(), &self.database, point, &nth.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(self.path("stderr")).expect("a log"))
            .spawn()
            .expect("the engine starts");
        let input = child.stdin.take().expect("a pipe");
        let output = child.stdout.take().expect("a pipe");
        let acknowledged = Arc::clone(&self.acknowledged);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                acknowledged.lock().expect("not poisoned").insert(line);
            }
        });
        Engine { child, input, points_before }
    }

    /// How often this engine has checked a service: its own measure of how far it got.
    pub fn checks_of(&self, engine: &Engine) -> usize {
        let Ok(mut file) = std::fs::File::open(self.path("points")) else { return 0 };
        let mut since = String::new();
        let read = file.seek(SeekFrom::Start(engine.points_before)).and_then(|_| file.read_to_string(&mut since));
        read.expect("the points are read");
        since.lines().filter(|point| *point == "after probe").count()
    }

    /// A word without digits, never used before: each is a template of its own.
    fn word(&mut self) -> String {
        self.words += 1;
        let letters = (0..4).map(|place| char::from(b'g' + (self.words / 20_u32.pow(place) % 20) as u8));
        letters.collect()
    }

    /// A line into the followed file, and a signal into the engine's intake.
    pub fn feed(&mut self, engine: &mut Engine) {
        let line = format!("ERROR journal page {} lost", self.word());
        note(&self.path("journal.log"), &line);
        self.written.insert(line);
        if self.words.is_multiple_of(3) {
            // Moves the checkpoint and nothing else.
            note(&self.path("journal.log"), "INFO page turned");
        }
        let line = format!("ERROR intake item {} dropped", self.word());
        self.handed_in.insert(line.clone());
        let _ = engine.input.write_all(format!("{line}\n").as_bytes());
    }

    pub async fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        let mut tx = self.store.read().await?;
        tx.list_incidents(&IncidentFilter { limit: 10_000, ..Default::default() }).await
    }

    /// What a person does: approves what asks, and mends by hand what is handed over. Whether anything was handed over.
    pub async fn be_a_person(&self) -> Result<bool, StoreError> {
        let mut handed_over = false;
        for incident in self.incidents().await? {
            let name = incident.service.as_str();
            if !SERVICES.contains(&name) {
                continue;
            }
            let at = Timestamp::from_micros(now());
            let fact = match (&incident.state, incident.decided.as_ref().and_then(|d| d.plan.as_ref())) {
                (State::AwaitingApproval { expires_at }, Some(plan)) if incident.approval.is_none() => Fact::Approved {
                    approval: Approval {
                        by: "ada".into(),
                        person: None,
                        at,
                        plan_hash: plan.hash(),
                        expires_at: *expires_at,
                        second: None,
                        needed: 1,
                    },
                },
                (State::Escalated { .. }, _) => {
                    handed_over = true;
                    self.start(name).await;
                    Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at }
                }
                _ => continue,
            };
            let mut tx = self.store.write().await?;
            match tx.record(incident.id, &fact, at).await {
                Ok(_) => tx.commit().await?,
                // The engine was faster.
                Err(StoreError::Illegal(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(handed_over)
    }

    /// Takes what is with a person off the table, so that the next line opens an incident anew.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        let at = Timestamp::from_micros(now());
        let mut tx = self.store.write().await?;
        for incident in tx.incidents_in("escalated").await? {
            let fact = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at };
            tx.record(incident.id, &fact, at).await?;
        }
        tx.commit().await
    }

    /// Both services answer and nothing about them is open.
    pub async fn is_quiet(&self) -> Result<bool, StoreError> {
        let open = self
            .incidents()
            .await?
            .iter()
            .any(|incident| SERVICES.contains(&incident.service.as_str()) && incident.state.is_open());
        Ok(!open && SERVICES.iter().all(|name| self.answers(name)))
    }

    pub fn tail_of_stderr(&self) -> String {
        let text = std::fs::read_to_string(self.path("stderr")).unwrap_or_default();
        text.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for pid in SERVICES.iter().flat_map(|name| self.service_pids(name)) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

impl Engine {
    /// How it ended, if it did.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const KNOWLEDGE: &str = r#"
version: 1
patterns:
  - name: It is down
    scope: { service: heals }
    rule: { any: [{ regex: 'health check \S+ failed' }] }
    root_cause: The process of {service} was killed.
    action: { kind: service.restart }
    confidence: 0.9
    auto_healable: true
  - name: It is down and asks
    scope: { service: asks }
    rule: { any: [{ regex: 'health check \S+ failed' }] }
    root_cause: The process of {service} was killed.
    action: { kind: service.restart }
    confidence: 0.5
    auto_healable: true
"#;
