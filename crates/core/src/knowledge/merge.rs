//! Two patterns that are one: what becomes of them.

use super::{ExampleFault, Pattern, PatternScope, PatternStatus, check_examples};
use crate::Timestamp;

/// Conditions of one rule: more are no pattern any more.
const CONDITIONS: usize = 64;

/// The second pattern with all that the first one knows, or every reason why they are not one.
///
/// It is trusted no more than the less trusted of the two, and heals by itself only where both did, each in the same scope: its
/// rule holds in more cases than its outcomes are about, and in a wider scope than the first one's conditions were meant for.
pub fn merge(merged: &Pattern, into: &Pattern, now: Timestamp) -> Result<Pattern, Vec<String>> {
    let mut reasons = Vec::new();
    if merged.id == into.id {
        return Err(vec!["it is the same pattern".into()]);
    }
    for pattern in [merged, into] {
        if pattern.status != PatternStatus::Active {
            reasons.push(format!("`{}` is {} and not active", pattern.id, pattern.status.as_str()));
        }
    }
    if !covers(&into.scope, &merged.scope) {
        reasons.push(format!("`{}` does not apply everywhere where `{}` does", into.id, merged.id));
    }
    let mut result = into.clone();
    match (&merged.action, &into.action) {
        (a, b) if a == b => {}
        // One that says neither what to do nor that nothing is safe has nothing against it.
        (None, Some(_)) if merged.no_safe_fix.is_empty() => {}
        (Some(_), None) if into.no_safe_fix.is_empty() => {
            result.action.clone_from(&merged.action);
            result.undo.clone_from(&merged.undo);
        }
        _ => reasons.push("their fixes differ".into()),
    }
    match (&merged.rule, &mut result.rule) {
        (Some(rule), Some(own)) => add(&mut own.any, &rule.any),
        (Some(_), own @ None) => own.clone_from(&merged.rule),
        (None, _) => {}
    }
    if result.rule.as_ref().is_some_and(|rule| rule.any.len() > CONDITIONS) {
        reasons.push(format!("together they have more than {CONDITIONS} conditions"));
    }
    add(&mut result.must_not, &merged.must_not);
    add(&mut result.examples.matches, &merged.examples.matches);
    add(&mut result.examples.rejects, &merged.examples.rejects);
    add(&mut result.checks, &merged.checks);
    add(&mut result.provenance.sources, &merged.provenance.sources);
    result.provenance.licence = match (into.provenance.licence.clone(), merged.provenance.licence.clone()) {
        (Some(own), Some(other)) if own != other => Some(format!("{own} AND {other}")),
        (own, other) => own.or(other),
    };
    result.severity = [into.severity, merged.severity].into_iter().flatten().min_by_key(|severity| severity.rank());
    result.confidence = into.confidence.min(merged.confidence);
    result.use_count = into.use_count.saturating_add(merged.use_count);
    result.attempts = into.attempts.saturating_add(merged.attempts);
    result.auto_healable = into.auto_healable && merged.auto_healable && into.scope == merged.scope;
    result.require_approval = into.require_approval || merged.require_approval;
    result.infrastructure = into.infrastructure || merged.infrastructure;
    result.shadow = into.shadow || merged.shadow;
    result.updated_at = now;
    reasons.extend(failing(&result));
    if reasons.is_empty() { Ok(result) } else { Err(reasons) }
}

/// What attempts under one pattern's id taught another: how its confidence moved, in basis points, and its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taught {
    pub confidence: i64,
    /// Verified successes, less those taken back.
    pub uses: i64,
    pub attempts: i64,
}

impl Taught {
    /// The pattern with it, or, with a sign of -1, without it.
    fn moved(self, pattern: Pattern, sign: i64) -> Pattern {
        let add = |count: u32, more: i64| (i64::from(count) + sign * more).clamp(0, i64::from(u32::MAX)) as u32;
        Pattern {
            confidence: pattern.confidence.shifted((sign * self.confidence) as i32),
            use_count: add(pattern.use_count, self.uses),
            attempts: add(pattern.attempts, self.attempts),
            ..pattern
        }
    }
}

