//! Hits, drafts, confirmed fixes, outcomes by project, and merges.

use selfheal_core::knowledge::draft::{Member, digest};
use selfheal_core::knowledge::{Pattern, PatternStatus, Taught};
use selfheal_core::learn::Outcomes;
use selfheal_core::matching::Evidence;
use selfheal_core::redact::Redaction;
use selfheal_core::{
    Action, ActionKind, BasisPoints, EventId, Fingerprint, IncidentId, PatternId, ProjectName, ServiceName, Severity,
    SignalKind, Span, learn,
};
use selfheal_store::{ClusterStatus, ConfirmedFix, DraftCluster, Merge, NewEvent, Store, Tx};

use crate::on_both;
use crate::support::{at, incident, pattern, plan, signal};

on_both!(
    a_hit_counts_once_for_each_incident,
    a_cluster_and_its_members_come_back,
    the_weakest_waiting_cluster_is_found,
    a_draft_changes_no_version_and_only_drafts_are_removed,
    redaction_reaches_the_draft,
    the_last_word_about_a_fix_counts,
    outcomes_are_counted_by_project_and_taken_back,
    a_merge_is_found_until_it_is_undone,
    the_latest_rows_are_read_where_there_are_more,
    what_was_learned_of_a_merged_pattern_is_the_other_ones_while_the_merge_stands,
    what_attempts_under_a_merged_pattern_taught_is_told_apart,
);

fn cluster(template: &str, incidents: u32, last: u64) -> DraftCluster {
    DraftCluster {
        id: 0,
        project: ProjectName::new("shop"),
        service: "pay".into(),
        kind: SignalKind::Log,
        alert: None,
        template: template.into(),
        pattern: PatternId::new("lease-lost"),
        status: ClusterStatus::Waiting,
        incidents,
        first_seen: at(0),
        last_seen: at(last),
        made: "x".into(),
        notes: vec!["look at é \"this\"".into()],
        decided_by: None,
        decided_at: None,
        reason: None,
        updated_at: at(last),
    }
}

fn member(incident: IncidentId, text: &str) -> Member {
    Member {
        incident,
        service: ServiceName::new("pay"),
        severity: Severity::High,
        kind: SignalKind::Log,
        alert: None,
        template: text.into(),
        texts: vec![text.into()],
        first_seen: at(0),
        last_seen: at(1),
        resolution: None,
    }
}

async fn a_hit_counts_once_for_each_incident(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let oom = PatternId::new("oom");
    let one = incident(&mut tx, "pay", Severity::High, 0).await;
    let two = incident(&mut tx, "web", Severity::High, 1).await;
    assert!(!tx.was_hit(one).await.expect("asked"));
    for (incident, second) in [(one, 5), (one, 9), (two, 7)] {
        tx.put_hit(&oom, incident, at(second)).await.expect("kept");
    }
    assert!(tx.was_hit(one).await.expect("asked"));
    let hits = tx.hits_of(&oom).await.expect("read");
    assert_eq!((hits.count, hits.last), (2, Some(at(7))));
    assert_eq!(tx.all_hits().await.expect("read").get(&oom), Some(&hits));
    assert_eq!(tx.hits_of(&PatternId::new("none")).await.expect("read"), Default::default());
    let known = tx.texts_of_known(10).await.expect("read");
    assert_eq!(known, [("web failed".to_owned(), oom.clone()), ("pay failed".to_owned(), oom)]);
}

