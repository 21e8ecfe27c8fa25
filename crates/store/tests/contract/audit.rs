//! The chain is appended to and nothing else, and what is done to it behind our back is found.

use selfheal_core::audit::{
    ChainError, Checkpoint, CheckpointError, NewEntry, Report, Start, Trail, TrailError, Unsigned,
};
use selfheal_core::{AuditId, BasisPoints, IncidentId, PatternId};
use selfheal_store::{AuditFilter, AuditRange, Connection, Store, Tx};

use crate::on_both;
use crate::support::at;

on_both!(
    entries_are_chained_and_listed,
    an_entry_that_is_not_committed_leaves_no_gap,
    entries_cannot_be_changed_or_removed,
    a_change_behind_our_back_is_found_and_named,
    every_edited_column_is_found,
    a_checkpoint_shows_what_was_cut_off_or_rewritten,
    entries_are_found_by_what_they_say,
    a_range_is_read_in_pages,
    redacted_evidence_leaves_the_chain_whole,
    a_trail_is_verified_on_from_where_it_stands,
);

/// Checks the whole trail of a store against its own checkpoints.
async fn verify(store: &Store) -> (u64, Option<TrailError>) {
    let mut tx = store.read().await.expect("reads");
    let checkpoints = tx.audit_checkpoints().await.expect("read");
    let trail = Trail::new(Start::Genesis, [key().1], checkpoints);
    let (trail, error) = tx.verify_audit(trail).await.expect("read");
    let error = error.or_else(|| trail.finish().err());
    (trail.chain().count(), error)
}

fn chain_error(error: ChainError) -> Option<TrailError> {
    Some(TrailError::Chain(error))
}

fn key() -> (ed25519_dalek::SigningKey, selfheal_core::audit::PublicKey) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = selfheal_core::audit::PublicKey::from_bytes(key.verifying_key().to_bytes());
    (key, public)
}

async fn sign(store: &Store) -> Checkpoint {
    use ed25519_dalek::Signer;
    let (key, public) = key();
    let mut tx = store.write().await.expect("writes");
    let (entry_id, entry_hash) = tx.audit_head().await.expect("read").expect("an entry");
    let entries = entry_id.0 as u64;
    let unsigned = Unsigned { entry_id, entry_hash, entries, at: at(99), key_id: public.id() };
    let signature = selfheal_core::audit::Signature::from_bytes(key.sign(&unsigned.message()).to_bytes());
    let checkpoint = unsigned.signed(signature);
    tx.put_audit_checkpoint(&checkpoint).await.expect("stored");
    assert_eq!(tx.last_audit_checkpoint(&public.id()).await.expect("read"), Some(checkpoint.clone()));
    tx.commit().await.expect("committed");
    checkpoint
}

/// Takes the triggers away, as whoever owns the database can.
async fn disarm(store: &Store) {
    let off: &[&'static str] = match store.kind() {
        "SQLite" => &[
            "drop trigger audit_trail_is_not_edited",
            "drop trigger audit_trail_is_not_shortened",
            "drop trigger audit_trail_is_not_replaced",
            "drop trigger audit_checkpoints_are_not_edited",
            "drop trigger audit_checkpoints_are_not_removed",
        ],
        _ => &[
            "drop trigger audit_trail_is_not_changed on audit_trail",
            "drop trigger audit_checkpoints_are_not_changed on audit_checkpoints",
        ],
    };
    for statement in off {
        intrude(store, statement).await.expect("an intruder can do that");
    }
}

async fn append(tx: &mut Tx, number: u64) -> AuditId {
    tx.audit(NewEntry {
        at: at(number),
        event_type: "action.started",
        actor: "ada".into(),
        incident_id: Some(IncidentId(number as i64 % 2 + 1)),
        pattern_id: Some(PatternId::new("p")),
        confidence: Some(BasisPoints::saturating(7_123)),
        action: Some("service.restart".into()),
        target: Some("process:/run/é".into()),
        result: "running".into(),
        // Numbers and order must come back to the byte, or the digest would not fit.
        details: serde_json::json!({ "z": 1.10, "a": [1e3, "\u{1F4A5}"] }),
    })
    .await
    .expect("appended")
}

