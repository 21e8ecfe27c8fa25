//! What a pattern from outside may be at most, and what else makes one unusable.

use super::{CompiledRule, Condition, ExampleFault, PackEntry, Rule, check_examples};
use crate::PatternId;

/// Bytes of one pack.
pub const PACK_BYTES: u64 = 256 * 1024 * 1024;
/// Patterns of one pack.
pub const PACK_ENTRIES: usize = 200_000;
/// Bytes of one pattern's YAML, with its comments.
pub const DOCUMENT_BYTES: usize = 256 * 1024;
/// Characters of a name.
pub const NAME_CHARACTERS: usize = 200;
/// Characters of any other text.
pub const FIELD_CHARACTERS: usize = 10_000;
/// Items of any list.
pub const LIST_ITEMS: usize = 1_000;
/// How deep a document may nest.
pub const DEPTH: usize = 16;
/// Scalars, lists and mappings of one pattern.
pub const NODES: usize = 20_000;

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProblem {
    /// Its rule and its examples contradict each other.
    pub is_example: bool,
    /// What is wrong, without the entry's name.
    pub why: String,
    /// What to do about it.
    pub next: String,
}

impl EntryProblem {
    fn new(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { is_example: false, why: why.into(), next: next.into() }
    }

    fn example(why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { is_example: true, ..Self::new(why, next) }
    }
}

impl std::fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl PackEntry {
    /// The id that the entry asks for, or the one that belongs to its name.
    pub fn pattern_id(&self) -> PatternId {
        PatternId::from_name(self.id.as_ref().unwrap_or(&self.name))
    }

    /// An id that the name has anyway is not said: so two entries that mean the same are equal.
    #[must_use]
    pub(super) fn with_its_own_id(mut self) -> Self {
        let own = PatternId::from_name(&self.name);
        self.id = self.id.filter(|id| *id != own.as_str());
        self
    }

    /// Everything that keeps this entry from being a pattern. Empty for a usable one.
    pub fn problems(&self) -> Vec<EntryProblem> {
        let mut problems = Vec::new();
        let id = self.pattern_id();
        if id.as_str().is_empty() {
            problems.push(EntryProblem::new(
                "the name needs at least one letter or digit",
                "Give it a name that says what fails.",
            ));
        }
        if let Some(given) = self.id.as_ref().filter(|given| *given != id.as_str()) {
            problems.push(EntryProblem::new(
                format!("the id `{given}` must be in the form `{id}`"),
                format!("Write `id: {id}`, or leave the id out."),
            ));
        }
        if self.action.is_some() && !self.no_safe_fix.is_empty() {
            problems.push(EntryProblem::new(
                "it has an action and also says that none is safe",
                "Keep one of `action` and `no_safe_fix`.",
            ));
        }
        if let Some(at) = self.must_not.iter().position(|term| term.trim().is_empty()) {
            problems.push(EntryProblem::new(
                format!("must-not term {} is empty", at + 1),
                "Write the word that rules the pattern out, or leave the term out.",
            ));
        }
        if let Some(why) = self.action.as_ref().and_then(|action| action.check_parameters().err()) {
            problems.push(EntryProblem::new(
                why,
                "Correct the parameter or leave it out; what an action acts on stands in the inventory.",
            ));
        }
        problems.extend(self.too_large());
        // A rule that is too large is not worth compiling.
        if problems.is_empty() {
            self.check_rule(&mut problems);
        }
        problems
    }

    fn too_large(&self) -> Option<EntryProblem> {
        if self.name.chars().count() > NAME_CHARACTERS {
            return Some(EntryProblem::new(
                format!("its name is longer than {NAME_CHARACTERS} characters"),
                "Shorten it; the description may say more.",
            ));
        }
        let value = serde_json::Value::Object(super::yaml::object(self));
        over(&value, "it").map(|why| EntryProblem::new(why, "Shorten it, or make several patterns of it."))
    }

    fn check_rule(&self, problems: &mut Vec<EntryProblem>) {
        let Some(rule) = &self.rule else { return };
        let compiled = match rule.compile() {
            Ok(compiled) => compiled,
            Err(error) => {
                return problems.push(EntryProblem::new(
                    error.to_string(),
                    "Mend the expression; the syntax is that of the `regex` crate.",
                ));
            }
        };
        if let Some(condition) = catch_all(rule, &compiled) {
            return problems.push(EntryProblem::new(
                format!("its rule holds for any text: `{condition}`"),
                "Name words that only this failure's lines have, e.g. `connection refused`.",
            ));
        }
        for fault in check_examples(rule, &compiled, &self.must_not, &self.examples) {
            problems.push(match fault {
                ExampleFault::Missed { line } => EntryProblem::example(
                    format!("its rule does not match its own example `{line}`"),
                    "Widen the rule, or take the example out.",
                ),
                ExampleFault::RuledOut { line, term } => EntryProblem::example(
                    format!("its must-not term `{term}` rules out its own example `{line}`"),
                    "Take the term or the example out.",
                ),
                ExampleFault::Matched { line } => EntryProblem::example(
                    format!("its rule matches `{line}`, which it must not"),
                    "Narrow the rule, or add a must-not term.",
                ),
            });
        }
    }
}

