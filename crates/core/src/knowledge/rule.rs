//! Detection rules: what has to be true of a signal for a pattern to hold.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::specificity::literal_characters;
use super::warm::weight;
use crate::{NewSignal, SignalKind};

/// A rule holds when any of its conditions does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub any: Vec<Condition>,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Matches anywhere in the signal's text. Syntax of the `regex` crate: linear time, no look-around.
    Regex(String),
    /// The template itself, with `<*>` where it varies.
    Template(String),
    /// The text itself occurs in the signal's text, in any ASCII case.
    Literal(String),
    /// Every attribute named has exactly this value.
    Attributes(BTreeMap<String, String>),
    /// An alert of this name, as its rule calls it.
    Alert(AlertCondition),
    /// A metric that is beyond a level.
    Metric(MetricCondition),
}

/// An alert by its name (the label `alertname`) and, where given, other labels that have exactly these values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertCondition {
    pub name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A metric by its name and, where given, its labels; exactly one of `above` and `below`, neither of which includes its level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricCondition {
    pub name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

impl MetricCondition {
    /// Whether a value is beyond the level.
    pub fn is_beyond(&self, value: f64) -> bool {
        self.above.is_some_and(|level| value > level) || self.below.is_some_and(|level| value < level)
    }
}

/// Bytes that one compiled expression may take: large enough for any hand-written rule, small enough that a hostile
/// pack cannot exhaust memory.
const COMPILED_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a usable condition: {reason}")]
pub struct RuleError {
    pub expression: String,
    pub reason: String,
}

/// A rule ready to be checked.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    /// The most specific first: the first one that holds says how specific the rule is there.
    conditions: Vec<Measured>,
    /// About how many states its expressions have.
    weight: usize,
}

#[derive(Clone, Debug)]
struct Measured {
    condition: Compiled,
    literal_characters: usize,
}

#[derive(Clone, Debug)]
enum Compiled {
    Regex(Regex),
    Template(String),
    Literal(String),
    Attributes(BTreeMap<String, String>),
    Alert(AlertCondition),
    Metric(MetricCondition),
}

/// Why a rule holds: the condition, and where in the text it matched (byte offsets).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    pub condition: String,
    pub span: Option<(usize, usize)>,
    /// How specific the condition is: the characters of it that stand for themselves.
    pub literal_characters: usize,
}

impl Rule {
    pub fn regex(expression: impl Into<String>) -> Self {
        Self { any: vec![Condition::Regex(expression.into())] }
    }

    pub fn compile(&self) -> Result<CompiledRule, RuleError> {
        let mut conditions = self
            .any
            .iter()
            .map(|condition| {
                let compiled = match condition {
                    Condition::Regex(expression) => Compiled::Regex(compile(expression)?),
                    Condition::Template(template) => Compiled::Template(template.clone()),
                    Condition::Literal(text) => {
                        if text.trim().is_empty() {
                            return Err(RuleError {
                                expression: text.clone(),
                                reason: "a literal must not be empty".into(),
                            });
                        }
                        Compiled::Literal(text.to_ascii_lowercase())
                    }
                    Condition::Attributes(wanted) => {
                        if wanted.is_empty() {
                            let reason = "name at least one attribute: none at all would hold for everything".into();
                            return Err(RuleError { expression: "attributes".into(), reason });
                        }
                        Compiled::Attributes(wanted.clone())
                    }
                    Condition::Alert(alert) => {
                        if alert.name.trim().is_empty() {
                            return Err(RuleError { expression: "alert".into(), reason: "it names no alert".into() });
                        }
                        Compiled::Alert(alert.clone())
                    }
                    Condition::Metric(metric) => {
                        let levels = [metric.above, metric.below];
                        if metric.name.trim().is_empty()
                            || metric.above.is_some() == metric.below.is_some()
                            || levels.into_iter().flatten().any(|level| !level.is_finite())
                        {
                            let reason =
                                "expected the metric's name and one of `above` and `below`, a finite number".into();
                            return Err(RuleError { expression: format!("metric {}", metric.name), reason });
                        }
                        Compiled::Metric(metric.clone())
                    }
                };
                Ok(Measured { condition: compiled, literal_characters: condition.literal_characters() })
            })
            .collect::<Result<Vec<_>, _>>()?;
        // Stable: of equals the one that is written first.
        conditions.sort_by_key(|one| std::cmp::Reverse(one.literal_characters));
        let expressions =
            self.any.iter().filter_map(|one| if let Condition::Regex(text) = one { Some(text) } else { None });
        Ok(CompiledRule { conditions, weight: expressions.map(|text| weight(text)).sum() })
    }
}

