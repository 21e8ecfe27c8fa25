//! The exact best k of a query, without scoring every document that has one of its terms.
//!
//! Terms are taken by what they can add at most, the largest first (MaxScore: Turtle and Flood, 1995), each into one sum of
//! bounds per document. The documents with the largest sums are scored exactly before a long list is walked. Once k
//! documents are known to score more than all terms that are left could add, no new document can be among the best: the
//! terms that are left are only looked up for the documents that still can. Those that remain are scored exactly, from their
//! own terms.
//!
//! What runs for each posting or candidate has no branch that could not be foretold: a wrong guess costs more than the work.

use std::cell::RefCell;

use super::bounds::{self, List};
use super::exact::Exact;
use super::{Index, Terms};

/// A document of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub slot: u32,
    pub score: f64,
}

/// In a sum: the document was scored. Every sum is even without it.
const SCORED: u32 = 1;
/// A list of so few postings is walked sooner than leaders are scored.
const FEW: usize = 256;

/// Space that searches of one thread use again and again.
#[derive(Default)]
struct Space {
    /// By slot: the sum of bounds so far. All zero between searches.
    sums: Vec<u32>,
    /// The slots whose sum is not zero, and one place more.
    touched: Vec<u32>,
    /// Slots whose sum became larger than the least of the leaders'.
    rising: Vec<u32>,
    /// The k documents of the largest sums, the largest first.
    leaders: Vec<Candidate>,
    candidates: Vec<Candidate>,
    exact: Exact,
    /// The best of those scored.
    best: Vec<Hit>,
}

/// A document and the sum of its bounds in one number; compared by sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate(u64);

impl Candidate {
    fn new(slot: u32, sum: u32) -> Self {
        Self(u64::from(sum) << 32 | u64::from(slot))
    }

    const fn slot(self) -> u32 {
        self.0 as u32
    }

    const fn sum(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn plus(self, bound: u32) -> Self {
        Self(self.0 + (u64::from(bound) << 32))
    }
}

thread_local! {
    static SPACE: RefCell<Space> = RefCell::default();
}

impl Index {
    /// The best `k` documents that `admit` lets through, best first; equal scores by key. Documents without any of the
    /// terms are none.
    pub fn top(&self, query: &Terms, k: usize, admit: impl Fn(u32) -> bool) -> Vec<Hit> {
        if k == 0 || query.ids.is_empty() {
            return Vec::new();
        }
        // Taken, not borrowed: what a panic would leave behind is never used again.
        let mut space = SPACE.take();
        let admit = |slot| self.is_taken(slot) && admit(slot);
        let mut search = Search { index: self, query, k, admit, space: &mut space, left: 0, unit: 1.0, threshold: 0 };
        search.run();
        let hits = space.best.clone();
        SPACE.set(space);
        hits
    }

    /// The score of one document: 0 where it has none of the terms.
    pub fn score(&self, slot: u32, query: &Terms) -> f64 {
        let mut exact = Exact::default();
        exact.start(self);
        exact.score(self, slot, query)
    }
}

struct Search<'a, A> {
    index: &'a Index,
    query: &'a Terms,
    k: usize,
    admit: A,
    space: &'a mut Space,
    /// What a document can still gain.
    left: u32,
    /// What a unit of bound is worth in score.
    unit: f64,
    /// A document whose bounds sum up to less is not among the best.
    threshold: u32,
}

