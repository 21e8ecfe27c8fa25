//! Which of many rules may hold for a signal, at a cost that hardly grows with their number.
//!
//! A rule is found through what it requires: a literal of its expression, its template, its alert, its metric or one of its
//! attributes. What is found this way is a superset of the rules that hold; each of them is then checked itself.

mod fold;
mod keys;
mod literals;
mod required;
mod stored;
#[cfg(test)]
mod tests;

use std::cell::RefCell;

use super::flat::{Interner, Lists};
use crate::NewSignal;
use crate::knowledge::{Rule, RuleError};
use fold::fold;
use keys::{Kind, each_of, keys_of};
use literals::Literals;

/// Rules that share a key, counted at most.
const SHARED: usize = 256;

/// Rules by what they require; each has a number that its owner chose.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// What rules require, and what rules that are gone required.
    keys: Interner,
    /// By key: the rules that require it.
    rules: Lists,
    /// By rule: its keys.
    keys_of: Lists,
    literals: Literals,
    /// Keys that some rule requires.
    used: usize,
}

impl RuleSet {
    /// Adds a rule. Fails, and adds nothing, where one of its expressions cannot be parsed.
    pub fn add(&mut self, number: u32, rule: &Rule) -> Result<(), RuleError> {
        let shared = |key: &[u8]| self.keys.get(key).map_or(0, |id| self.rules.iter(id).take(SHARED).count());
        for key in keys_of(rule, shared)? {
            self.put(number, &key);
        }
        Ok(())
    }

    fn put(&mut self, number: u32, key: &[u8]) {
        let id = self.keys.intern(key);
        if self.rules.is_empty(id) {
            self.used += 1;
            if let Some(literal) = Kind::Literal.of(key) {
                self.literals.add(id, literal);
            }
        }
        self.rules.push(id, number);
        self.keys_of.push(number, id);
    }

    /// Takes out the rule that was added under this number.
    pub fn remove(&mut self, number: u32) {
        while let Some(id) = self.keys_of.pop(number) {
            self.rules.remove(id, number);
            if self.rules.is_empty(id) {
                self.used -= 1;
                if let Some(literal) = Kind::Literal.of(self.keys.bytes(id)) {
                    self.literals.remove(id, literal);
                }
            }
        }
        if self.keys.len() > 2 * self.used + 1_024 {
            self.forget_unused();
        }
    }

    /// Frees what keys take that no rule requires any more.
    fn forget_unused(&mut self) {
        let old = std::mem::take(self);
        for number in 0..old.keys_of.len() as u32 {
            for id in old.keys_of.iter(number) {
                self.put(number, old.keys.bytes(id));
            }
        }
    }

    /// The numbers of the rules that may hold for a signal, each once and in order; no other one does.
    pub fn candidates(&self, signal: &NewSignal) -> Vec<u32> {
        thread_local! {
            static FOLDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let mut rules = Vec::new();
        let mut text = FOLDED.take();
        fold(signal.text.as_bytes(), &mut text);
        let literal = |id: u32| self.keys.bytes(id).get(1..).unwrap_or_default();
        self.literals.find(&text, literal, |id| rules.extend(self.rules.iter(id)));
        FOLDED.set(text);
        each_of(signal, |key| {
            if let Some(id) = self.keys.get(key) {
                rules.extend(self.rules.iter(id));
            }
        });
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}
