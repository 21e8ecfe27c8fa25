//! An enum, a JSON column and a newtype id go in and come out the same.

use selfheal_core::knowledge::PatternStatus;
use selfheal_core::{BasisPoints, Learned, PatternId, Severity, learn};
use selfheal_store::{KnowledgeChanges, NewEvent, Store};

use crate::on_both;
use crate::support::{at, incident, pattern, plan};

on_both!(
    a_pattern_comes_back_as_it_went_in,
    learning_moves_exactly_what_it_says,
    the_version_changes_with_every_change,
    what_changed_since_a_version_is_each_pattern_once_as_it_is_now
);

async fn a_pattern_comes_back_as_it_went_in(store: Store) {
    let mut draft = pattern("Pool exhausted: é 'quoted' \"twice\"");
    draft.status = PatternStatus::Draft;
    draft.confidence = BasisPoints::saturating(7_250);
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&draft).await.expect("stored");
    tx.commit().await.expect("committed");
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.pattern(&draft.id).await.expect("read"), Some(draft.clone()));
    assert_eq!(tx.pattern(&PatternId::new("other")).await.expect("read"), None);
    let counts = tx.pattern_counts().await.expect("counted");
    assert_eq!((counts.patterns, counts.active, counts.drafts, counts.auto_healable), (1, 0, 1, 0));
}

async fn learning_moves_exactly_what_it_says(store: Store) {
    let pattern = pattern("Pool exhausted");
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&pattern).await.expect("stored");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let event = NewEvent {
        incident: id,
        plan: &plan(id, "/run/a"),
        approved_by: None,
        decision_confidence: pattern.confidence,
        started_at: at(0),
    };
    let event = tx.put_event(event).await.expect("stored");
    let good = learn::success(pattern.confidence, &Default::default());
    tx.learn(&pattern.id, event, &good, "clear for 1m", at(1)).await.expect("learned");
    let back = learn::recurrence(good.after, &good, &Default::default());
    tx.learn(&pattern.id, event, &back, "came back", at(2)).await.expect("learned");
    let stored = tx.pattern(&pattern.id).await.expect("read").expect("there");
    assert_eq!((stored.confidence.get(), stored.use_count, stored.attempts), (4_000, 0, 1));
    let steps = tx.confidence_history(&pattern.id).await.expect("read");
    let seen: Vec<_> = steps.iter().map(|s| (s.before, s.after, s.uses, s.reason.as_str())).collect();
    assert_eq!(seen, [(5_000, 5_500, 1, "clear for 1m"), (5_500, 4_000, -1, "came back")]);
    let _: Learned = back;
}

async fn the_version_changes_with_every_change(store: Store) {
    let mut tx = store.write().await.expect("writes");
    assert_eq!(tx.knowledge_version().await.expect("read"), 0);
    for version in 1..=2 {
        tx.put_pattern(&pattern("Pool exhausted")).await.expect("stored");
        assert_eq!(tx.knowledge_version().await.expect("read"), version);
    }
}

async fn what_changed_since_a_version_is_each_pattern_once_as_it_is_now(store: Store) {
    let (a, b) = (pattern("A pool"), pattern("B pool"));
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&a).await.expect("stored");
    tx.put_pattern(&b).await.expect("stored");
    let mut later = b.clone();
    for (version, confidence) in [(3, 6_000), (4, 7_000)] {
        later.confidence = BasisPoints::saturating(confidence);
        tx.put_pattern(&later).await.expect("stored");
        assert_eq!(tx.knowledge_version().await.expect("read"), version);
    }
    let both = vec![(a.id.clone(), Some(a.clone())), (b.id.clone(), Some(later.clone()))];
    for (since, expected) in [(0, both), (1, vec![(b.id.clone(), Some(later))]), (4, Vec::new())] {
        let changes = tx.knowledge_changes(since).await.expect("read");
        assert_eq!(changes, KnowledgeChanges::Patterns(expected), "since {since}");
    }
    assert_eq!(tx.knowledge_changes(5).await.expect("read"), KnowledgeChanges::Everything, "a version that never was");
}
