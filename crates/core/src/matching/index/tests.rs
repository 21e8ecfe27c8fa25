use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const FIELDS: &[FieldSpec] = &[
    FieldSpec { name: "title", weight: 3.0 },
    FieldSpec { name: "body", weight: 1.5 },
    FieldSpec { name: "line", weight: 2.0 },
];

type Document = Vec<(u8, String)>;

fn fields(document: &Document) -> impl Iterator<Item = (u8, &str)> + '_ {
    document.iter().map(|(field, text)| (*field, text.as_str()))
}

fn fresh(documents: &BTreeMap<String, Document>) -> Index {
    let mut index = Index::new(FIELDS);
    index.extend(documents.iter().map(|(key, document)| (key.as_str(), fields(document)))).expect("room");
    index
}

/// By the formula, from the texts alone.
fn by_formula(documents: &BTreeMap<String, Document>, key: &str, query: &[String]) -> f64 {
    let tokens = |text: &str| tokenise(text);
    let mut lengths: BTreeMap<u8, (f64, f64)> = BTreeMap::new();
    for (field, text) in documents.values().flatten() {
        let own = lengths.entry(*field).or_default();
        *own = (own.0 + tokens(text).len() as f64, own.1 + 1.0);
    }
    let mut distinct: Vec<&String> = Vec::new();
    query.iter().for_each(|term| {
        if !distinct.contains(&term) {
            distinct.push(term)
        }
    });
    let total = documents.len() as f64;
    let score = |term: &String| {
        let has = |document: &Document| document.iter().any(|(_, text)| tokens(text).contains(term));
        let n = documents.values().filter(|document| has(document)).count() as f64;
        let frequency: f64 = documents[key]
            .iter()
            .map(|(field, text)| {
                let (sum, count) = lengths[field];
                let terms = tokens(text);
                let norm = 0.25 + 0.75 * terms.len() as f64 / (sum / count).max(1.0);
                let count = terms.iter().filter(|other| *other == term).count() as f64;
                FIELDS[usize::from(*field)].weight * count / norm
            })
            .sum();
        (1.0 + (total - n + 0.5) / (n + 0.5)).ln() * frequency * 2.2 / (frequency + 1.2)
    };
    distinct.into_iter().map(score).sum()
}

/// Scores every document.
fn exhaustive(index: &Index, query: &[String], k: usize, admit: impl Fn(&str) -> bool) -> Vec<(String, f64)> {
    let query = index.terms(query);
    let mut all: Vec<(String, f64)> = (0..index.slots() as u32)
        .filter_map(|slot| Some((index.key(slot)?.to_owned(), index.score(slot, &query))))
        .filter(|(key, score)| *score > 0.0 && admit(key))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(k);
    all
}

fn pruned(index: &Index, query: &[String], k: usize, admit: impl Fn(&str) -> bool) -> Vec<(String, f64)> {
    let admit = |slot: u32| index.key(slot).is_some_and(&admit);
    let hits = index.top(&index.terms(query), k, admit);
    hits.into_iter().map(|hit| (index.key(hit.slot).unwrap_or_default().to_owned(), hit.score)).collect()
}

/// Words are drawn so that few are common and many are rare.
fn word() -> impl Strategy<Value = String> {
    (0u32..16, 0u32..64).prop_map(|(a, b)| format!("w{}", a * b / 8))
}

fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    proptest::collection::vec(word(), words).prop_map(|words| words.join(" "))
}

fn document() -> impl Strategy<Value = Document> {
    (text(0..4), text(0..12), proptest::collection::vec(text(1..6), 0..3)).prop_map(|(title, body, lines)| {
        let mut document = vec![(0, title), (1, body)];
        document.extend(lines.into_iter().map(|line| (2, line)));
        document
    })
}

fn query() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word(), 1..24)
}

#[derive(Clone, Debug)]
enum Edit {
    Put(usize, Document),
    Remove(usize),
    Compact,
}

fn edit(keys: usize) -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (0..keys, document()).prop_map(|(key, document)| Edit::Put(key, document)),
        3 => (0..keys).prop_map(Edit::Remove),
        1 => Just(Edit::Compact),
    ]
}

