//! Packs and documents through the interface: who may do what, and two people at once.

use selfheal_api::view::{DocumentReply, DocumentView, ImportReply};
use selfheal_api::{App, AppOptions, Client, ClientError, Home, Secret, bind, serve_tcp};
use serde_json::{Value, json};

const PACK: &str = "patterns:\n  - name: Pool exhausted # ours\n    root_cause: too few\n    rule: { any: [{ literal: pool exhausted }] }\n    action: { kind: service.restart }\n";

fn code(error: &ClientError) -> &str {
    match error {
        ClientError::Problem(problem) => &problem.code,
        other => panic!("expected a problem, found {other}"),
    }
}

#[tokio::test]
async fn everybody_may_read_and_only_admins_may_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&app, listener);
    let local = Client::in_process(&app);
    let file = folder.path().join("pack.yaml");
    std::fs::write(&file, PACK).expect("written");
    let open = || async { tokio::fs::File::open(&file).await.expect("opens") };
    for (role, may) in [("viewer", false), ("approver", false), ("admin", true)] {
        let made: Value = local.post("/api/v1/tokens", &json!({ "name": role, "role": role })).await.expect("made");
        let token = Secret::new(made["token"].as_str().expect("a token"));
        let client = Client::remote(&base, Some(token)).expect("a client");
        let imported = client.upload::<ImportReply>("/api/v1/knowledge/import?file=pack.yaml", open().await).await;
        assert_eq!(imported.is_ok(), may, "{role}");
        if !may {
            local.upload::<ImportReply>("/api/v1/knowledge/import", open().await).await.expect("imported");
            assert_eq!(code(&imported.expect_err("refused")), "forbidden");
        }
        let mut text = Vec::new();
        client
            .download("GET", "/api/v1/knowledge/export", |piece| {
                text.extend_from_slice(piece);
                Ok(())
            })
            .await
            .expect("everybody may export");
        assert!(String::from_utf8_lossy(&text).contains("# ours"));
        let path = "/api/v1/patterns/pool-exhausted/document";
        let view: DocumentView = client.get(path).await.expect("everybody may look");
        let body = json!({ "document": view.document.replace("too few", role) });
        assert_eq!(client.put::<DocumentReply>(path, &body).await.is_ok(), may, "{role}");
        assert_eq!(client.delete::<DocumentView>("/api/v1/patterns/pool-exhausted").await.is_ok(), may, "{role}");
    }
}

#[tokio::test]
async fn two_people_edit_one_pattern() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    let client = Client::in_process(&app);
    let path = "/api/v1/patterns/pool-exhausted/document";
    let text = "name: Pool exhausted\nroot_cause: too few # why\nrule: { any: [{ literal: pool exhausted }] }\naction: { kind: service.restart }\nconfidence: 0.5\n";
    let made: DocumentReply = client.put(path, &json!({ "document": text })).await.expect("added");
    assert!(made.is_new && made.saved && made.document == text, "{made:?}");
    let base = &made.document;
    // One changes the cause, the other the confidence: both hold.
    let one = json!({ "document": base.replace("too few", "a leak"), "base": base });
    client.put::<DocumentReply>(path, &one).await.expect("saved");
    let other = json!({ "document": base.replace("0.5", "0.8"), "base": base });
    let merged: DocumentReply = client.put(path, &other).await.expect("saved");
    assert!(merged.document.contains("a leak # why") && merged.document.contains("confidence: 0.8"), "{merged:?}");
    // Both change the cause: the second is told.
    let again = json!({ "document": base.replace("too few", "load"), "base": base });
    let conflict = client.put::<DocumentReply>(path, &again).await.expect_err("must be refused");
    assert_eq!(code(&conflict), "edited_meanwhile");
    // What acts from now on is said twice; a look at it changes nothing.
    let acting = format!("{}auto_healable: true\n", merged.document);
    let look: DocumentReply =
        client.put(path, &json!({ "document": acting, "dry_run": true })).await.expect("looked at");
    assert!(look.newly_acts && !look.saved, "{look:?}");
    let refused = client.put::<DocumentReply>(path, &json!({ "document": acting })).await.expect_err("must be refused");
    assert_eq!(code(&refused), "would_act");
    client.put::<DocumentReply>(path, &json!({ "document": acting, "may_act": true })).await.expect("saved");
    let wider = acting.replace("literal: pool exhausted", "literal: pool");
    let refused = client.put::<DocumentReply>(path, &json!({ "document": wider })).await.expect_err("must be refused");
    assert_eq!(code(&refused), "would_act", "it would act on more");
    let renamed = acting.replace("name: Pool exhausted", "name: Pool is empty");
    let reply: DocumentReply = client.put(path, &json!({ "document": renamed })).await.expect("a name may change");
    assert_eq!((reply.pattern.id.as_str(), reply.pattern.name.as_str()), ("pool-exhausted", "Pool is empty"));
}
