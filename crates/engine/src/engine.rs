//! The engine: what it holds, and its loop.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use selfheal_core::config::{Config, NotifierSpec, SourceSpec};
use selfheal_core::pace::{Anchor, Drift, Pace};
use selfheal_core::{AuditId, EffectId, IncidentId, Outcome, Posture, Span, Timestamp};
use selfheal_store::{Lease, LeaseMark, Store, StoreError};
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinHandle;

use crate::channels::Channels;
use crate::checkpoint::Signed;
use crate::high_water::HighWater;
use crate::integrity::Integrity;
use crate::knowledge::{Knowledge, KnowledgeCache, Snapshots};
use crate::live::LiveEvent;
use crate::ports::{Actuator, Brake, Clock, Notifier, OpenedNotifier, Probe, Signer, Source};

/// How long the lease lives without being renewed: how long a dead leader can keep the others waiting.
const LEASE: Span = Span::from_secs(15);
/// A round that takes longer than this is stuck: its lease is not renewed any more, and another engine takes over.
const STUCK: Duration = Duration::from_secs(60);
/// A clock that is this much behind is worth telling.
const CLOCK_TOLERANCE: Span = Span::from_secs(5);
/// The longest pause between two tries of an effect that fails.
const BACKOFF: Span = Span::from_minutes(1);
/// How long the loop waits where nothing calls it.
const IDLE: Duration = Duration::from_millis(250);
/// How long a stop waits for an action that is under way.
const DRAIN: Duration = Duration::from_secs(30);
/// How long it waits for a notice that is being sent. One that is cut off is sent again later.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Effects taken up in one round.
const EFFECTS: i64 = 100;
/// Deliveries looked at in one round.
pub(crate) const DELIVERIES: i64 = 500;

/// Makes a source from its entry in the configuration.
pub type OpenSource = dyn Fn(&SourceSpec) -> Option<Box<dyn Source>> + Send + Sync;

/// Makes notifiers from their entries in the configuration: as many as there are entries.
pub type OpenNotifiers = dyn Fn(&[NotifierSpec]) -> Vec<OpenedNotifier> + Send + Sync;

/// The outside world, as the engine sees it.
pub struct Adapters {
    pub clock: Arc<dyn Clock>,
    pub brake: Arc<dyn Brake>,
    pub probe: Arc<dyn Probe>,
    pub actuators: Vec<Arc<dyn Actuator>>,
    /// Notifiers that this host brings, whatever is configured.
    pub host_notifiers: Vec<Arc<dyn Notifier>>,
    pub open_notifiers: Box<OpenNotifiers>,
    /// Opens a configured source; `None` where its entry says nothing to read.
    pub open_source: Box<OpenSource>,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Corrupt(String),
}

/// Whether this engine heals, or watches another one do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Built, and not yet asked for its first round.
    Starting,
    Leader,
    Follower,
    Stopped,
}

/// What people want to know of an engine.
#[derive(Clone, Debug)]
pub struct EngineStatus {
    pub role: Role,
    /// What keeps it from doing its work, by what it concerns (`source payments-log`, `configuration`, `database`).
    pub problems: BTreeMap<String, String>,
}

