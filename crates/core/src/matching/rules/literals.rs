//! Finds which of many literals occur in a text, at a cost per byte that hardly grows with their number, and changes with
//! each edit alone: no automaton is built.
//!
//! Each literal is found through one of its windows of four bytes, the one that is likely rarest. A bitmap says of nearly
//! every place in a text that no literal has its window there. Literals of two and three bytes have windows of two.

use std::collections::HashMap;

/// Bits of a bitmap, as a power of two: 32 KiB, which a near cache holds.
const BITS: u32 = 18;
/// From frequent to rare in failure texts; what is not named is rarer.
const FREQUENT: &[u8] = b" etaoinrsldcupmhfg.b-_/v:ykw0x1=\",";

#[derive(Clone, Debug, Default)]
pub(super) struct Literals {
    ids: HashMap<Box<[u8]>, u32>,
    literals: Vec<Literal>,
    free: Vec<u32>,
    long: Windows<4>,
    short: Windows<2>,
}

#[derive(Clone, Debug, Default)]
struct Literal {
    bytes: Box<[u8]>,
    /// Where in the literal its window begins.
    offset: usize,
    rules: Vec<u32>,
}

/// The shortest literal that has a window.
pub(super) const SHORTEST: usize = 2;

impl Literals {
    /// Has a rule looked at where a literal of at least [`SHORTEST`] bytes occurs.
    pub fn add(&mut self, literal: &[u8], rule: u32) {
        if let Some(id) = self.ids.get(literal) {
            let rules = &mut self.literals[*id as usize].rules;
            if !rules.contains(&rule) {
                rules.push(rule);
            }
            return;
        }
        let offset = if literal.len() < 4 { self.short.rarest(literal) } else { self.long.rarest(literal) };
        let own = Literal { bytes: literal.into(), offset, rules: vec![rule] };
        let id = match self.free.pop() {
            Some(id) => {
                self.literals[id as usize] = own;
                id
            }
            None => {
                self.literals.push(own);
                self.literals.len() as u32 - 1
            }
        };
        self.ids.insert(literal.into(), id);
        match literal.len() {
            ..4 => self.short.add(&literal[offset..], id),
            _ => self.long.add(&literal[offset..], id),
        }
    }

    pub fn remove(&mut self, literal: &[u8], rule: u32) {
        let Some(id) = self.ids.get(literal).copied() else { return };
        let own = &mut self.literals[id as usize];
        own.rules.retain(|other| *other != rule);
        if !own.rules.is_empty() {
            return;
        }
        let offset = own.offset;
        match literal.len() {
            ..4 => self.short.remove(&literal[offset..], id),
            _ => self.long.remove(&literal[offset..], id),
        }
        self.literals[id as usize] = Literal::default();
        self.ids.remove(literal);
        self.free.push(id);
    }

    /// Adds the rules whose literals occur in a folded text, some more than once.
    pub fn find(&self, text: &[u8], rules: &mut Vec<u32>) {
        self.long.scan(text, |id, at| self.verify(id, at, text, rules));
        self.short.scan(text, |id, at| self.verify(id, at, text, rules));
    }

    fn verify(&self, id: u32, at: usize, text: &[u8], rules: &mut Vec<u32>) {
        let literal = &self.literals[id as usize];
        let begins = at.checked_sub(literal.offset).and_then(|start| text.get(start..));
        if begins.is_some_and(|text| text.starts_with(&literal.bytes)) {
            rules.extend(&literal.rules);
        }
    }
}

/// Which literals have which window of `N` bytes.
#[derive(Clone, Debug, Default)]
struct Windows<const N: usize> {
    by_window: HashMap<[u8; N], Vec<u32>>,
    bits: Vec<u64>,
    /// Windows that are gone but still have their bit.
    stale: usize,
}

fn bit<const N: usize>(window: &[u8; N]) -> usize {
    let word = window.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
    (word.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
}

impl<const N: usize> Windows<N> {
    /// Where the window begins that few literals have and few texts.
    fn rarest(&self, literal: &[u8]) -> usize {
        let rarity = |byte: &u8| FREQUENT.iter().position(|other| other == byte).unwrap_or(FREQUENT.len());
        (0..(literal.len() + 1).saturating_sub(N))
            .filter_map(|at| Some((at, literal[at..].first_chunk::<N>()?)))
            .max_by_key(|(at, window)| {
                let shared = self.by_window.get(*window).map_or(0, |ids| ids.len() / 4);
                let rare: usize = window.iter().map(rarity).sum();
                (std::cmp::Reverse(shared), rare, std::cmp::Reverse(*at))
            })
            .map_or(0, |(at, _)| at)
    }

    fn add(&mut self, text: &[u8], id: u32) {
        let Some(window) = text.first_chunk::<N>() else { return };
        if self.bits.is_empty() {
            self.bits = vec![0; 1 << (BITS - 6)];
        }
        let bit = bit(window);
        self.bits[bit / 64] |= 1 << (bit % 64);
        self.by_window.entry(*window).or_default().push(id);
    }

    fn remove(&mut self, text: &[u8], id: u32) {
        let Some(window) = text.first_chunk::<N>() else { return };
        let Some(ids) = self.by_window.get_mut(window) else { return };
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            self.by_window.remove(window);
            self.stale += 1;
        }
        // A bit may be another window's too, so bits are only ever cleared all together.
        if self.stale > self.by_window.len() + 64 {
            self.stale = 0;
            self.bits.fill(0);
            for window in self.by_window.keys() {
                let bit = bit(window);
                self.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    fn scan(&self, text: &[u8], mut found: impl FnMut(u32, usize)) {
        if self.by_window.is_empty() {
            return;
        }
        for at in 0..(text.len() + 1).saturating_sub(N) {
            let Some(window) = text[at..].first_chunk::<N>() else { break };
            let bit = bit(window);
            if self.bits[bit / 64] >> (bit % 64) & 1 == 1
                && let Some(ids) = self.by_window.get(window)
            {
                ids.iter().for_each(|id| found(*id, at));
            }
        }
    }
}
