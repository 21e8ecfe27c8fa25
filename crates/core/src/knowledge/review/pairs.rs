//! Patterns beside each other: duplicates, shadowed ones, and those whose examples fail.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Rules, texts};
use crate::PatternId;
use crate::knowledge::{Pattern, PatternStatus, check_examples};

/// Rules that hold on one line and are compared with each other: a line on which more hold says nothing of any two.
const HOLDING: usize = 64;

/// What a review found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub duplicates: Vec<Duplicate>,
    pub shadowed: Vec<Shadowed>,
    pub failing: Vec<FailingExamples>,
}

/// Why two patterns are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// Their rules are the same.
    SameRule,
    /// The rule of each holds on every example of the other.
    EachOthersExamples,
    /// Their words are nearly the same; in basis points.
    SimilarText(u32),
}

/// Two patterns that seem to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The one that stays: with more outcomes, else the older one.
    pub keep: PatternId,
    pub merge: PatternId,
    pub why: Sameness,
}

/// A pattern that comes second on every one of its own examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    pub pattern: PatternId,
    /// Patterns with the same scope and a more specific rule that come first.
    pub by: BTreeSet<PatternId>,
    /// Those have the same fix: what is done stays right, whose success it is does not.
    pub same_fix: bool,
}

/// Examples that a pattern fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingExamples {
    pub pattern: PatternId,
    /// The rule cannot be used at all.
    pub error: Option<String>,
    /// Lines that it should match and does not.
    pub missed: Vec<String>,
    /// Lines that it should not match and does.
    pub wrong: Vec<String>,
}

/// Looks at all active patterns.
pub fn review(patterns: &[Pattern]) -> Findings {
    review_unless(patterns, || false)
}

/// The same, given up where it is asked to stop: what was found is then not all.
pub fn review_unless(patterns: &[Pattern], stop: impl Fn() -> bool) -> Findings {
    let rules = Rules::new(patterns.iter().filter(|pattern| pattern.status == PatternStatus::Active));
    let failing = (0..rules.len()).take_while(|_| !stop()).filter_map(|index| failing(&rules, index)).collect();
    // On how many of the first one's examples the second holds; and the rules that come before it there.
    let mut shared: HashMap<(usize, usize), usize> = HashMap::new();
    let mut shadowed = Vec::new();
    for index in (0..rules.len()).take_while(|_| !stop()) {
        let pattern = rules.pattern(index);
        let (mut by, mut won) = (BTreeSet::new(), 0);
        let own: Vec<&String> = pattern.examples.matches.iter().filter(|line| rules.holds(index, line)).collect();
        for line in &own {
            let holding = rules.holding(line);
            if holding.len() <= HOLDING {
                holding
                    .iter()
                    .filter(|other| **other != index)
                    .for_each(|other| *shared.entry((index, *other)).or_default() += 1);
            }
            if let Some(first) = winner(&rules, index, &holding, line) {
                by.insert(first);
                won += 1;
            }
        }
        if won > 0 && won == own.len() {
            let same_fix = by.iter().all(|other| rules.pattern(*other).has_same_fix(pattern));
            let by = by.into_iter().map(|other| rules.pattern(other).id.clone()).collect();
            shadowed.push(Shadowed { pattern: pattern.id.clone(), by, same_fix });
        }
    }
    let duplicates = if stop() { Vec::new() } else { duplicates(&rules, &shared) };
    Findings { duplicates, shadowed, failing }
}

/// The pattern that comes before this one on a line: of the same scope, with a more specific rule. A wider one never does, and a
/// narrower one does so only where its scope holds.
fn winner(rules: &Rules<'_>, index: usize, holding: &[usize], line: &str) -> Option<usize> {
    let own = rules.specificity_on(index, line);
    holding
        .iter()
        .copied()
        .filter(|other| rules.pattern(*other).scope == rules.pattern(index).scope)
        .map(|other| (rules.specificity_on(other, line), std::cmp::Reverse(other)))
        .filter(|(specificity, _)| *specificity > own)
        .max()
        .map(|(_, std::cmp::Reverse(other))| other)
}

