//! What a person may do with an incident now, and why not: one rule, for the buttons that are off and for the errors of who
//! tried all the same.

use selfheal_core::told::{list, moment};
use selfheal_core::{Approval, Fact, Incident, ResolvedBy, State, Timestamp};
use selfheal_store::StoredFact;
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

/// Something that a person may do with an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    Approve,
    Reject,
    Choose,
    Edit,
    Acknowledge,
    Snooze,
    Wake,
    Escalate,
    Resolve,
    Note,
}

impl Ability {
    /// In the order in which they are offered. Editing is part of approving.
    const OFFERED: [Self; 9] = [
        Self::Approve,
        Self::Reject,
        Self::Wake,
        Self::Choose,
        Self::Acknowledge,
        Self::Snooze,
        Self::Escalate,
        Self::Resolve,
        Self::Note,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Approve => "approve the fix",
            Self::Reject => "reject the fix",
            Self::Choose => "choose an action to run",
            Self::Edit => "change the plan",
            Self::Acknowledge => "acknowledge it",
            Self::Snooze => "snooze it",
            Self::Wake => "wake it",
            Self::Escalate => "hand it to a person",
            Self::Resolve => "say that it is resolved",
            Self::Note => "add a note",
        }
    }

    /// That it was not done.
    pub const fn not_done(self) -> &'static str {
        match self {
            Self::Approve => "Not approved",
            Self::Reject => "Not rejected",
            Self::Choose => "No action was chosen",
            Self::Edit => "The plan was not changed",
            Self::Acknowledge => "Not acknowledged",
            Self::Snooze => "Not snoozed",
            Self::Wake => "Not woken",
            Self::Escalate => "Not handed over",
            Self::Resolve => "Not resolved",
            Self::Note => "No note was added",
        }
    }
}

impl Capabilities {
    pub const fn of(&self, ability: Ability) -> &Capability {
        match ability {
            Ability::Approve => &self.approve,
            Ability::Reject => &self.reject,
            Ability::Choose => &self.choose,
            Ability::Edit => &self.edit,
            Ability::Acknowledge => &self.acknowledge,
            Ability::Snooze => &self.snooze,
            Ability::Wake => &self.wake,
            Ability::Escalate => &self.escalate,
            Ability::Resolve => &self.resolve,
            Ability::Note => &self.note,
        }
    }

    /// What can be done instead, in a sentence.
    pub fn instead(&self) -> String {
        let offered: Vec<&str> =
            Ability::OFFERED.into_iter().filter(|ability| self.of(*ability).allowed).map(Ability::words).collect();
        match offered.is_empty() {
            true => "Nothing can be done with it now.".into(),
            false => format!("What you can do now: {}.", list(&offered, "or")),
        }
    }
}

/// When it came into its state; `None` where that part of its story has expired.
fn since(facts: &[StoredFact]) -> Option<Timestamp> {
    let changes = |fact: &&StoredFact| {
        !matches!(
            fact.body,
            Fact::SignalJoined { .. }
                | Fact::Noted { .. }
                | Fact::Acknowledged { .. }
                | Fact::Approved { .. }
                | Fact::UndoStarted { .. }
                | Fact::Undone { .. }
        )
    };
    facts.iter().rev().find(changes).map(|fact| fact.at)
}

/// The state it is in, and since when, as a sentence.
pub fn stands(incident: &Incident, facts: &[StoredFact]) -> String {
    let since = |words: &str| match since(facts) {
        Some(at) => format!("{words} since {}", moment(at)),
        None => words.to_owned(),
    };
    let ended = |by: ResolvedBy, at: Timestamp| {
        let how = match by {
            ResolvedBy::AutomaticFix => "fixed by itself",
            ResolvedBy::ApprovedFix => "fixed, with approval",
            ResolvedBy::Person => "resolved by hand",
            ResolvedBy::Itself => "gone by itself",
        };
        format!("{how}, {}", moment(at))
    };
    match &incident.state {
        State::Detected => format!("{}: its cause is being looked for.", since("It is new")),
        State::Decided { held: None } => "It is being decided on right now.".into(),
        State::Decided { held: Some(held) } => format!("It is held since {}: {}", moment(held.since), held.gate.reason),
        State::AwaitingApproval { .. } if incident.approval.as_ref().is_some_and(Approval::is_complete) => {
            "Its fix is approved and starts.".into()
        }
        State::AwaitingApproval { expires_at } => {
            format!("Its fix waits for approval until {}.", moment(*expires_at))
        }
        State::Queued { since, gate, .. } => format!("Its fix is queued since {}: {}", moment(*since), gate.reason),
        State::Healing { .. } => format!("{}.", since("A fix is running")),
        State::Verifying { .. } => format!("{}.", since("A fix ran, and whether it helped is being checked")),
        State::Escalated { .. } => format!("{}.", since("It is with a person")),
        State::Snoozed { until, .. } => format!("It is snoozed until {}.", moment(*until)),
        State::Resolved { by, at, .. } => format!("It is over: {}. If it comes back, it opens again.", ended(*by, *at)),
        State::Closed { by, at } => {
            format!("It is closed: {}. If it comes back, that is a new incident.", ended(*by, *at))
        }
    }
}

pub fn capabilities(incident: &Incident, facts: &[StoredFact], who: &Principal) -> (Capabilities, Option<Primary>) {
    let role = |role: Role| (who.role < role).then(|| format!("This needs the role {role}; you are {}.", who.role));
    let check = |why_not: Option<String>| match why_not {
        None => Capability::yes(),
        Some(reason) => Capability::no(reason),
    };
    let open = incident.state.is_open();
    let has_plan = incident.decided.as_ref().is_some_and(|decided| decided.plan.is_some());
    let stands = || stands(incident, facts);
    let not_open = (!open).then(stands);
    let acting = incident.is_acting().then(|| format!("{} Wait for its outcome.", stands()));
    let approved = incident.approval.as_ref();
    let no_plan = if approved.is_some_and(Approval::is_complete) {
        Some("The fix is approved already.".to_owned())
    } else if !incident.awaits_a_person() || !has_plan {
        Some(format!("Nothing waits for approval. {}", stands()))
    } else {
        None
    };
    let snoozed = matches!(incident.state, State::Snoozed { .. });
    let approver = role(Role::Approver);
    let can = Capabilities {
        approve: check(approver.clone().or_else(|| no_plan.clone()).or_else(|| {
            approved
                .filter(|approval| approval.is_of(&who.name, Some(&who.person)))
                .map(|_| "You have approved it; another person has to approve it too.".to_owned())
        })),
        reject: check(approver.clone().or_else(|| no_plan.clone())),
        choose: check(approver.clone().or_else(|| not_open.clone()).or_else(|| acting.clone()).or_else(|| {
            let waits = incident.awaits_a_person() || matches!(incident.state, State::Escalated { .. });
            (!waits).then(|| {
                format!("{} An action can be chosen when it is with a person or waits for approval.", stands())
            })
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
            approver.clone().or_else(|| not_open.clone()).or_else(|| acting.clone()).or_else(|| snoozed.then(stands)),
        ),
        wake: check(approver.clone().or_else(|| (!snoozed).then(|| format!("It is not snoozed. {}", stands())))),
        escalate: check(
            approver
                .clone()
                .or_else(|| not_open.clone())
                .or_else(|| acting.clone())
                .or_else(|| matches!(incident.state, State::Escalated { .. }).then(stands)),
        ),
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
