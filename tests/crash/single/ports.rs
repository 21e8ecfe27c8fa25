//! The real adapters, with a point before, in the middle of and after each call.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use selfheal_adapters::{HttpProbe, ProcessActuator, SystemClock};
use selfheal_core::config::CheckSpec;
use selfheal_core::verify::{CheckResult, TargetState};
use selfheal_core::{Action, ActionKind, Notice, Outcome, Plan, Preflight, SourceName, TargetSpec, Timestamp};
use selfheal_engine::ports::{
    Actuator, ActuatorError, Batch, Checkpoint, Clock, Notifier, NotifyError, Probe, Source, SourceError,
};

use super::points::{Points, die};

/// Adds a line to a file that several processes write.
pub fn note(path: &Path, line: &str) {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())).expect("the ledger is written");
}

/// Microseconds since 1970.
pub fn now() -> i64 {
    SystemClock.now().as_micros()
}

pub struct PointedActuator {
    pub points: Arc<Points>,
    pub ledger: PathBuf,
}

#[async_trait]
impl Actuator for PointedActuator {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        ProcessActuator.handles(action, target)
    }

    async fn preview(&self, action: &Action, target: &TargetSpec, now: Timestamp) -> Result<Preflight, ActuatorError> {
        self.points.pass("before preview");
        let preflight = ProcessActuator.preview(action, target, now).await;
        self.points.pass("after preview");
        preflight
    }

    async fn inspect(&self, action: &Action, target: &TargetSpec) -> Result<TargetState, ActuatorError> {
        self.points.pass("before inspect");
        ProcessActuator.inspect(action, target).await
    }

    async fn run_step(&self, plan: &Plan, index: usize) -> Outcome {
        let step = format!("{} {} {} {index}", std::process::id(), plan.incident.0, plan.attempt);
        self.points.pass("before step");
        note(&self.ledger, &format!("{} begin {step}", now()));
        if self.points.is_fatal("mid step") {
            // Somewhere inside: a step takes from a few to some hundred milliseconds.
            let moment = Duration::from_micros(now().unsigned_abs() * 7_919 % 330_000);
            tokio::spawn(async move {
                tokio::time::sleep(moment).await;
                die();
            });
        }
        let outcome = ProcessActuator.run_step(plan, index).await;
        note(&self.ledger, &format!("{} end {step}", now()));
        self.points.pass("after step");
        outcome
    }
}

pub struct PointedProbe {
    pub points: Arc<Points>,
    pub inner: HttpProbe,
}

#[async_trait]
impl Probe for PointedProbe {
    async fn check(&self, spec: &CheckSpec) -> CheckResult {
        self.points.pass("before probe");
        let result = self.inner.check(spec).await;
        self.points.pass("after probe");
        result
    }
}

pub struct PointedNotifier {
    pub points: Arc<Points>,
}

#[async_trait]
impl Notifier for PointedNotifier {
    fn name(&self) -> &'static str {
        "crash"
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        self.points.pass("before notify");
        let told = selfheal_adapters::LogNotifier.notify(notice).await?;
        self.points.pass("after notify");
        Ok(told)
    }
}

pub struct PointedSource {
    pub points: Arc<Points>,
    pub inner: Box<dyn Source>,
}

#[async_trait]
impl Source for PointedSource {
    fn name(&self) -> &SourceName {
        self.inner.name()
    }

    async fn poll(&mut self, from: Option<&Checkpoint>, now: Timestamp) -> Result<Batch, SourceError> {
        self.points.pass("before poll");
        let batch = self.inner.poll(from, now).await;
        if batch.as_ref().is_ok_and(|batch| !batch.records.is_empty()) {
            self.points.pass("after poll of new lines");
        }
        batch
    }
}
