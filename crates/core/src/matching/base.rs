//! Ranking: rules first, then text. Relevance is exactly 1.00 where one rule holds, shared where rules compete, and below
//! the ceiling of text where none holds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bm25::{Bm25, Field};
use super::{contains_term, tokenise};
use crate::knowledge::{CompiledRule, Pattern, PatternStatus, RuleHit};
use crate::{BasisPoints, DecisionConfidence, NewSignal, PatternId, ProjectName, ServiceName};

/// Without a satisfied rule the text can at most be this relevant; whatever the product, it never acts by itself.
const TEXT_CEILING: f64 = 0.95;
/// Matches below this are not worth showing.
const FLOOR: BasisPoints = BasisPoints::saturating(1_000);

/// The patterns of the store, compiled once.
#[derive(Debug, Default)]
pub struct KnowledgeBase {
    patterns: Vec<(Arc<Pattern>, Option<CompiledRule>)>,
    index: Bm25,
}

/// What is asked: the signals of one incident, and where they were seen.
pub struct Query<'a> {
    pub project: &'a ProjectName,
    pub service: &'a ServiceName,
    pub signals: &'a [NewSignal],
}

/// A pattern that may be the right one, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatternMatch {
    pub pattern: PatternId,
    pub name: String,
    pub relevance: BasisPoints,
    pub pattern_confidence: BasisPoints,
    /// Verified outcomes that the pattern's confidence rests on.
    pub outcomes: u32,
    pub decision_confidence: DecisionConfidence,
    pub rule: RuleOutcome,
    pub terms: Vec<TermScore>,
    /// Other patterns whose rules hold too and whose fix differs.
    pub competitors: Vec<PatternId>,
    /// What people and outcomes said of this pattern for this kind of incident; it is in the relevance already.
    #[serde(default)]
    pub evidence: super::Evidence,
    /// What frequency and time say for and against it. Shown beside the relevance, and no part of it.
    #[serde(default)]
    pub items: Vec<super::EvidenceItem>,
}

