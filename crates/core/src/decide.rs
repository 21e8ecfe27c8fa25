//! Step 4, decide: a table over decision confidence and permission, as a pure function of one value.

use serde::{Deserialize, Serialize};

use crate::{ActionClass, ActionKind, BasisPoints, DecisionConfidence, PatternId, ServiceName};

/// Everything a decision may depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionInput {
    pub best: Option<Best>,
    pub auto_threshold: BasisPoints,
    pub suggest_threshold: BasisPoints,
    pub require_approval_for: Vec<ActionKind>,
    /// Actions that two different people have to approve.
    pub second_approver_for: Vec<ActionKind>,
    /// The incident's service is a host, node, network, storage, database server or cluster.
    pub infrastructure_service: bool,
    /// The target is marked as always needing approval.
    pub target_needs_approval: bool,
    /// A pattern acts by itself only where the lower bound of its success rate is at least this; off without one.
    pub automatic_from_lower_bound: Option<BasisPoints>,
    /// A service further upstream that fails too, and why is not known: the fix may treat a symptom.
    pub unexplained_upstream: Option<ServiceName>,
}

/// The best match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    pub pattern: PatternId,
    pub relevance: BasisPoints,
    pub confidence: BasisPoints,
    pub rule_satisfied: bool,
    /// Its rule holds, but a more specific one does too: what is left is what its text is worth.
    pub set_aside: bool,
    pub auto_healable: bool,
    pub pattern_needs_approval: bool,
    pub infrastructure_pattern: bool,
    /// The pattern is tried out: what it would do is recorded, a person does it.
    pub shadow: bool,
    /// The Wilson lower bound of its success rate; `None` without outcomes.
    pub lower_bound: Option<BasisPoints>,
    pub action: Option<(ActionKind, ActionClass)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    Auto,
    Suggest,
    Escalate,
}

impl DecisionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Suggest => "suggest",
            Self::Escalate => "escalate",
        }
    }
}

/// A decision with what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub kind: DecisionKind,
    pub confidence: DecisionConfidence,
    pub reasons: Vec<DecisionReason>,
    /// The single changes that would each have led to another decision.
    pub would_change: Vec<DecisionReason>,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum DecisionReason {
    NoMatch,
    NoAction,
    ReachesAuto { confidence: DecisionConfidence, threshold: BasisPoints },
    BelowAuto { confidence: DecisionConfidence, threshold: BasisPoints },
    BelowSuggest { confidence: DecisionConfidence, threshold: BasisPoints },
    AutoHealable,
    NotAutoHealable,
    NoRuleSatisfied,
    SetAside,
    ListedAction { action: ActionKind },
    InfrastructureAction { action: ActionKind },
    InfrastructureScope,
    PatternNeedsApproval,
    TargetNeedsApproval,
    TwoPeople { action: ActionKind },
    UnexplainedUpstream { service: ServiceName },
    LowerBound { bound: BasisPoints, needed: BasisPoints },
    ShadowMode,
    ChosenByPerson { by: String },
}