async fn filled(store: &Store, entries: u64) {
    let mut tx = store.write().await.expect("writes");
    for number in 0..entries {
        append(&mut tx, number).await;
    }
    tx.commit().await.expect("committed");
}

async fn entries_are_chained_and_listed(store: Store) {
    filled(&store, 5).await;
    assert_eq!(verify(&store).await, (5, None));
    let mut tx = store.read().await.expect("reads");
    let all = tx.audit_entries(&AuditFilter::default(), None, 10).await.expect("read");
    assert_eq!(all.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!(all[0].controls, "IR-4,IR-5");
    let one = AuditFilter { incident: Some(IncidentId(1)), ..AuditFilter::default() };
    let page = tx.audit_entries(&one, Some(AuditId(5)), 10).await.expect("read");
    assert_eq!(page.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [3, 1]);
}

async fn an_entry_that_is_not_committed_leaves_no_gap(store: Store) {
    filled(&store, 2).await;
    let mut tx = store.write().await.expect("writes");
    append(&mut tx, 9).await;
    drop(tx);
    filled(&store, 1).await;
    assert_eq!(verify(&store).await, (3, None));
}

/// Runs a statement as an intruder with the database's own tools would.
async fn intrude(store: &Store, statement: &'static str) -> Result<(), sqlx::Error> {
    match store.write().await.expect("writes").connection {
        Connection::Sqlite(mut tx) => {
            sqlx::raw_sql(statement).execute(&mut *tx).await?;
            tx.commit().await
        }
        Connection::Postgres(mut tx) => {
            sqlx::raw_sql(statement).execute(&mut *tx).await?;
            tx.commit().await
        }
    }
}

async fn entries_cannot_be_changed_or_removed(store: Store) {
    filled(&store, 2).await;
    sign(&store).await;
    let both = [
        "update audit_trail set actor = 'x' where id = 1",
        "delete from audit_trail where id = 2",
        "update audit_checkpoints set entries = 1",
        "delete from audit_checkpoints",
    ];
    let own: &[&'static str] = match store.kind() {
        // Without a trigger of its own this removes a row unseen.
        "SQLite" => &[
            "insert or replace into audit_trail select id, at, event_type, 'x', incident_id, pattern_id, confidence,
                action, target, result, controls, details, evidence_digest, prev_hash, hash, seal_key, seal from audit_trail where id = 1",
            "insert or replace into audit_checkpoints select entry_id, entry_hash, 1, at, key_id, signature from audit_checkpoints",
        ],
        _ => &["truncate audit_trail", "truncate audit_checkpoints"],
    };
    for statement in both.iter().chain(own) {
        let error = intrude(&store, statement).await.expect_err("must be refused");
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    assert_eq!(verify(&store).await, (2, None));
}

async fn a_change_behind_our_back_is_found_and_named(store: Store) {
    filled(&store, 4).await;
    disarm(&store).await;
    assert_eq!(verify(&store).await, (4, None));
    intrude(&store, "update audit_trail set result = 'nothing happened' where id = 3").await.expect("changed");
    assert_eq!(verify(&store).await, (2, chain_error(ChainError::Edited { id: AuditId(3) })));
    intrude(&store, "delete from audit_trail where id = 2").await.expect("removed");
    let missing = ChainError::Missing { id: AuditId(2), found: AuditId(3) };
    assert_eq!(verify(&store).await, (1, chain_error(missing)));
}

async fn every_edited_column_is_found(store: Store) {
    filled(&store, 3).await;
    disarm(&store).await;
    for (edit, undo) in [
        ("update audit_trail set at = at + 1 where id = 2", "update audit_trail set at = at - 1 where id = 2"),
        (
            "update audit_trail set event_type = 'action.held' where id = 2",
            "update audit_trail set event_type = 'action.started' where id = 2",
        ),
        ("update audit_trail set actor = 'eve' where id = 2", "update audit_trail set actor = 'ada' where id = 2"),
        (
            "update audit_trail set incident_id = null where id = 2",
            "update audit_trail set incident_id = 2 where id = 2",
        ),
        ("update audit_trail set pattern_id = '' where id = 2", "update audit_trail set pattern_id = 'p' where id = 2"),
        (
            "update audit_trail set confidence = 7124 where id = 2",
            "update audit_trail set confidence = 7123 where id = 2",
        ),
        // What reads as the same when it is pressed into a score must be found as well.
        (
            "update audit_trail set confidence = -1 where id = 2",
            "update audit_trail set confidence = 7123 where id = 2",
        ),
        (
            "update audit_trail set action = null where id = 2",
            "update audit_trail set action = 'service.restart' where id = 2",
        ),
        (
            "update audit_trail set target = 'x' where id = 2",
            "update audit_trail set target = 'process:/run/é' where id = 2",
        ),
        ("update audit_trail set result = 'x' where id = 2", "update audit_trail set result = 'running' where id = 2"),
        (
            "update audit_trail set controls = '' where id = 2",
            "update audit_trail set controls = 'IR-4,IR-5' where id = 2",
        ),
        (
            "update audit_trail set details = details || ' ' where id = 2",
            "update audit_trail set details = substr(details, 1, length(details) - 1) where id = 2",
        ),
        (
            "update audit_trail set evidence_digest = evidence_digest || '0' where id = 2",
            "update audit_trail set evidence_digest = substr(evidence_digest, 1, 64) where id = 2",
        ),
        (
            "update audit_trail set prev_hash = prev_hash || '0' where id = 2",
            "update audit_trail set prev_hash = substr(prev_hash, 1, 64) where id = 2",
        ),
        (
            "update audit_trail set hash = hash || '0' where id = 2",
            "update audit_trail set hash = substr(hash, 1, 64) where id = 2",
        ),
    ] {
        intrude(&store, edit).await.expect("changed");
        assert_eq!(verify(&store).await, (1, chain_error(ChainError::Edited { id: AuditId(2) })), "{edit}");
        intrude(&store, undo).await.expect("changed back");
        assert_eq!(verify(&store).await, (3, None), "{undo}");
    }
}

async fn a_checkpoint_shows_what_was_cut_off_or_rewritten(store: Store) {
    filled(&store, 4).await;
    sign(&store).await;
    filled(&store, 1).await;
    disarm(&store).await;
    assert_eq!(verify(&store).await, (5, None));
    // What follows the last checkpoint can be cut off unseen; what it covers cannot.
    intrude(&store, "delete from audit_trail where id = 5").await.expect("removed");
    assert_eq!(verify(&store).await, (4, None));
    intrude(&store, "delete from audit_trail where id = 4").await.expect("removed");
    let truncated = CheckpointError::Truncated { id: AuditId(4), signed: AuditId(4), at: at(99) };
    assert_eq!(verify(&store).await, (3, Some(truncated.into())));
    // Another entry in its place, chained as it should be.
    filled(&store, 1).await;
    let rewritten = CheckpointError::Rewritten { id: AuditId(4), after: AuditId(0), at: at(99) };
    assert_eq!(verify(&store).await, (4, Some(rewritten.into())));
    intrude(&store, "update audit_checkpoints set entry_hash = (select hash from audit_trail where id = 4)")
        .await
        .expect("changed");
    let forged = CheckpointError::Forged { id: AuditId(4), key: key().1.id() };
    assert_eq!(verify(&store).await, (4, Some(forged.into())));
    intrude(&store, "update audit_checkpoints set signature = 'no signature'").await.expect("changed");
    let forged = CheckpointError::Forged { id: AuditId(4), key: key().1.id() };
    assert_eq!(verify(&store).await, (4, Some(forged.into())));
}

async fn entries_are_found_by_what_they_say(store: Store) {
    filled(&store, 3).await;
    let mut tx = store.write().await.expect("writes");
    let other = NewEntry {
        at: at(50),
        event_type: "approval.granted",
        actor: "bob".into(),
        incident_id: None,
        pattern_id: Some(PatternId::new("q")),
        confidence: None,
        action: None,
        target: None,
        result: "x".into(),
        details: serde_json::json!({}),
    };
    tx.audit(other).await.expect("appended");
    tx.commit().await.expect("committed");
    let mut tx = store.read().await.expect("reads");
    let all = AuditFilter::default;
    for (filter, ids) in [
        (all(), &[4, 3, 2, 1][..]),
        (AuditFilter { event: "action.".into(), ..all() }, &[3, 2, 1]),
        (AuditFilter { event: "approval.granted".into(), ..all() }, &[4]),
        // A prefix and no pattern.
        (AuditFilter { event: "a%".into(), ..all() }, &[]),
        (AuditFilter { actor: "bob".into(), ..all() }, &[4]),
        (AuditFilter { actor: "bo".into(), ..all() }, &[]),
        (AuditFilter { pattern: "p".into(), ..all() }, &[3, 2, 1]),
        (AuditFilter { since: Some(at(1)), until: Some(at(50)), ..all() }, &[3, 2]),
        (AuditFilter { since: Some(at(50)), ..all() }, &[4]),
        (AuditFilter { incident: Some(IncidentId(1)), event: "action".into(), ..all() }, &[3, 1]),
    ] {
        let found = tx.audit_entries(&filter, None, 10).await.expect("read");
        assert_eq!(found.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), ids, "{filter:?}");
        assert_eq!(tx.audit_count(&filter).await.expect("read"), ids.len() as i64, "{filter:?}");
    }
}

async fn a_range_is_read_in_pages(store: Store) {
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.audit_range(None, None).await.expect("read"), None);
    drop(tx);
    filled(&store, 5).await;
    let mut tx = store.read().await.expect("reads");
    let range = |first, last, incident| Some(AuditRange { first: AuditId(first), last: AuditId(last), incident });
    assert_eq!(tx.audit_range(None, None).await.expect("read"), range(1, 5, None));
    assert_eq!(tx.audit_range(None, Some(at(2))).await.expect("read"), range(3, 5, None));
    assert_eq!(tx.audit_range(None, Some(at(5))).await.expect("read"), None);
    let two = tx.audit_range(Some(IncidentId(2)), Some(at(1))).await.expect("read");
    assert_eq!(two, range(2, 4, Some(IncidentId(2))));
    let two = two.expect("a range");
    let page = tx.audit_page(&two, None, 1).await.expect("read");
    assert_eq!(page.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [2]);
    let page = tx.audit_page(&two, Some(AuditId(2)), 10).await.expect("read");
    assert_eq!(page.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [4]);
}