fn duplicates(rules: &Rules<'_>, shared: &HashMap<(usize, usize), usize>) -> Vec<Duplicate> {
    let mut pairs: BTreeMap<(usize, usize), Sameness> = BTreeMap::new();
    let mut found = |a: usize, b: usize, why: Sameness| {
        // Elsewhere is not the same, whatever the words.
        if rules.pattern(a).scope == rules.pattern(b).scope {
            let known = pairs.entry((a.min(b), a.max(b))).or_insert(why);
            *known = (*known).min(why);
        }
    };
    let mut by_rule: HashMap<String, usize> = HashMap::new();
    for index in 0..rules.len() {
        let Some(rule) = &rules.pattern(index).rule else { continue };
        let mut conditions: Vec<String> = rule.any.iter().filter_map(|one| serde_json::to_string(one).ok()).collect();
        conditions.sort();
        conditions.push(serde_json::to_string(&rules.pattern(index).scope).unwrap_or_default());
        match by_rule.get(&conditions.join("\n")) {
            Some(first) => found(*first, index, Sameness::SameRule),
            None => {
                by_rule.insert(conditions.join("\n"), index);
            }
        }
    }
    let examples = |index: usize| rules.pattern(index).examples.matches.len();
    for ((a, b), count) in shared {
        if a < b && *count == examples(*a) && shared.get(&(*b, *a)) == Some(&examples(*b)) {
            found(*a, *b, Sameness::EachOthersExamples);
        }
    }
    let texts: Vec<String> = (0..rules.len())
        .map(|index| {
            let Pattern { name, description, root_cause, examples, .. } = rules.pattern(index);
            let lines = examples.matches.join(" ");
            format!("{name} {description} {root_cause} {lines}")
        })
        .collect();
    for (a, b, alike) in texts::similar(&texts) {
        found(a, b, Sameness::SimilarText(alike));
    }
    pairs
        .into_iter()
        .map(|((a, b), why)| {
            let (a, b) = (rules.pattern(a), rules.pattern(b));
            let worth = |p: &Pattern| (p.attempts, std::cmp::Reverse(p.created_at), std::cmp::Reverse(p.id.clone()));
            let (keep, merge) = if worth(a) >= worth(b) { (a, b) } else { (b, a) };
            Duplicate { keep: keep.id.clone(), merge: merge.id.clone(), why }
        })
        .collect()
}