/// The merged pattern as it was before, with what was learned of it since: under its own row, and what attempts under its id
/// taught the other one.
pub fn restored(merged_before: &Pattern, merged_now: &Pattern, taught: Taught, now: Timestamp) -> Pattern {
    let own = Pattern {
        confidence: merged_now.confidence,
        use_count: merged_now.use_count,
        attempts: merged_now.attempts,
        updated_at: now,
        ..merged_before.clone()
    };
    taught.moved(own, 1)
}

/// Takes a merge back: what the second pattern was before, with what it learned since, less what attempts under the first one's
/// id taught it. Its reason where it has been edited since.
pub fn unmerge(
    merged_before: &Pattern,
    into_before: &Pattern,
    into_after: &Pattern,
    now_stored: &Pattern,
    taught: Taught,
    now: Timestamp,
) -> Result<Pattern, String> {
    let without_outcomes = |pattern: &Pattern| Pattern {
        confidence: crate::BasisPoints::ZERO,
        use_count: 0,
        attempts: 0,
        updated_at: Timestamp::EPOCH,
        ..pattern.clone()
    };
    if without_outcomes(now_stored) != without_outcomes(into_after) {
        return Err(format!("`{}` has been edited since", now_stored.id));
    }
    let learned = i64::from(now_stored.confidence.get()) - i64::from(into_after.confidence.get()) - taught.confidence;
    let counted = taught.moved(now_stored.clone(), -1);
    Ok(Pattern {
        confidence: into_before.confidence.shifted(learned as i32),
        use_count: counted.use_count.saturating_sub(merged_before.use_count),
        attempts: counted.attempts.saturating_sub(merged_before.attempts),
        updated_at: now,
        ..into_before.clone()
    })
}

fn covers(wide: &PatternScope, narrow: &PatternScope) -> bool {
    (wide.project.is_none() || wide.project == narrow.project)
        && (wide.service.is_none() || wide.service == narrow.service)
}

fn add<T: Clone + PartialEq>(own: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !own.contains(one) {
            own.push(one.clone());
        }
    }
}

