//! A world whose clock, services and people are played, around the real engine and the real store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use selfheal_core::config::{CheckSpec, Config, parse};
use selfheal_core::detect::{parse_record, reduce};
use selfheal_core::knowledge::draft::digest;
use selfheal_core::knowledge::{PackEntry, Pattern, PatternStatus, merge};
use selfheal_core::pace::Steady;
use selfheal_core::verify::{CheckResult, TargetState};
use selfheal_core::{
    About, Action, ActionKind, Blocker, Change, ChangeKind, EventId, Incident, Notice, NoticeKind, Outcome, PatternId,
    Plan, PlanHash, Posture, Preflight, ServiceName, SourceName, Span, Step, TargetSpec, Timestamp, WayBack,
};
use selfheal_engine::ports::{Actuator, ActuatorError, Brake, Clock, Notifier, NotifyError, Probe};
use selfheal_engine::{AcceptedDraft, Adapters, Choice, Engine, HealthWatch, PersonError};
use selfheal_store::{Automation, ClusterStatus, Maintenance, Merge, ShadowCounts, Store};
use serde::Deserialize;

use super::script::{Act, Approve};

/// What restarting a service does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// It answers again.
    #[default]
    Works,
    /// The command succeeds and the service stays down.
    DoesNothing,
    /// The command fails.
    Fails,
    /// The command never ends.
    Hangs,
    /// It works, but the engine is not told.
    WorksUnseen,
    /// The target cannot even be inspected.
    Unreachable,
    /// The preflight report has a blocker.
    Blocked,
    /// The command succeeds, the service stays down, and the plan says to undo what did not help.
    Undoable,
    /// The same, and undoing fails.
    UndoFails,
    /// The same, and undoing never ends.
    UndoHangs,
    /// The plan cannot be undone at all, and says so.
    Irreversible,
    /// The service answers again, but not through what was started: that died at once.
    DiesAtOnce,
    /// The same a while later.
    DiesLater,
    /// It works, and then nobody can look at the target.
    WorksOutOfSight,
}

/// What the fakes share.
#[derive(Default)]
struct Stage {
    now: Mutex<Timestamp>,
    /// Time since boot: nobody can set it.
    steady: Mutex<Span>,
    brake: Mutex<bool>,
    posture: Mutex<Option<Posture>>,
    /// What really ran, when by the clock that nobody can set, and what it must not have run under.
    ledger: Mutex<Vec<Run>>,
    undone: Mutex<BTreeMap<String, usize>>,
    /// When each service was started last, by the clock that nobody can set.
    started: Mutex<BTreeMap<String, Span>>,
    down: Mutex<BTreeSet<String>>,
    behaviour: Mutex<BTreeMap<String, Behaviour>>,
    ran: Mutex<BTreeMap<String, usize>>,
    running: Mutex<usize>,
    most_at_once: Mutex<usize>,
    notices: Mutex<Vec<String>>,
}

/// One action as the target saw it.
#[derive(Clone, Debug)]
struct Run {
    service: String,
    at: Span,
    braked: bool,
    posture: Option<Posture>,
}

impl Clock for Stage {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("played by one")
    }

    fn steady(&self) -> Option<Steady> {
        Some(Steady { since_boot: *self.steady.lock().expect("played by one"), boot: Some("boot".into()) })
    }
}

impl Brake for Stage {
    fn engaged(&self) -> Option<String> {
        self.brake.lock().expect("played by one").then(|| "the file is there".into())
    }
}