async fn a_cluster_and_its_members_come_back(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut first = cluster("lease <*> lost", 1, 5);
    first.id = tx.put_cluster(&first).await.expect("stored");
    let other = tx.put_cluster(&cluster("vault sealed", 1, 5)).await.expect("stored");
    let ids = [incident(&mut tx, "pay", Severity::High, 0).await, incident(&mut tx, "web", Severity::High, 1).await];
    for id in ids {
        tx.put_draft_member(first.id, &member(id, "lease 1 lost")).await.expect("kept");
    }
    // It ended again: described anew, still one.
    tx.put_draft_member(first.id, &member(ids[0], "lease 2 lost")).await.expect("kept");
    let texts = |members: Vec<Member>| members.into_iter().map(|m| m.texts[0].clone()).collect::<Vec<_>>();
    assert_eq!(texts(tx.draft_members(first.id, 9).await.expect("read")), ["lease 2 lost", "lease 1 lost"]);
    assert_eq!(texts(tx.draft_members(first.id, 1).await.expect("read")), ["lease 1 lost"], "the latest");
    assert_eq!(tx.other_draft_members(other, 9).await.expect("read").len(), 2);
    assert_eq!(tx.other_draft_members(first.id, 9).await.expect("read"), []);
    assert_eq!(tx.cluster_of_incident(ids[1]).await.expect("read"), Some(first.clone()));
    first.status = ClusterStatus::Rejected;
    (first.decided_by, first.decided_at, first.reason) = (Some("ada".into()), Some(at(9)), Some("noise".into()));
    assert_eq!(tx.put_cluster(&first).await.expect("stored"), first.id);
    let of = tx.draft_clusters_of(&ProjectName::new("shop"), SignalKind::Log, 9).await.expect("read");
    assert_eq!(of.first(), Some(&first));
    assert_eq!(tx.draft_clusters_of(&ProjectName::new("bank"), SignalKind::Log, 9).await.expect("read"), []);
    assert_eq!(tx.draft_clusters_of(&ProjectName::new("shop"), SignalKind::Alert, 9).await.expect("read"), []);
}

async fn the_weakest_waiting_cluster_is_found(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let mut ids = Vec::new();
    for (template, incidents, last) in [("a", 1, 9), ("b", 1, 5), ("c", 7, 1), ("d", 1, 2)] {
        ids.push(tx.put_cluster(&cluster(template, incidents, last)).await.expect("stored"));
    }
    let weakest = |found: Option<DraftCluster>| found.map(|cluster| cluster.template);
    assert_eq!(weakest(tx.weakest_cluster(0).await.expect("read")).as_deref(), Some("d"));
    assert_eq!(weakest(tx.weakest_cluster(ids[3]).await.expect("read")).as_deref(), Some("b"));
    let order: Vec<String> = tx
        .draft_clusters(ClusterStatus::Waiting, 3)
        .await
        .expect("read")
        .into_iter()
        .map(|cluster| cluster.template)
        .collect();
    assert_eq!(order, ["c", "a", "b"]);
    assert_eq!(tx.count_clusters(ClusterStatus::Waiting).await.expect("counted"), 4);
    assert_eq!(tx.count_clusters(ClusterStatus::Accepted).await.expect("counted"), 0);
}

async fn a_draft_changes_no_version_and_only_drafts_are_removed(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let active = pattern("Pool exhausted");
    tx.put_pattern(&active).await.expect("stored");
    let version = tx.knowledge_version().await.expect("read");
    let mut draft = pattern("Lease lost");
    assert!(tx.put_draft(&draft).await.is_err(), "it is active");
    draft.status = PatternStatus::Draft;
    tx.put_draft(&draft).await.expect("stored");
    assert_eq!(tx.knowledge_version().await.expect("read"), version);
    assert_eq!(tx.drafts().await.expect("read"), [draft.clone()]);
    assert_eq!(tx.free_pattern_id("Lease lost").await.expect("found").as_str(), "lease-lost-2");
    assert!(!tx.remove_draft(&active.id).await.expect("asked"));
    assert!(tx.remove_draft(&draft.id).await.expect("removed"));
    assert_eq!(tx.patterns().await.expect("read"), [active]);
}