impl DecisionReason {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoMatch => "no_match",
            Self::NoAction => "no_action",
            Self::ReachesAuto { .. } => "reaches_auto",
            Self::BelowAuto { .. } => "below_auto",
            Self::BelowSuggest { .. } => "below_suggest",
            Self::AutoHealable => "auto_healable",
            Self::NotAutoHealable => "not_auto_healable",
            Self::NoRuleSatisfied => "no_rule_satisfied",
            Self::SetAside => "set_aside",
            Self::ListedAction { .. } => "listed_action",
            Self::InfrastructureAction { .. } => "infrastructure_action",
            Self::InfrastructureScope => "infrastructure_scope",
            Self::PatternNeedsApproval => "pattern_needs_approval",
            Self::TargetNeedsApproval => "target_needs_approval",
            Self::TwoPeople { .. } => "two_people",
            Self::UnexplainedUpstream { .. } => "unexplained_upstream",
            Self::LowerBound { .. } => "lower_bound",
            Self::ShadowMode => "shadow_mode",
            Self::ChosenByPerson { .. } => "chosen_by_person",
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::NoMatch => "No pattern of the knowledge base fits this incident.".into(),
            Self::NoAction => "The pattern names no safe automatic fix.".into(),
            Self::ReachesAuto { confidence, threshold } => {
                format!("Decision confidence {confidence} reaches the automatic threshold {threshold}.")
            }
            Self::BelowAuto { confidence, threshold } => {
                format!("Decision confidence {confidence} is below the automatic threshold {threshold}.")
            }
            Self::BelowSuggest { confidence, threshold } => {
                format!("Decision confidence {confidence} is below the threshold {threshold} for suggesting a fix.")
            }
            Self::AutoHealable => "The pattern may heal by itself.".into(),
            Self::NotAutoHealable => "The pattern is not marked as auto-healable.".into(),
            Self::NoRuleSatisfied => "No detection rule is satisfied: similar text alone never acts by itself.".into(),
            Self::SetAside => {
                "A more specific rule holds too: what is left of this one is similar text, which never acts by itself."
                    .into()
            }
            Self::ListedAction { action } => format!("{action} is listed in require_approval_for."),
            Self::InfrastructureAction { action } => format!("{action} is an action of class infrastructure."),
            Self::InfrastructureScope => "The failure concerns infrastructure.".into(),
            Self::PatternNeedsApproval => "The pattern is marked as always needing approval.".into(),
            Self::TargetNeedsApproval => "The service is marked as always needing approval.".into(),
            Self::TwoPeople { action } => format!("Policy wants two people to approve {action}."),
            Self::UnexplainedUpstream { service } => {
                format!("{service}, further upstream, fails too and nothing known explains why.")
            }
            Self::LowerBound { bound, needed } => {
                format!("Its outcomes prove a success rate of {bound} at least; {needed} is needed to act by itself.")
            }
            Self::ShadowMode => "The pattern is in shadow mode: what it would do is recorded, a person does it.".into(),
            Self::ChosenByPerson { by } => format!("{by} chose this action."),
        }
    }
}

impl DecisionReason {
    /// What would have led to another decision: the reason, taken away.
    pub fn change(&self) -> String {
        match self {
            Self::NoMatch => "A pattern that knows this failure.".into(),
            Self::NoAction => "A pattern that names a safe fix.".into(),
            Self::ReachesAuto { threshold, .. } => format!("A decision confidence below {threshold}."),
            Self::BelowAuto { threshold, .. } => format!("A decision confidence of {threshold} or more."),
            Self::BelowSuggest { threshold, .. } => format!("A decision confidence of {threshold} or more."),
            Self::AutoHealable => "A pattern that is not marked as auto-healable.".into(),
            Self::NotAutoHealable => "A pattern that is marked as auto-healable.".into(),
            Self::NoRuleSatisfied => "A detection rule that this failure satisfies.".into(),
            Self::SetAside => "No other pattern whose rule is more specific.".into(),
            Self::ListedAction { action } => format!("{action} not listed in require_approval_for."),
            Self::InfrastructureAction { .. } => "An action that reaches no further than one service.".into(),
            Self::InfrastructureScope => "A failure that does not concern infrastructure.".into(),
            Self::PatternNeedsApproval => "A pattern that does not always need approval.".into(),
            Self::TargetNeedsApproval => "A service that does not always need approval.".into(),
            Self::TwoPeople { action } => format!("{action} not listed in second_approver_for."),
            Self::UnexplainedUpstream { service } => {
                format!("Nothing wrong with {service}, or a pattern that knows it.")
            }
            Self::LowerBound { needed, .. } => {
                format!("More verified successes, until they prove a success rate of {needed}.")
            }
            Self::ShadowMode => "A pattern that is not in shadow mode.".into(),
            Self::ChosenByPerson { .. } => "Another choice.".into(),
        }
    }
}

