//! The child: the real engine on a home, and an intake that acknowledges what was committed.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use selfheal_adapters::{HttpProbe, SystemClock, open_source};
use selfheal_core::config::parse;
use selfheal_core::detect::{parse_record, reduce};
use selfheal_core::{NewSignal, ProjectName, ServiceName, SourceName, Span};
use selfheal_engine::ports::{Actuator, Clock, Notifier};
use selfheal_engine::{Adapters, Engine};
use selfheal_store::Store;

use super::home::LEASE_MILLIS;
use super::points::{Points, Told};
use super::ports::{PointedActuator, PointedNotifier, PointedProbe, PointedSource};

/// `engine HOME DATABASE POINT NTH`; without a fault the point is `-`.
pub fn main(arguments: &[&str]) {
    let [home, database, point, nth] = arguments else { panic!("engine HOME DATABASE POINT NTH") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let fault = (*point != "-").then(|| ((*point).to_owned(), nth.parse().expect("a number")));
    runtime.expect("a runtime").block_on(run(Path::new(home), database, fault));
}

async fn run(home: &Path, database: &str, fault: Option<(String, usize)>) {
    let points = Arc::new(Points { seen: home.join("points"), fault, passed: AtomicUsize::new(0) });
    tracing::subscriber::set_global_default(Told(Arc::clone(&points))).expect("the first");
    let store = Store::open(database).await.expect("the database opens").observed(Arc::clone(&points) as _);
    let text = std::fs::read_to_string(home.join("config.yaml")).expect("a configuration");
    let mut config = parse(&text, "config.yaml").expect("a valid configuration");
    // More than a file may say: what is tried here is not the limits.
    config.limits.max_attempts = 1_000;
    let sources = Arc::clone(&points);
    let adapters = Adapters {
        clock: Arc::new(SystemClock),
        brake: Arc::new(selfheal_engine::ports::NoBrake),
        probe: Arc::new(PointedProbe { points: Arc::clone(&points), inner: HttpProbe::new().expect("a client") }),
        actuators: vec![
            Arc::new(PointedActuator { points: Arc::clone(&points), ledger: home.join("ledger") }) as Arc<dyn Actuator>
        ],
        host_notifiers: vec![Arc::new(PointedNotifier { points: Arc::clone(&points) }) as Arc<dyn Notifier>],
        open_notifiers: Box::new(|_| Vec::new()),
        open_source: Box::new(move |spec| {
            let inner = open_source(spec)?;
            Some(Box::new(PointedSource { points: Arc::clone(&sources), inner }))
        }),
    };
    let holder = format!("crash:{}", std::process::id());
    let engine = Engine::leasing(store, config, adapters, holder, Span::from_millis(LEASE_MILLIS));
    let intake = tokio::spawn(take_lines(Arc::clone(&engine)));
    // Ends with its parent, whose pipe then closes.
    tokio::select! {
        () = engine.run() => {}
        _ = intake => {}
    }
    std::process::exit(0);
}

/// Takes each line of standard input as a signal, and acknowledges it when it is stored.
async fn take_lines(engine: Arc<Engine>) {
    let (send, mut lines) = tokio::sync::mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        if engine.take(&signal(&line), None).await.is_ok() {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    }
}

fn signal(line: &str) -> Vec<NewSignal> {
    let record = parse_record(line, SystemClock.now());
    reduce(&[record], &SourceName::new("intake"), &ServiceName::new("intake"), &ProjectName::new("default"))
}