/// The first regular expression of a rule that tells no text from another: it matches the empty text, or lines that have
/// not one character in common.
fn catch_all<'a>(rule: &'a Rule, compiled: &CompiledRule) -> Option<&'a str> {
    const NOTHING_IN_COMMON: [&str; 3] = ["hello world", "abc-9", "x0"];
    let any_text =
        |rule: &CompiledRule| rule.holds_for_text("") || NOTHING_IN_COMMON.iter().all(|line| rule.holds_for_text(line));
    // Almost every rule ends here; only where the whole rule holds is it worth looking for the condition.
    if !any_text(compiled) {
        return None;
    }
    rule.any.iter().find_map(|condition| match condition {
        Condition::Regex(expression) => {
            let alone = Rule::regex(expression).compile().ok()?;
            any_text(&alone).then_some(expression.as_str())
        }
        _ => None,
    })
}

/// What is too large in a value, and where.
fn over(value: &serde_json::Value, place: &str) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) if text.chars().count() > FIELD_CHARACTERS => {
            Some(format!("`{place}` is longer than {FIELD_CHARACTERS} characters"))
        }
        // PostgreSQL cannot hold it, and no failure's text does.
        Value::String(text) if text.contains('\0') => Some(format!("`{place}` holds a null character")),
        Value::Array(items) if items.len() > LIST_ITEMS => Some(format!("`{place}` has more than {LIST_ITEMS} items")),
        Value::Object(map) if map.len() > LIST_ITEMS => Some(format!("`{place}` has more than {LIST_ITEMS} keys")),
        Value::Array(items) => items.iter().find_map(|item| over(item, place)),
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            let long = key.chars().count() > FIELD_CHARACTERS;
            if long {
                Some(format!("a key of `{place}` is longer than {FIELD_CHARACTERS} characters"))
            } else {
                over(item, key)
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Examples;
    use crate::{Action, ActionKind};

    fn problems(rule: Condition, must_not: &[&str], matches: &str, rejects: &str) -> Vec<String> {
        let entry = PackEntry {
            rule: Some(Rule { any: vec![rule] }),
            must_not: must_not.iter().map(|term| (*term).to_owned()).collect(),
            examples: Examples { matches: vec![matches.into()], rejects: vec![rejects.into()] },
            ..PackEntry::new("Lease", "because")
        };
        let problems = entry.problems();
        assert!(problems.iter().all(|problem| problem.is_example), "{problems:?}");
        problems.into_iter().map(|problem| problem.why).collect()
    }

    #[test]
    fn a_must_not_term_that_rules_out_an_example_is_a_problem() {
        let rule = || Condition::Literal("lease lost".into());
        let found = problems(rule(), &["drill"], "lease lost in a drill", "lease lost: drill");
        assert_eq!(found, ["its must-not term `drill` rules out its own example `lease lost in a drill`"]);
        assert_eq!(problems(rule(), &["drill"], "lease lost", "lease lost: drill"), [""; 0]);
    }

    #[test]
    fn the_examples_of_a_template_are_tested() {
        let rule = || Condition::Template("lease <*> lost".into());
        assert_eq!(problems(rule(), &[], "lease 7 lost", "lease 7 found"), [""; 0]);
        let found = problems(rule(), &[], "lease 7 found", "lease 9 lost");
        assert_eq!(found.len(), 2, "{found:?}");
    }

    fn whys(entry: &PackEntry) -> Vec<String> {
        entry.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rule_that_holds_for_any_text_is_refused() {
        for (expression, fine) in [
            ("", false),
            (".*", false),
            (".", false),
            ("(?s).+", false),
            ("^", false),
            ("a*", false),
            ("pool|", false),
            (r"\w+", false),
            (r"\b", false),
            ("[a-z]+", false),
            ("pool exhausted", true),
            (r"\d{3} \w+ refused", true),
            ("(?i)OOM", true),
        ] {
            let mut entry = PackEntry::new("X", "");
            // One condition that says something does not excuse the other.
            entry.rule =
                Some(Rule { any: vec![Condition::Literal("boom".into()), Condition::Regex(expression.into())] });
            let whys = whys(&entry);
            assert_eq!(whys.is_empty(), fine, "{expression}: {whys:?}");
            assert!(fine || whys[0].contains("any text"), "{expression}: {whys:?}");
        }
    }

    #[test]
    fn an_empty_must_not_term_is_refused() {
        for (term, fine) in [("", false), (" ", false), ("quota", true)] {
            let entry = PackEntry { must_not: vec!["disk".into(), term.into()], ..PackEntry::new("X", "") };
            assert_eq!(whys(&entry).is_empty(), fine, "`{term}`");
        }
    }

    #[test]
    fn a_parameter_that_no_target_takes_is_refused() {
        for (kind, name, value, says) in [
            (ActionKind::ServiceRestart, "stop_timeout_seconds", "30", ""),
            (ActionKind::ServiceRestart, "stop_timeout_seconds", "601", "from 1 to 600"),
            (ActionKind::ServiceRestart, "unit", "../../etc", "it takes stop_timeout_seconds"),
            (ActionKind::InfrastructureScale, "replicas", "3", ""),
            (ActionKind::InfrastructureScale, "replicas", "0", "from 1 to"),
            (ActionKind::CacheClear, "bogus", "1", "it takes none"),
        ] {
            let action = Action { parameters: [(name.to_owned(), value.to_owned())].into(), ..Action::new(kind) };
            let whys = whys(&PackEntry { action: Some(action), ..PackEntry::new("X", "") }).join("; ");
            assert!(whys.contains(says) && whys.is_empty() == says.is_empty(), "{kind} {name}={value}: {whys}");
        }
    }
}
