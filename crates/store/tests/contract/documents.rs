//! Documents of patterns, many patterns at once, and removing one.

use selfheal_core::PatternId;
use selfheal_store::Store;

use crate::on_both;
use crate::support::{START, at, pattern};

on_both!(
    a_document_is_kept_beside_its_pattern,
    many_at_once_are_one_change,
    a_removed_pattern_takes_its_document_along
);

async fn a_document_is_kept_beside_its_pattern(store: Store) {
    let (one, other) = (pattern("A pool"), pattern("B disk"));
    let mut tx = store.write().await.expect("writes");
    tx.put_patterns(&[one.clone(), other.clone()], START).await.expect("stored");
    let text = "# why: é\nname: A pool\n";
    tx.put_document(&one.id, Some(text), Some("d1"), at(1), "ada").await.expect("stored");
    let kept = tx.kept_pattern(&one.id).await.expect("read").expect("there");
    assert_eq!(
        (kept.pattern, kept.document.as_deref(), kept.imported_digest.as_deref()),
        (one.clone(), Some(text), Some("d1"))
    );
    tx.put_document(&one.id, None, Some("d2"), at(2), "ada").await.expect("replaced");
    let all = tx.kept_patterns().await.expect("read");
    let seen: Vec<_> = all.iter().map(|kept| (kept.document.as_deref(), kept.imported_digest.as_deref())).collect();
    assert_eq!(seen, [(None, Some("d2")), (None, None)]);
    assert_eq!(tx.kept_pattern(&PatternId::new("other")).await.expect("read"), None);
}

async fn many_at_once_are_one_change(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let before = tx.knowledge_version().await.expect("read");
    tx.put_patterns(&[pattern("A"), pattern("B"), pattern("C")], START).await.expect("stored");
    tx.put_patterns(&[], START).await.expect("nothing to do");
    assert_eq!(tx.knowledge_version().await.expect("read"), before + 1);
    assert_eq!(tx.pattern_counts().await.expect("counted").patterns, 3);
}

async fn a_removed_pattern_takes_its_document_along(store: Store) {
    let one = pattern("A pool");
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&one).await.expect("stored");
    tx.put_document(&one.id, Some("name: A pool\n"), None, START, "ada").await.expect("stored");
    let version = tx.knowledge_version().await.expect("read");
    assert!(tx.remove_pattern(&one.id, START).await.expect("removed"));
    assert!(!tx.remove_pattern(&one.id, START).await.expect("not there"));
    assert_eq!(tx.knowledge_version().await.expect("read"), version + 1);
    tx.put_pattern(&one).await.expect("stored again");
    assert_eq!(
        tx.kept_pattern(&one.id).await.expect("read").expect("there").document,
        None,
        "nothing of the old one is left"
    );
}
