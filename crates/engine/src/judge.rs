//! What the engine makes of an incident before it looks at any target: the best service, its matches, and the decision.
//!
//! Pure: the effect `decide`, a replay and an analysis of some text ask the same functions, so that what is shown beforehand
//! is what would happen.

use selfheal_core::config::{Config, Service};
use selfheal_core::correlate::most_upstream;
use selfheal_core::knowledge::Pattern;
use selfheal_core::matching::relevance::Model;
use selfheal_core::matching::{Basis, Evidence, KnowledgeBase, PatternMatch, Query, weigh_items};
use selfheal_core::{
    ActionClass, Best, Decision, DecisionInput, Incident, NewSignal, PatternId, ProjectName, ServiceName, Timestamp,
    decide, learn,
};

/// Matches of an incident that are kept.
const MATCHES: usize = 5;

/// What is judged: where it was seen, as an incident knows it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub project: &'a ProjectName,
    /// Taken where none of the signals says more.
    pub service: &'a ServiceName,
    pub services: &'a [ServiceName],
    /// The end of the last attempt: only what failed again since then says where the cause is.
    pub since: Option<Timestamp>,
}

impl<'a> Subject<'a> {
    pub fn of(incident: &'a Incident) -> Self {
        Self {
            project: &incident.project,
            service: &incident.service,
            services: &incident.services,
            since: incident.attempts.last().and_then(|attempt| attempt.finished_at),
        }
    }
}

/// What was made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Where the fix goes.
    pub service: ServiceName,
    /// Best first.
    pub matches: Vec<PatternMatch>,
    /// A service further upstream that fails too, and nothing known explains why.
    pub upstream: Option<ServiceName>,
    pub decision: Decision,
}

/// Ranks, weighs what people said, and decides.
pub fn judge(
    subject: &Subject<'_>,
    signals: &[NewSignal],
    evidence: &[(PatternId, Evidence)],
    base: &KnowledgeBase,
    config: &Config,
) -> Judged {
    let (service, mut matches, upstream) = best_service(subject, signals, base, config);
    weigh(&mut matches, evidence, config);
    let decision = decision_on(matches.first(), &service, upstream.as_ref(), base, config);
    Judged { service, matches, upstream, decision }
}

/// The decision that one match leads to, on the service that its fix would go to.
pub fn decision_on(
    found: Option<&PatternMatch>,
    service: &ServiceName,
    upstream: Option<&ServiceName>,
    base: &KnowledgeBase,
    config: &Config,
) -> Decision {
    let best = found.and_then(|found| Some(best(found, base.pattern(&found.pattern)?, base)));
    decide(&DecisionInput { unexplained_upstream: upstream.cloned(), ..input(best, config.service(service), config) })
}

/// Counts what frequency and time say (the items that are attached) where no rule settled it, then what people rejected.
pub fn weigh(matches: &mut [PatternMatch], evidence: &[(PatternId, Evidence)], config: &Config) {
    weigh_items(matches, Model::shipped());
    let said_of = |pattern: &PatternId| evidence.iter().find(|(id, _)| id == pattern).map(|(_, evidence)| *evidence);
    for found in matches.iter_mut() {
        // Whoever rejected a fix rejected it under whichever of equal patterns it comes next.
        let equals = found.same_fix.iter().map(|other| said_of(other).unwrap_or_default());
        let own = said_of(&found.pattern);
        let worst = equals.fold(own.unwrap_or_default(), Evidence::worse);
        if own.is_some() || worst.rejected > 0 {
            found.weigh(worst);
        }
    }
    for found in matches.iter_mut() {
        found.hold_below(config.self_healing.auto_heal_confidence_threshold);
    }
    // Stable: equals keep their order.
    matches.sort_by_key(|found| std::cmp::Reverse(found.relevance));
}