impl Rule {
    /// The named groups of its expressions, with what they matched in the first of the signals in which they did. `None`
    /// where a name has no value.
    pub fn groups<'a>(&self, signals: impl Iterator<Item = &'a NewSignal> + Clone) -> BTreeMap<String, Option<String>> {
        let mut groups: BTreeMap<String, Option<String>> = BTreeMap::new();
        for condition in &self.any {
            let Condition::Regex(expression) = condition else { continue };
            // Most have none, and compiling takes time.
            if !["(?P<", "(?<"].iter().any(|opening| expression.contains(opening)) {
                continue;
            }
            let Ok(regex) = compile(expression) else { continue };
            let found = signals.clone().find_map(|signal| regex.captures(&signal.text));
            for name in regex.capture_names().flatten() {
                let value = found.as_ref().and_then(|found| found.name(name)).map(|value| value.as_str().to_owned());
                let kept = groups.entry(name.to_owned()).or_default();
                *kept = kept.take().or(value);
            }
        }
        groups
    }
}

impl Condition {
    /// How specific it is: the fewest characters that stand for themselves in anything that it holds for.
    pub fn literal_characters(&self) -> usize {
        match self {
            Self::Regex(expression) => literal_characters(expression),
            Self::Template(template) => template.replace("<*>", "").chars().count(),
            Self::Literal(text) => text.chars().count(),
            Self::Attributes(wanted) => characters(wanted),
            Self::Alert(alert) => alert.name.chars().count() + characters(&alert.labels),
            Self::Metric(metric) => metric.name.chars().count() + characters(&metric.labels),
        }
    }
}

fn characters(labels: &BTreeMap<String, String>) -> usize {
    labels.values().map(|value| value.chars().count()).sum()
}

fn agree(wanted: &BTreeMap<String, String>, attributes: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, value)| attributes.get(name) == Some(value))
}

fn compile(expression: &str) -> Result<Regex, RuleError> {
    RegexBuilder::new(expression).size_limit(COMPILED_LIMIT).dfa_size_limit(COMPILED_LIMIT).build().map_err(|error| {
        // The last line says what is wrong; the lines before it draw the expression again.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        RuleError { expression: expression.to_owned(), reason }
    })
}

impl CompiledRule {
    pub(crate) const fn weight(&self) -> usize {
        self.weight
    }

    /// The most specific condition that holds for this signal.
    pub fn holds(&self, signal: &NewSignal) -> Option<RuleHit> {
        self.conditions.iter().find_map(|Measured { condition, literal_characters }| {
            let (condition, span) = condition.holds(signal)?;
            Some(RuleHit { condition, span, literal_characters: *literal_characters })
        })
    }

    /// True when a text alone, without attributes or a template of its own, satisfies the rule.
    pub fn holds_for_text(&self, text: &str) -> bool {
        self.specificity_on(text).is_some()
    }

    /// The literal characters of the most specific condition that a text alone satisfies.
    pub fn specificity_on(&self, text: &str) -> Option<usize> {
        let one = self.conditions.iter().find(|one| match &one.condition {
            Compiled::Regex(regex) => regex.is_match(text),
            Compiled::Literal(literal) => find_ignoring_case(text, literal).is_some(),
            _ => false,
        })?;
        Some(one.literal_characters)
    }

    /// True when some condition is one of text: only then can example lines say anything about the rule.
    pub fn reads_text(&self) -> bool {
        self.conditions.iter().any(|one| matches!(one.condition, Compiled::Regex(_) | Compiled::Literal(_)))
    }

    /// The literal characters of its most specific condition: it can hold no more specifically than that.
    pub fn literal_characters(&self) -> usize {
        self.conditions.first().map_or(0, |one| one.literal_characters)
    }
}

impl Compiled {
    /// Its name and where in the text it matched, if it holds.
    fn holds(&self, signal: &NewSignal) -> Option<(String, Option<(usize, usize)>)> {
        match self {
            Self::Regex(regex) => regex
                .find(&signal.text)
                .map(|found| (format!("regex {}", regex.as_str()), Some((found.start(), found.end())))),
            Self::Template(template) => (signal.template == *template).then(|| (format!("template {template}"), None)),
            Self::Literal(literal) => find_ignoring_case(&signal.text, literal)
                .map(|at| (format!("literal {literal}"), Some((at, at + literal.len())))),
            Self::Attributes(wanted) => {
                agree(wanted, &signal.attributes).then(|| (format!("attributes {wanted:?}"), None))
            }
            Self::Alert(alert) => (signal.kind == SignalKind::Alert
                && signal.attributes.get("alertname") == Some(&alert.name)
                && agree(&alert.labels, &signal.attributes))
            .then(|| (format!("alert {}", alert.name), None)),
            Self::Metric(metric) => {
                let value = signal.attributes.get("value").and_then(|value| value.parse::<f64>().ok());
                (signal.kind == SignalKind::Metric
                    && signal.attributes.get("metric") == Some(&metric.name)
                    && agree(&metric.labels, &signal.attributes)
                    && value.is_some_and(|value| metric.is_beyond(value)))
                .then(|| (format!("metric {}", metric.name), None))
            }
        }
    }
}

