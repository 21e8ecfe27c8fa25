//! Whose turn it is: writers in their order, the lease before them, and a connection for the engine whoever asks.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use selfheal_core::Span;
use selfheal_store::Store;

use crate::on_both;
use crate::support::{at, signal};

on_both!(a_lease_does_not_wait_in_line, requests_leave_a_connection, writers_come_in_their_order);

async fn writes(store: Store, name: usize, done: Arc<Mutex<Vec<usize>>>) {
    let mut tx = store.write().await.expect("its turn comes");
    tx.put_signal(&signal("pay", &format!("kind {name}"), 0), Span::ZERO, at(0)).await.expect("stored");
    done.lock().expect("no panic").push(name);
    tx.commit().await.expect("stored");
}

async fn a_lease_does_not_wait_in_line(store: Store) {
    let running = store.write().await.expect("writes");
    let done = Arc::new(Mutex::new(Vec::new()));
    // Asked for one after another: each stands in line behind the one before.
    let mut line: Vec<_> = (0..20).map(|name| writes(store.clone(), name, Arc::clone(&done)).boxed()).collect();
    for one in &mut line {
        assert!(one.now_or_never().is_none());
    }
    let (first, before) = (store.clone(), Arc::clone(&done));
    let mut lease = async move {
        let mut tx = first.write_first().await.expect("its turn comes");
        let taken = tx.take_lease("this", at(0), Span::from_secs(15)).await.expect("read");
        tx.commit().await.expect("stored");
        assert!(taken.is_some());
        before.lock().expect("no panic").len()
    }
    .boxed();
    assert!((&mut lease).now_or_never().is_none());
    drop(running);
    let (before, _) = tokio::join!(lease, futures::future::join_all(line));
    // The one that runs, and the one that was next already.
    assert!(before <= 1, "{before} transactions went before the lease");
    assert_eq!(*done.lock().expect("no panic"), (0..20).collect::<Vec<_>>());
}

async fn writers_come_in_their_order(store: Store) {
    let done = Arc::new(Mutex::new(Vec::new()));
    let all = (0..30).map(|name| tokio::spawn(writes(store.clone(), name, Arc::clone(&done))));
    for one in futures::future::join_all(all).await {
        one.expect("none of them gives up");
    }
    assert_eq!(done.lock().expect("no panic").len(), 30);
}

async fn requests_leave_a_connection(store: Store) {
    let requests = store.clone().for_requests();
    let mut held = Vec::new();
    // As many as are given at once; whoever asks for one more waits.
    while let Ok(tx) = tokio::time::timeout(std::time::Duration::from_millis(500), requests.read()).await {
        held.push(tx.expect("reads"));
        assert!(held.len() < 100, "there is no end to them");
    }
    let mut tx = store.read().await.expect("the engine reads");
    assert_eq!(tx.lease_mark().await.expect("read"), None);
    let mut tx = store.write_first().await.expect("the engine writes");
    tx.take_lease("this", at(0), Span::from_secs(15)).await.expect("stored");
    tx.commit().await.expect("stored");
}

/// What was begun for reading could not wait for its turn to write: it would fail with "database is locked" wherever somebody
/// else has written meanwhile.
#[tokio::test]
async fn what_reads_never_writes() {
    for store in [crate::support::sqlite().await, crate::support::postgres().await] {
        let mut tx = store.read().await.expect("reads");
        let refused = tx.put_signal(&signal("pay", "x", 0), Span::ZERO, at(0)).await;
        let error = refused.expect_err("must be refused").to_string();
        assert!(error.contains("readonly") || error.contains("read-only"), "{error}");
    }
}

/// Processes that make and open one file at the same moment: none of them finds it locked or half made.
#[tokio::test]
async fn a_file_is_opened_by_many_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("icdev.db").display());
    let all = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { Store::open(&url).await.map(|_| ()).map_err(|error| error.to_string()) })
    });
    for opened in futures::future::join_all(all).await {
        assert_eq!(opened.expect("no panic"), Ok(()));
    }
}
