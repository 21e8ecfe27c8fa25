//! The distinct terms of one document with their weighted frequencies. The space is used again and again.

use super::forward::Forward;

#[derive(Clone, Debug, Default)]
pub(super) struct Gather {
    /// By term: the round in which it was last seen, and its place in that round.
    seen: Vec<(u32, u32)>,
    round: u32,
    found: Vec<(u32, f64)>,
}

impl Gather {
    /// Gathers a document; `counts` says what one occurrence in a field of some length counts.
    pub fn document(&mut self, forward: &Forward, slot: u32, counts: impl Fn(u8, u32) -> f64) {
        self.found.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.seen.clear();
            self.round = 1;
        }
        for (field, terms) in forward.fields(slot) {
            let counts = counts(field, terms.len() as u32);
            for term in terms {
                let at = *term as usize;
                if at >= self.seen.len() {
                    self.seen.resize(at + 1, (0, 0));
                }
                let (round, place) = &mut self.seen[at];
                if *round == self.round {
                    self.found[*place as usize].1 += counts;
                } else {
                    (*round, *place) = (self.round, self.found.len() as u32);
                    self.found.push((*term, counts));
                }
            }
        }
    }

    /// What was gathered, in the order of first occurrence.
    pub fn terms(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.found.iter().copied()
    }
}
