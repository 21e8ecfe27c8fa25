//! The trail of a home is signed while an engine runs, and what is done to it behind the engine's back is found: by
//! `verify`, by the window's header, by the next start, and by whoever holds an exported bundle.

use selfheal_api::view::{AuditPage, ChainView, Overview};
use selfheal_api::{Client, ClientError, Role, bind, serve_tcp};
use selfheal_core::audit::bundle::{BundleReport, verify};
use selfheal_core::audit::{PublicKey, Start, Trail};

use super::Place;

/// A home whose engine ran, did something and was stopped: its trail is signed to the end.
async fn signed() -> Place {
    let place = Place::open(None).await;
    place.tick().await;
    place.ingest("ERROR nobody has seen this before").await;
    place.tick().await;
    place.app.engine.stop().await;
    place
}

async fn check(place: &Place) -> ChainView {
    place.client.get("/api/v1/audit/verify").await.expect("checked")
}

async fn header(place: &Place) -> (bool, Option<String>) {
    let overview: Overview = place.client.get("/api/v1/overview").await.expect("shown");
    (overview.audit.ok, overview.audit.first_bad)
}

const DISARM: &str = "drop trigger audit_trail_is_not_edited; drop trigger audit_trail_is_not_shortened;
    drop trigger audit_checkpoints_are_not_edited; drop trigger audit_checkpoints_are_not_removed";

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_signs_at_its_start_and_at_its_end() {
    let place = Place::open(None).await;
    let before = check(&place).await;
    assert!(
        before.ok && before.entries > 1,
        "without an engine only the key signed itself, and the rest is sealed: {before:?}"
    );
    assert_eq!((before.checkpoints, before.signed[0].entry.as_str()), (1, "1"), "{before:?}");
    place.tick().await;
    let started = check(&place).await;
    assert_eq!((started.checkpoints, started.signed.len()), (2, 1), "{started:?}");
    assert!(started.signed[0].of_this_home);
    place.ingest("ERROR nobody has seen this before").await;
    place.tick().await;
    let running = check(&place).await;
    assert!(running.ok && running.entries > started.entries && running.checkpoints == 2, "not yet: {running:?}");
    place.app.engine.stop().await;
    let stopped = check(&place).await;
    assert_eq!((stopped.checkpoints, &stopped.signed[0].entry), (3, &stopped.entries.to_string()), "{stopped:?}");
    // The key is on record once, however often an engine starts.
    let place = place.reopen().await;
    place.tick().await;
    let keys: AuditPage = place.client.get("/api/v1/audit?event=audit.key_added").await.expect("listed");
    assert_eq!(
        (keys.total, keys.entries[0].details["public_key"].as_str()),
        (1, Some(stopped.signed[0].public_key.as_str()))
    );
    // Nothing was written meanwhile, so there was nothing to sign.
    assert_eq!(check(&place).await.checkpoints, 3);
    assert_eq!(header(&place).await, (true, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_that_is_cut_off_with_its_checkpoints_is_found_by_what_the_home_keeps() {
    let place = signed().await;
    assert_eq!(header(&place).await, (true, None));
    let entries = check(&place).await.entries;
    place.intrude(DISARM).await;
    place.intrude("delete from audit_checkpoints; delete from audit_trail where id > 1").await;
    let found = check(&place).await;
    assert!(!found.ok, "{found:?}");
    let words = found.first_bad.expect("found");
    assert!(words.contains("entry 2 is missing") && words.contains("cut off"), "{words}");
    assert_eq!((found.first_bad_entry.as_deref(), found.verified, found.entries), (Some("2"), 1, 1));
    let (ok, words) = header(&place).await;
    assert!(!ok && words.as_ref().is_some_and(|words| words.contains("is missing")), "{words:?}");
    // The next engine says so by itself: first by what the home saw last, and once a person has taken the database as it
    // is all the same, by what was signed.
    let place = place.reopen().await;
    place.tick().await;
    let problems = place.app.engine.status().problems;
    assert!(
        problems.get("older database").is_some_and(|problem| problem.contains("has seen audit entry")),
        "{problems:?}"
    );
    place.app.engine.trust().await.expect("taken as it is");
    place.tick().await;
    let problems = place.app.engine.status().problems;
    assert!(problems.get("audit trail").is_some_and(|problem| problem.contains("is gone")), "{problems:?}");
    // Without what the home keeps, the database alone would pass: that is what the file is for.
    let mut tx = place.app.engine.store().read().await.expect("reads");
    let checkpoints = tx.audit_checkpoints().await.expect("read");
    let (trail, error) = tx.verify_audit(Trail::new(Start::Genesis, [], checkpoints)).await.expect("read");
    assert!(error.is_none() && trail.finish().is_ok() && entries > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_chain_is_found() {
    let place = signed().await;
    place.intrude(DISARM).await;
    // Every entry anew, with an edit in the second: what an intruder with this program's own code would do.
    let mut tx = place.app.engine.store().read().await.expect("reads");
    let range = tx.audit_range(None, None).await.expect("read").expect("entries");
    let mut entries = tx.audit_page(&range, None, 100).await.expect("read");
    drop(tx);
    entries[1].actor = "nobody".into();
    let mut previous: Option<String> = None;
    for entry in &mut entries {
        entry.prev_hash = previous.unwrap_or_else(|| entry.prev_hash.clone());
        entry.hash = entry.computed_hash();
        previous = Some(entry.hash.clone());
        let statement = format!(
            "update audit_trail set actor = '{}', prev_hash = '{}', hash = '{}' where id = {}",
            entry.actor, entry.prev_hash, entry.hash, entry.id
        );
        place.intrude(Box::leak(statement.into_boxed_str())).await;
    }
    let found = check(&place).await;
    assert!(!found.ok && found.first_bad.as_ref().is_some_and(|words| words.contains("rewritten")), "{found:?}");
}

async fn export(client: &Client, query: &str) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    let path = format!("/api/v1/audit/export{query}");
    let taken = client.download("GET", &path, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    taken.await.map(|()| bytes)
}

fn read(bundle: &[u8], keys: &[PublicKey]) -> Result<BundleReport, String> {
    verify(bundle, keys).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_bundle_is_verified_by_itself_and_by_the_key_that_is_expected() {
    let place = signed().await;
    let chain = check(&place).await;
    let keys = [PublicKey::parse(&chain.signed[0].public_key).expect("a key")];
    let bundle = export(&place.client, "").await.expect("exported");
    let report = read(&bundle, &keys).expect("good");
    assert_eq!((report.trail.entries, report.trail.checkpoints), (chain.entries, chain.checkpoints));
    assert_eq!(report.sealed_by, Some(keys[0].id()));
    let other = Place::open(None).await;
    other.tick().await;
    let others = PublicKey::parse(&check(&other).await.signed[0].public_key).expect("a key");
    assert!(read(&bundle, &[others]).is_err(), "it is not what another home signed");
    // A part of it, and one incident.
    let report = read(&export(&place.client, "?incident=1").await.expect("exported"), &keys).expect("good");
    assert!(report.trail.entries > 0 && report.trail.entries < chain.entries);
    let report = read(&export(&place.client, "?since=1h").await.expect("exported"), &keys).expect("good");
    assert_eq!(report.trail.entries, chain.entries);
    let report = read(&export(&place.client, "?since=2999-01-01").await.expect("exported"), &keys).expect("good");
    assert_eq!(report.trail.entries, 0);
    // Any byte of it that is changed is noticed.
    for at in (0..bundle.len()).step_by(97) {
        let mut changed = bundle.clone();
        changed[at] ^= 1;
        assert!(read(&changed, &[]).is_err(), "byte {at} was changed unseen");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_the_trail_but_does_not_have_it_signed() {
    let place = signed().await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    for (role, allowed) in [(Role::Viewer, false), (Role::Approver, true), (Role::Admin, true)] {
        let token = place.app.session_token(role.as_str(), role).expect("a token");
        let client = Client::remote(&base, Some(token)).expect("a client");
        client.get::<AuditPage>("/api/v1/audit").await.expect("everybody may look");
        let exported = export(&client, "").await;
        assert_eq!(exported.is_ok(), allowed, "{role}");
        match exported {
            Ok(bundle) => drop(read(&bundle, &[]).expect("good")),
            Err(ClientError::Problem(problem)) => assert_eq!(problem.code, "forbidden"),
            Err(other) => panic!("expected a problem, found {other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_and_counted() {
    let place = signed().await;
    let all: AuditPage = place.client.get("/api/v1/audit?limit=1").await.expect("listed");
    assert_eq!((all.entries.len(), all.verified_to.as_deref()), (1, Some(all.entries[0].id.as_str())));
    assert!(all.total > 1);
    for (query, expected) in [
        ("event=self_heal.", 1),
        ("event=self_heal.escalated", 1),
        ("event=approval.", 0),
        ("actor=engine", 2),
        ("pattern=pool-exhausted", 1),
        ("since=1h", all.total),
        ("until=1h", 0),
        ("incident=1", 1),
    ] {
        let page: AuditPage = place.client.get(&format!("/api/v1/audit?{query}")).await.expect("listed");
        assert_eq!((page.total, page.entries.len() as i64), (expected, expected), "{query}");
    }
    for (query, words) in [("since=yesterday", "neither a time nor an age"), ("incident=x", "is not an id")] {
        let reply = place.client.request("GET", &format!("/api/v1/audit?{query}"), None).await.expect("answered");
        assert!(reply.status == 422 && reply.body.to_string().contains(words), "{}", reply.body);
    }
}