async fn redaction_reaches_the_draft(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let text = "lease of tenant acme-corp lost";
    let new = signal("pay", text, 0);
    let (signal, _) = tx.put_signal(&new, Span::from_secs(120), at(0)).await.expect("stored");
    let seen = selfheal_core::SignalSeen::of(signal, &new);
    let id = tx.open_incident(new.project.clone(), "x".into(), seen, at(0)).await.expect("opened").id;
    let mut draft = pattern("Lease of tenant acme-corp lost");
    draft.status = PatternStatus::Draft;
    draft.examples.matches = vec![text.into()];
    tx.put_draft(&draft).await.expect("stored");
    let mut of = cluster(text, 1, 1);
    (of.pattern, of.made) = (draft.id.clone(), digest(&draft));
    of.id = tx.put_cluster(&of).await.expect("stored");
    tx.put_draft_member(of.id, &member(id, text)).await.expect("kept");
    let redacted = tx.redact(id, &Redaction::text("acme-corp").expect("long enough")).await.expect("redacted");
    assert_eq!(redacted.knowledge, 3, "member, draft and cluster: {redacted:?}");
    let cluster = tx.cluster_of_incident(id).await.expect("read").expect("there");
    let left = tx.drafts().await.expect("read");
    assert_eq!((left.len(), &left[0].id), (1, &cluster.pattern));
    assert_eq!(cluster.made, digest(&left[0]), "it is not as if a person had edited it");
    let members = tx.draft_members(of.id, 9).await.expect("read");
    let all = serde_json::to_string(&(&left, &members, &cluster.template)).expect("json");
    assert!(!all.contains("acme"), "{all}");
}

async fn the_last_word_about_a_fix_counts(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let fix = |pattern: Option<&str>, second| ConfirmedFix {
        incident: id,
        pattern: pattern.map(PatternId::new),
        action: Action::new(ActionKind::ServiceRestart),
        by: "ada".into(),
        at: at(second),
    };
    tx.confirm_fix(&fix(None, 1)).await.expect("kept");
    assert_eq!(tx.confirmed_counts().await.expect("read").len(), 0);
    tx.confirm_fix(&fix(Some("oom"), 2)).await.expect("kept");
    assert_eq!(tx.confirmed_fix(id).await.expect("read"), Some(fix(Some("oom"), 2)));
    assert_eq!(tx.confirmed_counts().await.expect("read").get(&PatternId::new("oom")), Some(&1));
}

/// One attempt in a project, before anything is learned of it.
async fn attempt_of(tx: &mut Tx, project: &str, second: u64) -> EventId {
    let mut new = signal("pay", &format!("{project} {second}"), second);
    new.project = ProjectName::new(project);
    let (id, _) = tx.put_signal(&new, Span::from_secs(1), at(second)).await.expect("stored");
    let seen = selfheal_core::SignalSeen::of(id, &new);
    let id = tx.open_incident(new.project.clone(), "x".into(), seen, at(second)).await.expect("opened").id;
    let plan = plan(id, "/run/a");
    let event = NewEvent {
        incident: id,
        plan: &plan,
        approved_by: None,
        decision_confidence: BasisPoints::ONE,
        started_at: at(second),
    };
    tx.put_event(event).await.expect("stored")
}

/// One attempt in a project, and whether it helped.
async fn attempt(tx: &mut Tx, project: &str, helped: bool, taken_back: bool, second: u64) {
    let event = attempt_of(tx, project, second).await;
    let pattern = PatternId::new("pool-exhausted");
    let settings = Default::default();
    let before = BasisPoints::saturating(5_000);
    let learned = if helped { learn::success(before, &settings) } else { learn::failure(before, &settings) };
    tx.learn(&pattern, event, &learned, "x", at(second)).await.expect("learned");
    let status = if helped { "verified" } else { "not_verified" };
    tx.set_event_status(event, status, Some(at(second)), None).await.expect("set");
    if taken_back {
        let back = learn::recurrence(learned.after, &learned, &settings);
        tx.learn(&pattern, event, &back, "came back", at(second)).await.expect("learned");
    }
}