/// The service that a fake target or check belongs to: its name is in the pidfile or address.
fn service_of(text: &str) -> String {
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

#[async_trait]
impl Probe for Stage {
    async fn check(&self, spec: &CheckSpec) -> CheckResult {
        let service = spec.http.as_ref().map(|http| service_of(&http.url)).unwrap_or_default();
        let ok = !self.down.lock().expect("played by one").contains(&service);
        let detail = if ok { "HTTP 200" } else { "connection refused (127.0.0.1:80)" };
        CheckResult { name: spec.name.clone(), ok, detail: detail.into() }
    }
}

#[async_trait]
impl Actuator for Stage {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        action == ActionKind::ServiceRestart && matches!(target, TargetSpec::Process { .. })
    }

    async fn preview(&self, _: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError> {
        let service = service_of(&target.canonical());
        if self.behaviour_of(&service) == Behaviour::Unreachable {
            return Err(ActuatorError::Unreachable {
                what: service,
                why: "connection refused".into(),
                next: "Check that it runs.".into(),
            });
        }
        let down = self.down.lock().expect("played by one").contains(&service);
        let behaviour = self.behaviour_of(&service);
        let undoable = matches!(behaviour, Behaviour::Undoable | Behaviour::UndoFails | Behaviour::UndoHangs);
        Ok(Preflight {
            at: now,
            state_now: if down { "not running".into() } else { "running".into() },
            host: "here".into(),
            steps: vec![Step { call: format!("restart {service}"), detail: "restart".into() }],
            undo: match behaviour {
                Behaviour::Irreversible => WayBack::Impossible { instead: None },
                _ if undoable => WayBack::Possible { how: format!("put {service} back"), by_itself: true },
                _ => WayBack::Nothing,
            },
            instances: 1,
            blockers: match self.behaviour_of(&service) {
                Behaviour::Blocked => vec![Blocker { code: "gone".into(), text: "The program is gone.".into() }],
                _ => vec![],
            },
        })
    }

    async fn run_step(&self, plan: &Plan, _: usize) -> Outcome {
        let service = service_of(&plan.target.canonical());
        self.ledger.lock().expect("played by one").push(Run {
            service: service.clone(),
            at: *self.steady.lock().expect("played by one"),
            braked: *self.brake.lock().expect("played by one"),
            posture: *self.posture.lock().expect("played by one"),
        });
        *self.ran.lock().expect("played by one").entry(service.clone()).or_default() += 1;
        {
            let mut running = self.running.lock().expect("played by one");
            *running += 1;
            let mut most = self.most_at_once.lock().expect("played by one");
            *most = (*most).max(*running);
        }
        let behaviour = self.behaviour_of(&service);
        let answers = matches!(
            behaviour,
            Behaviour::Works
                | Behaviour::WorksUnseen
                | Behaviour::Irreversible
                | Behaviour::DiesAtOnce
                | Behaviour::DiesLater
                | Behaviour::WorksOutOfSight
        );
        if answers {
            self.down.lock().expect("played by one").remove(&service);
        }
        self.started
            .lock()
            .expect("played by one")
            .insert(service.clone(), *self.steady.lock().expect("played by one"));
        let outcome = match behaviour {
            Behaviour::Works
            | Behaviour::DiesAtOnce
            | Behaviour::DiesLater
            | Behaviour::WorksOutOfSight
            | Behaviour::DoesNothing
            | Behaviour::Irreversible
            | Behaviour::Undoable
            | Behaviour::UndoFails
            | Behaviour::UndoHangs => Outcome::Succeeded { detail: "done".into() },
            Behaviour::Fails | Behaviour::Unreachable | Behaviour::Blocked => {
                Outcome::Failed { detail: "exit status 1".into() }
            }
            Behaviour::Hangs | Behaviour::WorksUnseen => std::future::pending().await,
        };
        *self.running.lock().expect("played by one") -= 1;
        outcome
    }

    async fn inspect(&self, _: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError> {
        let service = service_of(&target.canonical());
        let started = self.started.lock().expect("played by one").get(&service).copied();
        let elapsed = self.steady.lock().expect("played by one").as_micros() - started.unwrap_or_default().as_micros();
        let died = match self.behaviour_of(&service) {
            Behaviour::DiesAtOnce => true,
            Behaviour::DiesLater => elapsed > Span::from_secs(20).as_micros(),
            Behaviour::WorksOutOfSight => {
                return Ok(TargetState::Unknown { detail: "permission denied".into() });
            }
            // What is down hangs: it is the checks that say so.
            _ => false,
        };
        Ok(match (died, started) {
            (true, _) => TargetState::NotRunning { detail: "its process is gone".into() },
            (false, Some(at)) => TargetState::Running { instance: format!("started at {at}") },
            (false, None) => TargetState::Running { instance: "running all the time".into() },
        })
    }

    async fn undo(&self, plan: &Plan) -> Outcome {
        let service = service_of(&plan.target.canonical());
        *self.undone.lock().expect("played by one").entry(service.clone()).or_default() += 1;
        {
            let mut running = self.running.lock().expect("played by one");
            *running += 1;
            let mut most = self.most_at_once.lock().expect("played by one");
            *most = (*most).max(*running);
        }
        let outcome = match self.behaviour_of(&service) {
            Behaviour::UndoFails => Outcome::Failed { detail: "exit status 1".into() },
            Behaviour::UndoHangs => std::future::pending().await,
            _ => Outcome::Succeeded { detail: "put back".into() },
        };
        *self.running.lock().expect("played by one") -= 1;
        outcome
    }
}

#[async_trait]
impl Notifier for Stage {
    fn name(&self) -> &str {
        "stage"
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        let kind = match &notice.about {
            About::Incident { kind: NoticeKind::Escalated, .. } => "escalated",
            About::Incident { kind: NoticeKind::ApprovalNeeded, .. } => "approval",
            About::Incident { kind: NoticeKind::Queued, .. } => "queued",
            About::Summary { .. } => "summary",
            About::Configuration => "configuration",
            About::Test => "test",
        };
        let service = notice.title.split([' ', ':']).next().unwrap_or_default();
        self.notices.lock().expect("played by one").push(format!("{kind} {service}"));
        Ok("played".into())
    }
}

impl Stage {
    /// Time passes, on both clocks.
    fn forward(&self, seconds: u64) {
        let span = Span::from_secs(seconds);
        let mut now = self.now.lock().expect("played by one");
        *now = *now + span;
        let mut steady = self.steady.lock().expect("played by one");
        *steady = Span::from_micros(steady.as_micros() + span.as_micros());
    }

    fn behaviour_of(&self, service: &str) -> Behaviour {
        self.behaviour.lock().expect("played by one").get(service).copied().unwrap_or_default()
    }
}

/// The fakes as ports: the engine wants them shared.
struct Shared(Arc<Stage>);

#[async_trait]
impl Actuator for Shared {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        self.0.handles(action, target)
    }
    async fn preview(&self, action: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError> {
        self.0.preview(action, target, now).await
    }
    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome {
        self.0.run_step(plan, index).await
    }
    async fn inspect(&self, action: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError> {
        self.0.inspect(action, target).await
    }
    async fn undo(&self, plan: &Plan) -> Outcome {
        self.0.undo(plan).await
    }
}

/// A health check, and whether there is anything to see.
struct Watched {
    watch: HealthWatch,
    moved: bool,
}

pub struct World {
    stage: Arc<Stage>,
    store: Store,
    config: Config,
    engine: Arc<Engine>,
    engines: u32,
    checks: Vec<Watched>,
    running: Vec<tokio::task::JoinHandle<()>>,
    /// The engine is dead from the moment at which it would perform such an effect.
    dies_before: Option<String>,
    seconds: u64,
}

/// What there is to see.
pub struct Seen {
    pub incidents: BTreeMap<i64, Incident>,
    pub patterns: BTreeMap<String, Pattern>,
    pub ran: BTreeMap<String, usize>,
    pub undone: BTreeMap<String, usize>,
    pub shadow: BTreeMap<String, ShadowCounts>,
    pub notices: Vec<String>,
    pub audit: Vec<String>,
    /// Incidents with a confirmed cause, by pattern.
    pub causes: BTreeMap<String, u64>,
    /// Changes, latest first, in words.
    pub changes: Vec<String>,
    /// Of how many incidents each draft that waits was made.
    pub drafts: BTreeMap<String, u32>,
    /// What holds each incident's fix back now.
    pub waits: BTreeMap<i64, String>,
}

impl Seen {
    pub fn of(&self, id: i64, what: impl Fn(&Incident) -> String) -> String {
        self.incidents.get(&id).map_or("no such incident".into(), what)
    }
}

const START: Timestamp = Timestamp::from_micros(1_772_000_000_000_000);

impl World {
    pub async fn open(config: &str, patterns: Vec<PackEntry>, automation: Posture) -> Result<Self, String> {
        let config = parse(config, "config").map_err(|error| error.to_string())?;
        let store = Store::in_memory().await.map_err(|error| error.to_string())?;
        let mut tx = store.write().await.map_err(|error| error.to_string())?;
        for entry in patterns {
            tx.put_pattern(&entry.into_pattern("scenario", START)?).await.map_err(|error| error.to_string())?;
        }
        let switch = Automation { posture: automation, then: automation, ..Automation::initial(START) };
        tx.put_automation(&switch).await.map_err(|error| error.to_string())?;
        tx.commit().await.map_err(|error| error.to_string())?;
        let stage = Arc::new(Stage::default());
        *stage.now.lock().expect("played by one") = START;
        *stage.posture.lock().expect("played by one") = Some(automation);
        let engine = engine(&store, &config, &stage, 1);
        let checks = config
            .services
            .iter()
            .flat_map(|service| {
                service
                    .health_checks
                    .iter()
                    .map(|check| Watched { watch: HealthWatch::new(service.clone(), check.clone()), moved: true })
            })
            .collect();
        Ok(Self {
            stage,
            store,
            config,
            engine,
            engines: 1,
            checks,
            running: Vec::new(),
            dies_before: None,
            seconds: 0,
        })
    }

    pub async fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Pass(text) => {
                for _ in 0..seconds(&text)? {
                    self.second().await?;
                }
            }
            Act::Break(services) => self.stage.down.lock().expect("played by one").extend(services),
            Act::Heal(services) => self.stage.down.lock().expect("played by one").retain(|s| !services.contains(s)),
            Act::Restart(behaviour) => self.stage.behaviour.lock().expect("played by one").extend(behaviour),
            Act::Log { service, text, times } => {
                let records: Vec<_> = (0..times).map(|_| parse_record(&text, self.stage.now())).collect();
                let service = ServiceName::new(service);
                let project = self.config.service(&service).map(|s| s.project.clone()).unwrap_or_default();
                let signals = reduce(&records, &SourceName::new("log"), &service, &project);
                self.engine.take(&signals, None).await.map_err(|error| error.to_string())?;
                self.settle().await?;
            }
            Act::Storm { service, text, kinds } => {
                for kind in 0..kinds {
                    // Words without digits, so that each is a template of its own.
                    let word: String =
                        format!("{kind:04}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
                    let record = parse_record(&text.replace("{word}", &word), self.stage.now());
                    let service = ServiceName::new(&service);
                    let project = self.config.service(&service).map(|s| s.project.clone()).unwrap_or_default();
                    let signals = reduce(&[record], &SourceName::new("log"), &service, &project);
                    self.engine.take(&signals, None).await.map_err(|error| error.to_string())?;
                }
                self.settle().await?;
            }
            Act::Jump(text) => {
                let span = seconds(&text)?;
                self.stage.forward(span);
            }
            Act::Leap(text) => {
                let mut now = self.stage.now.lock().expect("played by one");
                *now = *now + Span::from_secs(seconds(&text)?);
            }
            Act::JumpBack(text) => {
                let mut now = self.stage.now.lock().expect("played by one");
                *now = *now - Span::from_secs(seconds(&text)?);
            }
            Act::DieBefore(effect) => self.dies_before = Some(effect),
            Act::Automation(posture) => {
                *self.stage.posture.lock().expect("played by one") = Some(posture);
                let switch = Automation { posture, then: posture, ..Automation::initial(self.stage.now()) };
                self.write(async |tx| tx.put_automation(&switch).await).await?;
                self.settle().await?;
            }
            Act::Approve(approval) => self.approve(approval).await?,
            Act::Reject { incident, reason } => {
                let (id, hash) = self.plan_of(incident).await?;
                self.engine.reject(id, "ada", &hash, reason, None).await.map_err(|error| error.to_string())?;
                self.settle().await?;
            }
            Act::Choose { incident, by, action, parameters } => {
                let action = action.map(|kind| Action { parameters, ..Action::new(kind) });
                let choice = Choice { service: None, action };
                let chosen = self.engine.choose(selfheal_core::IncidentId(incident), &by, choice).await;
                chosen.map_err(|error| error.to_string())?;
                self.settle().await?;
            }
            Act::Edit { incident, by, parameters } => {
                let (id, hash) = self.plan_of(incident).await?;
                self.engine.edit(id, &by, &hash, parameters).await.map_err(|error| error.to_string())?;
                self.settle().await?;
            }
            Act::Accept(id) => {
                let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
                let found = tx.pattern(&PatternId::from_name(&id)).await.map_err(|error| error.to_string())?;
                drop(tx);
                let seen = found.ok_or("no such draft")?;
                let accepted = AcceptedDraft { draft: seen.id.clone(), digest: digest(&seen), wanted: seen };
                self.engine.accept_draft("ada", accepted).await.map_err(|error| error.to_string())?;
            }
            Act::RejectDraft(id) => {
                let id = PatternId::from_name(&id);
                let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
                let found = tx.pattern(&id).await.map_err(|error| error.to_string())?;
                drop(tx);
                let seen = digest(&found.ok_or("no such draft")?);
                let rejected = self.engine.reject_draft(&id, &seen, "ada", None).await;
                rejected.map_err(|error| error.to_string())?;
            }
            Act::Merge { merged, into } => {
                let now = self.engine.now();
                let mut tx = self.store.write().await.map_err(|error| error.to_string())?;
                let mut both = Vec::new();
                for name in [merged, into] {
                    let found = tx.pattern(&PatternId::from_name(&name)).await.map_err(|error| error.to_string())?;
                    both.push(found.ok_or("no such pattern")?);
                }
                let after = merge(&both[0], &both[1], now).map_err(|reasons| reasons.join("; "))?;
                let gone = Pattern { status: PatternStatus::Disabled, updated_at: now, ..both[0].clone() };
                tx.put_patterns(&[gone, after.clone()], now).await.map_err(|error| error.to_string())?;
                let (merged_before, into_before) = (both[0].clone(), both[1].clone());
                let merge = Merge { id: 0, merged_before, into_before, into_after: after, by: "ada".into(), at: now };
                tx.put_merge(&merge).await.map_err(|error| error.to_string())?;
                tx.commit().await.map_err(|error| error.to_string())?;
            }
            Act::Resolve { incident, did_the_same, fixed_by, comment } => {
                let id = selfheal_core::IncidentId(incident);
                let fix = fixed_by.map(Action::new);
                self.engine.resolve(id, "ada", comment, did_the_same, fix).await.map_err(|error| error.to_string())?;
                self.settle().await?;
            }
            Act::Configure(text) => {
                self.config = parse(&text, "config").map_err(|error| error.to_string())?;
                self.engine.reconfigure(self.config.clone());
            }
            Act::Brake(on) => {
                *self.stage.brake.lock().expect("played by one") = on;
                self.settle().await?;
            }
            Act::Maintain { service, minutes } => {
                let now = self.engine.now();
                let window = Maintenance {
                    id: 0,
                    service: Some(service),
                    starts_at: now,
                    ends_at: now + Span::from_minutes(minutes),
                    reason: None,
                    set_by: "ada".into(),
                    set_at: now,
                };
                self.write(async |tx| tx.put_maintenance(&window).await.map(|_| ())).await?;
            }
            Act::Deploy { service, version } => {
                let service = ServiceName::new(service);
                let change = Change {
                    id: 0,
                    at: self.engine.now(),
                    project: self.config.project_of(&service),
                    service,
                    kind: ChangeKind::Deployment,
                    version: Some(version),
                    actor: "pipeline".into(),
                    comment: None,
                    event: None,
                };
                self.write(async |tx| tx.put_change(&change).await.map(|_| ())).await?;
            }
            Act::Crash => self.crash(),
            Act::Expect(expect) => expect.check(self).await?,
        }
        Ok(())
    }

    /// One second passes: due checks look, and the engine does what is due.
    async fn second(&mut self) -> Result<(), String> {
        self.stage.forward(1);
        self.seconds += 1;
        let elapsed = self.seconds;
        let mut looked = false;
        for watched in &mut self.checks {
            let spec = watched.watch.spec();
            let service = spec.http.as_ref().map(|http| service_of(&http.url)).unwrap_or_default();
            watched.moved |= self.stage.down.lock().expect("played by one").contains(&service);
            // A check that goes on succeeding tells the engine nothing.
            if watched.moved && elapsed.is_multiple_of(spec.interval_seconds) {
                watched.watch.look(&self.engine).await.map_err(|error| error.to_string())?;
                watched.moved = watched.watch.is_unresolved();
                looked = true;
            }
        }
        if looked || self.is_due().await? { self.settle().await } else { Ok(()) }
    }

    /// Whether the engine has anything to do now.
    async fn is_due(&self) -> Result<bool, String> {
        let now = self.engine.now();
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        let effect = tx.next_effect_due().await.map_err(|error| error.to_string())?.is_some_and(|due| due <= now);
        let turn = tx.next_in_queue(now).await.map_err(|error| error.to_string())?.is_some();
        Ok(effect || turn || !tx.incidents_due(now, 1).await.map_err(|error| error.to_string())?.is_empty())
    }

    /// Lets the engine do everything that is due now. What hangs is left hanging.
    async fn settle(&mut self) -> Result<(), String> {
        for _ in 0..2_000 {
            if self.is_dead().await? {
                return Ok(());
            }
            let tasks = self.engine.tick().await.map_err(|error| error.to_string())?;
            if tasks.is_empty() {
                return Ok(());
            }
            for mut task in tasks {
                tokio::select! {
                    _ = &mut task => {}
                    () = self.hangs() => self.running.push(task),
                }
            }
        }
        Err("the engine does not come to rest".into())
    }

    async fn is_dead(&self) -> Result<bool, String> {
        let Some(name) = &self.dies_before else { return Ok(false) };
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        let due = tx.due_effects(self.stage.now(), 100).await.map_err(|error| error.to_string())?;
        Ok(due.iter().any(|effect| effect.body.name() == name))
    }

    /// Returns when a restart hangs that will never end.
    async fn hangs(&self) {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            let running = *self.stage.running.lock().expect("played by one");
            let hanging =
                self.stage.behaviour.lock().expect("played by one").values().any(|behaviour| {
                    matches!(behaviour, Behaviour::Hangs | Behaviour::WorksUnseen | Behaviour::UndoHangs)
                });
            if running > 0 && hanging {
                return;
            }
        }
    }

    fn crash(&mut self) {
        self.dies_before = None;
        for task in self.running.drain(..) {
            task.abort();
        }
        *self.stage.running.lock().expect("played by one") = 0;
        self.engines += 1;
        self.engine = engine(&self.store, &self.config, &self.stage, self.engines);
    }

    /// The plan that a person looks at.
    async fn plan_of(&self, id: i64) -> Result<(selfheal_core::IncidentId, PlanHash), String> {
        let incident = self.see().await?.incidents.remove(&id).ok_or("no such incident")?;
        let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref()).ok_or("there is no plan")?;
        Ok((incident.id, plan.hash()))
    }

    /// A person approves, or is told why not.
    async fn approve(&mut self, approval: Approve) -> Result<(), String> {
        let (id, by, refused) = match approval {
            Approve::Incident(id) => (id, "ada".to_owned(), None),
            Approve::By { incident, by, refused } => (incident, by, refused),
        };
        let (id, hash) = self.plan_of(id).await?;
        let outcome = self.engine.approve(id, &by, &by, &hash, None).await;
        match (outcome, refused) {
            (Ok(_), None) => {}
            (Err(PersonError::Refused(refusal)), Some(code)) if refusal.code == code => {}
            (Ok(_), Some(code)) => return Err(format!("approved, although {code} was expected")),
            (Err(error), _) => return Err(error.to_string()),
        }
        self.settle().await
    }

    async fn write(
        &self,
        change: impl AsyncFnOnce(&mut selfheal_store::Tx) -> Result<(), selfheal_store::StoreError>,
    ) -> Result<(), String> {
        let mut tx = self.store.write().await.map_err(|error| error.to_string())?;
        change(&mut tx).await.map_err(|error| error.to_string())?;
        tx.commit().await.map_err(|error| error.to_string())
    }

    pub async fn see(&self) -> Result<Seen, String> {
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        let filter = selfheal_store::IncidentFilter { limit: 1_000, ..Default::default() };
        let incidents = tx.list_incidents(&filter).await.map_err(|error| error.to_string())?;
        let patterns = tx.patterns().await.map_err(|error| error.to_string())?;
        let shadow = tx.all_shadow_counts().await.map_err(|error| error.to_string())?.into_iter().collect();
        let mut audit = tx.audit_entries(&Default::default(), None, 10_000).await.map_err(|error| error.to_string())?;
        audit.reverse();
        let ids: Vec<_> = patterns.iter().map(|pattern| pattern.id.clone()).collect();
        let (shop, web) = (selfheal_core::ProjectName::new("shop"), ServiceName::new("web"));
        let (_, causes) = tx.cause_statistics(&ids, &shop, &web, &[]).await.map_err(|error| error.to_string())?;
        let changes = tx.latest_changes(None, 100).await.map_err(|error| error.to_string())?;
        let waiting = tx.draft_clusters(ClusterStatus::Waiting, 1_000).await.map_err(|error| error.to_string())?;
        let (mut waits, now) = (BTreeMap::new(), self.engine.now());
        for incident in &incidents {
            let standing = self.engine.waits(&mut tx, incident, now).await.map_err(|error| error.to_string())?;
            let Some(standing) = standing else { continue };
            let Some(first) = standing.first(now) else { continue };
            let end = match standing.until(now) {
                _ if standing.until_resumed(now) => "until resumed".to_owned(),
                Some(until) => format!("for {}s", until.since(now).as_secs_f64().round()),
                None => "for its turn".into(),
            };
            waits.insert(incident.id.0, format!("{} {end}", first.gate.as_str()));
        }
        Ok(Seen {
            waits,
            causes: causes.into_iter().map(|(pattern, known)| (pattern.0, known.incidents)).collect(),
            changes: changes.iter().map(Change::words).collect(),
            drafts: waiting.into_iter().map(|cluster| (cluster.pattern.0, cluster.incidents)).collect(),
            incidents: incidents.into_iter().map(|incident| (incident.id.0, incident)).collect(),
            patterns: patterns.into_iter().map(|pattern| (pattern.id.0.clone(), pattern)).collect(),
            ran: self.stage.ran.lock().expect("played by one").clone(),
            undone: self.stage.undone.lock().expect("played by one").clone(),
            shadow,
            notices: self.stage.notices.lock().expect("played by one").clone(),
            audit: audit.into_iter().map(|entry| entry.event_type).collect(),
        })
    }

    /// The story of an incident, as people are told it.
    pub async fn story(&self, id: i64) -> Result<String, String> {
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        let incident = tx.incident(selfheal_core::IncidentId(id)).await.map_err(|error| error.to_string())?;
        let facts = tx.facts(incident.id).await.map_err(|error| error.to_string())?;
        let told = selfheal_api::view::story(&facts, &incident);
        let lines =
            told.iter().map(|entry| format!("{}: {}", entry.title, entry.detail.as_deref().unwrap_or_default()));
        Ok(lines.collect::<Vec<_>>().join("; "))
    }

    /// What must hold at the end of every story.
    pub async fn check_promises(&self) -> Result<(), String> {
        let most = *self.stage.most_at_once.lock().expect("played by one");
        if most > 1 {
            return Err(format!("{most} actions ran at once"));
        }
        let seen = self.see().await?;
        let mut tx = self.store.read().await.map_err(|error| error.to_string())?;
        let (_, broken) = tx.verify_audit(Default::default()).await.map_err(|error| error.to_string())?;
        if let Some(error) = broken {
            return Err(format!("audit: {error}"));
        }
        let events = tx.latest_events(10_000).await.map_err(|error| error.to_string())?;
        let mut starts: Vec<Timestamp> = events.iter().map(|event| event.started_at).collect();
        starts.sort();
        let limit = self.config.self_healing.max_actions_per_hour as usize;
        for window in starts.windows(limit + 1) {
            if window[limit].since(window[0]) < selfheal_core::HOUR {
                return Err(format!("more than {limit} actions started within an hour"));
            }
        }
        self.check_ledger(events.len())?;
        let intents = tx.audit_entries(&Default::default(), None, 10_000).await.map_err(|error| error.to_string())?;
        let intents: Vec<_> = intents.iter().filter(|entry| entry.event_type == "action.intended").collect();
        if intents.len() != events.len() {
            return Err(format!("{} intents, and {} of them on record", events.len(), intents.len()));
        }
        for intent in intents {
            let details: serde_json::Value = serde_json::from_str(&intent.details).unwrap_or_default();
            let gates = details["gates"].as_array().cloned().unwrap_or_default();
            if gates.len() != 10 || gates.iter().any(|gate| gate["passed"] != true) {
                return Err(format!("an intent without every gate: {details}"));
            }
        }
        for (id, incident) in seen.incidents {
            let facts = tx.facts(incident.id).await.map_err(|error| error.to_string())?;
            let replayed =
                Incident::replay(incident.id, incident.project.clone(), facts.iter().map(|f| (f.at, &f.body)));
            if replayed.map_err(|error| error.to_string())?.as_ref() != Some(&incident) {
                return Err(format!("replaying incident {id} does not give its state"));
            }
            let most = self.config.limits.max_attempts;
            if let Some(attempt) = incident.attempts.iter().find(|a| incident.attempts_of(&a.pattern) > most) {
                return Err(format!("incident {id} had more than {most} attempts of {}", attempt.pattern));
            }
            let known: BTreeSet<EventId> = events.iter().map(|event| event.id).collect();
            if let Some(attempt) = incident.attempts.iter().find(|attempt| !known.contains(&attempt.event)) {
                return Err(format!("attempt {} of incident {id} has no intent", attempt.event));
            }
        }
        Ok(())
    }
}

