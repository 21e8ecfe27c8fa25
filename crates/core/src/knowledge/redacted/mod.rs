//! Takes a text out of a pattern, its rule included, and never makes it hold on more than it did for being trusted.
//!
//! A rule with a wildcard where the text stood holds on more lines, a must-not term that is gone protects nothing, and examples
//! that differ test something else. So a pattern of which any of these changed heals nothing by itself until a person says so
//! again, and a condition that says too little afterwards goes.

mod document;
mod expression;

use serde::Serialize;

use super::draft::{from_template, says_enough};
use super::{Condition, ExampleFault, Pattern, Rule, check_examples};
use crate::redact::{REDACTED, Redaction};

pub use document::redacted_document;
pub(super) use expression::text_of;
use expression::{RedactedExpression, redact_expression};

/// What stands in a rule in place of what was redacted: it holds on the redacted examples, and on what comes.
const ANYTHING: &str = r"[^\n]{1,256}";

/// What a redaction did to a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RedactedPattern {
    /// Whether anything changed, be it a description.
    pub changed: bool,
    /// Conditions that have a wildcard now where the text stood.
    pub conditions_changed: usize,
    /// Conditions that are gone: without the text they said too little, or nothing at all.
    pub conditions_dropped: usize,
    /// Must-not terms that are gone: without the text they would rule nothing out.
    pub terms_dropped: usize,
    pub examples_changed: usize,
    /// Examples that are gone: the rule that is left says otherwise of them.
    pub examples_dropped: usize,
    /// It healed by itself, and does so no more.
    pub disarmed: bool,
}

impl Pattern {
    /// Takes a text out. The id, the scope and the action stay: they are what the engine goes by.
    pub fn redact(&mut self, redaction: &Redaction) -> RedactedPattern {
        let mut done = RedactedPattern { changed: self.redact_texts(redaction), ..RedactedPattern::default() };
        let terms = self.must_not.len();
        self.must_not.retain(|term| !redaction.finds(term));
        done.terms_dropped = terms - self.must_not.len();
        self.redact_rule(redaction, &mut done);
        for line in self.examples.matches.iter_mut().chain(&mut self.examples.rejects) {
            if let Some(redacted) = redaction.apply(line) {
                *line = redacted;
                done.examples_changed += 1;
            }
        }
        let acts_otherwise =
            done.conditions_changed + done.conditions_dropped + done.terms_dropped + done.examples_changed > 0;
        if acts_otherwise {
            done.examples_dropped = self.drop_contradicted_examples();
            done.disarmed = std::mem::take(&mut self.auto_healable);
            done.changed = true;
        }
        done
    }

    fn redact_texts(&mut self, redaction: &Redaction) -> bool {
        let mut changed = false;
        let texts = [
            &mut self.name,
            &mut self.family,
            &mut self.description,
            &mut self.root_cause,
            &mut self.undo,
            &mut self.no_safe_fix,
        ];
        let sources =
            self.provenance.sources.iter_mut().flat_map(|source| [Some(&mut source.name), source.url.as_mut()]);
        for text in texts.into_iter().chain(&mut self.checks).chain(sources.flatten()) {
            if let Some(redacted) = redaction.apply(text) {
                *text = redacted;
                changed = true;
            }
        }
        changed
    }

    fn redact_rule(&mut self, redaction: &Redaction, done: &mut RedactedPattern) {
        let Some(rule) = &mut self.rule else { return };
        let mut kept = Vec::with_capacity(rule.any.len());
        for condition in std::mem::take(&mut rule.any) {
            match redacted_condition(&condition, redaction) {
                None => kept.push(condition),
                Some(Some(redacted)) => {
                    kept.push(redacted);
                    done.conditions_changed += 1;
                }
                Some(None) => done.conditions_dropped += 1,
            }
        }
        rule.any = kept;
        // One without conditions is none: it would hold on nothing and still be called a rule.
        if rule.any.is_empty() && done.conditions_dropped > 0 {
            self.rule = None;
        }
    }

    /// What the rule that is left says otherwise of is no example any more. In how many lines.
    fn drop_contradicted_examples(&mut self) -> usize {
        let Some((rule, compiled)) = self.rule.as_ref().and_then(|rule| Some((rule, rule.compile().ok()?))) else {
            return 0;
        };
        let faults = check_examples(rule, &compiled, &self.must_not, &self.examples);
        let lines = |of_matches: bool| -> Vec<String> {
            let of = |fault: &&ExampleFault<'_>| fault.is_of_matches() == of_matches;
            faults.iter().filter(of).map(|fault| fault.line().to_owned()).collect()
        };
        let (matches, rejects, dropped) = (lines(true), lines(false), faults.len());
        self.examples.matches.retain(|line| !matches.contains(line));
        self.examples.rejects.retain(|line| !rejects.contains(line));
        dropped
    }
}

