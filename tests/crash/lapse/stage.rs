//! A thousand services, which cannot all be real: whether one is well is a file, and what restarts it writes into a ledger
//! when it began and when it ended.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use selfheal_core::config::{CheckSpec, Config, parse};
use selfheal_core::verify::{CheckResult, TargetState};
use selfheal_core::{Action, ActionKind, Outcome, Plan, Preflight, Step, TargetSpec, Timestamp};
use selfheal_engine::ports::{Actuator, ActuatorError, Probe};

use crate::single::ports::{note, now};

pub const SERVICES: usize = 1_000;
/// Restarting every so-manieth service does not help.
const HOPELESS: usize = 7;

#[derive(Clone, Debug)]
pub struct Stage {
    pub folder: PathBuf,
    pub name: String,
}

impl Stage {
    fn well(&self, service: &str) -> PathBuf {
        self.folder.join(format!("{service}.well"))
    }
}

#[async_trait]
impl Actuator for Stage {
    fn handles(&self, action: ActionKind, target: &TargetSpec) -> bool {
        action == ActionKind::ServiceRestart && matches!(target, TargetSpec::Process { .. })
    }

    async fn preview(&self, _: &Action, _: &TargetSpec, at: Timestamp) -> Result<Preflight, ActuatorError> {
        Ok(Preflight {
            at,
            state_now: "not running".into(),
            host: "here".into(),
            steps: vec![Step { call: "restart".into(), detail: "restart".into() }],
            undo: selfheal_core::WayBack::Nothing,
            instances: 1,
            blockers: vec![],
        })
    }

    async fn inspect(&self, _: &Action, _: &TargetSpec) -> Result<TargetState, ActuatorError> {
        Ok(TargetState::Running { instance: "the only one".into() })
    }

    async fn run_step(&self, plan: &Plan, _: usize) -> Outcome {
        let step = format!("{} {} {} {}", std::process::id(), plan.incident.0, plan.attempt, plan.service);
        let ledger = self.folder.join("ledger");
        note(&ledger, &format!("{} begin {step}", now()));
        tokio::time::sleep(Duration::from_micros(20_000 + now().unsigned_abs() * 7_919 % 130_000)).await;
        let number: usize = plan.service.as_str()[1..].parse().expect("a number");
        if !number.is_multiple_of(HOPELESS) {
            let _ = std::fs::write(self.well(plan.service.as_str()), "");
        }
        note(&ledger, &format!("{} end {step}", now()));
        Outcome::Succeeded { detail: self.name.clone() }
    }
}

#[async_trait]
impl Probe for Stage {
    async fn check(&self, spec: &CheckSpec) -> CheckResult {
        let service = spec.http.as_ref().and_then(|http| http.url.rsplit('/').next()).unwrap_or_default();
        let ok = self.well(service).exists();
        CheckResult { name: spec.name.clone(), ok, detail: if ok { "well" } else { "not running" }.into() }
    }
}

/// The limits are the shipped ones. What is timed in milliseconds of the lapse would be lost between two looks of an
/// engine, so a report may be older and nothing expires from the queue.
pub fn config() -> Config {
    let services: Vec<serde_json::Value> = (0..SERVICES)
        .map(|number| {
            serde_json::json!({
                "name": format!("s{number}"),
                "managed": true,
                "health_checks": [{
                    "name": "file",
                    "http": { "url": format!("http://nowhere/s{number}") },
                    "interval_seconds": 3_600,
                }],
                "target": { "kind": "process", "pidfile": format!("/run/s{number}"), "start": ["/bin/true"] },
            })
        })
        .collect();
    let text = serde_json::json!({
        "learning": { "success_step": 0.0, "failure_step": 0.0 },
        "services": services,
    });
    let mut config = parse(&text.to_string(), "lapse").expect("valid");
    // More than a file may say.
    config.limits.preflight_max_age_seconds = 7_200;
    config.limits.queue_expires_minutes = 100_000;
    for check in config.services.iter_mut().flat_map(|service| &mut service.health_checks) {
        check.critical_after = 1_000_000;
    }
    config
}