impl<A: Fn(u32) -> bool> Search<'_, A> {
    fn run(&mut self) {
        let Space { sums, touched, leaders, exact, best, .. } = &mut *self.space;
        let slots = self.index.slots();
        if sums.len() < slots {
            sums.resize(slots, 0);
        }
        if touched.len() <= slots {
            touched.resize(slots + 1, 0);
        }
        leaders.clear();
        best.clear();
        exact.start(self.index);
        let lists;
        (lists, self.left, self.unit) = bounds::lists(self.index, self.query);

        let (count, lists) = self.walk(&lists);
        self.walk_short(lists, count);
        let kept = self.gather(lists, count);
        self.score(kept);
    }

    /// Adds lists until no document that was not met can be among the best. Returns how many documents were met, and the
    /// lists that are left.
    fn walk<'l, 'p>(&mut self, lists: &'l [List<'p>]) -> (usize, &'l [List<'p>]) {
        let mut count = 0;
        for (next, list) in lists.iter().enumerate() {
            if list.postings.len() > FEW {
                self.score_leaders();
            }
            if self.left < self.threshold {
                return (count, &lists[next..]);
            }
            let least = self.space.leaders.get(self.k - 1).map_or(0, |last| last.sum());
            self.left -= list.most;
            // A document that has less can be forgotten: it would not even gain enough if it had all that is left.
            let need = self.threshold.saturating_sub(self.left).max(1);
            let Space { sums, touched, rising, .. } = &mut *self.space;
            rising.clear();
            for (slot, impact) in list.postings.iter() {
                let bound = list.worth * u32::from(impact);
                let sum = &mut sums[slot as usize];
                let (fresh, enough) = (u32::from(*sum == 0), u32::from(bound >= need));
                touched[count] = slot;
                count += (fresh & enough) as usize;
                *sum = (*sum + bound) & (enough | (1 - fresh)).wrapping_neg();
                if *sum > least {
                    rising.push(slot);
                }
            }
            self.rise();
        }
        (count, &[])
    }

    /// Takes those up among the leaders whose sums rose.
    fn rise(&mut self) {
        let Space { leaders, rising, sums, .. } = &mut *self.space;
        for leader in leaders.iter_mut() {
            *leader = Candidate::new(leader.slot(), sums[leader.slot() as usize]);
        }
        leaders.sort_unstable_by(|a, b| b.cmp(a));
        let mut least = leaders.get(self.k - 1).map_or(0, |last| last.sum());
        for slot in rising {
            let own = Candidate::new(*slot, sums[*slot as usize]);
            if own.sum() > least && !leaders.contains(&own) && (self.admit)(*slot) {
                let at = leaders.partition_point(|other| other > &own);
                leaders.truncate(self.k - 1);
                leaders.insert(at, own);
                least = leaders.get(self.k - 1).map_or(0, |last| last.sum());
            }
        }
    }

    /// Scores the leaders, so that the threshold is high.
    fn score_leaders(&mut self) {
        if self.space.leaders.len() < self.k {
            return;
        }
        // All at once, since waiting for memory is most of what a score costs in a large index.
        for leader in &self.space.leaders {
            if self.space.sums[leader.slot() as usize] & SCORED == 0 {
                self.index.forward.fetch(leader.slot());
            }
        }
        for i in 0..self.k {
            let Space { leaders, sums, .. } = &mut *self.space;
            let slot = leaders[i].slot();
            let sum = &mut sums[slot as usize];
            if *sum & SCORED == 0 {
                *sum |= SCORED;
                leaders[i] = Candidate::new(slot, *sum);
                self.offer(slot);
            }
        }
    }

    /// Adds the short lists that are left to the documents that were met.
    fn walk_short(&mut self, lists: &[List<'_>], count: usize) {
        for list in lists.iter().filter(|list| is_short(list, count)) {
            for (slot, impact) in list.postings.iter() {
                let sum = &mut self.space.sums[slot as usize];
                *sum += if *sum == 0 { 0 } else { list.worth * u32::from(impact) };
            }
            self.left -= list.most;
        }
    }

    /// Takes the documents out of the sums, and adds the lists that are left, as long as there are many candidates.
    /// Returns how many documents still can be among the best.
    fn gather(&mut self, lists: &[List<'_>], count: usize) -> usize {
        let Space { sums, touched, candidates, .. } = &mut *self.space;
        candidates.resize(count.max(candidates.len()), Candidate::default());
        let mut lists = lists.iter().filter(|list| !is_short(list, count));
        let met = touched[..count].iter().map(|slot| Candidate::new(*slot, std::mem::take(&mut sums[*slot as usize])));
        // The first list together with the sums, which saves a pass over all that were met.
        let first = lists.next();
        self.left -= first.map_or(0, |list| list.most);
        let least = self.threshold.saturating_sub(self.left);
        let mut kept = match first {
            Some(list) => keep(candidates, met.map(|own| own.plus(list.bound(own.slot()))), least),
            None => keep(candidates, met, least),
        };
        for list in lists {
            if kept <= 2 * self.k {
                break;
            }
            self.left -= list.most;
            kept = keep_on(&mut candidates[..kept], list, self.threshold.saturating_sub(self.left));
        }
        kept
    }

    /// Scores the candidates.
    fn score(&mut self, kept: usize) {
        // The most promising first, so that the others need not be scored.
        self.space.candidates[..kept].sort_unstable_by(|a, b| b.cmp(a));
        for at in 0..kept {
            let candidate = self.space.candidates[at];
            if candidate.sum() + self.left < self.threshold {
                break;
            }
            if candidate.sum() & SCORED == 0 && (self.admit)(candidate.slot()) {
                self.offer(candidate.slot());
            }
        }
    }

    /// Scores one document, which may be among the best.
    fn offer(&mut self, slot: u32) {
        let Space { exact, best, .. } = &mut *self.space;
        let hit = Hit { slot, score: exact.score(self.index, slot, self.query) };
        let key = |hit: &Hit| self.index.key(hit.slot);
        let before = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score).then_with(|| key(a).cmp(&key(b))).is_lt();
        let at = best.partition_point(|other| before(other, &hit));
        if at < self.k {
            best.truncate(self.k - 1);
            best.insert(at, hit);
            if let Some(last) = best.get(self.k - 1) {
                self.threshold = self.threshold.max((last.score / self.unit) as u32);
            }
        }
    }
}

/// Whether a list is quicker walked than looked up for each of so many candidates.
fn is_short(list: &List<'_>, candidates: usize) -> bool {
    !list.postings.is_table() && list.postings.len() < candidates * 2
}

/// Puts those to the front whose sum is at least `least`. Returns how many.
fn keep(candidates: &mut [Candidate], met: impl Iterator<Item = Candidate>, least: u32) -> usize {
    let mut kept = 0;
    for candidate in met {
        candidates[kept] = candidate;
        kept += usize::from(candidate.sum() >= least);
    }
    kept
}

/// Adds a list to the candidates' sums, and puts those to the front whose sum then is at least `least`. Returns how many.
fn keep_on(candidates: &mut [Candidate], list: &List<'_>, least: u32) -> usize {
    let mut kept = 0;
    for at in 0..candidates.len() {
        let candidate = candidates[at].plus(list.bound(candidates[at].slot()));
        candidates[kept] = candidate;
        kept += usize::from(candidate.sum() >= least);
    }
    kept
}