async fn redacted_evidence_leaves_the_chain_whole(store: Store) {
    let mut tx = store.write().await.expect("writes");
    let incident = crate::support::incident(&mut tx, "pay", selfheal_core::Severity::High, 1).await;
    let seen = tx.signals_of(incident, 10).await.expect("read");
    let digest = selfheal_core::audit::evidence_digest(&seen);
    let entry = NewEntry {
        at: at(2),
        event_type: "self_heal.escalated",
        actor: "engine".into(),
        incident_id: Some(incident),
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: "a person".into(),
        details: serde_json::json!({}),
    };
    tx.audit(entry.on_evidence(digest.clone())).await.expect("appended");
    tx.commit().await.expect("committed");
    intrude(&store, "update signals set text = '[redacted]', template = '[redacted]'").await.expect("redacted");
    assert_eq!(verify(&store).await, (1, None));
    let mut tx = store.read().await.expect("reads");
    let kept = tx.audit_entries(&AuditFilter::default(), None, 1).await.expect("read");
    assert_eq!(kept[0].evidence_digest, digest);
    let now = tx.signals_of(incident, 10).await.expect("read");
    assert_ne!(selfheal_core::audit::evidence_digest(&now), digest, "and it shows that the line was redacted");
}

async fn a_trail_is_verified_on_from_where_it_stands(store: Store) {
    filled(&store, 600).await;
    let mut tx = store.read().await.expect("reads");
    let (trail, error) = tx.verify_audit(Trail::new(Start::Genesis, [], vec![])).await.expect("read");
    assert_eq!((trail.report().entries, error), (600, None));
    drop(tx);
    filled(&store, 3).await;
    let mut tx = store.read().await.expect("reads");
    let (trail, error) = tx.verify_audit(trail).await.expect("read");
    let Report { entries, last, .. } = trail.report();
    assert_eq!((entries, last, error), (603, Some(AuditId(603)), None));
}
