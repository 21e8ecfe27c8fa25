//! The chain is appended to and nothing else, and what is done to it behind our back is found.

use selfheal_core::audit::{ChainError, NewEntry};
use selfheal_core::{AuditId, BasisPoints, IncidentId, PatternId};
use selfheal_store::{Connection, Store, Tx};

use crate::on_both;
use crate::support::at;

on_both!(
    entries_are_chained_and_listed,
    an_entry_that_is_not_committed_leaves_no_gap,
    entries_cannot_be_changed_or_removed,
    a_change_behind_our_back_is_found_and_named,
);

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
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.verify_audit().await.expect("read"), (5, None));
    let all = tx.audit_entries(None, None, 10).await.expect("read");
    assert_eq!(all.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!(all[0].controls, "IR-4,IR-5");
    let page = tx.audit_entries(Some(IncidentId(1)), Some(AuditId(5)), 10).await.expect("read");
    assert_eq!(page.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [3, 1]);
}

async fn an_entry_that_is_not_committed_leaves_no_gap(store: Store) {
    filled(&store, 2).await;
    let mut tx = store.write().await.expect("writes");
    append(&mut tx, 9).await;
    drop(tx);
    filled(&store, 1).await;
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.verify_audit().await.expect("read"), (3, None));
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
    for statement in ["update audit_trail set actor = 'x' where id = 1", "delete from audit_trail where id = 2"] {
        let error = intrude(&store, statement).await.expect_err("must be refused");
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.verify_audit().await.expect("read"), (2, None));
}

async fn a_change_behind_our_back_is_found_and_named(store: Store) {
    filled(&store, 4).await;
    let off: &[&'static str] = match store.kind() {
        "SQLite" => &["drop trigger audit_trail_is_not_edited", "drop trigger audit_trail_is_not_shortened"],
        _ => &["drop trigger audit_trail_is_not_changed on audit_trail"],
    };
    for statement in off {
        intrude(&store, statement).await.expect("an intruder can do that");
    }
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.verify_audit().await.expect("read"), (4, None));
    drop(tx);
    intrude(&store, "update audit_trail set result = 'nothing happened' where id = 3").await.expect("changed");
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.verify_audit().await.expect("read"), (2, Some(ChainError::Edited { id: AuditId(3) })));
    drop(tx);
    intrude(&store, "delete from audit_trail where id = 2").await.expect("removed");
    let mut tx = store.read().await.expect("reads");
    let missing = ChainError::Missing { id: AuditId(2), found: AuditId(3) };
    assert_eq!(tx.verify_audit().await.expect("read"), (1, Some(missing)));
}
