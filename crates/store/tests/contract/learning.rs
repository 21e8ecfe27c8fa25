//! Hits, drafts, confirmed fixes, outcomes by project, and merges.

use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::draft::{Member, digest};
use selfheal_core::knowledge::{PackEntry, Pattern, PatternStatus, Rule, Taught, document_of, unmerge};
use selfheal_core::learn::Outcomes;
use selfheal_core::matching::Evidence;
use selfheal_core::redact::Redaction;
use selfheal_core::{
    Action, ActionKind, BasisPoints, Change, ChangeKind, EventId, Fingerprint, IncidentId, PatternId, ProjectName,
    ServiceName, Severity, SignalKind, Span, learn,
};
use selfheal_store::{ClusterStatus, ConfirmedFix, DraftCluster, Merge, NewEvent, Store, Tx};

use crate::on_both;
use crate::support::{at, incident, pattern, plan, signal};

on_both!(
    a_hit_counts_once_for_each_incident,
    a_cluster_and_its_members_come_back,
    the_weakest_waiting_cluster_is_found,
    the_same_is_found_whatever_its_age,
    members_beyond_the_latest_keep_only_their_place,
    patterns_are_found_by_a_word,
    a_draft_changes_no_version_and_only_drafts_are_removed,
    an_edited_draft_can_be_removed,
    a_draft_that_gets_another_name_keeps_its_document,
    redaction_reaches_the_draft,
    redaction_reaches_every_copy,
    what_came_with_a_pack_is_left_and_named,
    entries_about_patterns_that_hold_it_are_named,
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
    let known = tx.texts_of_known(10, 10).await.expect("read");
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
    assert!(of.contains(&first) && of.len() == 2);
    assert_eq!(tx.draft_clusters_of(&ProjectName::new("bank"), SignalKind::Log, 9).await.expect("read"), []);
    assert_eq!(tx.draft_clusters_of(&ProjectName::new("shop"), SignalKind::Alert, 9).await.expect("read"), []);
}

async fn the_same_is_found_whatever_its_age(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let shop = ProjectName::new("shop");
    let long = "é".repeat(2_000);
    let alert = DraftCluster { kind: SignalKind::Alert, alert: Some("Slow".into()), ..cluster("slow", 1, 1) };
    let health = DraftCluster { kind: SignalKind::Health, ..cluster("lease lost", 1, 1) };
    let mut ids = Vec::new();
    for cluster in [cluster("lease lost", 1, 0), cluster(&long, 1, 0), alert, health, cluster("lease lost", 1, 9)] {
        ids.push(tx.put_cluster(&cluster).await.expect("stored"));
    }
    let one = incident(&mut tx, "pay", Severity::High, 0).await;
    let of = |kind, alert: Option<&str>, service: &str, template: &str| Member {
        kind,
        alert: alert.map(str::to_owned),
        service: ServiceName::new(service),
        ..member(one, template)
    };
    for (member, expected) in [
        (of(SignalKind::Log, None, "web", "lease lost"), Some(ids[0])),
        (of(SignalKind::Log, None, "web", &long), Some(ids[1])),
        (of(SignalKind::Log, None, "web", &format!("{long}x")), None),
        (of(SignalKind::Alert, Some("Slow"), "web", "whatever"), Some(ids[2])),
        (of(SignalKind::Alert, Some("Fast"), "web", "slow"), None),
        (of(SignalKind::Health, None, "pay", "lease lost"), Some(ids[3])),
        (of(SignalKind::Health, None, "web", "lease lost"), None),
    ] {
        let found = tx.draft_cluster_of_same(&shop, &member).await.expect("read");
        assert_eq!(found.map(|cluster| cluster.id), expected, "{member:?}");
    }
    let latest = tx.draft_clusters_of(&shop, SignalKind::Log, 1).await.expect("read");
    assert_eq!(latest.iter().map(|cluster| cluster.id).collect::<Vec<_>>(), [ids[4]], "those seen last");
}

