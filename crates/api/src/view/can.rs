//! What a person may do with an incident now, and why not.

use selfheal_core::{Incident, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Principal, Role};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capability {
    pub allowed: bool,
    /// Why not.
    #[schema(required)]
    pub reason: Option<String>,
}

impl Capability {
    pub const fn yes() -> Self {
        Self { allowed: true, reason: None }
    }

    pub fn no(reason: impl Into<String>) -> Self {
        Self { allowed: false, reason: Some(reason.into()) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capabilities {
    pub approve: Capability,
    pub reject: Capability,
    pub acknowledge: Capability,
    pub snooze: Capability,
    pub wake: Capability,
    pub escalate: Capability,
    pub resolve: Capability,
    pub note: Capability,
}

/// The one thing that fits the state best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Primary {
    Approve,
    Acknowledge,
    Resolve,
    Wake,
}

pub fn capabilities(incident: &Incident, who: &Principal) -> (Capabilities, Option<Primary>) {
    let role = |role: Role| (who.role < role).then(|| format!("This needs the role {role}; you are {}.", who.role));
    let check = |why_not: Option<String>| match why_not {
        None => Capability::yes(),
        Some(reason) => Capability::no(reason),
    };
    let open = incident.state.is_open();
    let has_plan = incident.decided.as_ref().is_some_and(|decided| decided.plan.is_some());
    let not_open = (!open).then(|| "The incident is resolved.".to_owned());
    let acting = incident.is_acting().then(|| "A fix is running or being verified: wait for its outcome.".to_owned());
    let no_plan = if incident.approval.is_some() {
        Some("The fix is approved already.".to_owned())
    } else if !incident.awaits_a_person() || !has_plan {
        Some("There is no plan that waits for approval.".to_owned())
    } else {
        None
    };
    let snoozed = matches!(incident.state, State::Snoozed { .. });
    let approver = role(Role::Approver);
    let can = Capabilities {
        approve: check(approver.clone().or_else(|| no_plan.clone())),
        reject: check(approver.clone().or_else(|| no_plan.clone())),
        acknowledge: check(
            approver
                .clone()
                .or_else(|| not_open.clone())
                .or_else(|| incident.acknowledged_by.as_ref().map(|by| format!("{by} has acknowledged it."))),
        ),
        snooze: check(
            approver
                .clone()
                .or_else(|| not_open.clone())
                .or_else(|| acting.clone())
                .or_else(|| snoozed.then(|| "It is snoozed already.".to_owned())),
        ),
        wake: check(approver.clone().or_else(|| (!snoozed).then(|| "It is not snoozed.".to_owned()))),
        escalate: check(approver.clone().or_else(|| not_open.clone()).or_else(|| acting.clone()).or_else(|| {
            matches!(incident.state, State::Escalated { .. }).then(|| "A person has it already.".to_owned())
        })),
        resolve: check(approver.or_else(|| not_open.clone()).or(acting)),
        note: check(role(Role::Approver)),
    };
    let primary = [
        (can.approve.allowed, Primary::Approve),
        (can.wake.allowed, Primary::Wake),
        (matches!(incident.state, State::Escalated { .. }) && can.acknowledge.allowed, Primary::Acknowledge),
        (matches!(incident.state, State::Escalated { .. }) && can.resolve.allowed, Primary::Resolve),
    ]
    .into_iter()
    .find_map(|(fits, primary)| fits.then_some(primary));
    (can, primary)
}
