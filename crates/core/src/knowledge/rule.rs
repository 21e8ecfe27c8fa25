//! Detection rules: what has to be true of a signal for a pattern to hold.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    conditions: Vec<Compiled>,
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
}

impl Rule {
    pub fn regex(expression: impl Into<String>) -> Self {
        Self { any: vec![Condition::Regex(expression.into())] }
    }

    pub fn compile(&self) -> Result<CompiledRule, RuleError> {
        let conditions = self
            .any
            .iter()
            .map(|condition| {
                Ok(match condition {
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
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(CompiledRule { conditions, literal_characters: self.literal_characters() })
    }

    /// The specificity of the rule: its longest condition's literal characters.
    pub fn literal_characters(&self) -> usize {
        let count = |condition: &Condition| match condition {
            Condition::Regex(expression) => literals(expression),
            Condition::Template(template) => template.replace("<*>", "").chars().count(),
            Condition::Literal(text) => text.chars().count(),
            Condition::Attributes(wanted) => characters(wanted),
            Condition::Alert(alert) => alert.name.chars().count() + characters(&alert.labels),
            Condition::Metric(metric) => metric.name.chars().count() + characters(&metric.labels),
        };
        self.any.iter().map(count).max().unwrap_or(0)
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

/// How many characters of an expression stand for themselves: the measure of how specific it is.
fn literals(expression: &str) -> usize {
    let mut count = 0;
    let mut class_depth = 0u32;
    let mut characters = expression.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                let escaped = characters.next().unwrap_or_default();
                count += usize::from(class_depth == 0 && !escaped.is_alphanumeric());
            }
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            _ if class_depth > 0 || "().*+?{}|^$".contains(c) => {}
            _ => count += 1,
        }
    }
    count
}

impl CompiledRule {
    /// The first condition that holds for this signal.
    pub fn holds(&self, signal: &NewSignal) -> Option<RuleHit> {
        self.conditions.iter().find_map(|condition| match condition {
            Compiled::Regex(regex) => regex.find(&signal.text).map(|found| RuleHit {
                condition: format!("regex {}", regex.as_str()),
                span: Some((found.start(), found.end())),
            }),
            Compiled::Template(template) => (signal.template == *template)
                .then(|| RuleHit { condition: format!("template {template}"), span: None }),
            Compiled::Literal(literal) => find_ignoring_case(&signal.text, literal)
                .map(|at| RuleHit { condition: format!("literal {literal}"), span: Some((at, at + literal.len())) }),
            Compiled::Attributes(wanted) => agree(wanted, &signal.attributes)
                .then(|| RuleHit { condition: format!("attributes {wanted:?}"), span: None }),
            Compiled::Alert(alert) => (signal.kind == SignalKind::Alert
                && signal.attributes.get("alertname") == Some(&alert.name)
                && agree(&alert.labels, &signal.attributes))
            .then(|| RuleHit { condition: format!("alert {}", alert.name), span: None }),
            Compiled::Metric(metric) => {
                let value = signal.attributes.get("value").and_then(|value| value.parse::<f64>().ok());
                (signal.kind == SignalKind::Metric
                    && signal.attributes.get("metric") == Some(&metric.name)
                    && agree(&metric.labels, &signal.attributes)
                    && value.is_some_and(|value| metric.is_beyond(value)))
                .then(|| RuleHit { condition: format!("metric {}", metric.name), span: None })
            }
        })
    }

    /// True when a text alone, without attributes or a template of its own, satisfies the rule.
    pub fn holds_for_text(&self, text: &str) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Compiled::Regex(regex) => regex.is_match(text),
            Compiled::Literal(literal) => find_ignoring_case(text, literal).is_some(),
            _ => false,
        })
    }

    /// True when some condition is one of text: only then can example lines say anything about the rule.
    pub fn reads_text(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Compiled::Regex(_) | Compiled::Literal(_)))
    }

    /// The specificity of the rule: its longest condition's literal characters.
    pub const fn literal_characters(&self) -> usize {
        self.literal_characters
    }
}

/// Where a lowercase literal occurs, in any ASCII case.
fn find_ignoring_case(text: &str, literal: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(literal)
}

#[cfg(test)]
mod tests {
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
    fn counts_characters_that_stand_for_themselves() {
        for (expression, count) in [("abc", 3), (r"a\.b", 3), (r"\d+ms", 2), ("[abc]d", 1), ("(?:x|y).*", 3), ("", 0)] {
            assert_eq!(literals(expression), count, "{expression}");
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