async fn outcomes_are_counted_by_project_and_taken_back(store: Store) {
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&pattern("Pool exhausted")).await.expect("stored");
    attempt(&mut tx, "shop", true, false, 1).await;
    attempt(&mut tx, "shop", true, true, 2).await;
    attempt(&mut tx, "shop", false, false, 3).await;
    attempt(&mut tx, "bank", true, false, 4).await;
    let outcomes = tx.outcomes_by_project().await.expect("read");
    let one = |project: &str, successes, attempts| (ProjectName::new(project), Outcomes { attempts, successes });
    assert_eq!(outcomes.get(&PatternId::new("pool-exhausted")), Some(&vec![one("bank", 1, 1), one("shop", 1, 3)]));
    let since = |second| at(second);
    let successes = tx.successes_since(since(2), 9).await.expect("read");
    assert_eq!(
        successes.iter().map(|s| s.at).collect::<Vec<_>>(),
        [at(2), at(4)],
        "also what came back: it did go away"
    );
    let steps = tx.confidence_steps_since(since(2), 9).await.expect("read");
    assert_eq!(
        steps.get(&PatternId::new("pool-exhausted")).map(Vec::as_slice),
        Some(&[(5_000, 5_500), (5_500, 4_000), (5_000, 4_000), (5_000, 5_500)][..])
    );
}

async fn a_merge_is_found_until_it_is_undone(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let (a, b) = (pattern("A"), pattern("B"));
    let merge = Merge {
        id: 0,
        merged_before: a.clone(),
        into_before: b.clone(),
        into_after: b.clone(),
        by: "ada".into(),
        at: at(1),
    };
    let id = tx.put_merge(&merge).await.expect("stored");
    assert_eq!(tx.merge_of(&a.id).await.expect("read"), Some(Merge { id, ..merge }));
    assert_eq!(tx.merge_of(&b.id).await.expect("read"), None);
    // As the route does: the merged one is not active any more.
    for (pattern, status) in [(&a, PatternStatus::Disabled), (&b, PatternStatus::Active)] {
        tx.put_pattern(&Pattern { status, ..pattern.clone() }).await.expect("stored");
    }
    assert_eq!(tx.roots().await.expect("read"), [(a.id.clone(), b.id.clone())].into());
    assert_eq!(tx.root_of(&a.id).await.expect("read"), b.id);
    assert_eq!(tx.root_of(&b.id).await.expect("read"), b.id);
    // Active again, whoever made it so, it is its own.
    tx.put_pattern(&a).await.expect("stored");
    assert_eq!(tx.root_of(&a.id).await.expect("read"), a.id);
    tx.put_pattern(&Pattern { status: PatternStatus::Disabled, ..a.clone() }).await.expect("stored");
    tx.undo_merge(id, at(2)).await.expect("undone");
    assert_eq!(tx.merge_of(&a.id).await.expect("read"), None);
    assert_eq!(tx.roots().await.expect("read").len(), 0);
}

/// A base in which each pattern went into the next.
async fn chain(tx: &mut Tx, names: &[&str]) -> Vec<PatternId> {
    let patterns: Vec<Pattern> = names.iter().map(|name| pattern(name)).collect();
    for (i, one) in patterns.iter().enumerate() {
        tx.put_pattern(one).await.expect("stored");
        if let Some(before) = i.checked_sub(1).map(|i| &patterns[i]) {
            merged(tx, before, one).await;
        }
    }
    patterns.into_iter().map(|pattern| pattern.id).collect()
}

async fn merged(tx: &mut Tx, from: &Pattern, into: &Pattern) -> i64 {
    tx.put_pattern(&Pattern { status: PatternStatus::Disabled, ..from.clone() }).await.expect("stored");
    let merge = Merge {
        id: 0,
        merged_before: from.clone(),
        into_before: into.clone(),
        into_after: into.clone(),
        by: "ada".into(),
        at: at(10),
    };
    tx.put_merge(&merge).await.expect("stored")
}

async fn the_latest_rows_are_read_where_there_are_more(store: Store) {
    let mut tx = store.write().await.expect("writes");
    tx.put_pattern(&pattern("Pool exhausted")).await.expect("stored");
    for second in 1..=4 {
        attempt(&mut tx, "shop", second % 2 == 0, false, second).await;
    }
    let successes = tx.successes_since(at(0), 1).await.expect("read");
    assert_eq!(successes.iter().map(|success| success.at).collect::<Vec<_>>(), [at(4)]);
    let steps = tx.confidence_steps_since(at(0), 2).await.expect("read");
    assert_eq!(
        steps.get(&PatternId::new("pool-exhausted")).map(Vec::as_slice),
        Some(&[(5_000, 4_000), (5_000, 5_500)][..])
    );
}

