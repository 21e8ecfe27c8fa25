//! Patterns whose texts are nearly equal, without comparing each with each.
//!
//! Prefix filtering (Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007): with words sorted from rare to frequent, two
//! sets with a Jaccard similarity of at least `t` share a word among the first `n - ceil(t n) + 1` of each.

use std::collections::{BTreeSet, HashMap};

use crate::detect::jaccard;
use crate::matching::tokenise;

/// From here on texts count as nearly equal, in basis points.
const SIMILAR: u32 = 8_000;
/// Fewer words say too little to be compared.
const FEWEST: usize = 5;

/// Pairs of texts, by index, with their similarity in basis points.
pub fn similar(texts: &[String]) -> Vec<(usize, usize, u32)> {
    let sets: Vec<BTreeSet<String>> = texts.iter().map(|text| tokenise(text).into_iter().collect()).collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in sets.iter().flatten() {
        *frequency.entry(word).or_default() += 1;
    }
    let mut seen: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    for (i, set) in sets.iter().enumerate().filter(|(_, set)| set.len() >= FEWEST) {
        let mut words: Vec<&str> = set.iter().map(String::as_str).collect();
        words.sort_by_key(|word| (frequency[word], *word));
        let needed = (set.len() * SIMILAR as usize).div_ceil(10_000);
        let mut others = BTreeSet::new();
        for word in &words[..=set.len() - needed] {
            others.extend(seen.get(word).into_iter().flatten().copied());
            seen.entry(word).or_default().push(i);
        }
        for other in others {
            // What differs so much in size cannot be similar.
            let (small, large) = (set.len().min(sets[other].len()), set.len().max(sets[other].len()));
            if small * 10_000 < large * SIMILAR as usize {
                continue;
            }
            let alike = jaccard(set, &sets[other]);
            if alike >= SIMILAR {
                pairs.push((other, i, alike));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_pairs_as_when_each_is_compared_with_each(
            texts in prop::collection::vec(prop::collection::vec("[a-h]{2}", 3..12).prop_map(|w| w.join(" ")), 0..30),
        ) {
            let sets: Vec<BTreeSet<String>> = texts.iter().map(|t| tokenise(t).into_iter().collect()).collect();
            let mut expected = Vec::new();
            for b in 0..sets.len() {
                for a in 0..b {
                    let alike = jaccard(&sets[a], &sets[b]);
                    if alike >= SIMILAR && sets[a].len() >= FEWEST && sets[b].len() >= FEWEST {
                        expected.push((a, b, alike));
                    }
                }
            }
            prop_assert_eq!(similar(&texts), expected);
        }
    }
}