/// Decides.
pub fn decide(input: &DecisionInput) -> Decision {
    let Some(best) = &input.best else {
        let reasons = vec![DecisionReason::NoMatch];
        return Decision {
            kind: DecisionKind::Escalate,
            confidence: DecisionConfidence::ZERO,
            would_change: reasons.clone(),
            reasons,
        };
    };
    let product = best.relevance.times(best.confidence);
    // Similar text alone never authorises an action, whatever the product.
    let confidence = if best.rule_satisfied && !best.set_aside { product } else { product.below(input.auto_threshold) };
    let escalate = |reason: DecisionReason| Decision {
        kind: DecisionKind::Escalate,
        confidence,
        would_change: vec![reason.clone()],
        reasons: vec![reason],
    };
    if !confidence.reaches(input.suggest_threshold) {
        return escalate(DecisionReason::BelowSuggest { confidence, threshold: input.suggest_threshold });
    }
    let Some((action, class)) = best.action else {
        return escalate(DecisionReason::NoAction);
    };
    let objections = objections(input, best, action, class, product);
    if objections.is_empty() {
        let reached = DecisionReason::ReachesAuto { confidence, threshold: input.auto_threshold };
        return Decision {
            kind: DecisionKind::Auto,
            confidence,
            would_change: vec![DecisionReason::AutoHealable],
            reasons: vec![reached, DecisionReason::AutoHealable],
        };
    }
    // Taking one objection away changes the decision only where it is the only one.
    let would_change = if objections.len() == 1 { objections.clone() } else { Vec::new() };
    Decision { kind: DecisionKind::Suggest, confidence, reasons: objections, would_change }
}

/// The decision that a person made by choosing an action: it is suggested to whoever approves it.
pub fn chosen(by: &str, confidence: DecisionConfidence) -> Decision {
    let reasons = vec![DecisionReason::ChosenByPerson { by: by.to_owned() }];
    Decision { kind: DecisionKind::Suggest, confidence, reasons, would_change: Vec::new() }
}

