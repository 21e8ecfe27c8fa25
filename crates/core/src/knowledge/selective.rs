//! Whether a condition tells a failure from everything else.
//!
//! Two tests, and both have to be passed. By its syntax: whatever it leaves open, something that stands for itself has to be
//! in each text that it holds for ([`literal_words`]). By what it does: of lines as healthy services write them day by day
//! (`everyday.txt`, written for this and taken from nobody) it may hold for none or few.
//!
//! A must-not term is held to the same in reverse: one that is in everything switches its pattern off in silence.

use std::sync::LazyLock;

use super::specificity::literal_words;
use super::{CompiledRule, Condition, Rule};

/// Letters and digits that stand for themselves. `OOM`, `502` and `EOF` are rules; `e` and `it` are none.
const LEAST: usize = 3;
/// Of a must-not term, which only ever holds back.
const LEAST_OF_TERM: usize = 2;
/// Everyday lines that a condition may hold for.
const FEW: usize = 2;
/// And a must-not term.
const FEW_OF_TERM: usize = 6;

static EVERYDAY: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("everyday.txt").lines().collect());

/// What says where something runs or how bad it is, and not what failed.
const AMBIENT: [&str; 26] = [
    "app",
    "application",
    "cluster",
    "container",
    "env",
    "environment",
    "format",
    "host",
    "hostname",
    "instance",
    "job",
    "kind",
    "level",
    "lvl",
    "log_level",
    "namespace",
    "node",
    "pod",
    "priority",
    "project",
    "region",
    "service",
    "severity",
    "source",
    "stream",
    "zone",
];
/// Alerts that fire because all is well.
const ALWAYS_FIRING: [&str; 4] = ["watchdog", "deadmansswitch", "deadmanssnitch", "infoinhibitor"];

/// Why a rule tells no failure from other texts: the condition, and what is wrong with it.
pub(super) fn unselective(rule: &Rule, compiled: &CompiledRule) -> Option<(String, String)> {
    if let Some(found) = rule.any.iter().find_map(|condition| Some((shown(condition), by_syntax(condition)?))) {
        return Some(found);
    }
    // Almost every rule ends here; only where the whole rule holds for too much is it worth looking for the condition.
    if held(|line| compiled.holds_for_text(line)) <= FEW {
        return None;
    }
    let alone = |condition: &Condition| {
        let compiled = Rule { any: vec![condition.clone()] }.compile().ok()?;
        let lines = held(|line| compiled.holds_for_text(line));
        (lines > FEW).then(|| (shown(condition), everyday(lines)))
    };
    // Several that hold for few each are many together.
    let together = || (shown_all(rule), everyday(held(|line| compiled.holds_for_text(line))));
    Some(rule.any.iter().find_map(alone).unwrap_or_else(together))
}

/// Why a must-not term rules out nearly everything.
pub(super) fn rules_out_everything(term: &str) -> Option<String> {
    if weight(term) < LEAST_OF_TERM {
        return Some(format!("it has fewer than {LEAST_OF_TERM} letters or digits"));
    }
    let lines = held(|line| crate::matching::contains_term(line, term));
    (lines > FEW_OF_TERM).then(|| everyday(lines))
}

fn by_syntax(condition: &Condition) -> Option<String> {
    let few = |count: usize, what: &str| {
        (count < LEAST).then(|| format!("{what} fewer than {LEAST} letters or digits that stand for themselves"))
    };
    match condition {
        Condition::Regex(expression) => few(literal_words(expression), "it can match a text with"),
        Condition::Literal(text) => few(weight(text), "it has"),
        Condition::Template(template) => few(weight(&template.replace("<*>", " ")), "it has"),
        Condition::Attributes(wanted) => {
            let says = |(name, value): (&String, &String)| {
                !AMBIENT.contains(&name.to_ascii_lowercase().as_str()) && weight(value) > 0
            };
            (!wanted.iter().any(says))
                .then(|| "its attributes say where something runs or how bad it is, and not what failed".to_owned())
        }
        Condition::Alert(alert) => {
            let plain: String =
                alert.name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            if ALWAYS_FIRING.contains(&plain.as_str()) {
                return Some("this alert fires as long as all is well".to_owned());
            }
            few(weight(&alert.name), "its name has")
        }
        // A level is exact, whatever the metric's name.
        Condition::Metric(_) => None,
    }
}

/// Letters and digits of a text. A character of a script that writes whole words with it counts as two.
pub(super) fn weight(text: &str) -> usize {
    text.chars().map(weight_of).sum()
}

pub(super) fn weight_of(c: char) -> usize {
    match c {
        '\u{2E80}'.. if c.is_alphanumeric() => 2,
        _ => usize::from(c.is_alphanumeric()),
    }
}

