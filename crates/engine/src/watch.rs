//! Follows sources and runs health checks, each in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::HealthReading;
use selfheal_core::config::{CheckSpec, Service, SourceSpec};
use selfheal_core::detect::{HealthChange, HealthTracker, health_signal, reduce};
use tokio::task::JoinHandle;

use crate::engine::Engine;
use crate::ports::Checkpoint;

/// Pause between two polls of a source that had nothing new, and after a failure.
const IDLE: Duration = Duration::from_millis(250);
const AFTER_FAILURE: Duration = Duration::from_secs(2);

pub fn start(engine: &Arc<Engine>) -> Vec<JoinHandle<()>> {
    let config = engine.config();
    let sources = config.sources.iter().map(|spec| tokio::spawn(follow(Arc::clone(engine), spec.clone())));
    let checks = config.services.iter().flat_map(|service| {
        service
            .health_checks
            .iter()
            .map(|check| tokio::spawn(probe(Arc::clone(engine), service.clone(), check.clone())))
            .collect::<Vec<_>>()
    });
    sources.chain(checks).collect()
}

async fn follow(engine: Arc<Engine>, spec: SourceSpec) {
    let about = format!("source {}", spec.name);
    let Some(mut source) = (engine.adapters.open_source)(&spec) else { return };
    let stored = async {
        let mut tx = engine.store.read().await?;
        tx.checkpoint(&spec.name).await
    };
    let mut checkpoint = match stored.await {
        Ok(body) => body.map(Checkpoint),
        Err(error) => {
            // Without its checkpoint the source would be read from the wrong place.
            engine.problem(&about, Some(format!("its checkpoint cannot be read: {error}")));
            return;
        }
    };
    loop {
        let batch = match source.poll(checkpoint.as_ref(), engine.now()).await {
            Ok(batch) => batch,
            Err(error) => {
                engine.problem(&about, Some(error.to_string()));
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let signals = reduce(&batch.records, &spec.name, &spec.service, &spec.project);
        let moved = batch.checkpoint.as_ref();
        match engine.take(&signals, moved.map(|checkpoint| (&spec.name, checkpoint))).await {
            Ok(_) => {
                engine.problem(&about, None);
                checkpoint = batch.checkpoint.or(checkpoint);
                if !batch.more {
                    tokio::time::sleep(IDLE).await;
                }
            }
            Err(error) => {
                // Read again from the old checkpoint: nothing is lost.
                engine.problem(&about, Some(error.to_string()));
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

async fn probe(engine: Arc<Engine>, service: Service, check: CheckSpec) {
    let about = format!("health check {}/{}", service.name, check.name);
    let mut tracker = HealthTracker::default();
    // After a start there may be an incident from before that has cleared meanwhile.
    let mut unresolved = true;
    let mut ticks = tokio::time::interval(Duration::from_secs(check.interval_seconds.max(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let result = engine.adapters.probe.check(&check).await;
        let reading = HealthReading {
            at: engine.now(),
            service: service.name.clone(),
            check: check.name.clone(),
            ok: result.ok,
            detail: result.detail,
        };
        let change = tracker.observe(&reading, &check);
        let taken = match change {
            Some(change @ (HealthChange::BecameCritical | HealthChange::StillCritical | HealthChange::Flapping)) => {
                unresolved = true;
                engine
                    .take(&[health_signal(&reading, &service.project, change, tracker.failing_since())], None)
                    .await
                    .map(|_| ())
            }
            Some(HealthChange::Warned) => {
                tracing::info!(service = %service.name, check = check.name, detail = reading.detail, "health check failed once");
                Ok(())
            }
            _ if reading.ok && unresolved => {
                let fingerprint =
                    health_signal(&reading, &service.project, HealthChange::BecameCritical, None).fingerprint;
                engine
                    .healthy(service.project.as_str(), &service.name, &fingerprint)
                    .await
                    .map(|waiting| unresolved = waiting)
            }
            _ => Ok(()),
        };
        engine.problem(&about, taken.err().map(|error| error.to_string()));
    }
}
