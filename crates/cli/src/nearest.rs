//! Names that somebody may have meant.

/// Names that are shown.
const SHOWN: usize = 3;

/// The names nearest to a wanted one, best first: those that hold it, then those that a few typing errors make of it.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // A third of the letters may be wrong, and two of a short name.
    let tolerated = (wanted.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let distance = if name.contains(wanted) { 0 } else { edit_distance(wanted, name) };
            (distance <= tolerated).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// Insertions, deletions and substitutions of one character that make one text of the other (Levenshtein).
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, distance) in [("", "abc", 3), ("kitten", "sitting", 3), ("a", "a", 0), ("é", "e", 1)] {
            assert_eq!((edit_distance(one, other), edit_distance(other, one)), (distance, distance), "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["pool-exhausted", "pool-exhaust", "disk-full", "database-pool-exhausted-again"];
        assert_eq!(nearest("pool-exausted", names), ["pool-exhausted", "pool-exhaust"]);
        assert_eq!(nearest("exhausted", names), ["database-pool-exhausted-again", "pool-exhausted"]);
        assert_eq!(nearest("zzyzx", names), Vec::<&str>::new());
    }
}
