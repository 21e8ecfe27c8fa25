//! One of the two engines.

use std::path::PathBuf;
use std::sync::Arc;

use selfheal_core::Span;
use selfheal_engine::ports::{Actuator, Notifier};
use selfheal_engine::{Adapters, Engine};
use selfheal_store::Store;

use super::clock::Lapse;
use super::stage::{Stage, config};

/// Long enough in the lapse that an engine with a slow round can renew it.
pub const LEASE_SECONDS: u64 = 1_080;

/// `lapse NAME DATABASE FOLDER EPOCH FACTOR`.
pub fn main(arguments: &[&str]) {
    let [name, database, folder, epoch, factor] = arguments else { panic!("lapse NAME DATABASE FOLDER EPOCH FACTOR") };
    let clock = Lapse { epoch: epoch.parse().expect("a number"), factor: factor.parse().expect("a number") };
    let stage = Stage { folder: PathBuf::from(folder), name: (*name).to_owned() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let store = Store::open(database).await.expect("the database opens");
        let engine = engine(store, stage, clock, (*name).to_owned());
        // Ends with its parent, whose pipe then closes.
        tokio::spawn(tell(Arc::clone(&engine)));
        let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
        tokio::select! {
            () = engine.run() => {}
            _ = parent => {}
        }
        std::process::exit(0);
    });
}

/// Says on standard error what the engine says of itself, whenever that changes.
async fn tell(engine: Arc<Engine>) {
    let mut before = String::new();
    loop {
        let status = format!("{:?}", engine.status());
        if status != before {
            eprintln!("{} {status}", engine.now());
            before = status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub fn engine(store: Store, stage: Stage, clock: Lapse, holder: String) -> Arc<Engine> {
    let adapters = Adapters {
        clock: Arc::new(clock),
        brake: Arc::new(selfheal_engine::ports::NoBrake),
        probe: Arc::new(stage.clone()),
        actuators: vec![Arc::new(stage) as Arc<dyn Actuator>],
        host_notifiers: vec![Arc::new(selfheal_adapters::LogNotifier) as Arc<dyn Notifier>],
        open_notifiers: Box::new(|_| Vec::new()),
        open_source: Box::new(|_| None),
    };
    Engine::leasing(store, config(), adapters, holder, Span::from_secs(LEASE_SECONDS))
}