async fn members_beyond_the_latest_keep_only_their_place(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let of = tx.put_cluster(&cluster("lease lost", 3, 1)).await.expect("stored");
    let other = tx.put_cluster(&cluster("other", 1, 1)).await.expect("stored");
    let mut ids = Vec::new();
    for second in 0..3 {
        let id = incident(&mut tx, "pay", Severity::High, second).await;
        tx.put_draft_member(of, &member(id, &format!("lease {second} lost"))).await.expect("kept");
        ids.push(id);
    }
    assert_eq!(tx.prune_draft_members(of, 2).await.expect("pruned"), 1);
    assert_eq!(tx.prune_draft_members(of, 2).await.expect("pruned"), 0);
    let incidents = |members: Vec<Member>| members.into_iter().map(|member| member.incident).collect::<Vec<_>>();
    assert_eq!(incidents(tx.draft_members(of, 9).await.expect("read")), [ids[1], ids[2]]);
    assert_eq!(incidents(tx.other_draft_members(other, 9).await.expect("read")), [ids[2], ids[1]]);
    // It is still a member, so that it is not counted again.
    assert_eq!(tx.cluster_of_incident(ids[0]).await.expect("read").map(|cluster| cluster.id), Some(of));
    assert!(tx.redact(ids[0], &corp(), at(9), at(0)).await.expect("redacted").is_nothing());
}

