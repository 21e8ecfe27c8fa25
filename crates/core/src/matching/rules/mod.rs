//! Which of many rules may hold for a signal, at a cost that hardly grows with their number.
//!
//! A rule is found through what it requires: a literal of its expression, its template, its alert, its metric or one of its
//! attributes. What is found this way is a superset of the rules that hold; each of them is then checked itself.

mod fold;
mod literals;
mod required;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;

use crate::NewSignal;
use crate::knowledge::{Condition, Rule, RuleError};
use fold::{fold, folded};
use literals::{Literals, SHORTEST};

/// Rules by what they require; each has a number that its owner chose.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    literals: Literals,
    templates: HashMap<String, Vec<u32>>,
    /// By name, then by value.
    attributes: HashMap<String, HashMap<String, Vec<u32>>>,
    /// Rules that require nothing in particular: checked always.
    always: Vec<u32>,
}

/// What one condition requires.
enum Key {
    OneOf(Vec<Vec<u8>>),
    Template(String),
    Attribute(String, String),
    Nothing,
}

impl Key {
    fn of(condition: &Condition) -> Result<Self, RuleError> {
        let one_of = |literals: Option<Vec<Vec<u8>>>| {
            literals.filter(|all| all.iter().all(|one| one.len() >= SHORTEST)).map_or(Self::Nothing, Self::OneOf)
        };
        let attribute = |name: &str, value: &str| Self::Attribute(name.into(), value.into());
        Ok(match condition {
            Condition::Regex(expression) => one_of(required::required(expression).map_err(|error| RuleError {
                expression: expression.clone(),
                reason: match *error {
                    regex_syntax::Error::Parse(error) => error.kind().to_string(),
                    regex_syntax::Error::Translate(error) => error.kind().to_string(),
                    error => error.to_string(),
                },
            })?),
            Condition::Literal(text) => one_of(Some(vec![folded(text.as_bytes())])),
            Condition::Template(template) => Self::Template(template.clone()),
            Condition::Alert(alert) => attribute("alertname", &alert.name),
            Condition::Metric(metric) => attribute("metric", &metric.name),
            // The longest value is likely the rarest.
            Condition::Attributes(wanted) => wanted
                .iter()
                .max_by_key(|(_, value)| value.len())
                .map_or(Self::Nothing, |(name, value)| attribute(name, value)),
        })
    }
}

impl RuleSet {
    /// Adds a rule. Fails, and adds nothing, where one of its expressions cannot be parsed.
    pub fn add(&mut self, number: u32, rule: &Rule) -> Result<(), RuleError> {
        let keys: Vec<Key> = rule.any.iter().map(Key::of).collect::<Result<_, _>>()?;
        for key in keys {
            match key {
                Key::OneOf(literals) => literals.iter().for_each(|literal| self.literals.add(literal, number)),
                Key::Template(template) => self.templates.entry(template).or_default().push(number),
                Key::Attribute(name, value) => {
                    self.attributes.entry(name).or_default().entry(value).or_default().push(number);
                }
                Key::Nothing => self.always.push(number),
            }
        }
        Ok(())
    }

    /// Takes out a rule that was added under this number.
    pub fn remove(&mut self, number: u32, rule: &Rule) {
        for key in rule.any.iter().flat_map(Key::of) {
            match key {
                Key::OneOf(literals) => literals.iter().for_each(|literal| self.literals.remove(literal, number)),
                Key::Template(template) => take(&mut self.templates, &template, number),
                Key::Attribute(name, value) => {
                    if let Some(values) = self.attributes.get_mut(&name) {
                        take(values, &value, number);
                        if values.is_empty() {
                            self.attributes.remove(&name);
                        }
                    }
                }
                Key::Nothing => self.always.retain(|other| *other != number),
            }
        }
    }

    /// The numbers of the rules that may hold for a signal, each once and in order; no other one does.
    pub fn candidates(&self, signal: &NewSignal) -> Vec<u32> {
        thread_local! {
            static FOLDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut rules = self.always.clone();
        let mut text = FOLDED.take();
        fold(signal.text.as_bytes(), &mut text);
        self.literals.find(&text, &mut rules);
        FOLDED.set(text);
        rules.extend(self.templates.get(&signal.template).into_iter().flatten());
        if !self.attributes.is_empty() {
            for (name, value) in &signal.attributes {
                rules.extend(self.attributes.get(name).and_then(|values| values.get(value)).into_iter().flatten());
            }
        }
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

fn take(rules: &mut HashMap<String, Vec<u32>>, key: &str, number: u32) {
    if let Some(numbers) = rules.get_mut(key) {
        numbers.retain(|other| *other != number);
        if numbers.is_empty() {
            rules.remove(key);
        }
    }
}