fn failing(rules: &Rules<'_>, index: usize) -> Option<FailingExamples> {
    let pattern = rules.pattern(index);
    let mut found = FailingExamples { pattern: pattern.id.clone(), error: None, missed: vec![], wrong: vec![] };
    // Compiling is what a review spends its time on: it is done once.
    match rules.compiled(index) {
        None => found.error = Some(pattern.rule.as_ref()?.compile().err()?.to_string()),
        Some(compiled) => {
            for fault in check_examples(pattern.rule.as_ref()?, &compiled, &pattern.must_not, &pattern.examples) {
                let list = if fault.is_of_matches() { &mut found.missed } else { &mut found.wrong };
                list.push(fault.line().to_owned());
            }
        }
    }
    (found.error.is_some() || !found.missed.is_empty() || !found.wrong.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Examples, PackEntry, PatternScope, Rule};
    use crate::{Action, ActionKind, ServiceName, Timestamp};

    fn pattern(name: &str, expression: &str, lines: &[&str]) -> Pattern {
        PackEntry {
            rule: Some(Rule::regex(expression)),
            examples: Examples { matches: lines.iter().map(|line| (*line).to_owned()).collect(), rejects: vec![] },
            ..PackEntry::new(name, "because")
        }
        .into_pattern("test", Timestamp::EPOCH)
        .expect("valid")
    }

    fn pairs(findings: &Findings) -> Vec<(&str, &str, Sameness)> {
        findings.duplicates.iter().map(|d| (d.keep.as_str(), d.merge.as_str(), d.why)).collect()
    }

    #[test]
    fn duplicates_and_why() {
        let mut used = pattern("Used", "pool (was )?exhausted", &["pool exhausted", "pool was exhausted"]);
        used.attempts = 3;
        let patterns = [
            pattern("A", "lease lost", &["lease lost"]),
            pattern("B", "lease lost", &["the lease lost"]),
            pattern("Other", "(pool) .*exhausted", &["pool exhausted"]),
            used,
        ];
        let findings = review(&patterns);
        assert_eq!(pairs(&findings), [("a", "b", Sameness::SameRule), ("used", "other", Sameness::EachOthersExamples)]);
    }

    #[test]
    fn nearly_equal_words() {
        let long = "a very long story of how the broker loses its quorum and recovers";
        let one = pattern("Broker quorum", "x{9}", &[]);
        let two = pattern("Broker quorums", "y{9}", &[]);
        let with = |p: Pattern| Pattern { description: long.into(), ..p };
        let findings = review(&[with(one.clone()), with(two.clone())]);
        assert!(matches!(pairs(&findings)[..], [("broker-quorum", "broker-quorums", Sameness::SimilarText(8_000..))]));
        let mut elsewhere = with(two);
        elsewhere.scope = PatternScope { project: None, service: Some(ServiceName::new("pay")) };
        assert_eq!(pairs(&review(&[with(one), elsewhere])), []);
    }

    #[test]
    fn a_pattern_that_never_comes_first_is_shadowed() {
        let mut wide = pattern("Wide", "timed out", &["request timed out", "request timed out again"]);
        wide.action = Some(Action::new(ActionKind::ServiceRestart));
        let narrow = pattern("Narrow", "request timed out", &["request timed out"]);
        let findings = review(&[wide.clone(), narrow.clone()]);
        assert_eq!(
            findings.shadowed,
            [Shadowed { pattern: wide.id.clone(), by: [narrow.id.clone()].into(), same_fix: false }]
        );
        // One example of its own is enough.
        let mut own = wide.clone();
        own.examples.matches.push("login timed out".into());
        assert_eq!(review(&[own, narrow.clone()]).shadowed, []);
        // A must-not term of the other one lets it through, and so does another scope.
        let mut ruled_out = narrow.clone();
        ruled_out.must_not = vec!["request".into()];
        ruled_out.examples.matches.clear();
        assert_eq!(review(&[wide.clone(), ruled_out]).shadowed, []);
        let mut scoped = narrow;
        scoped.scope = PatternScope { project: None, service: Some(ServiceName::new("pay")) };
        assert_eq!(review(&[wide, scoped]).shadowed, []);
    }

    #[test]
    fn failing_examples_are_named() {
        let mut broken = pattern("Broken", "lease lost", &["lease lost"]);
        broken.must_not = vec!["lease".into()];
        broken.examples.rejects = vec!["lost".into()];
        let mut wrong = pattern("Wrong", "lost", &["lost"]);
        wrong.examples.rejects = vec!["lost it".into()];
        let mut template = pattern("Template", "lease", &["lease 7 found"]);
        template.rule = Some(Rule { any: vec![crate::knowledge::Condition::Template("lease <*> lost".into())] });
        let mut unusable = pattern("Unusable", "lease lost", &[]);
        unusable.rule = Some(Rule::regex("("));
        let found = review(&[broken, template, wrong, unusable]).failing;
        let seen: Vec<_> =
            found.iter().map(|f| (f.pattern.as_str(), f.error.is_some(), f.missed.len(), f.wrong.len())).collect();
        assert_eq!(
            seen,
            [("broken", false, 1, 0), ("template", false, 1, 0), ("wrong", false, 0, 1), ("unusable", true, 0, 0)]
        );
    }

    #[test]
    fn drafts_and_disabled_ones_are_not_looked_at() {
        let mut draft = pattern("Draft", "lease lost", &["lease lost"]);
        draft.status = PatternStatus::Draft;
        assert_eq!(review(&[draft, pattern("A", "lease lost", &["lease lost"])]), Findings::default());
    }
}
