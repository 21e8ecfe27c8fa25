//! What a replay reads is what the engine reads one by one.

use selfheal_core::matching::Evidence;
use selfheal_core::{Fingerprint, PatternId, Severity, Span};
use selfheal_store::Store;

use crate::on_both;
use crate::support::{at, incident, signal};

on_both!(past_incidents_come_page_by_page, a_page_of_signals_is_what_each_incident_has, evidence_comes_by_fingerprint);

async fn past_incidents_come_page_by_page(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut made = Vec::new();
    for i in 0..5 {
        made.push(incident(&mut tx, &format!("s{i}"), Severity::High, i * 10).await);
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = tx.past_incidents(at(10), before, 2).await.expect("read");
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page);
    }
    made.reverse();
    assert_eq!(seen.iter().map(|past| past.id).collect::<Vec<_>>(), made[..4], "the first one was opened earlier");
    assert_eq!(tx.count_opened(at(10)).await.expect("counted"), 4);
    let stored = tx.incident(seen[0].id).await.expect("read");
    assert_eq!((&seen[0].services, &seen[0].fingerprints), (&stored.services, &stored.fingerprints));
    assert_eq!(
        (&seen[0].project, &seen[0].service, &seen[0].title, seen[0].opened_at),
        (&stored.project, &stored.service, &stored.title, stored.opened_at)
    );
}

async fn a_page_of_signals_is_what_each_incident_has(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut made = Vec::new();
    for i in 0..3 {
        let id = incident(&mut tx, &format!("s{i}"), Severity::High, 0).await;
        for more in 0..i {
            let new = signal(&format!("s{i}"), &format!("line {more}"), 1 + more);
            let (member, _) = tx.put_signal(&new, Span::from_secs(0), at(1)).await.expect("stored");
            tx.attach_signal(member, id, &new, at(1)).await.expect("attached");
        }
        made.push(id);
    }
    for each in [200, 2] {
        let page = tx.signals_between(made[1], made[2], each).await.expect("read");
        assert_eq!(page.len(), 2, "only the range");
        for id in &made[1..] {
            let own: Vec<_> =
                tx.signals_of(*id, each).await.expect("read").into_iter().map(|signal| signal.seen).collect();
            assert_eq!(page[id], own, "{id} with at most {each}");
        }
    }
}

async fn evidence_comes_by_fingerprint(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let kinds = [Fingerprint("a'\"".into()), Fingerprint("b".into()), Fingerprint("c".into())];
    for (kind, evidence) in [(&kinds[0], Evidence::REJECTED), (&kinds[1], Evidence::CONFIRMED)] {
        tx.add_relevance_evidence(&PatternId::new("p"), kind, evidence, at(0)).await.expect("stored");
    }
    let found = tx.evidence_by_fingerprint(&[&kinds[0], &kinds[2]]).await.expect("read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[&kinds[0]], [(PatternId::new("p"), Evidence::REJECTED)]);
    assert!(tx.evidence_by_fingerprint(&[]).await.expect("read").is_empty());
}