/// `None` where a condition holds nothing of the text, `Some(None)` where nothing usable is left of it.
fn redacted_condition(condition: &Condition, redaction: &Redaction) -> Option<Option<Condition>> {
    let redacted = match condition {
        Condition::Regex(expression) => match redact_expression(expression, redaction) {
            RedactedExpression::Unchanged => return None,
            RedactedExpression::Changed(redacted) => Some(redacted),
            RedactedExpression::Lost => None,
        },
        Condition::Literal(literal) => {
            let parts = redaction.apply(literal)?;
            let parts: Vec<String> = parts.split(REDACTED).map(regex::escape).collect();
            Some(format!("(?i){}", parts.join(ANYTHING)))
        }
        // A template is compared as a whole, so that it could not hold on any line with a wildcard of ours in it.
        Condition::Template(template) => from_template(&redaction.apply(template)?),
        Condition::Attributes(wanted) => {
            wanted.values().any(|value| redaction.finds(value)).then_some(())?;
            None
        }
        Condition::Alert(alert) => {
            let mut texts = std::iter::once(&alert.name).chain(alert.labels.values());
            texts.any(|text| redaction.finds(text)).then_some(())?;
            None
        }
        Condition::Metric(metric) => {
            let mut texts = std::iter::once(&metric.name).chain(metric.labels.values());
            texts.any(|text| redaction.finds(text)).then_some(())?;
            None
        }
    };
    let is_usable = |expression: &String| {
        text_of(expression).is_some_and(|text| says_enough(&text)) && Rule::regex(expression.clone()).compile().is_ok()
    };
    Some(redacted.filter(is_usable).map(Condition::Regex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::knowledge::{AlertCondition, Examples, PackEntry};
    use proptest::prelude::*;

    const LINE: &str = "vault sealed for tenant acme-corp again";

    fn corp() -> Redaction {
        Redaction::text("acme-corp").expect("long enough")
    }

    /// A pattern that heals by itself.
    fn pattern(any: Vec<Condition>) -> Pattern {
        let rule = Rule { any };
        let reads = super::super::reads_lines(&rule);
        let mut pattern = PackEntry {
            rule: Some(rule),
            examples: Examples { matches: reads.then(|| LINE.to_owned()).into_iter().collect(), rejects: vec![] },
            ..PackEntry::new("Vault sealed for tenant acme-corp", "acme-corp moved")
        }
        .into_pattern("draft", Timestamp::EPOCH)
        .expect("valid");
        pattern.auto_healable = true;
        pattern
    }

    fn nothing_is_left(pattern: &Pattern) {
        let json = serde_json::to_string(&Pattern { id: crate::PatternId::new("x"), ..pattern.clone() }).expect("json");
        assert!(!json.contains("acme"), "{json}");
    }

    #[test]
    fn nothing_of_it_is_left_the_examples_hold_and_it_acts_no_more() {
        for condition in [
            Condition::Regex(regex::escape(LINE)),
            Condition::Regex("vault sealed for tenant acme-corp .{1,9}".into()),
            Condition::Literal("sealed for tenant acme-corp".into()),
            Condition::Template(LINE.into()),
        ] {
            let mut pattern = pattern(vec![condition]);
            let done = pattern.redact(&corp());
            assert_eq!((done.conditions_changed, done.conditions_dropped, done.examples_dropped), (1, 0, 0));
            assert!(done.disarmed && !pattern.auto_healable);
            nothing_is_left(&pattern);
            let rule = pattern.rule.clone().expect("a rule").compile().expect("compiles");
            assert!(rule.holds_for_text(&pattern.examples.matches[0]) && rule.holds_for_text(LINE));
            assert_eq!(pattern.redact(&corp()), RedactedPattern::default());
        }
    }

    #[test]
    fn a_rule_that_would_hold_on_everything_is_none() {
        let whole = Redaction::text(LINE).expect("long enough");
        let regex = Redaction::regex(".*acme.*").expect("valid");
        for redaction in [whole, regex] {
            let mut pattern = pattern(vec![Condition::Regex(regex::escape(LINE))]);
            let done = pattern.redact(&redaction);
            assert_eq!((done.conditions_dropped, &pattern.rule, pattern.auto_healable), (1, &None, false));
            assert!(done.disarmed);
        }
        // What is left says too little.
        let mut pattern = pattern(vec![Condition::Literal("tenant acme-corp".into())]);
        assert_eq!(pattern.redact(&corp()).conditions_dropped, 1);
        assert_eq!(pattern.rule, None);
    }

    #[test]
    fn the_conditions_that_are_left_make_the_rule_and_the_examples() {
        let alert = AlertCondition { name: "Sealed".into(), labels: [("tenant".into(), "acme-corp".into())].into() };
        let mut pattern = pattern(vec![
            Condition::Regex("for tenant acme-corp".into()),
            Condition::Alert(alert),
            Condition::Attributes([("tenant".to_owned(), "acme-corp".to_owned())].into()),
            Condition::Literal("vault broken".into()),
        ]);
        let done = pattern.redact(&corp());
        assert_eq!((done.conditions_dropped, done.conditions_changed, done.examples_dropped), (3, 0, 1));
        assert_eq!(pattern.rule, Some(Rule { any: vec![Condition::Literal("vault broken".into())] }));
        assert_eq!(pattern.examples.matches, [""; 0], "no rule that is left holds on it");
        nothing_is_left(&pattern);
    }

    #[test]
    fn a_term_that_is_gone_protects_no_more() {
        let mut pattern = pattern(vec![Condition::Literal("vault sealed for tenant".into())]);
        pattern.must_not = vec!["drill of acme-corp".into(), "quota".into()];
        pattern.examples.rejects =
            vec!["vault sealed for tenant x: drill of acme-corp".into(), "vault sealed for tenant x: quota".into()];
        let done = pattern.redact(&corp());
        assert_eq!((done.terms_dropped, done.examples_changed, done.examples_dropped), (1, 2, 1));
        assert!(done.disarmed);
        assert_eq!(pattern.must_not, ["quota"]);
        assert_eq!(pattern.examples.rejects, ["vault sealed for tenant x: quota"]);
    }

    #[test]
    fn a_description_alone_changes_no_trust() {
        let mut pattern = pattern(vec![Condition::Literal("vault sealed".into())]);
        pattern.examples.matches = vec!["vault sealed".into()];
        let done = pattern.redact(&corp());
        assert_eq!(done, RedactedPattern { changed: true, ..RedactedPattern::default() });
        assert!(pattern.auto_healable);
        nothing_is_left(&pattern);
    }

    proptest! {
        #[test]
        fn whatever_is_left_of_a_rule_holds_on_its_examples_and_says_enough(
            lines in prop::collection::vec(prop::collection::vec("[f-q]{2,7}|[f-q]{3}[-.+(][f-q]{3}", 4..12), 1..4),
            at in 0usize..60, length in 4usize..40,
        ) {
            let lines: Vec<String> = lines.into_iter().map(|words| words.join(" ")).collect();
            let secret: String = lines[0].chars().skip(at % (lines[0].len() - 4)).take(length).collect();
            let redaction = Redaction::text(&secret);
            prop_assume!(redaction.is_ok());
            let redaction = redaction.expect("long enough");
            let conditions = lines.iter().map(|line| Condition::Regex(regex::escape(line))).collect();
            let entry = PackEntry {
                rule: Some(Rule { any: conditions }),
                examples: Examples { matches: lines, rejects: vec![] },
                ..PackEntry::new("x", "y")
            };
            let mut pattern = Pattern { auto_healable: true, ..entry.into_pattern("draft", Timestamp::EPOCH).expect("valid") };
            let done = pattern.redact(&redaction);
            prop_assert!(done.disarmed && !pattern.auto_healable);
            for line in &pattern.examples.matches {
                prop_assert!(!redaction.finds(line), "{}", line);
            }
            let Some(rule) = &pattern.rule else { return Ok(()) };
            let compiled = rule.compile().expect("compiles");
            prop_assert!(check_examples(rule, &compiled, &[], &pattern.examples).is_empty());
            for condition in &rule.any {
                let Condition::Regex(expression) = condition else { return Err(TestCaseError::fail("another kind")) };
                let text = text_of(expression).expect("an expression");
                prop_assert!(says_enough(&text) || !expression.contains(ANYTHING), "{}", expression);
                prop_assert!(!redaction.finds(&text), "{}", expression);
            }
        }
    }
}