fn held(holds: impl Fn(&str) -> bool) -> usize {
    EVERYDAY.iter().filter(|line| holds(line)).count()
}

fn everyday(lines: usize) -> String {
    format!("it holds for {lines} of {} lines that healthy services write every day", EVERYDAY.len())
}

fn shown(condition: &Condition) -> String {
    match condition {
        Condition::Regex(text) | Condition::Template(text) | Condition::Literal(text) => format!("`{text}`"),
        Condition::Attributes(wanted) => {
            format!("`{}`", wanted.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
        }
        Condition::Alert(alert) => format!("`alert {}`", alert.name),
        Condition::Metric(metric) => format!("`metric {}`", metric.name),
    }
}

fn shown_all(rule: &Rule) -> String {
    rule.any.iter().map(shown).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::knowledge::AlertCondition;

    fn why(condition: Condition) -> Option<String> {
        let rule = Rule { any: vec![Condition::Literal("kernel panic".into()), condition] };
        let compiled = rule.compile().expect("compiles");
        unselective(&rule, &compiled).map(|(_, why)| why)
    }

    #[test]
    fn expressions_that_tell_nothing_are_refused_and_others_are_not() {
        for expression in [
            "",
            ".*",
            ".",
            "(?s).+",
            "^",
            "a*",
            "pool|",
            r"\w+",
            r"\b",
            "[a-z]+",
            r"\d",
            " ",
            ".{5,}",
            "(?i)e",
            "  +",
            ":",
            "---",
            r"\d{3}",
            r"\d+ms",
            "[0-9a-f]{8}",
            "(?i)in",
            "o.k",
            "e.*r",
            "error|.",
            "(?:error)?",
            "(?:abc){0,4}",
            r"\S+\s\S+",
            "INFO",
            "(?i)info",
            "2026",
            "GET",
            "HTTP/1",
            "(?i)the ?|connection",
            "msg=",
            "[eE][rR]|[oO]",
            r"\p{L}{4}",
            "(?i)started",
        ] {
            assert!(why(Condition::Regex(expression.into())).is_some(), "{expression:?} is taken");
        }
        for expression in [
            "pool exhausted",
            r"\d{3} \w+ refused",
            "(?i)OOM",
            "502",
            "EOF",
            "(?i)out of memory|oom-killer",
            "ENOSPC",
            r"timed? ?out waiting for (?:lock|connection)",
            "No space left on device",
            "超时",
            "内存不足",
            "Störung",
        ] {
            assert_eq!(why(Condition::Regex(expression.into())), None, "{expression:?}");
        }
    }

    #[test]
    fn every_kind_of_condition_is_held_to_it() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let alert = |name: &str| Condition::Alert(AlertCondition { name: name.into(), labels: BTreeMap::new() });
        for (condition, fine) in [
            (Condition::Literal("e".into()), false),
            (Condition::Literal(" - ".into()), false),
            (Condition::Literal("INFO".into()), false),
            (Condition::Literal("lease lost".into()), true),
            (Condition::Template("<*>".into()), false),
            (Condition::Template("<*> <*>: <*>".into()), false),
            (Condition::Template("<*> a <*>".into()), false),
            (Condition::Template("lease <*> lost".into()), true),
            (Condition::Attributes(labels(&[("level", "error")])), false),
            (Condition::Attributes(labels(&[("Severity", "high"), ("env", "prod")])), false),
            (Condition::Attributes(labels(&[("code", "")])), false),
            (Condition::Attributes(labels(&[("code", "ER_LOCK_DEADLOCK")])), true),
            (Condition::Attributes(labels(&[("level", "error"), ("exit_code", "137")])), true),
            (alert("Watchdog"), false),
            (alert("Dead Man's Switch"), false),
            (alert("a"), false),
            (alert("HighLoad"), true),
        ] {
            assert_eq!(why(condition.clone()).is_none(), fine, "{condition:?}");
        }
    }

    #[test]
    fn several_conditions_that_hold_for_few_each_may_hold_for_many_together() {
        let words = ["heartbeat", "parcels", "certificate", "schema", "leader elected"];
        let rule = Rule { any: words.iter().map(|word| Condition::Literal((*word).into())).collect() };
        assert!(unselective(&rule, &rule.compile().expect("compiles")).is_some());
    }

    #[test]
    fn a_must_not_term_that_is_in_everything_is_refused() {
        for (term, fine) in [
            ("", false),
            (" ", false),
            ("e", false),
            ("-", false),
            ("in", false),
            ("info", false),
            ("quota", true),
            ("drill", true),
            ("OK?", true),
            ("超", true),
        ] {
            assert_eq!(rules_out_everything(term).is_none(), fine, "{term:?}: {:?}", rules_out_everything(term));
        }
    }
}
