//! Finds which of many literals occur in a text, at a cost per byte that hardly grows with their number, and changes with
//! each edit alone: no automaton is built.
//!
//! Each literal is found through one of its windows of four bytes, the one that is likely rarest. A bitmap says of nearly
//! every place in a text that no literal has its window there. Literals of two and three bytes have windows of two.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::matching::flat::Lists;

/// Bits of a bitmap, as a power of two: 32 KiB, which a near cache holds.
const BITS: u32 = 18;
/// From frequent to rare in failure texts; what is not named is rarer.
const FREQUENT: &[u8] = b" etaoinrsldcupmhfg.b-_/v:ykw0x1=\",";
/// Literals that share a window, counted at most.
const SHARED: usize = 64;

/// The shortest literal that has a window.
pub(super) const SHORTEST: usize = 2;

/// Literals by number; whoever owns them knows what each is.
#[derive(Clone, Debug, Default)]
pub(super) struct Literals {
    /// By literal: where in it its window begins.
    offsets: Vec<u32>,
    long: Windows<4>,
    short: Windows<2>,
}

impl Literals {
    /// Takes up a literal of at least [`SHORTEST`] bytes.
    pub fn add(&mut self, id: u32, literal: &[u8]) {
        let offset = if literal.len() < 4 { self.short.rarest(literal) } else { self.long.rarest(literal) };
        self.add_at(id, literal, offset as u32);
    }

    /// Takes up a literal that is found through the window at some offset. Whether there is one.
    pub fn add_at(&mut self, id: u32, literal: &[u8], offset: u32) -> bool {
        if self.offsets.len() <= id as usize {
            self.offsets.resize(id as usize + 1, 0);
        }
        self.offsets[id as usize] = offset;
        let from = literal.get(offset as usize..).unwrap_or_default();
        if literal.len() < 4 { self.short.add(from, id) } else { self.long.add(from, id) }
    }

    pub fn remove(&mut self, id: u32, literal: &[u8]) {
        let from = literal.get(self.offset(id) as usize..).unwrap_or_default();
        if literal.len() < 4 { self.short.remove(from, id) } else { self.long.remove(from, id) }
    }

    pub fn offset(&self, id: u32) -> u32 {
        self.offsets.get(id as usize).copied().unwrap_or(0)
    }

    /// Calls `found` with the literals that occur in a folded text, some more than once.
    pub fn find<'a>(&self, text: &[u8], literal: impl Fn(u32) -> &'a [u8], mut found: impl FnMut(u32)) {
        let mut verify = |id: u32, at: usize| {
            let begins = at.checked_sub(self.offsets[id as usize] as usize).and_then(|start| text.get(start..));
            if begins.is_some_and(|text| text.starts_with(literal(id))) {
                found(id);
            }
        };
        self.long.scan(text, &mut verify);
        self.short.scan(text, &mut verify);
    }
}

/// Which literals have which window of `N` bytes.
#[derive(Clone, Debug, Default)]
struct Windows<const N: usize> {
    /// By window: its list of literals.
    list_of: HashMap<[u8; N], u32, RandomState>,
    lists: Lists,
    /// Lists that no window has.
    free: Vec<u32>,
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
                let shared =
                    self.list_of.get(*window).map_or(0, |list| self.lists.iter(*list).take(SHARED).count() / 4);
                let rare: usize = window.iter().map(rarity).sum();
                (std::cmp::Reverse(shared), rare, std::cmp::Reverse(*at))
            })
            .map_or(0, |(at, _)| at)
    }

    fn add(&mut self, text: &[u8], id: u32) -> bool {
        let Some(window) = text.first_chunk::<N>() else { return false };
        if self.bits.is_empty() {
            self.bits = vec![0; 1 << (BITS - 6)];
        }
        let bit = bit(window);
        self.bits[bit / 64] |= 1 << (bit % 64);
        let next = || self.free.pop().unwrap_or(self.lists.len() as u32);
        let list = *self.list_of.entry(*window).or_insert_with(next);
        self.lists.push(list, id);
        true
    }

    fn remove(&mut self, text: &[u8], id: u32) {
        let Some(window) = text.first_chunk::<N>() else { return };
        let Some(list) = self.list_of.get(window).copied() else { return };
        self.lists.remove(list, id);
        if self.lists.is_empty(list) {
            self.list_of.remove(window);
            self.free.push(list);
            self.stale += 1;
        }
        // A bit may be another window's too, so bits are only ever cleared all together.
        if self.stale > self.list_of.len() + 64 {
            self.stale = 0;
            self.bits.fill(0);
            for window in self.list_of.keys() {
                let bit = bit(window);
                self.bits[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    fn scan(&self, text: &[u8], found: &mut impl FnMut(u32, usize)) {
        if self.list_of.is_empty() {
            return;
        }
        for at in 0..(text.len() + 1).saturating_sub(N) {
            let Some(window) = text[at..].first_chunk::<N>() else { break };
            let bit = bit(window);
            if self.bits[bit / 64] >> (bit % 64) & 1 == 1
                && let Some(list) = self.list_of.get(window)
            {
                self.lists.iter(*list).for_each(|id| found(id, at));
            }
        }
    }
}
