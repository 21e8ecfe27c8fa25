//! Lists of patterns: every filter, every order, complete pages.

use selfheal_core::knowledge::{Pattern, PatternStatus};
use selfheal_core::{Action, ActionKind, BasisPoints, ProjectName, ServiceName};
use selfheal_store::{PatternCursor, PatternFilter, PatternOrder, Store};

use crate::on_both;
use crate::support::{at, pattern};

on_both!(filters_find_what_they_say, pages_are_complete_in_every_order, families_are_counted);

fn some() -> Vec<Pattern> {
    (0..7)
        .map(|i| {
            let mut made = pattern(&format!("Pattern {}", ["b", "a", "d", "c", "g", "f", "100%"][i]));
            made.family = if i % 2 == 0 { "memory".into() } else { "dns".into() };
            made.status = if i == 3 { PatternStatus::Draft } else { PatternStatus::Active };
            made.scope.service = (i == 1).then(|| ServiceName::new("pay"));
            made.scope.project = (i == 2).then(|| ProjectName::new("shop"));
            made.action = [None, Some(Action::new(ActionKind::CacheClear)), made.action][i % 3].clone();
            made.auto_healable = i == 5;
            made.description = if i == 4 { "Über_lang words".into() } else { String::new() };
            made.confidence = BasisPoints::saturating([5_000, 7_000, 5_000][i % 3]);
            made.use_count = i as u32 % 2;
            made.updated_at = at(i as u64 / 2);
            made
        })
        .collect()
}

async fn filled(store: &Store) -> Vec<Pattern> {
    let patterns = some();
    let mut tx = store.write().await.expect("writes");
    for pattern in &patterns {
        tx.put_pattern(pattern).await.expect("stored");
    }
    tx.commit().await.expect("committed");
    patterns
}

async fn filters_find_what_they_say(store: Store) {
    filled(&store).await;
    let mut tx = store.read().await.expect("reads");
    let all = PatternFilter { limit: 100, ..PatternFilter::default() };
    let text = |text: &str| PatternFilter { text: Some(text.into()), ..all.clone() };
    for (filter, found) in [
        (all.clone(), 7),
        (PatternFilter { family: Some("memory".into()), ..all.clone() }, 4),
        (PatternFilter { status: Some("draft"), ..all.clone() }, 1),
        (PatternFilter { service: Some("pay".into()), ..all.clone() }, 1),
        (PatternFilter { project: Some("shop".into()), ..all.clone() }, 1),
        (PatternFilter { action: Some("cache.clear".into()), ..all.clone() }, 2),
        (PatternFilter { action: Some("none".into()), ..all.clone() }, 3),
        (PatternFilter { auto_healable: Some(true), ..all.clone() }, 1),
        (PatternFilter { auto_healable: Some(false), ..all.clone() }, 6),
        (text("PATTERN"), 7),
        (text("lang"), 1),
        (text("r_lang"), 1),
        (text("x_lang"), 0),
        (text("100%"), 1),
        (text("few connections"), 7),
        (text("'"), 0),
    ] {
        let listed = tx.list_patterns(&filter).await.expect("read");
        assert_eq!(listed.len(), found, "{filter:?}");
        assert_eq!(tx.count_patterns(&filter).await.expect("counted"), found as i64, "{filter:?}");
        let sorted = PatternFilter { order: PatternOrder::Uses, ..filter };
        assert_eq!(tx.list_patterns(&sorted).await.expect("read").len(), found, "{sorted:?}");
    }
}

async fn pages_are_complete_in_every_order(store: Store) {
    let patterns = filled(&store).await;
    let mut tx = store.read().await.expect("reads");
    for order in
        [PatternOrder::Id, PatternOrder::Name, PatternOrder::Confidence, PatternOrder::Uses, PatternOrder::Updated]
    {
        let mut expected = patterns.clone();
        expected.sort_by(|a, b| {
            let key = |p: &Pattern| match order {
                PatternOrder::Confidence => -i64::from(p.confidence.get()),
                PatternOrder::Uses => -i64::from(p.use_count),
                PatternOrder::Updated => -p.updated_at.as_micros(),
                PatternOrder::Id | PatternOrder::Name => 0,
            };
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = tx.list_patterns(&PatternFilter { order, after, limit: 2, ..PatternFilter::default() }).await;
            let page = page.expect("read");
            let Some(last) = page.last() else { break };
            after = Some(PatternCursor::of(order, last));
            listed.extend(page);
        }
        if order == PatternOrder::Name {
            // How names are sorted is the database's matter; that none is lost or repeated is ours.
            listed.sort_by(|a, b| a.id.cmp(&b.id));
        }
        let ids = |patterns: &[Pattern]| patterns.iter().map(|p| p.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&listed), ids(&expected), "{order:?}");
    }
    assert_eq!(tx.patterns_after(None, 100).await.expect("read").len(), 7);
    assert_eq!(tx.patterns_after(Some(&patterns[4].id), 100).await.expect("read").len(), 0, "pattern-g is the last");
}

async fn families_are_counted(store: Store) {
    filled(&store).await;
    let families = store.read().await.expect("reads").patterns_by_family().await.expect("counted");
    assert_eq!(families.into_iter().collect::<Vec<_>>(), [("dns".to_owned(), 3), ("memory".to_owned(), 4)]);
}
