//! Many lists of numbers, most of them short, in one pool.

use crate::matching::snapshot::{Damaged, Reader, Writer};

/// The end of a list.
const END: u32 = u32::MAX;

/// Lists by number. One that was never added to is empty.
#[derive(Clone, Debug, Default)]
pub(in crate::matching) struct Lists {
    /// The first node of each list.
    heads: Vec<u32>,
    nodes: Vec<Node>,
    /// The first node that is free.
    free: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    value: u32,
    next: u32,
}

impl Lists {
    pub fn push(&mut self, list: u32, value: u32) {
        let list = list as usize;
        if list >= self.heads.len() {
            self.heads.resize(list + 1, END);
        }
        let node = Node { value, next: self.heads[list] };
        let at = match self.free {
            Some(at) => {
                let next = self.nodes[at as usize].next;
                self.free = (next != END).then_some(next);
                self.nodes[at as usize] = node;
                at
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        };
        self.heads[list] = at;
    }

    /// Takes a number out of a list, once.
    pub fn remove(&mut self, list: u32, value: u32) {
        let Some(head) = self.heads.get(list as usize).copied() else { return };
        let (mut before, mut at) = (END, head);
        while at != END {
            let node = self.nodes[at as usize];
            if node.value == value {
                match before {
                    END => self.heads[list as usize] = node.next,
                    before => self.nodes[before as usize].next = node.next,
                }
                self.nodes[at as usize].next = self.free.unwrap_or(END);
                self.free = Some(at);
                return;
            }
            (before, at) = (at, node.next);
        }
    }

    /// Takes out the number that was added last.
    pub fn pop(&mut self, list: u32) -> Option<u32> {
        let last = self.iter(list).next()?;
        self.remove(list, last);
        Some(last)
    }

    /// The numbers of a list, the last one first.
    pub fn iter(&self, list: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = self.heads.get(list as usize).copied().unwrap_or(END);
        std::iter::from_fn(move || {
            let node = self.nodes.get(at as usize)?;
            at = node.next;
            Some(node.value)
        })
    }

    pub fn is_empty(&self, list: u32) -> bool {
        self.heads.get(list as usize).is_none_or(|head| *head == END)
    }

    pub const fn len(&self) -> usize {
        self.heads.len()
    }

    pub fn save(&self, out: &mut Writer<'_>) -> std::io::Result<()> {
        let lists = 0..self.heads.len() as u32;
        let lengths: Vec<u32> = lists.clone().map(|list| self.iter(list).count() as u32).collect();
        let values: Vec<u32> = lists.flat_map(|list| self.iter(list)).collect();
        out.numbers(&lengths)?;
        out.numbers(&values)
    }

    /// Lists whose numbers are all below a limit.
    pub fn load(from: &mut Reader<'_>, limit: usize) -> Result<Self, Damaged> {
        let (lengths, values) = (from.numbers()?, from.numbers_below(limit)?);
        let total: u64 = lengths.iter().map(|length| u64::from(*length)).sum();
        if total != values.len() as u64 {
            return Err(Damaged::Inconsistent("lists"));
        }
        let mut own =
            Self { heads: Vec::with_capacity(lengths.len()), nodes: Vec::with_capacity(values.len()), free: None };
        let mut values = values.into_iter();
        for length in lengths {
            let first = own.nodes.len() as u32;
            let last = first + length;
            own.heads.push(if length == 0 { END } else { first });
            own.nodes.extend(
                values
                    .by_ref()
                    .take(length as usize)
                    .zip(first + 1..)
                    .map(|(value, next)| Node { value, next: if next == last { END } else { next } }),
            );
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lists_are_what_was_added_and_not_taken_out(edits in proptest::collection::vec((0u32..6, 0u32..4, any::<bool>()), 0..60)) {
            let mut lists = Lists::default();
            let mut expected = vec![Vec::new(); 6];
            for (list, value, add) in edits {
                if add {
                    lists.push(list, value);
                    expected[list as usize].insert(0, value);
                } else {
                    lists.remove(list, value);
                    let own = &mut expected[list as usize];
                    if let Some(at) = own.iter().position(|other| *other == value) {
                        own.remove(at);
                    }
                }
            }
            let mut bytes = Vec::new();
            lists.save(&mut Writer::new(&mut bytes)).expect("saved");
            let loaded = Lists::load(&mut Reader::new(&mut bytes.as_slice()), 4).expect("loaded");
            for (list, expected) in (0u32..).zip(&expected) {
                prop_assert_eq!(&lists.iter(list).collect::<Vec<_>>(), expected);
                prop_assert_eq!(&loaded.iter(list).collect::<Vec<_>>(), expected);
                prop_assert_eq!(lists.is_empty(list), expected.is_empty());
            }
        }
    }
}
