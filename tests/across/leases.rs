//! Hosts whose clocks differ share one PostgreSQL: the lease goes by nobody's wall clock.

use std::sync::{Arc, Mutex};

use selfheal_core::config::Config;
use selfheal_core::pace::Steady;
use selfheal_core::{Span, Timestamp};
use selfheal_engine::ports::{Clock, NoBrake};
use selfheal_engine::{Adapters, Engine, Role};
use selfheal_store::Store;
use selfheal_tests::postgres::Postgres;

/// A host's clock: the true time, and how far its wall clock is off.
struct Host {
    time: Arc<Mutex<u64>>,
    off: i64,
}

const START: i64 = 1_772_000_000_000_000;

impl Clock for Host {
    fn now(&self) -> Timestamp {
        let seconds = *self.time.lock().expect("played by one") as i64;
        Timestamp::from_micros(START + (seconds + self.off) * 1_000_000)
    }

    fn steady(&self) -> Option<Steady> {
        let seconds = *self.time.lock().expect("played by one");
        Some(Steady { since_boot: Span::from_secs(seconds), boot: Some(format!("host {}", self.off)) })
    }
}

fn engine(store: &Store, time: &Arc<Mutex<u64>>, off: i64) -> Arc<Engine> {
    let adapters = Adapters {
        clock: Arc::new(Host { time: Arc::clone(time), off }),
        brake: Arc::new(NoBrake),
        probe: Arc::new(selfheal_adapters::HttpProbe::new().expect("a client")),
        actuators: Vec::new(),
        host_notifiers: Vec::new(),
        open_notifiers: Box::new(|_| Vec::new()),
        open_source: Box::new(|_| None),
    };
    Engine::new(store.clone(), Config::default(), adapters, format!("host {off}"))
}

#[tokio::test]
async fn a_clock_that_is_wrong_takes_no_lease_from_who_renews_it() {
    for off in [3_600, 20, -20, -3_600] {
        let store = Store::open(&Postgres::server().database()).await.expect("opens");
        let time = Arc::new(Mutex::new(0));
        let (leader, other) = (engine(&store, &time, 0), engine(&store, &time, off));
        for _ in 0..60 {
            leader.tick().await.expect("ticks");
            other.tick().await.expect("ticks");
            assert_eq!((leader.status().role, other.status().role), (Role::Leader, Role::Follower), "{off} s off");
            *time.lock().expect("played by one") += 1;
        }
        // The leader is silent from here on: after the lease's 15 s, and not before, the other takes over.
        let mut waited = 0;
        while other.status().role != Role::Leader {
            *time.lock().expect("played by one") += 1;
            waited += 1;
            other.tick().await.expect("ticks");
            assert!(waited <= 16, "{off} s off: still no leader after {waited} s");
        }
        // It last renewed up to 5 s before.
        assert!(waited >= 10, "{off} s off: taken over after {waited} s");
    }
}

#[tokio::test]
async fn a_round_that_waits_does_not_lose_the_lease() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&format!("sqlite:{}", folder.path().join("icdev.db").display())).await.expect("opens");
    let time = Arc::new(Mutex::new(0));
    let leader = engine(&store, &time, 0);
    leader.tick().await.expect("ticks");
    assert_eq!(leader.status().role, Role::Leader);
    // A round begins and waits: every connection that it could read with is taken.
    let mut held = Vec::new();
    while let Ok(tx) = tokio::time::timeout(std::time::Duration::from_millis(500), store.read()).await {
        held.push(tx.expect("reads"));
    }
    let running = tokio::spawn({
        let leader = Arc::clone(&leader);
        async move { leader.run().await }
    });
    let mark = async || {
        let mut tx = store.write_first().await.expect("its turn comes");
        tx.lease_mark().await.expect("read").expect("a lease").expires_at
    };
    let before = mark().await;
    // Time for renewing it, by the clock that the engine is told.
    *time.lock().expect("played by one") += 10;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(120);
    while mark().await == before {
        assert!(tokio::time::Instant::now() < deadline, "the lease is not renewed while a round waits");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    running.abort();
}