async fn patterns_are_found_by_a_word(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let (one, other) = (pattern("Quorum lost"), pattern("Disk full"));
    let draft = Pattern { status: PatternStatus::Draft, ..pattern("Quorum gone") };
    tx.put_patterns(&[one.clone(), other], at(1)).await.expect("stored");
    tx.put_draft(&draft).await.expect("stored");
    assert_eq!(tx.patterns_saying("Quorum", 9).await.expect("read"), [one]);
    assert_eq!(tx.patterns_saying("exhausted", 1).await.expect("read").len(), 1);
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
    // One that a person has edited does not go.
    let draft = edited_draft(&mut tx, "Lease lost").await;
    let of = |made: String| DraftCluster { id: ids[3], pattern: draft.id.clone(), made, ..cluster("d", 1, 2) };
    tx.put_cluster(&of("as it was made".into())).await.expect("stored");
    for id in &ids[..3] {
        let mut other = cluster("other", 9, 9);
        (other.id, other.pattern) = (*id, PatternId::new(""));
        tx.put_cluster(&other).await.expect("stored");
    }
    assert_eq!(tx.weakest_cluster(0).await.expect("read").map(|cluster| cluster.id), Some(ids[0]));
    tx.put_cluster(&of(digest(&draft))).await.expect("stored");
    assert_eq!(tx.weakest_cluster(0).await.expect("read").map(|cluster| cluster.id), Some(ids[3]));
    for (id, template, incidents, last) in [(ids[0], "a", 1, 9), (ids[1], "b", 1, 5), (ids[2], "c", 7, 1)] {
        tx.put_cluster(&DraftCluster { id, ..cluster(template, incidents, last) }).await.expect("stored");
    }
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

/// A draft with the document that a person wrote of it.
async fn edited_draft(tx: &mut Tx, name: &str) -> Pattern {
    let mut draft = pattern(name);
    draft.status = PatternStatus::Draft;
    tx.put_draft(&draft).await.expect("stored");
    let document = format!("# Ada's\nname: {name}\n");
    tx.put_document(&draft.id, Some(&document), None, at(1), "ada").await.expect("stored");
    draft
}

async fn an_edited_draft_can_be_removed(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let draft = edited_draft(&mut tx, "Lease lost").await;
    assert!(tx.remove_draft(&draft.id).await.expect("removed"));
    assert_eq!(tx.kept_pattern(&draft.id).await.expect("read"), None);
    // What is not a draft keeps its document, too.
    let active = pattern("Pool exhausted");
    tx.put_pattern(&active).await.expect("stored");
    tx.put_document(&active.id, Some("name: Pool exhausted\n"), None, at(1), "ada").await.expect("stored");
    assert!(!tx.remove_draft(&active.id).await.expect("asked"));
    assert!(tx.kept_pattern(&active.id).await.expect("read").expect("there").document.is_some());
}

async fn a_draft_that_gets_another_name_keeps_its_document(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let draft = edited_draft(&mut tx, "Lease lost").await;
    let renamed = Pattern { id: PatternId::new("lease-gone"), name: "Lease gone".into(), ..draft.clone() };
    tx.rename_draft(&draft.id, &renamed).await.expect("renamed");
    assert_eq!(tx.pattern(&draft.id).await.expect("read"), None);
    let kept = tx.kept_pattern(&renamed.id).await.expect("read").expect("there");
    assert_eq!((kept.pattern, kept.document.as_deref()), (renamed, Some("# Ada's\nname: Lease lost\n")));
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
    let redacted = tx.redact(id, &corp(), at(9), at(0)).await.expect("redacted");
    let knowledge = redacted.knowledge;
    assert_eq!((knowledge.members, knowledge.clusters, knowledge.patterns.len(), knowledge.rows()), (1, 1, 1, 3));
    let cluster = tx.cluster_of_incident(id).await.expect("read").expect("there");
    let left = tx.drafts().await.expect("read");
    assert_eq!((left.len(), &left[0].id), (1, &cluster.pattern));
    assert_eq!(cluster.made, digest(&left[0]), "it is not as if a person had edited it");
    let members = tx.draft_members(of.id, 9).await.expect("read");
    let all = serde_json::to_string(&(&left, &members, &cluster.template)).expect("json");
    assert!(!all.contains("acme"), "{all}");
}

fn corp() -> Redaction {
    Redaction::text("acme-corp").expect("long enough")
}

/// A pattern that says it in its rule, in an example and in its document.
async fn leaky_pattern(tx: &mut Tx, name: &str, status: PatternStatus) -> Pattern {
    let line = "lease of tenant acme-corp lost again";
    let mut leaky = pattern(name);
    leaky.rule = Some(Rule::regex("lease of tenant acme-corp lost"));
    leaky.examples.matches = vec![line.into()];
    leaky.auto_healable = status == PatternStatus::Active;
    leaky.status = status;
    match status {
        PatternStatus::Draft => tx.put_draft(&leaky).await,
        _ => tx.put_pattern(&leaky).await,
    }
    .expect("stored");
    let document = document_of(&PackEntry::from(&leaky), Some("# acme-corp called\nname: x\n"));
    tx.put_document(&leaky.id, Some(&document), None, at(1), "ada").await.expect("stored");
    leaky
}

async fn redaction_reaches_every_copy(store: Store) {
    let mut tx = store.write().await.expect("writes");
    // An incident that some rule knew: it is nobody's draft.
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let active = leaky_pattern(&mut tx, "Lease lost", PatternStatus::Active).await;
    let draft = leaky_pattern(&mut tx, "Lease gone", PatternStatus::Draft).await;
    // A draft of other incidents, of which this one was a near miss.
    let mut other = pattern("Lease found");
    other.status = PatternStatus::Draft;
    other.must_not = vec!["acme-corp".into()];
    other.examples.rejects = vec!["pool exhausted of acme-corp".into()];
    tx.put_draft(&other).await.expect("stored");
    let mut of = cluster("lease found", 1, 1);
    (of.pattern, of.made) = (other.id.clone(), digest(&other));
    of.notes = vec!["The rule also holds on: lease of acme-corp".into()];
    of.reason = Some("acme-corp only".into());
    of.id = tx.put_cluster(&of).await.expect("stored");
    // A merge, and a change with a comment.
    let (mut merged, into) = (active.clone(), pattern("Into"));
    merged.id = PatternId::new("merged");
    let both = Pattern { examples: merged.examples.clone(), updated_at: at(2), ..into.clone() };
    tx.put_pattern(&both).await.expect("stored");
    let merge = Merge {
        id: 0,
        merged_before: merged.clone(),
        into_before: into.clone(),
        into_after: both.clone(),
        by: "ada".into(),
        at: at(2),
    };
    tx.put_merge(&merge).await.expect("stored");
    let change = Change {
        id: 0,
        at: at(1),
        project: ProjectName::new("shop"),
        service: ServiceName::new("pay"),
        kind: ChangeKind::Deployment,
        version: None,
        actor: "ada".into(),
        comment: Some("moved acme-corp".into()),
        event: None,
    };
    tx.put_change(&change).await.expect("stored");

    let version = tx.knowledge_version().await.expect("read");
    let done = tx.redact(id, &corp(), at(9), at(0)).await.expect("redacted").knowledge;
    assert_eq!((done.clusters, done.documents, done.merges, done.changes), (1, 2, 1, 1));
    let ids: Vec<&str> = done.patterns.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["into", "lease-found", "lease-gone", "lease-lost"]);
    assert_eq!(done.disarmed().collect::<Vec<_>>(), [&active.id]);
    assert_eq!(tx.knowledge_version().await.expect("read"), version + 1, "a copy in memory learns of it");

    let kept = tx.kept_patterns().await.expect("read");
    let undo = tx.merge_of(&merged.id).await.expect("read").expect("there");
    let clusters = tx.draft_clusters(ClusterStatus::Waiting, 9).await.expect("read");
    let changes = tx.latest_changes(None, 9).await.expect("read");
    let all = format!("{kept:?}{undo:?}{clusters:?}{changes:?}");
    assert!(!all.contains("acme"), "{all}");
    let one = |id: &PatternId| kept.iter().find(|kept| kept.pattern.id == *id).expect("there");
    assert!(one(&active.id).document.as_ref().is_some_and(|text| text.starts_with("# [redacted] called")), "{kept:?}");
    assert_eq!(clusters[0].made, digest(&one(&other.id).pattern), "it is not as if a person had edited it");
    assert!(one(&draft.id).pattern.updated_at == at(9) && one(&active.id).pattern.updated_at == at(9));
    // The merge can still be undone.
    let now = &one(&into.id).pattern;
    let back = unmerge(&undo.merged_before, &undo.into_before, &undo.into_after, now, Taught::default(), at(10));
    assert_eq!(back.expect("undone").examples, into.examples);
    assert!(tx.redact(id, &corp(), at(10), at(0)).await.expect("again").is_nothing());
}

