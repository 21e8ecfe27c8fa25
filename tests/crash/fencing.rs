//! What an engine may still do after it was away for longer than its lease: nothing. Told with a clock that is played, so
//! that the moment is always the same.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use selfheal_core::{Outcome, SourceName, State, Timestamp};
use selfheal_engine::ports::{Actuator, Checkpoint, Clock, Notifier};
use selfheal_engine::{Adapters, Engine, EngineError, Role};
use selfheal_store::{CommitObserver, Store, StoreError};

use crate::engines::{prepare, signal};
use crate::lapse::stage::{Stage, config};

#[derive(Clone, Debug)]
struct Played(Arc<AtomicI64>);

impl Played {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Played {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Suspends whoever commits this, for as long as the clock says.
#[derive(Debug)]
struct SuspendedAfter {
    label: &'static str,
    clock: Played,
    suspended: Mutex<bool>,
}

impl CommitObserver for SuspendedAfter {
    fn before_commit(&self, _: &str) {}

    fn after_commit(&self, label: &str) {
        let mut suspended = self.suspended.lock().expect("not poisoned");
        if label == self.label && !*suspended {
            *suspended = true;
            self.clock.pass(20);
        }
    }
}

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        an_engine_that_lost_its_lease_writes_nothing().await;
        a_step_does_not_begin_on_an_old_lease().await;
    });
}

struct World {
    folder: tempfile::TempDir,
    clock: Played,
    store: Store,
}

impl World {
    async fn open() -> Self {
        let clock = Played(Arc::new(AtomicI64::new(1_772_000_000_000_000)));
        let store = Store::in_memory().await.expect("opens");
        prepare(&store, clock.now()).await;
        Self { folder: tempfile::tempdir().expect("a folder"), clock, store }
    }

    fn engine(&self, store: Store, name: &str) -> Arc<Engine> {
        let stage = Stage { folder: self.folder.path().to_owned(), name: name.to_owned() };
        let adapters = Adapters {
            clock: Arc::new(self.clock.clone()),
            brake: Arc::new(selfheal_engine::ports::NoBrake),
            probe: Arc::new(stage.clone()),
            actuators: vec![Arc::new(stage) as Arc<dyn Actuator>],
            host_notifiers: vec![Arc::new(selfheal_adapters::LogNotifier) as Arc<dyn Notifier>],
            open_notifiers: Box::new(|_| Vec::new()),
            open_source: Box::new(|_| None),
        };
        Engine::new(store, config(), adapters, name.to_owned())
    }
}

async fn an_engine_that_lost_its_lease_writes_nothing() {
    let world = World::open().await;
    let (old, new) = (world.engine(world.store.clone(), "old"), world.engine(world.store.clone(), "new"));
    old.tick().await.expect("leads");
    world.clock.pass(14);
    new.tick().await.expect("follows");
    assert_eq!((old.status().role, new.status().role), (Role::Leader, Role::Follower), "the lease still holds");
    world.clock.pass(1);
    new.tick().await.expect("takes over");
    assert_eq!(new.status().role, Role::Leader, "a lease of 15 seconds is over after 15 seconds");
    // The old one still believes that it leads.
    let (source, place) = (SourceName::new("log"), Checkpoint(serde_json::json!({ "at": 1 })));
    let written = old.take(&[], Some((&source, &place))).await;
    assert!(matches!(written, Err(EngineError::Store(StoreError::LeaseLost))), "{written:?}");
    new.take(&[], Some((&source, &place))).await.expect("the new one writes");
    old.tick().await.expect("follows");
    assert_eq!(old.status().role, Role::Follower);
}

async fn a_step_does_not_begin_on_an_old_lease() {
    let world = World::open().await;
    let label = "action.started + effect started";
    let observer = SuspendedAfter { label, clock: world.clock.clone(), suspended: Mutex::new(false) };
    let engine = world.engine(world.store.clone().observed(Arc::new(observer)), "suspended");
    let id = engine.take(&[signal(1, world.clock.now())], None).await.expect("taken")[0];
    let ledger = world.folder.path().join("ledger");
    for _ in 0..4 {
        for task in engine.tick().await.expect("leads") {
            task.await.expect("ran");
        }
        let mut tx = world.store.read().await.expect("reads");
        let incident = tx.incident(id).await.expect("read");
        drop(tx);
        let Some(attempt) = incident.attempts.first() else { continue };
        if matches!(incident.state, State::Healing { .. }) {
            continue;
        }
        assert!(!ledger.exists(), "the step ran although another engine may lead by now");
        assert!(matches!(attempt.outcome, Some(Outcome::Stopped { .. })), "{attempt:?}");
        return;
    }
    panic!("nothing was ever admitted");
}
