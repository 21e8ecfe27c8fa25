//! A plan as the approval sheet shows it.

use selfheal_core::config::Config;
use selfheal_core::{ActionClass, Approval, Chosen, Decided, Incident, Plan, State, Timestamp, WayBack};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanStep {
    pub index: usize,
    /// The exact call.
    pub call: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parameter {
    pub name: String,
    pub value: String,
    pub what: String,
    pub least: u64,
    pub most: u64,
}

/// Whether what a plan does can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UndoKind {
    /// It leaves nothing behind that could be taken back.
    Nothing,
    Possible,
    /// What it changes cannot be put back: the one kind that is warned of.
    Impossible,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UndoView {
    pub kind: UndoKind,
    /// A sentence that says it all.
    pub words: String,
    /// It is taken back by itself when the verification fails.
    pub by_itself: bool,
}

impl UndoView {
    fn of(way: &WayBack) -> Self {
        let (kind, words) = match way {
            WayBack::Nothing => (UndoKind::Nothing, "Nothing to undo.".to_owned()),
            WayBack::Possible { how, .. } => (UndoKind::Possible, how.clone()),
            WayBack::Impossible { instead: None } => (UndoKind::Impossible, "Cannot be undone.".to_owned()),
            WayBack::Impossible { instead: Some(instead) } => {
                (UndoKind::Impossible, format!("Cannot be undone. {instead}"))
            }
        };
        Self { kind, words, by_itself: way.is_by_itself() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    pub hash: String,
    pub pattern: String,
    pub pattern_name: String,
    pub action: String,
    pub action_words: String,
    pub service: String,
    pub target: String,
    pub host: String,
    pub why: String,
    pub state_now: String,
    pub previewed_at: String,
    pub steps: Vec<PlanStep>,
    pub instances: u32,
    pub dependants: Vec<String>,
    pub blast_radius: String,
    pub checks: Vec<String>,
    pub undo: UndoView,
    /// The text to type before approving; null where a confirmation is enough.
    #[schema(required)]
    pub confirm_by_typing: Option<String>,
    /// What the action takes here, with the values of this plan: another value makes another plan.
    pub parameters: Vec<Parameter>,
    /// Who chose it, where it is not what the knowledge base suggests.
    #[schema(required)]
    pub chosen_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    pub plan_hash: String,
    pub expires_at: String,
    pub on_expiry: String,
    #[schema(required)]
    pub approved_by: Option<String>,
    #[schema(required)]
    pub approved_at: Option<String>,
    /// How many different people have to approve.
    pub needed: u32,
    pub given: u32,
}

pub fn plan_view(plan: &Plan, decided: &Decided, chosen: Option<&Chosen>) -> PlanView {
    let dependants: Vec<String> = plan.dependants.iter().map(ToString::to_string).collect();
    let instances = match plan.instances {
        1 => "1 instance".to_owned(),
        n => format!("{n} instances"),
    };
    let class = match plan.action.class() {
        ActionClass::Service => String::new(),
        ActionClass::Infrastructure => ", infrastructure".to_owned(),
    };
    let blast_radius = match dependants.len() {
        0 => format!("{instances}{class}; nothing that is listed depends on {}", plan.service),
        1 => format!("{instances}{class}; {} depends on {}", dependants[0], plan.service),
        n => format!("{instances}{class}; {n} services depend on {}", plan.service),
    };
    PlanView {
        hash: plan.hash().0,
        pattern: plan.pattern.to_string(),
        pattern_name: decided
            .matches
            .iter()
            .find(|found| found.pattern == plan.pattern)
            .map_or_else(|| plan.pattern.to_string(), |found| found.name.clone()),
        action: plan.action.kind.to_string(),
        action_words: format!("{} {}", plan.verb(), plan.service),
        service: plan.service.to_string(),
        target: plan.target.canonical(),
        host: decided.host.clone().unwrap_or_default(),
        why: decided.root_cause.clone().unwrap_or_default(),
        state_now: decided.state_now.clone().unwrap_or_default(),
        previewed_at: decided.previewed_at.unwrap_or_default().to_rfc3339(),
        steps: plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| PlanStep { index, call: step.call.clone(), detail: step.detail.clone() })
            .collect(),
        instances: plan.instances,
        dependants,
        blast_radius,
        checks: plan.checks.clone(),
        undo: UndoView::of(&plan.undo),
        confirm_by_typing: plan.words_to_type(),
        parameters: plan
            .target
            .parameters(plan.action.kind)
            .into_iter()
            .map(|spec| Parameter {
                name: spec.name.into(),
                value: plan.target.parameter(&plan.action, spec.name).unwrap_or(spec.default).to_string(),
                what: spec.what.into(),
                least: spec.least,
                most: spec.most,
            })
            .collect(),
        chosen_by: chosen.map(|chosen| chosen.by.clone()),
    }
}

/// The approval that is asked for, or that was given and holds.
pub fn approval_view(incident: &Incident, config: &Config) -> Option<ApprovalView> {
    let plan = incident.decided.as_ref()?.plan.as_ref()?;
    let expires_at = match (&incident.state, &incident.approval) {
        (_, Some(approval)) => approval.expires_at,
        (State::AwaitingApproval { expires_at }, None) => *expires_at,
        (State::Decided { held: Some(held) }, None) => held.since + config.limits.approval_expires(),
        _ => return None,
    };
    Some(ApprovalView {
        plan_hash: plan.hash().0,
        expires_at: expires_at.to_rfc3339(),
        on_expiry: match incident.state {
            State::Decided { .. } => "Nothing runs while the automation switch holds it.".into(),
            _ => "Nothing runs. The incident is escalated to a person.".into(),
        },
        approved_by: incident.approval.as_ref().map(Approval::people),
        approved_at: incident.approval.as_ref().map(|approval| Timestamp::to_rfc3339(approval.at)),
        needed: config.approval.approvers_of(plan, config.service(&plan.service)),
        given: incident.approval.as_ref().map_or(0, Approval::given),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfheal_core::{Action, ActionKind, IncidentId, PatternId, ServiceName, Step, TargetSpec};

    fn plan(steps: Vec<Step>, undo: WayBack) -> Plan {
        Plan {
            incident: IncidentId(1),
            pattern: PatternId::new("down"),
            attempt: 1,
            action: Action::new(ActionKind::ServiceRestart),
            service: ServiceName::new("demo-web"),
            target: TargetSpec::Supervisord {
                server: "unix:/run/s.sock".into(),
                program: "web".into(),
                username: None,
                password_env: None,
            },
            steps,
            undo,
            instances: 1,
            dependants: Vec::new(),
            checks: Vec::new(),
        }
    }

    #[test]
    fn what_does_not_run_is_started_and_not_restarted() {
        let (stop, start) = (Step::stop("stop".into()), Step::start("start".into()));
        for (steps, expected) in [
            (vec![start.clone()], "Start"),
            (vec![stop.clone(), start], "Restart"),
            (vec![stop], "Restart"),
            (vec![], "Restart"),
        ] {
            assert_eq!(plan(steps, WayBack::Nothing).verb(), expected);
        }
    }

    #[test]
    fn only_what_cannot_be_undone_is_warned_of() {
        let instead = Some("Restore the backup.".to_owned());
        for (way, kind, words, typed) in [
            (WayBack::Nothing, UndoKind::Nothing, "Nothing to undo.", false),
            (
                WayBack::Possible { how: "Put it back.".into(), by_itself: true },
                UndoKind::Possible,
                "Put it back.",
                false,
            ),
            (WayBack::Impossible { instead: None }, UndoKind::Impossible, "Cannot be undone.", true),
            (WayBack::Impossible { instead }, UndoKind::Impossible, "Cannot be undone. Restore the backup.", true),
        ] {
            let view = UndoView::of(&way);
            assert_eq!((view.kind, view.words.as_str()), (kind, words));
            assert_eq!(view.by_itself, kind == UndoKind::Possible);
            assert_eq!(plan(Vec::new(), way).words_to_type().is_some(), typed);
        }
    }
}
