//! Where a term occurs, and how much it counts there at most.

use super::score::{SATURATED, saturate};

/// Slots are 24 bits wide, so that a posting is 4 bytes.
pub(super) const SLOTS: usize = 1 << 24;
/// Terms in more than one of this many documents also get a table by slot.
const COMMON: usize = 16;
/// Below this many documents a list is as quick to walk as a table is to look up.
const FEW: usize = 256;
/// What one unit of impact is worth.
pub(super) const STEP: f64 = SATURATED / 255.0;

/// The documents of one term in the order of their slots, also those that were removed since.
#[derive(Clone, Debug, Default)]
pub(super) struct Postings {
    /// The slot above 8 bits of impact.
    entries: Vec<u32>,
    /// Impact by slot, for common terms; may be shorter than there are slots. Empty for the others.
    table: Vec<u8>,
    /// No impact is larger.
    max: u8,
}

/// The saturated frequency in steps, rounded up: never less than it is.
pub(super) fn impact(frequency: f64) -> u8 {
    (saturate(frequency) / STEP * (1.0 + 1e-12)).ceil().clamp(1.0, 255.0) as u8
}

impl Postings {
    /// What [`entries`](Self::entries) gave; `None` where these are in no order or of slots that there are not.
    pub fn of(entries: &[u32], slots: usize) -> Option<Self> {
        let ordered = entries.iter().is_sorted_by(|a, b| *a >> 8 < *b >> 8);
        if !ordered || entries.last().is_some_and(|last| (last >> 8) as usize >= slots) {
            return None;
        }
        let max = entries.iter().map(|entry| *entry as u8).max().unwrap_or(0);
        let mut own = Self { entries: entries.to_vec(), table: Vec::new(), max };
        own.tabulate(slots);
        Some(own)
    }

    /// The slot above 8 bits of impact, in the order of slots.
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Makes the table by slot of a term that is common.
    fn tabulate(&mut self, slots: usize) {
        if slots >= FEW && self.entries.len() > slots / COMMON {
            self.table = vec![0; slots];
            for entry in &self.entries {
                put(&mut self.table, entry >> 8, *entry as u8);
            }
        }
    }

    /// Adds a document, whose slot is larger than every other.
    pub fn push(&mut self, slot: u32, impact: u8, slots: usize) {
        self.entries.push(slot << 8 | u32::from(impact));
        self.max = self.max.max(impact);
        if !self.table.is_empty() {
            put(&mut self.table, slot, impact);
        } else {
            self.tabulate(slots);
        }
    }

    /// Gives a document that is there another impact.
    pub fn set(&mut self, slot: u32, impact: u8) {
        let at = self.entries.partition_point(|entry| entry >> 8 < slot);
        if let Some(entry) = self.entries.get_mut(at).filter(|entry| **entry >> 8 == slot) {
            *entry = slot << 8 | u32::from(impact);
            self.max = self.max.max(impact);
            if !self.table.is_empty() {
                put(&mut self.table, slot, impact);
            }
        }
    }

    pub fn reserve(&mut self, more: usize) {
        self.entries.reserve_exact(more);
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub const fn max(&self) -> u8 {
        self.max
    }

    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, u8)> + '_ {
        self.entries.iter().map(|entry| (entry >> 8, *entry as u8))
    }

    /// The impact on one document, 0 where the term does not occur in it.
    pub fn get(&self, slot: u32) -> u8 {
        if !self.table.is_empty() {
            return self.table.get(slot as usize).copied().unwrap_or(0);
        }
        let at = self.entries.partition_point(|entry| entry >> 8 < slot);
        self.entries.get(at).filter(|entry| **entry >> 8 == slot).map_or(0, |entry| *entry as u8)
    }

    /// Whether [`get`](Self::get) is but one look into a table.
    pub const fn is_table(&self) -> bool {
        !self.table.is_empty()
    }
}

fn put(table: &mut Vec<u8>, slot: u32, impact: u8) {
    let slot = slot as usize;
    if slot >= table.len() {
        table.resize(slot + 1, 0);
    }
    table[slot] = impact;
}
