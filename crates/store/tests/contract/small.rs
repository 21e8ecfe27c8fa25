//! The automation switch and tokens.

use selfheal_core::Posture;
use selfheal_store::{ApiToken, Automation, Store};

use crate::on_both;
use crate::support::at;

on_both!(a_new_home_only_observes, a_pause_ends_by_itself, tokens_are_named_once);

async fn a_new_home_only_observes(store: Store) {
    let mut tx = store.read().await.expect("reads");
    assert_eq!(tx.automation(at(0)).await.expect("read").effective(at(0)), Posture::Observe);
}

async fn a_pause_ends_by_itself(store: Store) {
    let automation = Automation {
        posture: Posture::Paused,
        until: Some(at(900)),
        then: Posture::On,
        set_by: "ada".into(),
        set_at: at(0),
        reason: Some("deployment".into()),
    };
    let mut tx = store.write().await.expect("writes");
    tx.put_automation(&automation).await.expect("stored");
    tx.commit().await.expect("committed");
    let mut tx = store.read().await.expect("reads");
    let stored = tx.automation(at(1)).await.expect("read");
    assert_eq!(stored, automation);
    assert_eq!((stored.effective(at(899)), stored.effective(at(900))), (Posture::Paused, Posture::On));
}

async fn tokens_are_named_once(store: Store) {
    let token = |digest: &str| ApiToken {
        name: "ci".into(),
        role: "viewer".into(),
        digest: digest.into(),
        created_at: at(0),
        person: "ada".into(),
        expires_at: Some(at(90).as_micros()),
        made_by: Some("bob".into()),
    };
    let mut tx = store.write().await.expect("writes");
    tx.put_token(&token("one")).await.expect("stored");
    tx.put_token(&token("two")).await.expect("stored");
    assert_eq!(tx.tokens().await.expect("read"), [token("two")], "the newer one takes its place");
    assert!(tx.remove_token("ci").await.expect("stored"));
    assert!(!tx.remove_token("ci").await.expect("stored"));
}