async fn what_came_with_a_pack_is_left_and_named(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    let mut foreign = pattern("Quota of acme-corp");
    foreign.provenance.origin = "starter".into();
    tx.put_pattern(&foreign).await.expect("stored");
    let mut edited = Pattern { id: PatternId::new("acme-corp-edited"), updated_at: at(3), ..foreign.clone() };
    tx.put_pattern(&edited).await.expect("stored");
    let done = tx.redact(id, &corp(), at(9), at(0)).await.expect("redacted").knowledge;
    assert_eq!((&done.foreign_left, &done.ids_left), (&vec![foreign.id.clone()], &vec![edited.id.clone()]));
    assert_eq!(tx.pattern(&foreign.id).await.expect("read"), Some(foreign));
    (edited.name, edited.updated_at) = ("Quota of [redacted]".into(), at(9));
    assert_eq!(tx.pattern(&edited.id).await.expect("read"), Some(edited));
}

async fn entries_about_patterns_that_hold_it_are_named(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let id = incident(&mut tx, "pay", Severity::High, 0).await;
    for (event_type, pattern, details) in [
        ("knowledge.edited", "a", "acme-corp"),
        ("knowledge.edited", "b", "x"),
        ("learning.draft_rejected", "of-acme-corp", "x"),
        ("automation.changed", "a", "acme-corp"),
    ] {
        let entry = NewEntry {
            at: at(1),
            event_type,
            actor: "ada".into(),
            incident_id: None,
            pattern_id: Some(PatternId::new(pattern)),
            confidence: None,
            action: None,
            target: None,
            result: "x".into(),
            details: serde_json::json!({ "before": details }),
        };
        tx.audit(entry).await.expect("appended");
    }
    let left = tx.audit_entries_with(id, &corp()).await.expect("read");
    assert_eq!(left.iter().map(|id| id.0).collect::<Vec<_>>(), [1, 3]);
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
