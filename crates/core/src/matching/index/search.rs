//! The exact best k of a query, without scoring every document that has one of its terms.
//!
//! Terms are taken by what they can add at most, the largest first (MaxScore: Turtle and Flood, 1995), each into one sum per
//! document. Once k documents are known to score more than all terms that are left could add, no new document can be among
//! the best: the terms that are left are only looked up for the documents that still can. Those that remain are scored
//! exactly, from their own terms.

use std::cell::RefCell;

use super::postings::STEP;
use super::score::saturate;
use super::{Index, Terms};

/// A document of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub slot: u32,
    pub score: f64,
}

/// Bounds are rounded up and this much more, so that no rounding of floating point can lose a document.
const ROUNDING: f64 = 1.0 + 1e-9;

/// Space that searches of one thread use again and again.
#[derive(Default)]
struct Scratch {
    /// By slot: the sum of bounds so far. All zero between searches.
    sums: Vec<u32>,
    /// The slots whose sum is not zero, and one place more.
    touched: Vec<u32>,
    candidates: Vec<u32>,
    /// By place in the query.
    frequencies: Vec<f64>,
    lists: Vec<List>,
    leaders: Vec<(u32, u32)>,
    best: Vec<Hit>,
}

/// A term of the query, in whole units of bound.
#[derive(Clone, Copy, Debug)]
struct List {
    term: u32,
    /// What one step of impact is worth.
    worth: u32,
    /// What it adds at most.
    most: u32,
    /// What it and all lists after it add at most.
    rest: u32,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Index {
    /// The best `k` documents that `admit` lets through, best first; equal scores by key. Documents without any of the
    /// terms are none.
    pub fn top(&self, query: &Terms, k: usize, admit: impl Fn(u32) -> bool) -> Vec<Hit> {
        if k == 0 || query.ids.is_empty() {
            return Vec::new();
        }
        // Taken, not borrowed: what a panic would leave behind is never used again.
        let mut scratch = SCRATCH.take();
        let search = Search { index: self, query, k, admit: |slot| self.is_taken(slot) && admit(slot) };
        search.run(&mut scratch);
        let hits = scratch.best.clone();
        SCRATCH.set(scratch);
        hits
    }

    /// The score of one document: 0 where it has none of the terms.
    pub fn score(&self, slot: u32, query: &Terms) -> f64 {
        self.exact(slot, query, &mut Vec::new())
    }

    /// Sums in the query's order, whatever order the document has its terms in.
    fn exact(&self, slot: u32, query: &Terms, frequencies: &mut Vec<f64>) -> f64 {
        frequencies.clear();
        frequencies.resize(query.ids.len(), 0.0);
        for (field, terms) in self.forward.fields(slot) {
            let counts = self.lengths.occurrence(field, terms.len() as u32);
            for place in terms.iter().filter_map(|term| query.places.get(*term)) {
                frequencies[place as usize] += counts;
            }
        }
        let scores = query.idf.iter().zip(frequencies).filter(|(_, frequency)| **frequency > 0.0);
        scores.map(|(idf, frequency)| idf * saturate(*frequency)).sum()
    }
}

struct Search<'a, A> {
    index: &'a Index,
    query: &'a Terms,
    k: usize,
    admit: A,
}