/// Where a literal, whose ASCII letters are lowercase, occurs in any ASCII case.
fn find_ignoring_case(text: &str, literal: &str) -> Option<usize> {
    let (text, literal) = (text.as_bytes(), literal.as_bytes());
    let first = *literal.first()?;
    let opening = [first, first.to_ascii_uppercase()];
    let mut from = 0;
    // The first letter in either case is looked for as fast as memory is read, and nothing is copied.
    while let Some(at) = memchr::memchr2(opening[0], opening[1], text.get(from..)?) {
        let start = from + at;
        let end = start + literal.len();
        if text.get(start..end)?.eq_ignore_ascii_case(literal) {
            return Some(start);
        }
        from = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Fingerprint, ProjectName, ServiceName, Severity, SourceName, Timestamp};

    fn signal(kind: SignalKind, text: &str, attributes: &[(&str, &str)]) -> NewSignal {
        NewSignal {
            kind,
            source: SourceName::new("s"),
            service: ServiceName::new("pay"),
            project: ProjectName::new("shop"),
            severity: Severity::High,
            fingerprint: Fingerprint::of(&[text]),
            template: text.into(),
            text: text.into(),
            attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            trace_id: None,
            count: 1,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        }
    }

    #[test]
    fn each_kind_of_condition_holds_for_what_it_names() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let alert = |severity: &[(&str, &str)]| {
            Condition::Alert(AlertCondition { name: "HighLoad".into(), labels: labels(severity) })
        };
        let metric = |above, below| {
            Condition::Metric(MetricCondition { name: "free".into(), labels: BTreeMap::new(), above, below })
        };
        let firing = [("alertname", "HighLoad"), ("severity", "critical")];
        let sample = [("metric", "free"), ("value", "0.05")];
        for (condition, signal, holds) in [
            (Condition::Literal("Pool Exhausted".into()), signal(SignalKind::Log, "the POOL exhausted!", &[]), true),
            (Condition::Literal("pool exhausted".into()), signal(SignalKind::Log, "pool is exhausted", &[]), false),
            (alert(&[]), signal(SignalKind::Alert, "x", &firing), true),
            (alert(&[("severity", "critical")]), signal(SignalKind::Alert, "x", &firing), true),
            (alert(&[("severity", "warning")]), signal(SignalKind::Alert, "x", &firing), false),
            (alert(&[]), signal(SignalKind::Log, "HighLoad", &firing), false),
            (metric(None, Some(0.1)), signal(SignalKind::Metric, "x", &sample), true),
            (metric(None, Some(0.05)), signal(SignalKind::Metric, "x", &sample), false),
            (metric(Some(0.01), None), signal(SignalKind::Metric, "x", &sample), true),
            (metric(Some(0.01), None), signal(SignalKind::Log, "x", &sample), false),
        ] {
            let rule = Rule { any: vec![condition.clone()] }.compile().expect("compiles");
            assert_eq!(rule.holds(&signal).is_some(), holds, "{condition:?} on {signal:?}");
        }
    }

    #[test]
    fn a_condition_that_says_nothing_is_refused() {
        let metric = |above, below| {
            Condition::Metric(MetricCondition { name: "free".into(), labels: BTreeMap::new(), above, below })
        };
        for condition in [
            Condition::Literal("  ".into()),
            Condition::Attributes(BTreeMap::new()),
            Condition::Alert(AlertCondition { name: String::new(), labels: BTreeMap::new() }),
            metric(None, None),
            metric(Some(1.0), Some(2.0)),
            metric(Some(f64::NAN), None),
        ] {
            assert!(Rule { any: vec![condition.clone()] }.compile().is_err(), "{condition:?}");
        }
    }

    #[test]
    fn the_condition_that_holds_says_how_specific_it_is() {
        let rule = Rule {
            any: vec![
                Condition::Regex("(?i)timed out".into()),
                Condition::Literal("upstream timed out while reading the response".into()),
            ],
        };
        let compiled = rule.compile().expect("compiles");
        let on = |text: &str| compiled.holds(&signal(SignalKind::Log, text, &[])).map(|hit| hit.literal_characters);
        assert_eq!(on("request Timed Out"), Some(9));
        // Both hold: the more specific one speaks.
        assert_eq!(on("Upstream timed out while reading the response"), Some(45));
        assert_eq!(on("fine"), None);
        assert_eq!(compiled.specificity_on("request timed out"), Some(9));
        assert_eq!(compiled.literal_characters(), 45);
    }

    proptest! {
        #[test]
        fn a_literal_is_found_where_it_is_in_lowercase(text in "[aAbBkéß ]{0,24}", literal in "[abké]{1,3}") {
            prop_assert_eq!(find_ignoring_case(&text, &literal), text.to_ascii_lowercase().find(&literal));
        }
    }

    #[test]
    fn a_bad_expression_says_why() {
        let error = Rule::regex("(unclosed").compile().expect_err("must be refused");
        assert!(error.to_string().contains("unclosed group"), "{error}");
        let huge = Rule::regex(r"\w{1000}{1000}").compile().expect_err("must be refused");
        assert!(huge.reason.contains("size limit"), "{huge}");
    }
}