async fn what_was_learned_of_a_merged_pattern_is_the_other_ones_while_the_merge_stands(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let ids = chain(&mut tx, &["A", "B", "C"]).await;
    let [a, b, c] = &ids[..] else { panic!("three") };
    let kind = Fingerprint::of(&["k"]);
    let (here, there) =
        (incident(&mut tx, "pay", Severity::High, 1).await, incident(&mut tx, "web", Severity::High, 2).await);
    for (pattern, evidence) in [(a, Evidence::REJECTED), (b, Evidence::REJECTED), (c, Evidence::CONFIRMED)] {
        tx.add_relevance_evidence(pattern, &kind, evidence, at(1)).await.expect("stored");
    }
    tx.put_hit(a, here, at(1)).await.expect("stored");
    tx.put_hit(c, here, at(1)).await.expect("stored");
    tx.put_hit(b, there, at(2)).await.expect("stored");
    let action = Action::new(ActionKind::ServiceRestart);
    let fix = ConfirmedFix { incident: here, pattern: Some(a.clone()), action, by: "ada".into(), at: at(1) };
    tx.confirm_fix(&fix).await.expect("stored");
    let both = Evidence { confirmed: 1, rejected: 2 };
    assert_eq!(tx.relevance_evidence(std::slice::from_ref(&kind)).await.expect("read"), [(c.clone(), both)]);
    let by_kind = tx.evidence_by_fingerprint(&[&kind]).await.expect("read");
    assert_eq!(by_kind.get(&kind), Some(&vec![(c.clone(), both)]));
    // In one incident both held: that is one hit.
    let hits = tx.all_hits().await.expect("read");
    assert_eq!((hits.len(), hits[c].count, hits[c].last), (1, 2, Some(at(2))));
    assert_eq!(tx.hits_of(c).await.expect("read"), hits[c]);
    assert_eq!(tx.confirmed_counts().await.expect("read"), [(c.clone(), 1)].into());
    // Undone, each has its own again.
    let undo = tx.merge_of(b).await.expect("read").expect("stands");
    tx.undo_merge(undo.id, at(3)).await.expect("undone");
    assert_eq!(
        tx.relevance_evidence(&[kind]).await.expect("read"),
        [(b.clone(), Evidence { confirmed: 0, rejected: 2 }), (c.clone(), Evidence::CONFIRMED)]
    );
    assert_eq!(tx.hits_of(b).await.expect("read").count, 2);
    assert_eq!(tx.hits_of(c).await.expect("read").count, 1);
    assert_eq!(tx.confirmed_counts().await.expect("read"), [(b.clone(), 1)].into());
}

async fn what_attempts_under_a_merged_pattern_taught_is_told_apart(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let (old, new) = (pattern("Pool exhausted"), pattern("Pool"));
    tx.put_pattern(&old).await.expect("stored");
    tx.put_pattern(&new).await.expect("stored");
    // Before the merge it taught itself.
    attempt(&mut tx, "shop", true, false, 1).await;
    merged(&mut tx, &old, &new).await;
    // Begun under the old one's id, ended when it was part of the new one.
    let event = attempt_of(&mut tx, "shop", 11).await;
    let learned = learn::success(BasisPoints::saturating(5_000), &Default::default());
    tx.learn(&new.id, event, &learned, "x", at(12)).await.expect("learned");
    let found = tx.taught_since(&old.id, &new.id, at(10)).await.expect("read");
    assert_eq!(found, Taught { confidence: 500, uses: 1, attempts: 1 });
    let back = learn::recurrence(learned.after, &learned, &Default::default());
    tx.learn(&new.id, event, &back, "came back", at(13)).await.expect("learned");
    let found = tx.taught_since(&old.id, &new.id, at(10)).await.expect("read");
    assert_eq!(found, Taught { confidence: -1_000, uses: 0, attempts: 1 });
    let other = PatternId::new("other");
    assert_eq!(tx.taught_since(&other, &new.id, at(0)).await.expect("read"), Taught::default());
}
