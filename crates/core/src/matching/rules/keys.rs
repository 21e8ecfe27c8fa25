//! What a rule is found through, as bytes: a byte for the kind of thing, then the thing.

use super::fold::folded;
use super::literals::SHORTEST;
use super::required::{required, worth};
use crate::NewSignal;
use crate::knowledge::{Condition, Rule, RuleError};

/// What sort of thing a rule requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Nothing in particular: it is always checked.
    Nothing = b'n',
    /// A text that occurs, folded.
    Literal = b'l',
    Template = b't',
    /// An attribute's name, a zero byte, and its value.
    Attribute = b'a',
}

impl Kind {
    fn key(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut key = Vec::new();
        self.write(parts, &mut key);
        key
    }

    fn write(self, parts: &[&[u8]], key: &mut Vec<u8>) {
        key.clear();
        key.push(self as u8);
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                key.push(0);
            }
            key.extend_from_slice(part);
        }
    }

    /// The thing itself, where a key is of this kind.
    pub fn of(self, key: &[u8]) -> Option<&[u8]> {
        key.split_first().filter(|(kind, _)| **kind == self as u8).map(|(_, thing)| thing)
    }
}

/// The keys of a rule's conditions; `shared` says how many rules have a key already. Fails where one of its expressions cannot
/// be parsed.
pub(super) fn keys_of(rule: &Rule, shared: impl Fn(&[u8]) -> usize) -> Result<Vec<Vec<u8>>, RuleError> {
    let mut keys = Vec::new();
    for condition in &rule.any {
        keys.extend(keys_of_condition(condition, &shared)?);
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn keys_of_condition(condition: &Condition, shared: &impl Fn(&[u8]) -> usize) -> Result<Vec<Vec<u8>>, RuleError> {
    let nothing = || vec![Kind::Nothing.key(&[])];
    let literals = |sets: Vec<Vec<Vec<u8>>>| {
        let usable = sets.into_iter().filter(|set| set.iter().all(|literal| literal.len() >= SHORTEST));
        let worth = |set: &Vec<Vec<u8>>| worth(set, |literal| shared(&Kind::Literal.key(&[literal])));
        let best = usable.map(|set| (worth(&set), set)).max_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or_else(nothing, |(_, set)| set.iter().map(|literal| Kind::Literal.key(&[literal])).collect())
    };
    let attribute = |name: &str, value: &str| vec![Kind::Attribute.key(&[name.as_bytes(), value.as_bytes()])];
    Ok(match condition {
        Condition::Regex(expression) => literals(
            required(expression)
                .map_err(|error| RuleError { expression: expression.clone(), reason: error.kind().to_string() })?,
        ),
        Condition::Literal(text) => literals(vec![vec![folded(text.as_bytes())]]),
        Condition::Template(template) => vec![Kind::Template.key(&[template.as_bytes()])],
        Condition::Alert(alert) => attribute("alertname", &alert.name),
        Condition::Metric(metric) => attribute("metric", &metric.name),
        // The longest value is likely the rarest.
        Condition::Attributes(wanted) => wanted
            .iter()
            .max_by_key(|(_, value)| value.len())
            .map_or_else(nothing, |(name, value)| attribute(name, value)),
    })
}

/// Calls `look` with the keys of everything that a signal has, beside its text.
pub(super) fn each_of(signal: &NewSignal, mut look: impl FnMut(&[u8])) {
    let mut key = Vec::new();
    Kind::Nothing.write(&[], &mut key);
    look(&key);
    Kind::Template.write(&[signal.template.as_bytes()], &mut key);
    look(&key);
    for (name, value) in &signal.attributes {
        Kind::Attribute.write(&[name.as_bytes(), value.as_bytes()], &mut key);
        look(&key);
    }
}
