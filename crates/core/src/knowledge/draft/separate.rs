//! Negative terms: the smallest set of words that rules out every near miss and no member.
//!
//! This is minimum set cover. Near misses are few and mostly of a few kinds, so the smallest set is searched for exactly up to
//! [`EXACT`] words; beyond that the greedy choice stands in, which is at most `ln n` times as large (Chvátal, 1979).

use std::collections::BTreeSet;

use crate::matching::contains_term;

/// Near misses looked at: a bit each.
const NEAR_MISSES: usize = 64;
/// Words up to which the smallest set is found exactly.
const EXACT: usize = 3;
/// Words of one near miss that are tried, those that rule out most first.
const BRANCHES: usize = 24;
/// Words that a draft may carry: more would rule out the failure's own next form.
const TERMS: usize = 8;

/// Different words that are tried at all.
const WORDS: usize = 2_000;

/// What separates members from near misses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Separation {
    /// No member contains any of them.
    pub terms: Vec<String>,
    /// Near misses, by index, that some term rules out.
    pub ruled_out: Vec<usize>,
    /// Near misses, by index, that cannot be told apart by words.
    pub left: Vec<usize>,
}

/// Finds terms that occur in every near miss and in no member.
pub fn separate(members: &[&str], near_misses: &[&str]) -> Separation {
    let looked_at = &near_misses[..near_misses.len().min(NEAR_MISSES)];
    // Members are long and words are many: most words stand in no member at all, which is seen at once.
    let lowercase: Vec<String> = members.iter().map(|member| member.to_lowercase()).collect();
    let mut words: Vec<(String, u64)> = Vec::new();
    for word in looked_at.iter().flat_map(|text| words_of(text)).collect::<BTreeSet<_>>().into_iter().take(WORDS) {
        let may_have = members.iter().zip(&lowercase).filter(|(_, text)| text.contains(word.as_str()));
        if may_have.into_iter().any(|(member, _)| contains_term(member, &word)) {
            continue;
        }
        let rules_out = (0..looked_at.len()).filter(|i| contains_term(looked_at[*i], &word));
        let bits = rules_out.fold(0, |bits, i| bits | 1 << i);
        words.push((word, bits));
    }
    // Those that rule out most first, then the longer: it is the rarer word; then by name, so that the answer is always the same.
    words.sort_by(|a, b| (b.1.count_ones(), b.0.len()).cmp(&(a.1.count_ones(), a.0.len())).then_with(|| a.0.cmp(&b.0)));
    let all = words.iter().fold(0, |bits, (_, word)| bits | word);
    let chosen = (1..=EXACT).find_map(|size| cover(&words, all, size)).unwrap_or_else(|| greedy(&words, all));
    let covered = chosen.iter().fold(0, |bits, i| bits | words[*i].1);
    let is_ruled_out = |i: &usize| *i < looked_at.len() && covered & (1 << i) != 0;
    let mut terms: Vec<String> = chosen.into_iter().map(|i| words[i].0.clone()).collect();
    terms.sort();
    // A term may happen to rule out those that were not looked at, too.
    let later = |i: &usize| *i >= looked_at.len() && terms.iter().any(|term| contains_term(near_misses[*i], term));
    let (ruled_out, left) = (0..near_misses.len()).partition(|i| is_ruled_out(i) || later(i));
    Separation { terms, ruled_out, left }
}

/// Words that can be terms: at least three characters, with a letter, without digits that will be others next time.
fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.chars().count() >= 3 && word.chars().all(|c| c.is_alphabetic() || c == '_'))
        .filter(|word| *word != "redacted")
        .map(str::to_lowercase)
        .collect()
}

/// Exactly `size` words that cover `wanted`: some word has to cover the first that is uncovered.
fn cover(words: &[(String, u64)], wanted: u64, size: usize) -> Option<Vec<usize>> {
    if wanted == 0 {
        return Some(Vec::new());
    }
    if size == 0 {
        return None;
    }
    let first = wanted & wanted.wrapping_neg();
    words.iter().enumerate().filter(|(_, (_, bits))| bits & first != 0).take(BRANCHES).find_map(|(i, (_, bits))| {
        let mut rest = cover(words, wanted & !bits, size - 1)?;
        rest.push(i);
        Some(rest)
    })
}

fn greedy(words: &[(String, u64)], mut wanted: u64) -> Vec<usize> {
    let mut chosen = Vec::new();
    while wanted != 0 && chosen.len() < TERMS {
        let best = (0..words.len()).rev().max_by_key(|i| (words[*i].1 & wanted).count_ones());
        let Some(best) = best.filter(|i| words[*i].1 & wanted != 0) else { break };
        wanted &= !words[best].1;
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_set_of_words() {
        let members = ["cannot allocate memory for buffer", "cannot allocate memory for index"];
        for (near_misses, terms, left) in [
            (&[][..], &[][..], &[][..]),
            (&["quota: cannot allocate memory"][..], &["quota"][..], &[][..]),
            // One word for both, although each has others.
            (&["gpu quota: cannot allocate memory", "disk quota: cannot allocate memory"], &["quota"], &[]),
            (&["gpu: cannot allocate memory", "test run: cannot allocate memory"], &["gpu", "test"], &[]),
            // Nothing tells it apart.
            (&["cannot allocate memory"], &[], &[0]),
            (&["cannot allocate memory 42", "quota: cannot allocate memory"], &["quota"], &[0]),
        ] {
            let found = separate(&members, near_misses);
            assert_eq!(
                (found.terms, found.left),
                (terms.iter().map(|t| (*t).to_owned()).collect(), left.to_vec()),
                "{near_misses:?}"
            );
        }
    }

    #[test]
    fn many_kinds_of_near_misses_are_ruled_out_greedily() {
        let kinds = ["alpha", "beta", "gamma", "delta", "epsilon"];
        let near_misses: Vec<String> = kinds.iter().map(|kind| format!("{kind} lost its peer")).collect();
        let near_misses: Vec<&str> = near_misses.iter().map(String::as_str).collect();
        let found = separate(&["raft lost its peer"], &near_misses);
        assert_eq!(found.terms, ["alpha", "beta", "delta", "epsilon", "gamma"]);
        assert_eq!(found.left, [0usize; 0]);
    }

    proptest! {
        #[test]
        fn no_member_and_every_near_miss_that_can_be(
            members in prop::collection::vec("[a-e]{3}( [a-e]{3}){0,5}", 1..5),
            near in prop::collection::vec("[a-f]{3}( [a-f]{3}){0,5}", 0..12),
        ) {
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            let near: Vec<&str> = near.iter().map(String::as_str).collect();
            let found = separate(&members, &near);
            for term in &found.terms {
                prop_assert!(!members.iter().any(|member| contains_term(member, term)));
            }
            for i in &found.ruled_out {
                prop_assert!(found.terms.iter().any(|term| contains_term(near[*i], term)));
            }
            prop_assert_eq!(found.ruled_out.len() + found.left.len(), near.len());
            // Up to three words the set is the smallest, so nothing is left that a word of its own would have ruled out.
            if found.terms.len() < TERMS {
                for i in &found.left {
                    let own = words_of(near[*i]);
                    prop_assert!(own.iter().all(|word| members.iter().any(|member| contains_term(member, word))));
                }
            }
        }
    }
}
