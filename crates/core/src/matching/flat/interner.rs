//! Texts as numbers, given in the order in which they first came.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::matching::snapshot::{Damaged, Reader, Writer};

/// All texts in one arena, found by open addressing.
#[derive(Clone, Debug)]
pub(in crate::matching) struct Interner {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<u64>,
    /// A part of the hash, and the text's number plus one; 0 where it is free. A power of two, at most half full.
    table: Vec<(u32, u32)>,
    /// Of this process alone: whoever writes patterns cannot choose texts that collide.
    hasher: RandomState,
}

impl Default for Interner {
    fn default() -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), table: vec![(0, 0); 16], hasher: RandomState::default() }
    }
}

impl Interner {
    pub fn get(&self, text: impl AsRef<[u8]>) -> Option<u32> {
        let text = text.as_ref();
        self.find(text, self.hash(text)).ok()
    }

    /// The number of a text, which is a new one where the text is.
    pub fn intern(&mut self, text: impl AsRef<[u8]>) -> u32 {
        let text = text.as_ref();
        let hash = self.hash(text);
        let at = match self.find(text, hash) {
            Ok(id) => return id,
            Err(at) => at,
        };
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u64);
        self.table[at] = (tag(hash), self.ends.len() as u32);
        if self.ends.len() * 2 > self.table.len() {
            self.spread(self.table.len() * 2);
        }
        self.ends.len() as u32 - 1
    }

    pub fn bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends.get(id - 1).copied().unwrap_or(0) };
        self.ends.get(id).and_then(|end| self.bytes.get(start as usize..*end as usize)).unwrap_or_default()
    }

    /// A text that came in as one.
    pub fn text(&self, id: u32) -> &str {
        std::str::from_utf8(self.bytes(id)).unwrap_or_default()
    }

    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    fn hash(&self, text: &[u8]) -> u64 {
        self.hasher.hash_one(text)
    }

    /// The text's number, or where in the table it would stand.
    fn find(&self, text: &[u8], hash: u64) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.table[at] {
                (_, 0) => return Err(at),
                (own, id) if own == tag(hash) && self.bytes(id - 1) == text => return Ok(id - 1),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn spread(&mut self, size: usize) {
        self.table.clear();
        self.table.resize(size, (0, 0));
        let mask = size - 1;
        for id in 0..self.ends.len() as u32 {
            let hash = self.hash(self.bytes(id));
            let mut at = hash as usize & mask;
            while self.table[at].1 != 0 {
                at = (at + 1) & mask;
            }
            self.table[at] = (tag(hash), id + 1);
        }
    }

    pub fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        out.bytes(&self.bytes)?;
        let mut start = 0;
        let lengths: Vec<u32> =
            self.ends.iter().map(|end| (end - std::mem::replace(&mut start, *end)) as u32).collect();
        out.numbers(&lengths)
    }

    pub fn load(from: &mut Reader<'_>) -> Result<Self, Damaged> {
        let mut own = Self { bytes: from.bytes()?, ..Self::default() };
        let lengths = from.numbers()?;
        let mut end = 0u64;
        own.ends = lengths
            .into_iter()
            .map(|length| {
                end += u64::from(length);
                end
            })
            .collect();
        if end != own.bytes.len() as u64 {
            return Err(Damaged::Inconsistent("texts"));
        }
        own.spread((own.ends.len() * 2 + 2).next_power_of_two().max(16));
        Ok(own)
    }
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