pub struct Engine {
    pub(crate) store: Store,
    pub(crate) adapters: Adapters,
    pub(crate) knowledge: KnowledgeCache,
    pub(crate) channels: Channels,
    pub(crate) nudge: Notify,
    /// Outcomes that could not be written down yet: known, as long as this process lives.
    pub(crate) outcomes: Mutex<HashMap<EffectId, Outcome>>,
    /// What signs the audit trail, and how far it did. An engine without one signs nothing.
    pub(crate) signer: OnceLock<Arc<dyn Signer>>,
    pub(crate) signed: Mutex<Option<Signed>>,
    /// The trail after what is signed, as far as it was looked at.
    pub(crate) unsigned: Mutex<crate::checkpoint::Looked>,
    config: Mutex<Arc<Config>>,
    live: broadcast::Sender<LiveEvent>,
    pub(crate) holder: String,
    lease_time: Span,
    lease: Mutex<Option<(Lease, Timestamp)>>,
    /// Rounds and renewals take turns at it.
    keeping_lease: tokio::sync::Mutex<()>,
    /// When the round that is under way began.
    round_since: Mutex<tokio::time::Instant>,
    /// Somebody else's lease, and since when it has been seen unrenewed, by the steady clock.
    watched_lease: Mutex<Option<(LeaseMark, Span)>>,
    /// Holds the wall clock to a steady one.
    pace: Mutex<Pace>,
    resumed: AtomicBool,
    /// The pace that the next engine goes on from, as it was stored last.
    stored_anchor: Mutex<Option<Anchor>>,
    /// The latest time that was stored, in microseconds.
    latest: AtomicI64,
    in_flight: Mutex<HashSet<EffectId>>,
    busy: Mutex<HashSet<IncidentId>>,
    posture: Mutex<Option<Posture>>,
    /// The most that this process may do, beside what the configuration allows.
    limit: Mutex<Option<Posture>>,
    status: Mutex<EngineStatus>,
    watchers: Mutex<Vec<JoinHandle<()>>>,
    /// When the last run of retention began.
    pub(crate) purged: Mutex<Option<Timestamp>>,
    pub(crate) high_water: Mutex<Option<Arc<dyn HighWater>>>,
    /// The audit entry of the mark that was stored last.
    pub(crate) marked: Mutex<Option<(AuditId, String)>>,
    pub(crate) integrity: Mutex<Integrity>,
    /// Every row is being replaced: no rounds until that is over.
    standing: AtomicBool,
}

