//! Compiled rules kept for their next use, within a budget.
//!
//! A compiled expression is large beside its text (`[^\n]{1,300}` has ten thousand states), and grows once more by what it
//! remembers of its searches, for every thread that searched with it. Those of a whole knowledge base would be close to a
//! gigabyte. Compiling one again takes a millisecond: what was not used for longest is let go of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

use super::{CompiledRule, Rule};

/// States that all kept rules may have together: some 50 MB, and up to four times that after searches on many threads.
const BUDGET: usize = 1_000_000;
/// The same for a review, which asks all of them again and again on one thread, and is over soon.
const FOR_A_REVIEW: usize = 5 * BUDGET;
/// What an expression takes beside its states, counted as states.
const EACH: usize = 200;

/// The rules that are kept.
#[derive(Debug)]
pub struct Warm {
    budget: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    uses: u64,
    weight: usize,
    /// By address, with when they were used last.
    rules: HashMap<usize, (Arc<CompiledRule>, u64)>,
}

/// One rule, compiled when it is asked for.
#[derive(Clone, Debug, Default)]
pub struct OnDemand(Arc<Mutex<Tried>>);

#[derive(Debug, Default)]
enum Tried {
    #[default]
    Never,
    /// It cannot be compiled.
    Unusable,
    Compiled(Weak<CompiledRule>),
}

impl Default for Warm {
    fn default() -> Self {
        Self::within(BUDGET)
    }
}

impl Warm {
    pub(super) fn for_a_review() -> Self {
        Self::within(FOR_A_REVIEW)
    }

    fn within(budget: usize) -> Self {
        Self { budget, kept: Mutex::default() }
    }

    /// Keeps a rule, and lets go of others where they are too many together.
    fn used(&self, rule: &Arc<CompiledRule>) {
        let mut kept = lock(&self.kept);
        kept.uses += 1;
        let (now, address) = (kept.uses, Arc::as_ptr(rule) as usize);
        if let Some((_, last)) = kept.rules.get_mut(&address) {
            *last = now;
            return;
        }
        kept.weight += rule.weight();
        kept.rules.insert(address, (Arc::clone(rule), now));
        while kept.weight > self.budget && kept.rules.len() > 1 {
            let Some(oldest) = kept.rules.iter().min_by_key(|(_, (_, last))| *last).map(|(address, _)| *address) else {
                break;
            };
            if let Some((gone, _)) = kept.rules.remove(&oldest) {
                kept.weight -= gone.weight();
            }
        }
    }

    /// How many rules are kept, and their states together.
    #[cfg(test)]
    fn size(&self) -> (usize, usize) {
        let kept = lock(&self.kept);
        (kept.rules.len(), kept.weight)
    }
}

impl OnDemand {
    /// The compiled rule; `None` where it cannot be used.
    pub fn get(&self, rule: &Rule, warm: &Warm) -> Option<Arc<CompiledRule>> {
        let mut tried = lock(&self.0);
        let known = match &*tried {
            Tried::Unusable => return None,
            Tried::Compiled(known) => known.upgrade(),
            Tried::Never => None,
        };
        let compiled = match known {
            Some(compiled) => compiled,
            None => match rule.compile() {
                Ok(compiled) => Arc::new(compiled),
                Err(_) => {
                    *tried = Tried::Unusable;
                    return None;
                }
            },
        };
        *tried = Tried::Compiled(Arc::downgrade(&compiled));
        drop(tried);
        warm.used(&compiled);
        Some(compiled)
    }
}

/// A poisoned lock only says that another thread panicked; what is behind it is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// About how many states an expression has once it is compiled; measured on the starter knowledge, one takes some 50 bytes.
pub(super) fn weight(expression: &str) -> usize {
    regex_syntax::parse(expression).map_or(0, |hir| states(&hir)).saturating_add(EACH)
}

/// The expression's depth is bounded by its parser.
fn states(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(states).fold(0, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => {
            let bytes = |first, last| Utf8Sequences::new(first, last).map(|sequence| sequence.len()).sum::<usize>();
            class.iter().map(|range| bytes(range.start(), range.end())).sum()
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            states(&repetition.sub).saturating_mul(times as usize)
        }
        HirKind::Capture(capture) => states(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_a_large_class_weighs_much() {
        assert_eq!(weight("lease lost"), EACH + 10);
        assert_eq!(weight("("), EACH);
        assert!(weight(r"x[^'\n]{1,300}y") > 30 * weight("lease lost"));
        assert!(weight(r"\w{1000}{1000}") > BUDGET);
    }

    #[test]
    fn rules_are_kept_within_the_budget_and_compiled_again() {
        let warm = Warm::within(5 * EACH);
        let rules: Vec<(Rule, OnDemand)> =
            (0..50).map(|i| (Rule::regex(format!("lease {i} lost")), OnDemand::default())).collect();
        for _ in 0..2 {
            for (i, (rule, on_demand)) in rules.iter().enumerate() {
                let compiled = on_demand.get(rule, &warm).expect("compiles");
                assert!(compiled.holds_for_text(&format!("lease {i} lost")));
                let (kept, weight) = warm.size();
                assert!(kept <= 5 && weight <= 5 * EACH, "{kept} rules of {weight} states are kept");
            }
        }
        // The one that was used last is the same one, and a larger one than the budget is used all the same.
        let (rule, on_demand) = &rules[49];
        let (one, two) = (on_demand.get(rule, &warm), on_demand.get(rule, &warm));
        assert!(one.zip(two).is_some_and(|(one, two)| Arc::ptr_eq(&one, &two)));
        let large = Rule::regex(r"x[^'\n]{1,300}y");
        assert!(OnDemand::default().get(&large, &warm).is_some());
        assert!(OnDemand::default().get(&Rule::regex("("), &warm).is_none());
    }

    #[test]
    fn the_starter_knowledge_does_not_stay_in_memory() {
        let (warm, mut asked) = (Warm::default(), 0);
        for (file, text) in crate::knowledge::STARTER {
            let patterns = crate::knowledge::parse_pack(text, file, "starter", crate::Timestamp::EPOCH).expect("reads");
            for rule in patterns.iter().filter_map(|pattern| pattern.rule.as_ref()) {
                OnDemand::default().get(rule, &warm).expect("compiles");
                asked += 1;
            }
        }
        let (kept, weight) = warm.size();
        assert!(weight <= BUDGET && kept < asked, "{kept} rules of {weight} states are kept of {asked}");
    }
}
