//! Takes a text out of a pattern that was made of incidents, its rule included.

use crate::knowledge::{Condition, Pattern};
use crate::redact::{REDACTED, Redaction};

/// What stands in a rule in place of what was redacted: it holds on the redacted examples, and on what comes.
const ANYTHING: &str = r"[^\n]{1,256}";

impl Pattern {
    /// Whether anything changed.
    pub fn redact(&mut self, redaction: &Redaction) -> bool {
        let mut changed = false;
        let mut text = |text: &mut String| {
            if let Some(redacted) = redaction.apply(text) {
                *text = redacted;
                changed = true;
            }
        };
        for one in [&mut self.name, &mut self.description, &mut self.root_cause, &mut self.undo, &mut self.no_safe_fix]
        {
            text(one);
        }
        for list in [&mut self.checks, &mut self.must_not, &mut self.examples.matches, &mut self.examples.rejects] {
            list.iter_mut().for_each(&mut text);
        }
        for condition in self.rule.iter_mut().flat_map(|rule| &mut rule.any) {
            match condition {
                // What stands for itself in an expression is escaped.
                Condition::Regex(expression) => {
                    let plain = unescaped(expression);
                    if let Some(redacted) = redaction.apply(expression) {
                        *expression = redacted.replace(REDACTED, ANYTHING);
                        changed = true;
                    } else if let Some(redacted) = plain.and_then(|plain| redaction.apply(&plain)) {
                        *expression = redacted.split(REDACTED).map(regex::escape).collect::<Vec<_>>().join(ANYTHING);
                        changed = true;
                    }
                }
                Condition::Literal(literal) => {
                    if let Some(redacted) = redaction.apply(literal) {
                        let parts: Vec<String> = redacted.split(REDACTED).map(regex::escape).collect();
                        *condition = Condition::Regex(format!("(?i){}", parts.join(ANYTHING)));
                        changed = true;
                    }
                }
                Condition::Template(template) => {
                    if let Some(redacted) = redaction.apply(template) {
                        *template = redacted.replace(REDACTED, "<*>");
                        changed = true;
                    }
                }
                Condition::Attributes(_) | Condition::Alert(_) | Condition::Metric(_) => {}
            }
        }
        changed
    }
}

/// The text that an expression stands for, where it stands for one text only.
fn unescaped(expression: &str) -> Option<String> {
    let mut text = String::with_capacity(expression.len());
    let mut characters = expression.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next()? {
                escaped if escaped.is_alphanumeric() => return None,
                escaped => text.push(escaped),
            },
            c if ".*+?()[]{}|^$".contains(c) => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::knowledge::{Examples, PackEntry, Rule};

    #[test]
    fn nothing_of_it_is_left_and_the_examples_hold() {
        let line = "vault sealed for tenant acme-corp again".to_owned();
        for rule in [
            Rule::regex(regex::escape(&line)),
            Rule::regex("vault sealed for tenant acme-corp .{1,9}"),
            Rule { any: vec![Condition::Literal("tenant acme-corp".into())] },
        ] {
            let mut pattern = PackEntry {
                rule: Some(rule),
                examples: Examples { matches: vec![line.clone()], rejects: vec![] },
                ..PackEntry::new("Vault sealed for tenant acme-corp", "acme-corp moved")
            }
            .into_pattern("draft", Timestamp::EPOCH)
            .expect("valid");
            let redaction = Redaction::text("acme-corp").expect("long enough");
            assert!(pattern.redact(&redaction));
            let json =
                serde_json::to_string(&Pattern { id: crate::PatternId::new("x"), ..pattern.clone() }).expect("json");
            assert!(!json.contains("acme"), "{json}");
            let rule = pattern.rule.clone().expect("a rule").compile().expect("compiles");
            assert!(rule.holds_for_text(&pattern.examples.matches[0]) && rule.holds_for_text(&line));
            assert!(!pattern.redact(&redaction));
        }
    }
}
