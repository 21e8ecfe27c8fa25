//! Follows sources and runs health checks, each in a task of its own.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::HealthReading;
use selfheal_core::config::{CheckSpec, Service, SourceSpec};
use selfheal_core::detect::{HealthChange, HealthFinding, HealthTracker, health_signal, reduce};
use tokio::task::JoinHandle;

use crate::engine::{Engine, EngineError};
use crate::intake::KINDS;
use crate::ports::Checkpoint;

/// Pause between two polls of a source that had nothing new, and after a failure.
const IDLE: Duration = Duration::from_millis(250);
/// Records that one poll hands out at most.
const RECORDS: usize = 10_000;
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
    // Without its checkpoint the source would be read from the wrong place.
    let mut checkpoint = loop {
        let stored = async {
            let mut tx = engine.store.read().await?;
            tx.checkpoint(&spec.name).await
        };
        match stored.await {
            Ok(body) => break body.map(Checkpoint),
            Err(error) => {
                engine.problem(&about, Some(format!("its checkpoint cannot be read: {error}")));
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    };
    let mut room = RECORDS;
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
        // Too many kinds for one transaction, which the checkpoint belongs to: read again, and less of it.
        if signals.len() > KINDS && batch.records.len() > 2 * KINDS {
            room = KINDS;
            source.at_most(room);
            continue;
        }
        if room < RECORDS && signals.len() < KINDS / 4 {
            room = (room * 2).min(RECORDS);
            source.at_most(room);
        }
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
    let mut ticks = tokio::time::interval(Duration::from_secs(check.interval_seconds.max(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watch = HealthWatch::new(service, check);
    loop {
        ticks.tick().await;
        let looked = watch.look(&engine).await;
        engine.problem(&about, looked.err().map(|error| error.to_string()));
    }
}

/// One health check, watched over time.
pub struct HealthWatch {
    service: Service,
    check: CheckSpec,
    tracker: HealthTracker,
    /// An incident about this check may be open. At the start there may be one from before that has cleared meanwhile.
    unresolved: bool,
}

impl HealthWatch {
    pub fn new(service: Service, check: CheckSpec) -> Self {
        Self { service, check, tracker: HealthTracker::default(), unresolved: true }
    }

    pub const fn spec(&self) -> &CheckSpec {
        &self.check
    }

    /// Whether the next success has something to clear: failures in a row, or an incident.
    pub const fn is_unresolved(&self) -> bool {
        self.unresolved || self.tracker.failing_since().is_some()
    }

    /// Runs the check once and tells the engine what changed.
    pub async fn look(&mut self, engine: &Engine) -> Result<(), EngineError> {
        let result = engine.check(&self.check).await;
        let (service, project) = (&self.service.name, &self.service.project);
        let reading = HealthReading {
            at: engine.now(),
            service: service.clone(),
            check: self.check.name.clone(),
            ok: result.ok,
            detail: result.detail,
        };
        let change = self.tracker.observe(&reading, &self.check);
        let since = self.tracker.failing_since();
        let mut signals = Vec::new();
        match change {
            Some(HealthChange::BecameCritical | HealthChange::StillCritical) => {
                signals.push(health_signal(&reading, project, HealthFinding::Failed, since));
            }
            Some(HealthChange::Warned) => {
                tracing::info!(%service, check = self.check.name, detail = reading.detail, "health check failed once");
            }
            _ => {}
        }
        if self.tracker.newly_flapping() {
            signals.push(health_signal(&reading, project, HealthFinding::Flapping, None));
        }
        if !signals.is_empty() {
            self.unresolved = true;
            engine.take(&signals, None).await?;
        } else if reading.ok && self.unresolved {
            let findings = [HealthFinding::Failed, HealthFinding::Flapping];
            let about = findings.map(|finding| health_signal(&reading, project, finding, None).fingerprint);
            self.unresolved = engine.healthy(project.as_str(), service, &about).await?;
        }
        Ok(())
    }
}