/// A poisoned lock only says that another task panicked; the data behind these locks is valid at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// `holder` names this engine among those of the database, e.g. `host:pid`.
    pub fn new(store: Store, config: Config, adapters: Adapters, holder: String) -> Arc<Self> {
        Self::leasing(store, config, adapters, holder, LEASE)
    }

    /// The same, with a lease of another length: one that a test can wait for. It is renewed after a third of it.
    pub fn leasing(store: Store, config: Config, adapters: Adapters, holder: String, lease_time: Span) -> Arc<Self> {
        let channels = Channels::open(&adapters, &config.notifications);
        let engine = Arc::new(Self {
            store,
            adapters,
            channels,
            lease_time,
            knowledge: KnowledgeCache::default(),
            nudge: Notify::new(),
            outcomes: Mutex::default(),
            signer: OnceLock::new(),
            signed: Mutex::default(),
            unsigned: Mutex::default(),
            config: Mutex::new(Arc::new(config)),
            live: broadcast::channel(256).0,
            holder,
            lease: Mutex::default(),
            keeping_lease: tokio::sync::Mutex::default(),
            round_since: Mutex::new(tokio::time::Instant::now()),
            watched_lease: Mutex::default(),
            pace: Mutex::default(),
            resumed: AtomicBool::new(false),
            stored_anchor: Mutex::default(),
            latest: AtomicI64::new(0),
            in_flight: Mutex::default(),
            busy: Mutex::default(),
            posture: Mutex::default(),
            limit: Mutex::default(),
            status: Mutex::new(EngineStatus { role: Role::Starting, problems: BTreeMap::new() }),
            watchers: Mutex::default(),
            purged: Mutex::default(),
            high_water: Mutex::default(),
            marked: Mutex::default(),
            integrity: Mutex::default(),
            standing: AtomicBool::new(false),
        });
        engine.show_channels();
        engine
    }

    pub fn config(&self) -> Arc<Config> {
        lock(&self.config).clone()
    }

    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The engine's time: the clock's, held to the pace of a steady clock, and never earlier than any time that was stored.
    /// A clock that is set, ahead or back, frees no slot of a limit, and everything that is compared with a limit is told by
    /// the same clock.
    pub fn now(&self) -> Timestamp {
        self.paced().0.max(Timestamp::from_micros(self.latest.load(Ordering::Relaxed)))
    }

    fn paced(&self) -> (Timestamp, Drift) {
        let clock = &self.adapters.clock;
        lock(&self.pace).read(clock.now(), clock.steady())
    }

    /// Time goes on from there at the earliest.
    pub(crate) fn not_before(&self, latest: Timestamp) {
        self.latest.fetch_max(latest.as_micros(), Ordering::Relaxed);
    }

    /// Makes no further rounds for as long as this lives: what they would find is neither the old nor the new database.
    pub fn stand_still(self: &Arc<Self>) -> StandingStill {
        self.standing.store(true, Ordering::SeqCst);
        StandingStill(Arc::clone(self))
    }

    /// The knowledge base in memory, at least as new as the transaction sees it; not for one that changed it.
    pub async fn knowledge(&self, tx: &mut selfheal_store::Tx) -> Result<Arc<Knowledge>, StoreError> {
        self.knowledge.get(tx).await
    }

    /// Gives this engine a place for snapshots of the knowledge base. Without one every start reads every pattern.
    pub fn start_from(&self, snapshots: Arc<dyn Snapshots>) {
        self.knowledge.keep_in(snapshots);
    }

    /// The audit trail is another one: what was signed of it before says nothing of this one.
    pub fn trail_replaced(&self) {
        *lock(&self.signed) = None;
        *lock(&self.unsigned) = Default::default();
    }

    /// Every row was replaced: what was read before is forgotten, and the lease is taken anew.
    pub fn forget(&self) {
        *lock(&self.lease) = None;
        *lock(&self.posture) = None;
        lock(&self.outcomes).clear();
        self.trail_replaced();
        self.knowledge.forget();
        self.announce(LiveEvent::AutomationChanged);
        self.announce(LiveEvent::EngineChanged);
        self.nudge();
    }

    /// Stores how late it is, and takes up what another engine stored.
    pub(crate) async fn observe_clock(&self, tx: &mut selfheal_store::Tx) -> Result<Timestamp, EngineError> {
        let wall = self.adapters.clock.now();
        let (_, drift) = self.paced();
        let now = tx.observe_clock(self.now()).await?;
        self.latest.fetch_max(now.as_micros(), Ordering::Relaxed);
        // Another host or another start of this machine has stored a later time: it goes on from there, at the steady pace.
        if now > self.paced().0 + CLOCK_TOLERANCE {
            lock(&self.pace).believe(now, self.adapters.clock.steady());
        }
        let anchor = lock(&self.pace).anchor().cloned();
        if let Some(anchor) = anchor
            && lock(&self.stored_anchor).replace(anchor.clone()).as_ref() != Some(&anchor)
        {
            tx.put_pace(&anchor, now).await?;
        }
        let behind = now.since(wall);
        let problem = match drift {
            Drift::Ahead(by) => Some(format!("the clock was set ahead by {by}; limits are counted without that")),
            Drift::Behind(by) => Some(format!("the clock was set back by {by}; limits are counted without that")),
            Drift::None => (behind > CLOCK_TOLERANCE).then(|| {
                format!("the clock is {behind} behind a time that was stored; limits are counted from the later one")
            }),
        };
        self.problem("clock", problem);
        Ok(now)
    }

    pub fn status(&self) -> EngineStatus {
        lock(&self.status).clone()
    }

    /// The channel on which changes are announced.
    pub const fn live(&self) -> &broadcast::Sender<LiveEvent> {
        &self.live
    }

    /// Wakes the loop: something was written that it may want to act on.
    pub fn nudge(&self) {
        self.nudge.notify_one();
    }

    pub(crate) fn announce(&self, event: LiveEvent) {
        // No window is open: nobody to tell.
        let _ = self.live.send(event);
    }

    pub(crate) fn announce_incident(&self, incident: &selfheal_core::Incident) {
        self.announce(LiveEvent::IncidentChanged { incident: incident.id, state: incident.state.name().to_owned() });
    }

    /// Shows or takes back a problem. Logged when it changes, not each time it is met.
    pub fn problem(&self, about: &str, problem: Option<String>) {
        let changed = {
            let mut status = lock(&self.status);
            match &problem {
                Some(text) => status.problems.insert(about.to_owned(), text.clone()).as_ref() != Some(text),
                None => status.problems.remove(about).is_some(),
            }
        };
        if changed {
            match problem {
                Some(problem) => tracing::warn!(about, problem, "something needs attention"),
                None => tracing::info!(about, "works again"),
            }
            self.announce(LiveEvent::EngineChanged);
        }
    }

    fn set_role(&self, role: Role) {
        let changed = std::mem::replace(&mut lock(&self.status).role, role) != role;
        if changed {
            tracing::info!(?role, holder = self.holder, "engine");
            self.announce(LiveEvent::EngineChanged);
        }
    }

    /// Runs one health check now.
    pub async fn check(&self, check: &selfheal_core::config::CheckSpec) -> selfheal_core::verify::CheckResult {
        self.adapters.probe.check(check).await
    }

    /// Inspects a target now. `None` where no actuator does this action on it.
    pub async fn preview(
        &self,
        action: &selfheal_core::Action,
        target: &selfheal_core::TargetSpec,
    ) -> Option<Result<selfheal_core::Preflight, crate::ports::ActuatorError>> {
        Some(self.actuator(action, target)?.preview(action, target, self.now()).await)
    }

    /// Takes a new configuration. What runs goes on; sources and checks are opened anew.
    pub fn reconfigure(self: &Arc<Self>, config: Config) {
        self.reopen_channels(&config.notifications);
        *lock(&self.config) = Arc::new(config);
        self.stop_watching();
        self.announce(LiveEvent::EngineChanged);
    }

    /// Follows every configured source and runs every health check; what was followed before is opened anew.
    fn start_watching(self: &Arc<Self>) {
        let tasks = crate::watch::start(self);
        for old in std::mem::replace(&mut *lock(&self.watchers), tasks) {
            old.abort();
        }
    }

    fn stop_watching(&self) {
        for task in std::mem::take(&mut *lock(&self.watchers)) {
            task.abort();
        }
    }

    /// Only the engine that heals watches: two that follow one log would count each line twice.
    fn watch_as_leader(self: &Arc<Self>) {
        // Also where nothing may be started: signals are taken whatever else is wrong.
        let (leads, watches) = (lock(&self.lease).is_some(), !lock(&self.watchers).is_empty());
        match (leads, watches) {
            (true, false) => self.start_watching(),
            (false, true) => self.stop_watching(),
            _ => {}
        }
    }

    /// Runs until the future is dropped.
    pub async fn run(self: &Arc<Self>) {
        tokio::join!(self.rounds(), self.renewals());
    }

    /// A round may wait: for a long transaction of somebody else, or for a slow disk. The lease does not wait with it, as long
    /// as the round is not stuck.
    async fn renewals(&self) {
        let pause =
            Duration::from_micros(self.lease_time.as_micros().unsigned_abs() / 6).max(Duration::from_millis(50));
        loop {
            tokio::time::sleep(pause).await;
            let stuck = lock(&self.round_since).elapsed() > STUCK;
            if stuck || self.standing.load(Ordering::SeqCst) || lock(&self.lease).is_none() {
                continue;
            }
            // The next round finds out for itself what is wrong.
            if let Err(error) = self.keep_lease(self.now()).await {
                tracing::warn!(%error, "the lease could not be renewed");
            }
        }
    }

    async fn rounds(self: &Arc<Self>) {
        loop {
            *lock(&self.round_since) = tokio::time::Instant::now();
            match self.tick().await {
                Ok(_) => {
                    self.problem("database", None);
                    self.watch_as_leader();
                }
                Err(error) => {
                    self.doubt(&error);
                    self.problem("database", Some(error.to_string()));
                    self.set_role(Role::Stopped);
                    tokio::time::sleep(IDLE * 4).await;
                }
            }
            tokio::select! {
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    /// Stops watching, waits for an action that is under way, and lets another engine take over at once. To be called when
    /// `run` has been stopped.
    pub async fn stop(&self) {
        self.stop_watching();
        // A restart that is cut off between stop and start would leave its service down.
        let deadline = tokio::time::Instant::now() + DRAIN;
        while !lock(&self.in_flight).is_empty() && tokio::time::Instant::now() < deadline {
            // While the action runs nobody else may take over.
            if let Err(error) = self.keep_lease(self.now()).await {
                tracing::warn!(%error, "the lease could not be renewed");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.finish_deliveries(LAST_WORDS).await;
        self.checkpoint_at_stop().await;
        self.set_role(Role::Stopped);
        let lease = lock(&self.lease).take();
        // What is still under way keeps the others out for as long as the lease lasts.
        let idle = lock(&self.in_flight).is_empty();
        if let Some((lease, _)) = lease.filter(|_| idle) {
            let released = async {
                let mut tx = self.store.write_first().await?;
                tx.release_lease(&lease).await?;
                tx.commit().await
            };
            if let Err(error) = released.await {
                tracing::warn!(%error, "the lease is left to expire");
            }
        }
    }

    /// One round: the lease, timers, and every effect that is due. Returns the effects' tasks, for those who want to wait
    /// for them.
    pub async fn tick(self: &Arc<Self>) -> Result<Vec<JoinHandle<()>>, EngineError> {
        if self.standing.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        self.resume_pace().await?;
        self.believe_clock().await?;
        let now = self.now();
        if !self.keep_lease(now).await? {
            self.set_role(Role::Follower);
            return Ok(Vec::new());
        }
        self.sound_now_and_then(now).await?;
        if !self.trusts_the_database().await? {
            self.set_role(Role::Stopped);
            return Ok(Vec::new());
        }
        self.set_role(Role::Leader);
        self.problem("emergency brake", self.brake());
        self.posture_changed(now).await?;
        self.wake_incidents(now).await?;
        self.checkpoint_if_due(now).await?;
        let mut tx = self.store.read().await?;
        let due = tx.due_effects(now, EFFECTS).await?;
        let deliveries = tx.due_deliveries(now, DELIVERIES).await?;
        drop(tx);
        let mut tasks = self.deliver_due(deliveries);
        tasks.extend(self.purge_when_due(now));
        for effect in due {
            // One effect per incident at a time keeps an incident's facts in order.
            let Some(claim) = Claim::take(self, &effect) else { continue };
            tasks.push(tokio::spawn(async move {
                let engine = Arc::clone(&claim.engine);
                let about = format!("incident {}", effect.incident_id);
                match engine.perform(&effect).await {
                    Ok(()) => engine.problem(&about, None),
                    Err(EngineError::Store(StoreError::LeaseLost)) => tracing::warn!(about, "another engine took over"),
                    Err(error) => {
                        engine.doubt(&error);
                        engine.problem(&about, Some(error.to_string()));
                        engine.try_again_later(&effect).await;
                    }
                }
                drop(claim);
                engine.nudge();
            }));
        }
        Ok(tasks)
    }

    /// An effect that failed stays in the outbox, and is tried less and less often. An execution that was started keeps its
    /// mark, so that it is never run again.
    async fn try_again_later(&self, effect: &selfheal_store::PendingEffect) {
        let wait = Span::from_secs(1 << effect.tries.clamp(0, 10)).min(BACKOFF);
        let rescheduled = async {
            let mut tx = self.write_as_leader().await?;
            tx.reschedule_effect(effect.id, self.now() + wait, &effect.state).await?;
            tx.commit().await?;
            Ok::<_, EngineError>(())
        };
        if let Err(error) = rescheduled.await {
            tracing::warn!(%error, "the failed effect is tried again at once");
        }
    }

    async fn perform(self: &Arc<Self>, effect: &selfheal_store::PendingEffect) -> Result<(), EngineError> {
        use selfheal_core::Effect;
        // The list of due effects was read a moment ago: this one may have been done meanwhile.
        let mut tx = self.store.read().await?;
        let waits = tx.effects_of(effect.incident_id).await?.iter().any(|waiting| waiting.id == effect.id);
        drop(tx);
        if !waits {
            return Ok(());
        }
        match effect.body.clone() {
            Effect::Decide => self.decide(effect).await,
            Effect::Execute { event } => self.execute(effect, event).await,
            Effect::Undo { event } => self.undo(effect, event).await,
            Effect::Verify { event } => self.verify(effect, event).await,
            Effect::Notify { kind } => self.notify(effect, kind).await,
            // Taken up by notifier, apart from the incident's effects.
            Effect::Deliver { .. } => Ok(()),
        }
    }

    /// The lease of this engine, for fencing.
    pub(crate) fn lease(&self) -> Result<Lease, EngineError> {
        let lease = lock(&self.lease).as_ref().map(|(lease, _)| lease.clone());
        lease.ok_or(EngineError::Store(StoreError::LeaseLost))
    }

    /// Whether the lease cannot have become another engine's yet, without asking the database: what a step may begin on.
    pub(crate) fn lease_is_fresh(&self) -> bool {
        let now = self.now();
        lock(&self.lease).as_ref().is_some_and(|(_, renewed)| *renewed <= now && now < *renewed + self.lease_time)
    }

    /// A writing transaction of the leader.
    pub(crate) async fn write_as_leader(&self) -> Result<selfheal_store::Tx, EngineError> {
        let lease = self.lease()?;
        let mut tx = self.store.write().await?;
        if let Err(lost) = tx.check_lease(&lease).await {
            // It has to be asked for again, whatever this engine's clock says of its age.
            if matches!(lost, StoreError::LeaseLost) {
                lock(&self.lease).take_if(|(held, _)| *held == lease);
            }
            return Err(lost.into());
        }
        Ok(tx)
    }

    async fn keep_lease(&self, now: Timestamp) -> Result<bool, EngineError> {
        let _alone = self.keeping_lease.lock().await;
        let held = lock(&self.lease).clone();
        if held.is_some_and(|(_, renewed)| renewed <= now && now < renewed + self.lease_time / 3) {
            return Ok(true);
        }
        let mut tx = self.store.write_first().await?;
        let lease = match self.lease_is_free(&mut tx, now).await? {
            Some(from) => tx.take_lease(&self.holder, from, self.lease_time).await?,
            None => None,
        };
        tx.commit().await?;
        let held = lease.is_some();
        if !held {
            // Whoever leads meanwhile handles the switch; what this engine knew of it is old when it leads again.
            *lock(&self.posture) = None;
        }
        *lock(&self.lease) = lease.map(|lease| (lease, now));
        Ok(held)
    }

    /// From when the lease may be taken; `None` while somebody else's may still hold. Hosts' clocks differ, so on a database
    /// that hosts share a follower does not compare its clock with the holder's: it takes over only from a lease that it
    /// has seen unrenewed for all of its time, by a clock that only counts.
    async fn lease_is_free(
        &self,
        tx: &mut selfheal_store::Tx,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, EngineError> {
        let (Some(steady), true) = (self.adapters.clock.steady(), self.store.is_shared()) else { return Ok(Some(now)) };
        let Some(mark) = tx.lease_mark().await? else { return Ok(Some(now)) };
        if mark.holder == self.holder || mark.expires_at == Timestamp::EPOCH {
            return Ok(Some(now));
        }
        let mut watched = lock(&self.watched_lease);
        match &*watched {
            Some((seen, since)) if *seen == mark => {
                let quiet = Span::from_micros(steady.since_boot.as_micros() - since.as_micros());
                Ok((quiet >= self.lease_time).then(|| now.max(mark.expires_at)))
            }
            _ => {
                *watched = Some((mark, steady.since_boot));
                Ok(None)
            }
        }
    }

    /// A clock that was set ahead is believed once nothing is counted that this could free. Between two rounds, so that no
    /// decision finds its own report hours old.
    async fn believe_clock(&self) -> Result<(), EngineError> {
        if !matches!(self.paced().1, Drift::Ahead(_)) {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        if tx.counts_nothing(self.now()).await? {
            lock(&self.pace).believe(self.adapters.clock.now(), self.adapters.clock.steady());
        }
        Ok(())
    }

    /// What was held by a switch that was set and set back between two looks at it is decided again too.
    async fn let_go(&self, posture: Posture, now: Timestamp) -> Result<(), EngineError> {
        let held = |incident: &selfheal_core::Incident| {
            let approved = incident.approval.as_ref().is_some_and(selfheal_core::Approval::is_complete);
            matches!(incident.state, selfheal_core::State::Decided { held: Some(_) }) && posture.lets(approved)
        };
        let mut tx = self.store.read().await?;
        let waiting: Vec<IncidentId> =
            tx.incidents_in("decided").await?.iter().filter(|incident| held(incident)).map(|i| i.id).collect();
        drop(tx);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = self.write_as_leader().await?;
        for id in waiting {
            tx.put_effect(id, &selfheal_core::Effect::Decide, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The first time: goes on at the pace that the engine before this one left.
    async fn resume_pace(&self) -> Result<(), EngineError> {
        if self.resumed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        if let Some(left) = tx.pace().await? {
            lock(&self.pace).resume(left, self.adapters.clock.steady().as_ref());
        }
        self.resumed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The effective posture: the switch under the configuration's ceiling.
    pub(crate) fn effective(&self, automation: &selfheal_store::Automation, now: Timestamp) -> Posture {
        automation.effective(now).min(self.ceiling())
    }

    /// The most that the configuration and this process allow.
    pub fn ceiling(&self) -> Posture {
        if self.adapters.brake.engaged().is_some() {
            return Posture::Paused;
        }
        let configured = if self.config().self_healing.enabled { Posture::On } else { Posture::Observe };
        configured.min(lock(&self.limit).unwrap_or(Posture::On))
    }

    /// Why the emergency brake holds everything, if it does.
    pub fn brake(&self) -> Option<String> {
        self.adapters.brake.engaged()
    }

    /// Allows this process no more than that, whatever is set.
    pub fn limit_posture(&self, limit: Posture) {
        *lock(&self.limit) = Some(limit);
    }

    /// What the switch held is decided again when the switch (or the ceiling) has changed.
    async fn posture_changed(&self, now: Timestamp) -> Result<(), EngineError> {
        let mut tx = self.store.read().await?;
        let automation = tx.automation(now).await?;
        drop(tx);
        let posture = self.effective(&automation, now);
        if *lock(&self.posture) == Some(posture) {
            return self.let_go(posture, now).await;
        }
        let mut tx = self.write_as_leader().await?;
        for id in tx.decided_incidents().await? {
            tx.put_effect(id, &selfheal_core::Effect::Decide, now).await?;
        }
        self.observe_clock(&mut tx).await?;
        tx.commit().await?;
        *lock(&self.posture) = Some(posture);
        self.announce(LiveEvent::AutomationChanged);
        Ok(())
    }
}

/// Lets the engine go on when dropped.
pub struct StandingStill(Arc<Engine>);

impl Drop for StandingStill {
    fn drop(&mut self) {
        self.0.standing.store(false, Ordering::SeqCst);
        self.0.nudge();
    }
}

/// An effect and its incident, taken for as long as this lives: given back even where the work panics.
struct Claim {
    engine: Arc<Engine>,
    effect: EffectId,
    incident: IncidentId,
}

impl Claim {
    fn take(engine: &Arc<Engine>, effect: &selfheal_store::PendingEffect) -> Option<Self> {
        let (mut busy, mut in_flight) = (lock(&engine.busy), lock(&engine.in_flight));
        if busy.contains(&effect.incident_id) || in_flight.contains(&effect.id) {
            return None;
        }
        busy.insert(effect.incident_id);
        in_flight.insert(effect.id);
        drop((busy, in_flight));
        Some(Self { engine: Arc::clone(engine), effect: effect.id, incident: effect.incident_id })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.engine.in_flight).remove(&self.effect);
        lock(&self.engine.busy).remove(&self.incident);
    }
}
