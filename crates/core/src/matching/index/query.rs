//! A query made ready: its distinct terms in the order of their first occurrence, which is the order of every sum.

/// No term.
const NONE: u32 = u32::MAX;

/// Which of a few terms a term is: open addressing in a table that stays in the nearest cache, behind bits that tell nearly
/// all other terms apart at once (Bloom, 1970, with one hash function).
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    slots: Vec<(u32, u32)>,
    bits: Bits,
    shift: u32,
}

/// How many words of 64 bits: of a dozen terms one other term in some 300 is not told apart.
const WORDS: usize = 64;

#[derive(Clone, Debug)]
struct Bits([u64; WORDS]);

impl Default for Bits {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl Bits {
    /// The word and the bit of a term, from the upper 12 bits of its hash.
    const fn at(hash: u64) -> (usize, u64) {
        ((hash >> 58) as usize, hash >> 52 & 63)
    }

    fn set(&mut self, hash: u64) {
        let (word, bit) = Self::at(hash);
        self.0[word] |= 1 << bit;
    }

    const fn get(&self, hash: u64) -> u64 {
        let (word, bit) = Self::at(hash);
        self.0[word] >> bit & 1
    }
}

const fn hash(term: u32) -> u64 {
    (term as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Places {
    /// Empties it and makes room for `count` terms.
    pub fn reset(&mut self, count: usize) {
        let size = (count * 4).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, (NONE, 0));
        self.bits = Bits::default();
        self.shift = 64 - size.trailing_zeros();
    }

    fn at(&self, term: u32) -> usize {
        let mut at = (hash(term) >> self.shift) as usize;
        while self.slots[at].0 != NONE && self.slots[at].0 != term {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    /// Which of up to 64 terms may be there, as bits, the first term's the highest: all that are and few others. Without a
    /// branch for each term, since no one could foretell them.
    pub fn maybe(&self, terms: &[u32]) -> u64 {
        let found = terms.iter().fold(0, |found, term| found << 1 | self.bits.get(hash(*term)));
        if terms.is_empty() { 0 } else { found << (64 - terms.len().min(64)) }
    }

    pub fn get(&self, term: u32) -> Option<u32> {
        let (found, place) = self.slots[self.at(term)];
        (found != NONE).then_some(place)
    }

    /// Whether the term is new; it is at `place` then.
    pub fn insert(&mut self, term: u32, place: u32) -> bool {
        let at = self.at(term);
        let new = self.slots[at].0 == NONE;
        if new {
            self.slots[at] = (term, place);
            self.bits.set(hash(term));
        }
        new
    }
}

/// A query's distinct terms that some document has, with how rare each is.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub(super) ids: Vec<u32>,
    pub(super) idf: Vec<f64>,
    /// Where in the query each first occurs.
    pub(super) first: Vec<usize>,
    pub(super) places: Places,
    /// What all distinct terms, known or not, could add at most.
    pub(super) best: f64,
}

impl Terms {
    /// None yet, with room for `count`.
    pub(super) fn with_capacity(count: usize) -> Self {
        let (ids, idf, first) = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
        let mut places = Places::default();
        places.reset(count);
        Self { ids, idf, first, places, best: 0.0 }
    }

    /// The ids of the distinct terms that some document has.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// What the query's distinct terms could add at most, were they all in the document at full saturation.
    pub const fn best(&self) -> f64 {
        self.best
    }
}
