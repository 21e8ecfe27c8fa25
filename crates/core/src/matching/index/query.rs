//! A query made ready: its distinct terms in the order of their first occurrence, which is the order of every sum.

/// No term.
const NONE: u32 = u32::MAX;

/// Which of a few terms a term is: open addressing in a table that stays in the nearest cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    slots: Vec<(u32, u32)>,
    shift: u32,
}

impl Places {
    /// Empties it and makes room for `count` terms.
    pub fn reset(&mut self, count: usize) {
        let size = (count * 4).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(size, (NONE, 0));
        self.shift = 64 - size.trailing_zeros();
    }

    fn at(&self, term: u32) -> usize {
        let mut at = (u64::from(term).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.slots[at].0 != NONE && self.slots[at].0 != term {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
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
    /// The ids of the distinct terms that some document has.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// What the query's distinct terms could add at most, were they all in the document at full saturation.
    pub const fn best(&self) -> f64 {
        self.best
    }
}
