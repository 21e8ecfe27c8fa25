//! Rules as arrays, and back. Expressions are not parsed again: what they require is known.

use super::keys::Kind;
use super::literals::Literals;
use super::{Interner, Lists, RuleSet};
use crate::matching::snapshot::{Damaged, Reader, Writer};

impl RuleSet {
    pub(in crate::matching) fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        self.keys.save(out)?;
        self.keys_of.save(out)?;
        let offsets: Vec<u32> = (0..self.keys.len() as u32).map(|id| self.literals.offset(id)).collect();
        out.numbers(&offsets)
    }

    /// Rules whose numbers are below a limit.
    pub(in crate::matching) fn load(from: &mut Reader<'_>, limit: usize) -> Result<Self, Damaged> {
        let keys = Interner::load(from)?;
        let keys_of = Lists::load(from, keys.len())?;
        let offsets = from.numbers()?;
        if keys_of.len() > limit || offsets.len() != keys.len() {
            return Err(Damaged::Inconsistent("rules"));
        }
        let (mut rules, mut literals, mut used) = (Lists::default(), Literals::default(), 0);
        for number in 0..keys_of.len() as u32 {
            for id in keys_of.iter(number) {
                if rules.is_empty(id) {
                    used += 1;
                    if let Some(literal) = Kind::Literal.of(keys.bytes(id))
                        && !literals.add_at(id, literal, offsets[id as usize])
                    {
                        return Err(Damaged::Inconsistent("rules"));
                    }
                }
                rules.push(id, number);
            }
        }
        Ok(Self { keys, rules, keys_of, literals, used })
    }
}