/// Every example that would not hold any more.
fn failing(pattern: &Pattern) -> Vec<String> {
    let Some(rule) = &pattern.rule else { return Vec::new() };
    let compiled = match rule.compile() {
        Ok(compiled) => compiled,
        Err(error) => return vec![error.to_string()],
    };
    let reason = |fault| match fault {
        ExampleFault::Missed { line } => format!("no rule would hold on the example `{line}`"),
        ExampleFault::RuledOut { line, term } => format!("the word `{term}` would rule out the example `{line}`"),
        ExampleFault::Matched { line } => format!("a rule would hold on `{line}`, which it must not"),
    };
    check_examples(rule, &compiled, &pattern.must_not, &pattern.examples).into_iter().map(reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Examples, PackEntry, Rule};
    use crate::{Action, ActionKind, BasisPoints, ServiceName};

    fn pattern(name: &str, expression: &str, matches: &[&str], rejects: &[&str]) -> Pattern {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        PackEntry {
            rule: Some(Rule::regex(expression)),
            action: Some(Action::new(ActionKind::ServiceRestart)),
            examples: Examples { matches: lines(matches), rejects: lines(rejects) },
            ..PackEntry::new(name, "because")
        }
        .into_pattern("test", Timestamp::EPOCH)
        .expect("valid")
    }

    #[test]
    fn everything_of_both_and_the_more_careful_of_each_mark() {
        let mut a = pattern("A", "lease lost", &["lease lost"], &["lease found"]);
        let mut b = pattern("B", "lease gone", &["lease gone"], &[]);
        (a.confidence, a.use_count, a.attempts, a.require_approval) = (BasisPoints::saturating(4_000), 2, 5, true);
        (b.confidence, b.use_count, b.attempts, b.auto_healable) = (BasisPoints::saturating(9_000), 8, 8, true);
        let both = merge(&a, &b, Timestamp::EPOCH).expect("merges");
        assert_eq!((both.id.as_str(), both.confidence.get(), both.use_count, both.attempts), ("b", 4_000, 10, 13));
        assert_eq!((both.auto_healable, both.require_approval), (false, true));
        assert_eq!(both.rule.as_ref().map(|rule| rule.any.len()), Some(2));
        assert_eq!(both.examples.matches, ["lease gone", "lease lost"]);
        assert_eq!(both.examples.rejects, ["lease found"]);
        let mut later = both.clone();
        (later.confidence, later.use_count, later.attempts) = (BasisPoints::saturating(4_500), 11, 14);
        let back = unmerge(&a, &b, &both, &later, Taught::default(), Timestamp::EPOCH).expect("undone");
        assert_eq!(
            back,
            Pattern { confidence: BasisPoints::saturating(9_500), use_count: 9, attempts: 9, ..b.clone() }
        );
        // One success of three was of an attempt that began under the first one's id: it goes with it.
        let taught = Taught { confidence: 500, uses: 1, attempts: 1 };
        let back = unmerge(&a, &b, &both, &later, taught, Timestamp::EPOCH).expect("undone");
        assert_eq!(back, Pattern { use_count: 8, attempts: 8, ..b.clone() });
        let back = restored(&a, &a, taught, Timestamp::EPOCH);
        assert_eq!(
            back,
            Pattern { confidence: BasisPoints::saturating(4_500), use_count: 3, attempts: 6, ..a.clone() }
        );
        later.must_not.push("quota".into());
        assert!(unmerge(&a, &b, &both, &later, taught, Timestamp::EPOCH).is_err());
    }

    #[test]
    fn a_condition_that_holds_in_a_wider_scope_does_not_act_there_by_itself() {
        let of = |name: &str, expression: &str, service: Option<&str>| {
            let mut one = pattern(name, expression, &[], &[]);
            one.auto_healable = true;
            one.scope.service = service.map(ServiceName::new);
            one
        };
        let acts =
            |merged: &Pattern, into: &Pattern| merge(merged, into, Timestamp::EPOCH).expect("merges").auto_healable;
        assert!(!acts(&of("A", "lease lost", Some("pay")), &of("B", "lease gone", None)));
        assert!(acts(&of("A", "lease lost", Some("pay")), &of("B", "lease gone", Some("pay"))));
        assert!(acts(&of("A", "lease lost", None), &of("B", "lease gone", None)));
    }

    #[test]
    fn every_reason_against_it_is_named() {
        let b = pattern("B", "lease gone", &["lease gone"], &["lease lost in a drill"]);
        let with = |change: fn(&mut Pattern)| {
            let mut a = pattern("A", "lease lost", &["lease lost"], &[]);
            change(&mut a);
            merge(&a, &b, Timestamp::EPOCH)
        };
        type Change = fn(&mut Pattern);
        let cases: [(Change, &str); 6] = [
            (|_| (), "lease lost in a drill"),
            (|a| a.action = Some(Action::new(ActionKind::CacheClear)), "fixes differ"),
            (|a| a.action = None, "lease lost in a drill"),
            (|a| a.status = PatternStatus::Draft, "draft"),
            (|a| a.must_not = vec!["gone".into()], "the word `gone`"),
            (|a| a.id = crate::PatternId::new("b"), "same pattern"),
        ];
        for (change, reason) in cases {
            let reasons = with(change).expect_err("refused");
            assert!(reasons.iter().any(|found| found.contains(reason)), "{reason}: {reasons:?}");
        }
        let mut scoped = b.clone();
        scoped.scope.service = Some(ServiceName::new("pay"));
        let reasons = merge(&pattern("A", "x y z", &[], &[]), &scoped, Timestamp::EPOCH).expect_err("refused");
        assert!(reasons[0].contains("does not apply everywhere"), "{reasons:?}");
    }
}