fn apply(index: &mut Index, documents: &mut BTreeMap<String, Document>, edit: Edit) {
    match edit {
        Edit::Put(key, document) => {
            let key = format!("d{key}");
            index.insert(&key, fields(&document)).expect("room");
            documents.insert(key, document);
        }
        Edit::Remove(key) => {
            let key = format!("d{key}");
            assert_eq!(index.remove(&key), documents.remove(&key).is_some());
        }
        Edit::Compact => {
            let olds = index.compact();
            assert_eq!((olds.len(), index.slots()), (documents.len(), documents.len()));
            assert!(olds.is_sorted());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_edited_index_finds_what_one_built_afresh_scores_best(
        start in proptest::collection::vec(document(), 0..24),
        edits in proptest::collection::vec(edit(30), 0..24),
        queries in proptest::collection::vec((query(), 1usize..12), 1..4),
    ) {
        let mut documents: BTreeMap<String, Document> =
            start.into_iter().enumerate().map(|(i, document)| (format!("d{i}"), document)).collect();
        let mut index = fresh(&documents);
        edits.into_iter().for_each(|edit| apply(&mut index, &mut documents, edit));
        let afresh = fresh(&documents);
        prop_assert_eq!(index.len(), documents.len());
        for (query, k) in queries {
            let odd = |key: &str| key.len() == 3;
            let expected = exhaustive(&afresh, &query, k, |_| true);
            prop_assert_eq!(&pruned(&index, &query, k, |_| true), &expected);
            prop_assert_eq!(pruned(&index, &query, k, odd), exhaustive(&afresh, &query, k, odd));
            for (key, score) in expected {
                let told = by_formula(&documents, &key, &query);
                prop_assert!((score - told).abs() < 1e-9, "{} of {}: {} and {}", key, documents.len(), score, told);
                let slot = index.slot(&key).expect("found");
                let terms = index.terms(&query);
                let explained: f64 = index.explain(slot, &terms).iter().map(|term| term.score).sum();
                prop_assert!((explained - score).abs() < 1e-9);
                prop_assert!(score <= index.best(slot) + 1e-9 && score <= terms.best() + 1e-9);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Large enough for tables of common terms and for pruning to leave something out.
    #[test]
    fn a_large_index_prunes_without_losing_anything(
        start in proptest::collection::vec(document(), 600..900),
        edits in proptest::collection::vec(edit(1_000), 0..300),
        queries in proptest::collection::vec((query(), 1usize..17), 16),
    ) {
        let mut documents: BTreeMap<String, Document> =
            start.into_iter().enumerate().map(|(i, document)| (format!("d{i}"), document)).collect();
        let mut index = fresh(&documents);
        edits.into_iter().filter(|edit| !matches!(edit, Edit::Compact)).for_each(|edit| apply(&mut index, &mut documents, edit));
        let afresh = fresh(&documents);
        for (query, k) in queries {
            prop_assert_eq!(pruned(&index, &query, k, |_| true), exhaustive(&afresh, &query, k, |_| true));
            let few = |key: &str| key.ends_with('7');
            prop_assert_eq!(pruned(&index, &query, k, few), exhaustive(&afresh, &query, k, few));
        }
    }
}

#[test]
fn scores_are_those_of_the_formula() {
    const ONE: &[FieldSpec] = &[FieldSpec { name: "text", weight: 1.0 }];
    let mut index = Index::new(ONE);
    for (key, text) in [("a", "disk full"), ("b", "disk slow now"), ("c", "memory")] {
        index.insert(key, [(0, text)]).expect("room");
    }
    let terms = index.terms(tokenise("disk full disk"));
    let explained = index.explain(0, &terms);
    // N = 3, average length 2; "full" in 1 document, "disk" in 2; length 2, so the norm is 1 and tf is 1.
    let expected = |n: f64| (1.0 + (3.0 - n + 0.5) / (n + 0.5)).ln();
    assert_eq!(explained.iter().map(|t| t.term.as_str()).collect::<Vec<_>>(), ["full", "disk"]);
    assert!((explained[0].score - expected(1.0)).abs() < 1e-12);
    assert!((explained[1].score - expected(2.0)).abs() < 1e-12);
    assert!(index.explain(2, &index.terms(["disk"])).is_empty());
}

#[test]
fn an_edit_is_seen_by_the_next_search() {
    let mut index = Index::new(FIELDS);
    let found = |index: &Index, word: &str| pruned(index, &[word.to_owned()], 5, |_| true).len();
    index.insert("a", [(0, "disk full")]).expect("room");
    assert_eq!((found(&index, "disk"), found(&index, "memory")), (1, 0));
    index.insert("a", [(0, "memory low")]).expect("room");
    assert_eq!((found(&index, "disk"), found(&index, "memory")), (0, 1));
    assert!(index.remove("a") && !index.remove("a"));
    assert_eq!((found(&index, "memory"), index.len()), (0, 0));
}

#[test]
fn equal_scores_come_in_the_order_of_their_keys() {
    let mut index = Index::new(FIELDS);
    for key in ["c", "a", "d", "b"] {
        index.insert(key, [(0, "disk full")]).expect("room");
    }
    let keys: Vec<String> = pruned(&index, &["disk".into()], 3, |_| true).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn a_query_of_thousands_of_terms_overflows_nothing() {
    let words: Vec<String> = (0..5_000).map(|i| format!("word{i}")).collect();
    let mut index = Index::new(FIELDS);
    for (i, part) in words.chunks(10).enumerate() {
        index.insert(&format!("d{i:04}"), [(0, part.join(" ").as_str())]).expect("room");
    }
    index.insert("all", [(1, words.join(" ").as_str())]).expect("room");
    let found = pruned(&index, &words, 3, |_| true);
    assert_eq!(found, exhaustive(&index, &words, 3, |_| true));
    assert_eq!(found[0].0, "all");
}