impl<A: Fn(u32) -> bool> Search<'_, A> {
    fn run(&self, scratch: &mut Scratch) {
        let Scratch { sums, touched, candidates, frequencies, lists, leaders, best } = scratch;
        let slots = self.index.slots();
        if sums.len() < slots {
            sums.resize(slots, 0);
        }
        if touched.len() <= slots {
            touched.resize(slots + 1, 0);
        }
        best.clear();
        let unit = self.lists(lists);
        // A sum that is at least this may belong to a score of at least `score`.
        let units = |score: f64| (score / unit) as u32;

        let mut count = 0;
        let mut next = 0;
        let mut threshold = 0;
        let mut checked = 0;
        while next < lists.len() {
            let list = lists[next];
            let postings = &self.index.postings[list.term as usize];
            // A look at the leaders costs about what it costs to walk this many postings.
            if count >= self.k && postings.len() > count && count > checked * 2 {
                checked = count;
                self.leaders(&touched[..count], sums, leaders);
                if leaders.len() >= self.k {
                    let exact = leaders.iter().map(|(_, slot)| self.index.exact(*slot, self.query, frequencies));
                    threshold = threshold.max(units(exact.fold(f64::INFINITY, f64::min)));
                }
            }
            if list.rest < threshold {
                break;
            }
            for (slot, impact) in postings.iter() {
                let sum = &mut sums[slot as usize];
                touched[count] = slot;
                count += usize::from(*sum == 0);
                *sum += list.worth * u32::from(impact);
            }
            next += 1;
        }

        let rest = |next: usize| lists.get(next).map_or(0, |list| list.rest);
        candidates.clear();
        let left = rest(next);
        candidates.extend(touched[..count].iter().copied().filter(|slot| sums[*slot as usize] + left >= threshold));
        while next < lists.len() && candidates.len() > 2 * self.k {
            self.look_up(&lists[next], candidates, sums);
            next += 1;
            let left = rest(next);
            candidates.retain(|slot| sums[*slot as usize] + left >= threshold);
        }

        let left = rest(next);
        // The most promising first, so that the others need not be scored.
        candidates.sort_unstable_by_key(|slot| std::cmp::Reverse(sums[*slot as usize]));
        for slot in candidates.iter().copied() {
            if sums[slot as usize] + left < threshold {
                break;
            }
            if !(self.admit)(slot) {
                continue;
            }
            let hit = Hit { slot, score: self.index.exact(slot, self.query, frequencies) };
            let at = best.partition_point(|other| self.before(other, &hit));
            if at < self.k {
                best.truncate(self.k - 1);
                best.insert(at, hit);
                if best.len() == self.k {
                    threshold = threshold.max(units(best[self.k - 1].score));
                }
            }
        }
        for slot in &touched[..count] {
            sums[*slot as usize] = 0;
        }
    }

    /// The query's terms by what they add at most, and what a unit of bound is worth in score.
    fn lists(&self, lists: &mut Vec<List>) -> f64 {
        let total: f64 = self.query.idf.iter().sum();
        // No sum of all terms at the highest impact may overflow, with room for the rounding up of each term.
        let scale = f64::from(u32::MAX / 4) / 255.0 / total.max(f64::MIN_POSITIVE);
        lists.clear();
        lists.extend(self.query.ids.iter().zip(&self.query.idf).map(|(term, idf)| {
            let worth = (idf * scale).ceil() as u32;
            let most = worth * u32::from(self.index.postings[*term as usize].max());
            List { term: *term, worth, most, rest: 0 }
        }));
        lists.sort_by_key(|list| std::cmp::Reverse(list.most));
        let mut rest = 0;
        for list in lists.iter_mut().rev() {
            rest += list.most;
            list.rest = rest;
        }
        STEP / scale * self.index.lengths.slack() * ROUNDING
    }

    /// The k documents with the largest sums so far.
    fn leaders(&self, touched: &[u32], sums: &[u32], leaders: &mut Vec<(u32, u32)>) {
        leaders.clear();
        let mut least = 0;
        for slot in touched {
            let sum = sums[*slot as usize];
            if (leaders.len() < self.k || sum > least) && (self.admit)(*slot) {
                let at = leaders.partition_point(|(other, _)| *other >= sum);
                leaders.truncate(self.k - 1);
                leaders.insert(at, (sum, *slot));
                least = leaders.last().map_or(0, |(sum, _)| *sum);
            }
        }
    }

    /// Adds one term to the sums of the candidates alone.
    fn look_up(&self, list: &List, candidates: &[u32], sums: &mut [u32]) {
        let postings = &self.index.postings[list.term as usize];
        if let Some(table) = postings.table() {
            for slot in candidates {
                let impact = table.get(*slot as usize).copied().unwrap_or(0);
                sums[*slot as usize] += list.worth * u32::from(impact);
            }
        } else if postings.len() < candidates.len() * 8 {
            for (slot, impact) in postings.iter() {
                let sum = &mut sums[slot as usize];
                *sum += if *sum == 0 { 0 } else { list.worth * u32::from(impact) };
            }
        } else {
            for slot in candidates {
                sums[*slot as usize] += list.worth * u32::from(postings.get(*slot));
            }
        }
    }

    fn before(&self, a: &Hit, b: &Hit) -> bool {
        let key = |hit: &Hit| self.index.key(hit.slot);
        b.score.total_cmp(&a.score).then_with(|| key(a).cmp(&key(b))).is_lt()
    }
}