impl World {
    /// What the targets saw, by a clock that nobody can set: the limits held, whatever the database says.
    fn check_ledger(&self, intents: usize) -> Result<(), String> {
        let ledger = self.stage.ledger.lock().expect("played by one").clone();
        if ledger.len() > intents {
            return Err(format!("{} actions ran on {intents} intents", ledger.len()));
        }
        let limit = self.config.self_healing.max_actions_per_hour as usize;
        let gap = |a: &Run, b: &Run| Span::from_micros(b.at.as_micros() - a.at.as_micros());
        if ledger.windows(limit + 1).any(|window| gap(&window[0], &window[limit]) < selfheal_core::HOUR) {
            return Err(format!("more than {limit} actions really ran within an hour: {ledger:?}"));
        }
        let cooldown = Span::from_minutes(self.config.self_healing.cooldown_minutes);
        for (index, run) in ledger.iter().enumerate() {
            if run.braked || run.posture == Some(Posture::Paused) {
                return Err(format!("an action ran although everything was stopped: {run:?}"));
            }
            let before = ledger[..index].iter().rev().find(|earlier| earlier.service == run.service);
            if before.is_some_and(|earlier| gap(earlier, run) < cooldown) {
                return Err(format!("the same action ran twice within {cooldown}: {run:?}"));
            }
        }
        Ok(())
    }
}

fn engine(store: &Store, config: &Config, stage: &Arc<Stage>, number: u32) -> Arc<Engine> {
    let adapters = Adapters {
        clock: Arc::clone(stage) as Arc<dyn Clock>,
        brake: Arc::clone(stage) as Arc<dyn Brake>,
        probe: Arc::clone(stage) as Arc<dyn Probe>,
        actuators: vec![Arc::new(Shared(Arc::clone(stage))) as Arc<dyn Actuator>],
        host_notifiers: vec![Arc::clone(stage) as Arc<dyn Notifier>],
        open_notifiers: Box::new(|_| Vec::new()),
        open_source: Box::new(|_| None),
    };
    Engine::new(store.clone(), config.clone(), adapters, format!("engine-{number}"))
}

fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.len() - 1);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(format!("`{text}`: expected 90s, 10m or 1h")),
    };
    number.parse::<u64>().map(|number| number * factor).map_err(|_| format!("`{text}`: expected 90s, 10m or 1h"))
}