/// The service that a fix goes to: the most upstream of those that fail, and that failed again since the last attempt
/// where there was one.
pub(crate) fn root_service(subject: &Subject<'_>, signals: &[NewSignal], config: &Config) -> ServiceName {
    let mut failing: Vec<ServiceName> = Vec::new();
    for signal in signals.iter().filter(|signal| subject.since.is_none_or(|since| signal.last_seen > since)) {
        if !failing.contains(&signal.service) {
            failing.push(signal.service.clone());
        }
    }
    most_upstream(&failing, config).unwrap_or(subject.service).clone()
}

/// The service that the fix goes to, its matches, and what fails further upstream without an explanation.
///
/// A rule counts only on signals of the service that is acted on: what one service says authorises nothing on another. The
/// most upstream service comes first; where nothing that it says is known, the next one down may be, but not by itself.
pub(crate) fn best_service(
    subject: &Subject<'_>,
    signals: &[NewSignal],
    base: &KnowledgeBase,
    config: &Config,
) -> (ServiceName, Vec<PatternMatch>, Option<ServiceName>) {
    let matches_of = |service: &ServiceName| {
        let own: Vec<NewSignal> = signals.iter().filter(|signal| signal.service == *service).cloned().collect();
        base.rank(&Query { project: subject.project, service, signals: &own }, MATCHES)
    };
    let known = |matches: &[PatternMatch]| matches.first().is_some_and(|best| best.rule.is_satisfied());
    let root = root_service(subject, signals, config);
    let matches = matches_of(&root);
    if known(&matches) {
        return (root, matches, None);
    }
    for service in subject.services.iter().filter(|service| **service != root) {
        let downstream = matches_of(service);
        if known(&downstream) {
            return (service.clone(), downstream, Some(root));
        }
    }
    (root, matches, None)
}

/// What the decision is told of a match. Patterns that hold as specifically and have the same fix have a say in it: the most
/// careful of their marks and the lowest of their confidences count, whichever of them comes first.
fn best(found: &PatternMatch, pattern: &Pattern, base: &KnowledgeBase) -> Best {
    let mut best = of_one(found, pattern);
    for other in found.same_fix.iter().filter_map(|id| base.pattern(id)).map(|other| of_one(found, other)) {
        best.confidence = best.confidence.min(other.confidence);
        best.auto_healable &= other.auto_healable;
        best.pattern_needs_approval |= other.pattern_needs_approval;
        best.infrastructure_pattern |= other.infrastructure_pattern;
        best.shadow |= other.shadow;
        // None, without outcomes, is the least.
        best.lower_bound = best.lower_bound.min(other.lower_bound);
        if other.action.is_some_and(|(_, class)| class == ActionClass::Infrastructure) {
            best.action = other.action;
        }
    }
    best
}

fn of_one(found: &PatternMatch, pattern: &Pattern) -> Best {
    Best {
        pattern: pattern.id.clone(),
        relevance: found.relevance,
        confidence: pattern.confidence,
        rule_satisfied: found.rule.is_satisfied(),
        set_aside: found.explanation.basis == Basis::SetAside,
        auto_healable: pattern.auto_healable,
        pattern_needs_approval: pattern.require_approval,
        infrastructure_pattern: pattern.infrastructure,
        shadow: pattern.shadow,
        lower_bound: learn::wilson_lower_bound(pattern.use_count, pattern.attempts),
        action: pattern.action.as_ref().map(|action| (action.kind, action.class())),
    }
}

fn input(best: Option<Best>, service: Option<&Service>, config: &Config) -> DecisionInput {
    DecisionInput {
        best,
        auto_threshold: config.self_healing.auto_heal_confidence_threshold,
        suggest_threshold: config.self_healing.suggest_fix_threshold,
        require_approval_for: config.self_healing.require_approval_for.clone(),
        second_approver_for: config.approval.second_approver_for.clone(),
        infrastructure_service: service.is_some_and(|service| service.infrastructure),
        target_needs_approval: service.is_some_and(|service| service.require_approval || service.second_approver),
        automatic_from_lower_bound: config.learning.automatic_from_lower_bound,
        unexplained_upstream: None,
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
