//! What a pattern from outside may be at most, and what else makes one unusable.

use super::selective::{rules_out_everything, unselective};
use super::{ExampleFault, PackEntry, check_examples};
use crate::PatternId;

/// Bytes of one pack.
pub const PACK_BYTES: u64 = 256 * 1024 * 1024;
/// Patterns of one pack.
pub const PACK_ENTRIES: usize = 200_000;
/// Bytes of one pattern's YAML, with its comments.
pub const DOCUMENT_BYTES: usize = 256 * 1024;
/// Characters of a name.
pub const NAME_CHARACTERS: usize = crate::LONGEST_NAME;
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
        for (at, term) in self.must_not.iter().enumerate() {
            if let Some(why) = rules_out_everything(term) {
                problems.push(EntryProblem::new(
                    format!("must-not term {} rules out nearly everything: `{term}`: {why}", at + 1),
                    "Write the word that rules the pattern out, or leave the term out.",
                ));
            }
        }
        problems.extend(self.bad_names());
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

    /// Names stand in tables, sentences, terminals and addresses, whoever wrote them.
    fn bad_names(&self) -> Vec<EntryProblem> {
        let name = (String::from("its name"), self.name.as_str());
        let project = self.scope.project.as_ref().map(|project| (String::from("its project"), project.as_str()));
        let service = self.scope.service.as_ref().map(|service| (String::from("its service"), service.as_str()));
        let family = Some((String::from("its family"), self.family.as_str())).filter(|(_, family)| !family.is_empty());
        let names = std::iter::once(name).chain(project).chain(service).chain(family);
        let bad = names.filter_map(|(what, text)| {
            let why = crate::check_name(text).err()?;
            Some(EntryProblem::new(format!("{what} {why}"), "Write it in one line of visible characters."))
        });
        bad.collect()
    }

    fn too_large(&self) -> Option<EntryProblem> {
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
        if let Some((condition, why)) = unselective(rule, &compiled) {
            return problems.push(EntryProblem::new(
                format!("its rule holds for nearly any text: {condition}: {why}"),
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
    use crate::knowledge::{Condition, Examples, PatternScope, Rule};
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
        for (expression, fine) in
            [(".*", false), (r"\d", false), (" ", false), (".{5,}", false), ("(?i)e", false), ("pool exhausted", true)]
        {
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
    fn a_name_that_cannot_be_seen_as_it_is_is_refused_wherever_it_stands() {
        let bad = "a\nb";
        for entry in [
            PackEntry::new(bad, ""),
            PackEntry::new("user \u{202e}gnp.exe", ""),
            PackEntry::new("Zero\u{200b}width", ""),
            PackEntry {
                scope: PatternScope { service: Some(crate::ServiceName::new(bad)), project: None },
                ..PackEntry::new("X", "")
            },
            PackEntry {
                scope: PatternScope { service: None, project: Some(crate::ProjectName::new(bad)) },
                ..PackEntry::new("X", "")
            },
            PackEntry { family: bad.into(), ..PackEntry::new("X", "") },
        ] {
            assert!(!whys(&entry).is_empty(), "{entry:?}");
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
