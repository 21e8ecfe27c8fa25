//! What a person may do with an incident now, and why not.

use selfheal_core::{Approval, Incident, State};
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
    /// Choose an action, or try the known fix again.
    pub choose: Capability,
    /// Change the plan's parameters.
    pub edit: Capability,
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
    let approved = incident.approval.as_ref();
    let no_plan = if approved.is_some_and(Approval::is_complete) {
        Some("The fix is approved already.".to_owned())
    } else if !incident.awaits_a_person() || !has_plan {
        Some("There is no plan that waits for approval.".to_owned())
    } else {
        None
    };
    let snoozed = matches!(incident.state, State::Snoozed { .. });
    let approver = role(Role::Approver);
    let can = Capabilities {
        approve: check(approver.clone().or_else(|| no_plan.clone()).or_else(|| {
            approved
                .filter(|approval| approval.by == who.name)
                .map(|_| "You have approved it; another person has to approve it too.".to_owned())
        })),
        reject: check(approver.clone().or_else(|| no_plan.clone())),
        choose: check(approver.clone().or_else(|| not_open.clone()).or_else(|| acting.clone()).or_else(|| {
            let waits = incident.awaits_a_person() || matches!(incident.state, State::Escalated { .. });
            (!waits).then(|| "An action can be chosen when the incident is yours or waits for approval.".to_owned())
        })),
        edit: check(approver.clone().or_else(|| no_plan.clone()).or_else(|| {
            let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
            let takes = plan.is_some_and(|plan| !plan.target.parameters(plan.action.kind).is_empty());
            (!takes).then(|| "The action takes no parameters here.".to_owned())
        })),
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