/// Everything that speaks against acting without asking.
fn objections(
    input: &DecisionInput,
    best: &Best,
    action: ActionKind,
    class: ActionClass,
    confidence: DecisionConfidence,
) -> Vec<DecisionReason> {
    let threshold = input.auto_threshold;
    [
        (!confidence.reaches(threshold)).then_some(DecisionReason::BelowAuto { confidence, threshold }),
        (!best.auto_healable).then_some(DecisionReason::NotAutoHealable),
        (!best.rule_satisfied).then_some(DecisionReason::NoRuleSatisfied),
        best.set_aside.then_some(DecisionReason::SetAside),
        input.require_approval_for.contains(&action).then_some(DecisionReason::ListedAction { action }),
        (class == ActionClass::Infrastructure).then_some(DecisionReason::InfrastructureAction { action }),
        (best.infrastructure_pattern || input.infrastructure_service).then_some(DecisionReason::InfrastructureScope),
        best.pattern_needs_approval.then_some(DecisionReason::PatternNeedsApproval),
        input.target_needs_approval.then_some(DecisionReason::TargetNeedsApproval),
        input.second_approver_for.contains(&action).then_some(DecisionReason::TwoPeople { action }),
        input.unexplained_upstream.clone().map(|service| DecisionReason::UnexplainedUpstream { service }),
        input.automatic_from_lower_bound.and_then(|needed| {
            let bound = best.lower_bound.unwrap_or(BasisPoints::ZERO);
            (bound < needed).then_some(DecisionReason::LowerBound { bound, needed })
        }),
        best.shadow.then_some(DecisionReason::ShadowMode),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn input(relevance: u32, confidence: u32, auto_healable: bool) -> DecisionInput {
        DecisionInput {
            best: Some(Best {
                pattern: PatternId::new("p"),
                relevance: BasisPoints::saturating(relevance),
                confidence: BasisPoints::saturating(confidence),
                rule_satisfied: true,
                set_aside: false,
                auto_healable,
                pattern_needs_approval: false,
                infrastructure_pattern: false,
                shadow: false,
                lower_bound: None,
                action: Some((ActionKind::ServiceRestart, ActionClass::Service)),
            }),
            auto_threshold: BasisPoints::saturating(7_000),
            suggest_threshold: BasisPoints::saturating(3_000),
            require_approval_for: vec![ActionKind::DeploymentRollback],
            second_approver_for: vec![],
            infrastructure_service: false,
            target_needs_approval: false,
            automatic_from_lower_bound: None,
            unexplained_upstream: None,
        }
    }

    #[test]
    fn the_lower_bound_gate_counts_from_its_edge_and_is_off_by_default() {
        let bp = BasisPoints::saturating;
        for (needed, bound, kind) in [
            (None, None, DecisionKind::Auto),
            (Some(5_000), None, DecisionKind::Suggest),
            (Some(5_000), Some(4_999), DecisionKind::Suggest),
            (Some(5_000), Some(5_000), DecisionKind::Auto),
        ] {
            let mut input = input(10_000, 10_000, true);
            input.automatic_from_lower_bound = needed.map(bp);
            if let Some(best) = &mut input.best {
                best.lower_bound = bound.map(bp);
            }
            assert_eq!(decide(&input).kind, kind, "{needed:?} {bound:?}");
        }
    }

    #[test]
    fn every_cell_and_both_sides_of_each_threshold() {
        use DecisionKind::{Auto, Escalate, Suggest};
        for (relevance, confidence, auto_healable, kind) in [
            (10_000, 10_000, true, Auto),
            (10_000, 7_000, true, Auto),
            (10_000, 6_999, true, Suggest),
            (10_000, 7_000, false, Suggest),
            (10_000, 3_000, true, Suggest),
            (10_000, 3_000, false, Suggest),
            (10_000, 2_999, true, Escalate),
            (10_000, 2_999, false, Escalate),
            (8_000, 8_750, true, Auto),
            // 0.8000 x 0.8749 is 0.69992, which any rounding to two digits would call 0.70.
            (8_000, 8_749, true, Suggest),
            (0, 10_000, true, Escalate),
        ] {
            assert_eq!(decide(&input(relevance, confidence, auto_healable)).kind, kind, "{relevance} x {confidence}");
        }
    }

    #[test]
    fn each_objection_alone_turns_auto_into_suggest_and_is_named() {
        type Change = fn(&mut DecisionInput, &mut Best);
        let changes: [(&str, Change); 12] = [
            ("no_rule_satisfied", |_, best| best.rule_satisfied = false),
            ("set_aside", |_, best| best.set_aside = true),
            ("not_auto_healable", |_, best| best.auto_healable = false),
            ("listed_action", |input, _| input.require_approval_for.push(ActionKind::ServiceRestart)),
            ("infrastructure_action", |_, best| {
                best.action = Some((ActionKind::CommandRun, ActionClass::Infrastructure))
            }),
            ("infrastructure_scope", |input, _| input.infrastructure_service = true),
            ("pattern_needs_approval", |_, best| best.pattern_needs_approval = true),
            ("unexplained_upstream", |input, _| input.unexplained_upstream = Some(ServiceName::new("db"))),
            ("lower_bound", |input, _| input.automatic_from_lower_bound = Some(BasisPoints::saturating(1))),
            ("two_people", |input, _| input.second_approver_for.push(ActionKind::ServiceRestart)),
            ("shadow_mode", |_, best| best.shadow = true),
            ("target_needs_approval", |input, _| input.target_needs_approval = true),
        ];
        for (code, change) in changes {
            let mut input = input(10_000, 10_000, true);
            let mut best = input.best.take().expect("there is one");
            change(&mut input, &mut best);
            input.best = Some(best);
            let decision = decide(&input);
            assert_eq!(decision.kind, DecisionKind::Suggest, "{code}");
            assert_eq!(decision.reasons.iter().map(DecisionReason::code).collect::<Vec<_>>(), [code]);
            assert_eq!(decision.would_change, decision.reasons);
        }
    }

    #[test]
    fn nothing_known_or_nothing_to_do_is_for_a_person() {
        let mut unknown = input(10_000, 10_000, true);
        unknown.best = None;
        assert_eq!(decide(&unknown).reasons, [DecisionReason::NoMatch]);
        let mut idle = input(10_000, 10_000, true);
        if let Some(best) = &mut idle.best {
            best.action = None;
        }
        assert_eq!(decide(&idle).reasons, [DecisionReason::NoAction]);
    }

    proptest! {
        #[test]
        fn auto_needs_everything(relevance in 0u32..=10_000, confidence in 0u32..=10_000, auto: bool, rule: bool, aside: bool, infra: bool, marked: bool) {
            let mut input = input(relevance, confidence, auto);
            if let Some(best) = &mut input.best {
                best.rule_satisfied = rule;
                best.set_aside = aside;
                best.pattern_needs_approval = marked;
            }
            input.infrastructure_service = infra;
            let allowed = relevance * confidence >= 70_000_000 && auto && rule && !aside && !infra && !marked;
            prop_assert_eq!(decide(&input).kind == DecisionKind::Auto, allowed);
        }
    }
}
