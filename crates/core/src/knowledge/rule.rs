//! Detection rules: what has to be true of a signal for a pattern to hold.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::NewSignal;

/// A rule holds when any of its conditions does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub any: Vec<Condition>,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Matches anywhere in the signal's text. Syntax of the `regex` crate: linear time, no look-around.
    Regex(String),
    /// The template itself, with `<*>` where it varies.
    Template(String),
    /// Every attribute named has exactly this value.
    Attributes(BTreeMap<String, String>),
}

/// Bytes that one compiled expression may take: large enough for any hand-written rule, small enough that a hostile
/// pack cannot exhaust memory.
const COMPILED_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a usable regular expression: {reason}")]
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
    Attributes(BTreeMap<String, String>),
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
        let mut literal_characters = 0;
        let conditions = self
            .any
            .iter()
            .map(|condition| {
                let (compiled, literal) = match condition {
                    Condition::Regex(expression) => (Compiled::Regex(compile(expression)?), literals(expression)),
                    Condition::Template(template) => {
                        (Compiled::Template(template.clone()), template.replace("<*>", "").chars().count())
                    }
                    Condition::Attributes(wanted) => {
                        (Compiled::Attributes(wanted.clone()), wanted.values().map(|value| value.chars().count()).sum())
                    }
                };
                literal_characters = literal_characters.max(literal);
                Ok(compiled)
            })
            .collect::<Result<_, _>>()?;
        Ok(CompiledRule { conditions, literal_characters })
    }
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
            Compiled::Attributes(wanted) => wanted
                .iter()
                .all(|(name, value)| signal.attributes.get(name) == Some(value))
                .then(|| RuleHit { condition: format!("attributes {wanted:?}"), span: None }),
        })
    }

    /// True when a text alone, without attributes or a template of its own, satisfies the rule.
    pub fn holds_for_text(&self, text: &str) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Compiled::Regex(regex) if regex.is_match(text)))
    }

    /// The specificity of the rule: its longest condition's literal characters.
    pub const fn literal_characters(&self) -> usize {
        self.literal_characters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
