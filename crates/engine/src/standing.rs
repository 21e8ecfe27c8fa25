//! What holds an incident's action back at this moment, for people who look at it between two decisions.

use selfheal_core::{Gate, GateResult, Incident, State, Timestamp, Waits};
use selfheal_store::Tx;

use crate::engine::{Engine, EngineError};

impl Engine {
    /// The gates of the last look, with the automation switch and the maintenance windows as they are now. `None` where the
    /// incident waits for no gate.
    pub async fn waits(&self, tx: &mut Tx, incident: &Incident, now: Timestamp) -> Result<Option<Waits>, EngineError> {
        let recorded = match &incident.state {
            State::Queued { gate, .. } => with(&incident.gates, gate),
            State::Decided { held: Some(held) } => with(&incident.gates, &held.gate),
            _ => return Ok(None),
        };
        let automation = tx.automation(now).await?;
        let approved = incident.approval.as_ref().is_some_and(|a| a.is_complete() && now < a.expires_at);
        let posture = self.effective(&automation, now);
        let mut known = vec![GateResult {
            gate: Gate::Automation,
            passed: posture.lets(approved),
            reason: posture.words().into(),
            // What lies above the switch, the configuration or the brake, has no end that is known.
            until: automation.until.filter(|until| now < *until && posture < self.effective(&automation, *until)),
        }];
        let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
        if let Some(plan) = plan
            && let Some(window) = self.maintenance(tx, plan, &self.config(), now).await?
        {
            known.push(match window.filter(|until| now < *until) {
                Some(until) => GateResult {
                    gate: Gate::Maintenance,
                    passed: false,
                    reason: "A maintenance window holds the target.".into(),
                    until: Some(until),
                },
                None => GateResult {
                    gate: Gate::Maintenance,
                    passed: true,
                    reason: "No maintenance window holds the target.".into(),
                    until: None,
                },
            });
        }
        Ok(Some(Waits::of(&recorded, known)))
    }
}

/// The gates on record, with the one that decided even where an older record kept no others.
fn with(gates: &[GateResult], deciding: &GateResult) -> Vec<GateResult> {
    let mut gates = gates.to_vec();
    if gates.iter().all(|gate| gate.gate != deciding.gate) {
        gates.push(deciding.clone());
    }
    gates
}
