//! Whether a rule and its examples agree: tested whenever a pattern is saved, imported, merged, reviewed or tested.

use super::{CompiledRule, Condition, Examples, Rule};
use crate::detect::template;
use crate::matching::contains_term;

/// An example that a rule and its must-not terms contradict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleFault<'a> {
    /// No condition holds on a line that the pattern must match.
    Missed { line: &'a str },
    /// A must-not term rules out a line that the pattern must match.
    RuledOut { line: &'a str, term: &'a str },
    /// A condition holds on a line that the pattern must not match, and no term rules it out.
    Matched { line: &'a str },
}

impl<'a> ExampleFault<'a> {
    pub const fn line(&self) -> &'a str {
        match self {
            Self::Missed { line } | Self::RuledOut { line, .. } | Self::Matched { line } => line,
        }
    }

    /// Whether the line is one that the pattern must match.
    pub const fn is_of_matches(&self) -> bool {
        !matches!(self, Self::Matched { .. })
    }
}

/// Every example that contradicts the rule, those that must match first, in their order. Lines say nothing of a rule that reads
/// none, such as one of alerts: then there is no fault.
///
/// `compiled` is `rule`, compiled: whoever checks many has it already.
pub fn check_examples<'a>(
    rule: &Rule,
    compiled: &CompiledRule,
    must_not: &'a [String],
    examples: &'a Examples,
) -> Vec<ExampleFault<'a>> {
    if !reads_lines(rule) {
        return Vec::new();
    }
    let term = |line: &str| must_not.iter().find(|term| contains_term(line, term)).map(String::as_str);
    let matches = examples.matches.iter().filter_map(|line| {
        if !holds_for_line(rule, compiled, line) {
            return Some(ExampleFault::Missed { line });
        }
        term(line).map(|term| ExampleFault::RuledOut { line, term })
    });
    let rejects = examples.rejects.iter().filter(|line| holds_for_line(rule, compiled, line) && term(line).is_none());
    matches.chain(rejects.map(|line| ExampleFault::Matched { line })).collect()
}

/// Whether some condition is one of a line's text or of its template.
pub fn reads_lines(rule: &Rule) -> bool {
    rule.any
        .iter()
        .any(|condition| matches!(condition, Condition::Regex(_) | Condition::Literal(_) | Condition::Template(_)))
}

/// Whether some condition holds on a line as a log line of its own, which has a template and no attributes.
pub fn holds_for_line(rule: &Rule, compiled: &CompiledRule, line: &str) -> bool {
    compiled.holds_for_text(line)
        || rule.any.iter().any(|condition| matches!(condition, Condition::Template(own) if *own == template(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::AlertCondition;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn every_contradiction_is_found() {
        let rule = Rule::regex("lease (lost|gone)");
        let compiled = rule.compile().expect("compiles");
        let examples = Examples {
            matches: lines(&["lease lost", "lease found", "lease lost in a drill"]),
            rejects: lines(&["lease gone", "lease gone in a drill", "lease found"]),
        };
        assert_eq!(
            check_examples(&rule, &compiled, &lines(&["drill"]), &examples),
            [
                ExampleFault::Missed { line: "lease found" },
                ExampleFault::RuledOut { line: "lease lost in a drill", term: "drill" },
                ExampleFault::Matched { line: "lease gone" },
            ]
        );
    }

    #[test]
    fn a_template_is_tested_like_a_text_and_an_alert_is_not() {
        let of = |condition| {
            let rule = Rule { any: vec![condition] };
            let compiled = rule.compile().expect("compiles");
            let examples = Examples {
                matches: lines(&["took 15 s, gave up", "took long"]),
                rejects: lines(&["took 9 s, gave up"]),
            };
            check_examples(&rule, &compiled, &[], &examples)
                .iter()
                .map(|fault| (fault.line().to_owned(), fault.is_of_matches()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of(Condition::Template(template("took 1 s, gave up"))),
            [("took long".to_owned(), true), ("took 9 s, gave up".to_owned(), false)]
        );
        assert_eq!(of(Condition::Alert(AlertCondition { name: "Slow".into(), labels: Default::default() })), []);
    }
}