impl PatternMatch {
    /// Weighs what people's rejections and verified outcomes said of it.
    pub fn weigh(&mut self, evidence: super::Evidence) {
        self.evidence = evidence;
        self.relevance = evidence.weigh(self.relevance);
        self.decision_confidence = self.relevance.times(self.pattern_confidence);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RuleOutcome {
    Satisfied {
        condition: String,
        signal: usize,
        span: Option<(usize, usize)>,
    },
    NotSatisfied,
    /// A must-not term occurs.
    RuledOut {
        term: String,
    },
    /// The pattern has no rule.
    None,
}

impl RuleOutcome {
    pub const fn is_satisfied(&self) -> bool {
        matches!(self, Self::Satisfied { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermScore {
    pub term: String,
    pub field: String,
    pub score: f64,
}

struct Candidate<'a> {
    pattern: &'a Pattern,
    literal_characters: usize,
    rule: RuleOutcome,
    terms: Vec<TermScore>,
    text: f64,
    competitors: Vec<PatternId>,
    relevance: BasisPoints,
}

impl KnowledgeBase {
    /// Takes the active patterns. A pattern whose rule does not compile is left out and named.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut kept = Vec::new();
        for pattern in patterns.into_iter().filter(|pattern| pattern.status == PatternStatus::Active) {
            match pattern.rule.as_ref().map(crate::knowledge::Rule::compile).transpose() {
                Ok(rule) => kept.push((Arc::new(pattern), rule)),
                Err(error) => problems.push(format!("pattern `{}` is left out: {error}", pattern.name)),
            }
        }
        let index = Bm25::new(kept.iter().map(|(pattern, _)| fields(pattern)));
        (Self { patterns: kept, index }, problems)
    }

    pub const fn len(&self) -> usize {
        self.patterns.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    pub fn pattern(&self, id: &PatternId) -> Option<&Arc<Pattern>> {
        self.patterns.iter().map(|(pattern, _)| pattern).find(|pattern| pattern.id == *id)
    }

    /// The best patterns, best first: by relevance, then specificity, then text, then id, so that order is total.
    pub fn rank(&self, query: &Query<'_>, top: usize) -> Vec<PatternMatch> {
        let text: String = query.signals.iter().flat_map(|signal| [signal.text.as_str(), "\n"]).collect();
        let terms = tokenise(&text);
        let ceiling = self.index.query_best(&terms);
        let mut candidates: Vec<Candidate<'_>> = self
            .patterns
            .iter()
            .enumerate()
            .filter(|(_, (pattern, _))| pattern.scope.holds(query.project, query.service))
            .map(|(i, (pattern, rule))| {
                let explained = self.index.explain(i, &terms);
                let score: f64 = explained.iter().map(|term| term.score).sum();
                // Normalised against the lesser of the pattern's own best and the query's best: a short line that is
                // all in the pattern, and a short pattern that is all in the line, are both a full match.
                let best = self.index.best(i).min(ceiling).max(f64::MIN_POSITIVE);
                Candidate {
                    pattern,
                    literal_characters: rule.as_ref().map_or(0, CompiledRule::literal_characters),
                    rule: outcome(pattern, rule.as_ref(), query.signals, &text),
                    terms: explained
                        .into_iter()
                        .map(|term| TermScore { term: term.term, field: term.field.to_owned(), score: term.score })
                        .collect(),
                    text: (score / best).min(1.0),
                    competitors: Vec::new(),
                    relevance: BasisPoints::ZERO,
                }
            })
            .collect();
        settle(&mut candidates);
        candidates.retain(|candidate| candidate.relevance >= FLOOR);
        candidates.sort_by(|a, b| {
            (b.relevance, b.pattern.scope.specificity(), b.literal_characters)
                .cmp(&(a.relevance, a.pattern.scope.specificity(), a.literal_characters))
                .then_with(|| b.text.total_cmp(&a.text))
                .then_with(|| a.pattern.id.cmp(&b.pattern.id))
        });
        candidates.truncate(top);
        candidates
            .into_iter()
            .map(|candidate| PatternMatch {
                pattern: candidate.pattern.id.clone(),
                name: candidate.pattern.name.clone(),
                relevance: candidate.relevance,
                pattern_confidence: candidate.pattern.confidence,
                outcomes: candidate.pattern.attempts,
                decision_confidence: candidate.relevance.times(candidate.pattern.confidence),
                rule: candidate.rule,
                terms: candidate.terms,
                competitors: candidate.competitors,
                evidence: super::Evidence::default(),
                items: Vec::new(),
            })
            .collect()
    }
}

fn fields(pattern: &Pattern) -> Vec<Field<'_>> {
    let mut fields = vec![
        Field { name: "name", weight: 3.0, text: &pattern.name },
        Field { name: "description", weight: 1.5, text: &pattern.description },
        Field { name: "root_cause", weight: 1.0, text: &pattern.root_cause },
    ];
    fields.extend(pattern.examples.matches.iter().map(|line| Field { name: "example", weight: 2.0, text: line }));
    fields
}

fn outcome(pattern: &Pattern, rule: Option<&CompiledRule>, signals: &[NewSignal], text: &str) -> RuleOutcome {
    if let Some(term) = pattern.must_not.iter().find(|term| contains_term(text, term)) {
        return RuleOutcome::RuledOut { term: term.clone() };
    }
    let Some(rule) = rule else { return RuleOutcome::None };
    signals
        .iter()
        .enumerate()
        .find_map(|(signal, seen)| {
            let RuleHit { condition, span } = rule.holds(seen)?;
            Some(RuleOutcome::Satisfied { condition, signal, span })
        })
        .unwrap_or(RuleOutcome::NotSatisfied)
}

/// Gives every candidate its relevance.
fn settle(candidates: &mut [Candidate<'_>]) {
    let holding: Vec<usize> = (0..candidates.len()).filter(|i| candidates[*i].rule.is_satisfied()).collect();
    // The more specific rule wins before anything is shared: scope first, then literal characters.
    let specificity = |c: &Candidate<'_>| (c.pattern.scope.specificity(), c.literal_characters);
    let finest = holding.iter().map(|i| specificity(&candidates[*i])).max();
    let winners: Vec<usize> =
        holding.iter().copied().filter(|i| Some(specificity(&candidates[*i])) == finest).collect();
    // The same fix does not compete.
    let differing = winners.iter().any(|i| candidates[*i].pattern.action != candidates[winners[0]].pattern.action);
    let total: f64 = winners.iter().map(|i| candidates[*i].text.max(0.01)).sum();
    for i in 0..candidates.len() {
        let relevance = match &candidates[i].rule {
            RuleOutcome::RuledOut { .. } => BasisPoints::ZERO,
            RuleOutcome::Satisfied { .. } if winners.contains(&i) && !differing => BasisPoints::ONE,
            RuleOutcome::Satisfied { .. } if winners.contains(&i) => score(candidates[i].text.max(0.01) / total),
            // A less specific rule that holds is set aside by the one that won: it keeps what its text is worth.
            _ => score(candidates[i].text * TEXT_CEILING),
        };
        if differing && winners.contains(&i) {
            candidates[i].competitors =
                winners.iter().filter(|w| **w != i).map(|w| candidates[*w].pattern.id.clone()).collect();
        }
        candidates[i].relevance = relevance;
    }
}

fn score(value: f64) -> BasisPoints {
    BasisPoints::from_decimal(value.clamp(0.0, 1.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{PackEntry, PatternScope, Rule};
    use crate::{Action, ActionKind, Fingerprint, Severity, SignalKind, SourceName, Timestamp};

    fn pattern(name: &str, rule: Option<&str>, action: Option<ActionKind>) -> PackEntry {
        PackEntry { rule: rule.map(Rule::regex), action: action.map(Action::new), ..PackEntry::new(name, "because") }
    }

    fn rank(entries: Vec<PackEntry>, text: &str) -> Vec<(String, u32, bool)> {
        let patterns = entries.into_iter().map(|entry| entry.into_pattern("test", Timestamp::EPOCH).expect("valid"));
        let (base, problems) = KnowledgeBase::new(patterns);
        assert!(problems.is_empty(), "{problems:?}");
        let signal = NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new("pay"),
            project: ProjectName::new("shop"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[text]),
            template: text.into(),
            text: text.into(),
            attributes: Default::default(),
            trace_id: None,
            count: 1,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        };
        let query = Query { project: &signal.project.clone(), service: &signal.service.clone(), signals: &[signal] };
        base.rank(&query, 5).into_iter().map(|m| (m.pattern.0, m.relevance.get(), m.rule.is_satisfied())).collect()
    }

    const RESTART: Option<ActionKind> = Some(ActionKind::ServiceRestart);
    const CLEAR: Option<ActionKind> = Some(ActionKind::CacheClear);

    #[test]
    fn one_rule_that_holds_is_exactly_one() {
        let ranked = rank(
            vec![pattern("Pool exhausted", Some("pool exhausted"), RESTART), pattern("Disk", None, None)],
            "pool exhausted",
        );
        assert_eq!(ranked[0], ("pool-exhausted".into(), 10_000, true));
    }

    #[test]
    fn a_must_not_term_rules_a_pattern_out() {
        let mut entry = pattern("OOM", Some("out of memory"), RESTART);
        entry.must_not = vec!["quota".into()];
        assert!(rank(vec![entry], "quota reached: out of memory").is_empty());
    }

    #[test]
    fn text_alone_stays_below_one_and_never_satisfies() {
        let ranked = rank(vec![pattern("Connection pool exhausted", None, RESTART)], "connection pool exhausted");
        assert_eq!(ranked.len(), 1);
        assert!(ranked[0].1 <= 9_500 && !ranked[0].2, "{ranked:?}");
    }

    #[test]
    fn competing_rules_share_and_the_same_fix_does_not_compete() {
        let both = |second| {
            rank(
                vec![pattern("Alpha x", Some("timed out"), RESTART), pattern("Beta x", Some("timed out"), second)],
                "request timed out",
            )
        };
        assert!(both(RESTART).iter().all(|m| m.1 == 10_000));
        let shared = both(CLEAR);
        assert_eq!(shared.iter().map(|m| m.1).sum::<u32>(), 10_000);
        assert!(shared.iter().all(|m| m.1 < 10_000));
    }

    #[test]
    fn the_more_specific_rule_wins_before_anything_is_shared() {
        let mut scoped = pattern("Scoped", Some("timed out"), CLEAR);
        scoped.scope = PatternScope { project: None, service: Some(ServiceName::new("pay")) };
        let ranked = rank(vec![pattern("Wide", Some("timed out"), RESTART), scoped], "request timed out");
        assert_eq!(ranked[0], ("scoped".into(), 10_000, true));
        let ranked = rank(
            vec![pattern("Short", Some("timed"), RESTART), pattern("Long", Some("request timed"), CLEAR)],
            "request timed out",
        );
        assert_eq!(ranked[0], ("long".into(), 10_000, true));
    }

    #[test]
    fn another_services_pattern_is_not_asked() {
        let mut other = pattern("Other", Some("timed out"), RESTART);
        other.scope = PatternScope { project: None, service: Some(ServiceName::new("mail")) };
        assert!(rank(vec![other], "request timed out").is_empty());
    }
}
