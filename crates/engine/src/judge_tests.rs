use selfheal_core::config::Config;
use selfheal_core::knowledge::{Examples, PackEntry, Pattern, Rule};
use selfheal_core::matching::{Basis, Evidence, KnowledgeBase};
use selfheal_core::{
    Action, ActionClass, ActionKind, BasisPoints, DecisionKind, DecisionReason, Fingerprint, NewSignal, PatternId,
    ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp,
};

use super::*;

fn signal(line: &str) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("s"),
        service: ServiceName::new("pay"),
        project: ProjectName::new("shop"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[line]),
        template: line.into(),
        text: line.into(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    }
}

/// Proven, and allowed to heal by itself.
fn pattern(name: &str, rule: &str, action: ActionKind) -> Pattern {
    let entry = PackEntry {
        rule: Some(Rule::regex(rule)),
        action: Some(Action::new(action)),
        confidence: BasisPoints::saturating(9_000),
        auto_healable: true,
        ..PackEntry::new(name, "because")
    };
    entry.into_pattern("test", Timestamp::EPOCH).expect("valid")
}

fn judged(patterns: &[Pattern], line: &str, evidence: &[(PatternId, Evidence)]) -> Judged {
    let (base, problems) = KnowledgeBase::new(patterns.to_vec());
    assert!(problems.is_empty(), "{problems:?}");
    let (project, service) = (ProjectName::new("shop"), ServiceName::new("pay"));
    let subject = Subject { project: &project, service: &service, services: &[], since: None };
    judge(&subject, &[signal(line)], evidence, &base, &Config::default())
}

fn rejected(pattern: &str) -> (PatternId, Evidence) {
    (PatternId::new(pattern), Evidence::REJECTED)
}

#[test]
fn what_a_more_specific_rule_set_aside_never_acts_by_itself() {
    let line = "connection refused by upstream payment gateway while charging a card";
    let mut general = pattern("General", "connection refused", ActionKind::ServiceRestart);
    general.examples = Examples { matches: vec![line.into()], rejects: vec![] };
    general.description = line.into();
    let mut specific = pattern("Specific", "connection refused by upstream payment gateway", ActionKind::CacheClear);
    specific.description = "the gateway has gone".into();
    let patterns = [general, specific];
    assert_eq!(judged(&patterns, line, &[]).matches[0].pattern.as_str(), "specific");
    // The specific one was wrong here; the general one's text is as near as text can be.
    let judged = judged(&patterns, line, &[rejected("specific")]);
    let best = &judged.matches[0];
    assert_eq!((best.pattern.as_str(), best.explanation.basis), ("general", Basis::SetAside));
    assert!(best.relevance.get() > 9_000, "the case is worth something: {}", best.relevance);
    let threshold = Config::default().self_healing.auto_heal_confidence_threshold;
    assert!(!best.decision_confidence.reaches(threshold) && !judged.decision.confidence.reaches(threshold));
    assert_eq!(judged.decision.kind, DecisionKind::Suggest);
    assert_eq!(judged.decision.reasons, [DecisionReason::SetAside]);
}

#[test]
fn equal_rules_with_the_same_fix_decide_together() {
    type Change = fn(&mut Pattern);
    let changes: [(Change, &str, u32); 6] = [
        (|_| (), "reaches_auto", 9_000),
        (|one| one.require_approval = true, "pattern_needs_approval", 9_000),
        (|one| one.shadow = true, "shadow_mode", 9_000),
        (|one| one.infrastructure = true, "infrastructure_scope", 9_000),
        (|one| one.auto_healable = false, "not_auto_healable", 9_000),
        (|one| one.confidence = BasisPoints::saturating(6_999), "below_auto", 6_999),
    ];
    for (change, reason, confidence) in changes {
        // Whichever of the two comes first by its name.
        for changed in [0, 1] {
            let mut patterns = ["A", "Z"].map(|name| pattern(name, "timed out", ActionKind::ServiceRestart));
            change(&mut patterns[changed]);
            let decision = judged(&patterns, "request timed out", &[]).decision;
            assert_eq!(decision.reasons[0].code(), reason, "{changed}");
            assert_eq!(decision.confidence.shown().get(), confidence, "{changed}: {reason}");
        }
    }
    let mut patterns = ["A", "Z"].map(|name| pattern(name, "timed out", ActionKind::ServiceRestart));
    patterns[1].action.as_mut().expect("an action").class = Some(ActionClass::Infrastructure);
    let decision = judged(&patterns, "request timed out", &[]).decision;
    assert_eq!(decision.reasons[0].code(), "infrastructure_action");
}

#[test]
fn a_fix_that_was_rejected_does_not_come_back_under_an_equal_pattern() {
    let patterns = ["A", "Z"].map(|name| pattern(name, "timed out", ActionKind::ServiceRestart));
    for said in ["a", "z"] {
        let judged = judged(&patterns, "request timed out", &[rejected(said)]);
        assert!(judged.matches.iter().all(|found| found.relevance.get() == 5_000), "{said}: {:?}", judged.matches);
        assert_eq!(judged.decision.kind, DecisionKind::Suggest, "{said}");
    }
}
