//! Who is answered over TCP, under which name, for how long, and as whom.

use std::sync::Arc;
use std::time::Duration;

use selfheal_api::view::IncidentView;
use selfheal_api::{App, AppOptions, Client, ClientError, Home, LiveEvent, Role, Secret, Served, bind, serve_tcp};
use selfheal_store::ApiToken;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// As long as it may take on a machine that has other things to do.
const SOON: Duration = Duration::from_secs(60);

struct Place {
    app: Arc<App>,
    address: String,
    _served: Served,
    folder: tempfile::TempDir,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let served = serve_tcp(&app, listener);
    Place { app, address, _served: served, folder }
}

impl Place {
    fn client(&self, token: &str) -> Client {
        Client::remote(&format!("http://{}", self.address), Some(Secret::new(token))).expect("a client")
    }

    async fn token(&self, body: Value) -> String {
        let made: Value = Client::in_process(&self.app).post("/api/v1/tokens", &body).await.expect("made");
        made["token"].as_str().expect("a token").to_owned()
    }

    /// Sends what somebody else's program would, and returns all that is answered.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.expect("connects");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("in time").expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Opens a stream of events as this token, and waits until it hears one.
    async fn listen(&self, token: &str) -> (tokio::task::JoinHandle<Result<(), ClientError>>, Heard) {
        let client = self.client(token);
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            client
                .live(move |event| {
                    let _ = sender.send(event);
                })
                .await
        });
        tokio::time::timeout(SOON, async {
            while heard.is_empty() {
                self.happens();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("the stream is open");
        while heard.try_recv().is_ok() {}
        (task, heard)
    }

    fn happens(&self) {
        let _ = self.app.engine.live().send(LiveEvent::AutomationChanged);
    }
}

type Heard = tokio::sync::mpsc::UnboundedReceiver<LiveEvent>;

fn code(error: ClientError) -> String {
    match error {
        ClientError::Problem(problem) => problem.code,
        other => panic!("expected a problem, found {other}"),
    }
}

#[tokio::test]
async fn nothing_is_answered_under_another_name_or_to_another_page() {
    let place = place().await;
    let token = place.token(json!({ "name": "ada", "role": "admin" })).await;
    let own = place.address.clone();
    let evil = "evil.example".to_owned();
    for path in ["/", "/incidents/1", "/favicon.svg", "/api/v1/overview", "/api/v1/events", "/api/v1/none"] {
        for (host, origin, status, words) in [
            (&evil, None, "421", "public_urls"),
            (&own, Some("http://evil.example"), "403", "public_urls"),
            (&own, Some("null"), "403", "public_urls"),
        ] {
            let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
            let answer = place
                .raw(&format!(
                    "GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
                ))
                .await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} as {host} {origin}: {answer}");
            assert!(answer.contains(words), "it says what to configure: {answer}");
            assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
        }
    }
    let asked = |host: &str, more: &str| {
        format!(
            "GET /api/v1/overview HTTP/1.1\r\nHost: {host}\r\n{more}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
    };
    for (host, more) in [(own.as_str(), ""), ("localhost", ""), (own.as_str(), &*format!("Origin: http://{own}\r\n"))] {
        let answer = place.raw(&asked(host, more)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    assert!(place.raw(&asked("selfheal.example", "")).await.starts_with("HTTP/1.1 421"));
    let config = "server:\n  public_urls: [\"https://selfheal.example\"]\n";
    place.app.engine.reconfigure(selfheal_core::config::parse(config, "test").expect("parses"));
    let listed = asked("selfheal.example", "Origin: https://selfheal.example\r\n");
    assert!(place.raw(&listed).await.starts_with("HTTP/1.1 200"), "as configured");
}

#[tokio::test]
async fn a_removed_token_hears_nothing_more() {
    let place = place().await;
    let token = place.token(json!({ "name": "ada", "role": "viewer" })).await;
    let (stream, mut heard) = place.listen(&token).await;
    let _: Value = Client::in_process(&place.app).delete("/api/v1/tokens/ada").await.expect("removed");
    place.happens();
    tokio::time::timeout(SOON, stream).await.expect("the stream ends").expect("ran").expect("by itself");
    assert!(heard.try_recv().is_err(), "something was told after the token was removed");
}

#[tokio::test]
async fn a_token_that_another_process_removed_or_changed_hears_nothing_more() {
    let place = place().await;
    let now = || place.app.engine.now();
    let elsewhere = App::open(AppOptions::new(Home::new(place.folder.path()))).await.expect("opens");
    // Removed through another process of the same database; given another role; at its end.
    for case in ["removed", "another role", "expired"] {
        let token = place.token(json!({ "name": case.replace(' ', "-"), "role": "approver" })).await;
        let (stream, mut heard) = place.listen(&token).await;
        let mut tx = elsewhere.engine.store().write().await.expect("writes");
        let tokens = tx.tokens().await.expect("read");
        let mine = tokens.into_iter().find(|one| one.name == case.replace(' ', "-")).expect("there");
        match case {
            "removed" => assert!(tx.remove_token(&mine.name).await.expect("removed")),
            "another role" => tx.put_token(&ApiToken { role: "viewer".into(), ..mine }).await.expect("stored"),
            _ => {
                let soon = ApiToken { expires_at: Some(now().as_micros() + 1_000), ..mine };
                tx.put_token(&soon).await.expect("stored");
            }
        }
        tx.commit().await.expect("committed");
        tokio::time::timeout(SOON, stream).await.expect("the stream ends").expect("ran").expect("by itself");
        place.happens();
        assert!(heard.try_recv().is_err(), "{case}: something was told");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_and_says_so() {
    let place = place().await;
    let token = place.token(json!({ "name": "ada", "role": "viewer", "expires": "1h" })).await;
    let client = place.client(&token);
    let _: Value = client.get("/api/v1/overview").await.expect("answered");
    let mut tx = place.app.engine.store().write().await.expect("writes");
    let mine = tx.tokens().await.expect("read").remove(0);
    tx.put_token(&ApiToken { expires_at: Some(place.app.engine.now().as_micros()), ..mine }).await.expect("stored");
    tx.commit().await.expect("committed");
    let refused = client.get::<Value>("/api/v1/overview").await.expect_err("refused");
    assert_eq!(code(refused), "token_expired");
}

#[tokio::test]
async fn one_token_has_so_many_streams_and_no_more() {
    let place = place().await;
    let token = place.app.session_token("viewer", Role::Viewer).expect("a token").expose().to_owned();
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(place.listen(&token).await);
    }
    let refused = place.client(&token).get::<Value>("/api/v1/events").await.expect_err("refused");
    assert_eq!(code(refused), "too_many_streams");
    let (last, _) = streams.pop().expect("one");
    last.abort();
    tokio::time::timeout(SOON, place.listen(&token)).await.expect("there is room again");
}

#[tokio::test]
async fn two_tokens_of_one_person_are_one_approver() {
    let place = place().await;
    let root = place.folder.path().display().to_string();
    let config = format!(
        "approval: {{ second_approver_for: [service.restart] }}\nservices:\n  - name: pay\n    managed: true\n    target: {{ kind: process, pidfile: {root}/pay.pid, start: [/bin/sleep, \"60\"] }}\n"
    );
    place.app.engine.reconfigure(selfheal_core::config::parse(&config, "test").expect("parses"));
    let local = Client::in_process(&place.app);
    let body = json!({ "text": "ERROR nobody has seen this before", "source": "test", "service": "pay", "project": null, "dry_run": false });
    let _: Value = local.post("/api/v1/ingest", &body).await.expect("taken");
    while let tasks = place.app.engine.tick().await.expect("ticks")
        && !tasks.is_empty()
    {
        for task in tasks {
            task.await.expect("ran");
        }
    }
    let page: Value = local.get("/api/v1/incidents?group=needs_you").await.expect("listed");
    let id = page["incidents"][0]["id"].as_str().expect("an incident").to_owned();
    let chosen: IncidentView = local
        .post(&format!("/api/v1/incidents/{id}/choose"), &json!({ "action": "service.restart", "service": null }))
        .await
        .expect("chosen");
    let approve = json!({ "plan_hash": chosen.plan.expect("a plan").hash, "typed_target": null });
    let path = format!("/api/v1/incidents/{id}/approve");
    let mut clients = Vec::new();
    for (name, person) in [("ada-laptop", "ada"), ("ada-phone", "Ada"), ("bob", "bob")] {
        let token = place.token(json!({ "name": name, "role": "approver", "person": person })).await;
        clients.push(place.client(&token));
    }
    let first: IncidentView = clients[0].post(&path, &approve).await.expect("approved");
    assert_eq!(first.approval.expect("asked for").given, 1);
    let again = clients[1].post::<IncidentView>(&path, &approve).await.expect_err("the same person");
    assert_eq!(code(again), "second_approver_needed");
    let seen: IncidentView = clients[1].get(&format!("/api/v1/incidents/{id}")).await.expect("shown");
    assert!(!seen.can.approve.allowed, "and it is not offered");
    let second: IncidentView = clients[2].post(&path, &approve).await.expect("another person");
    assert_eq!(second.approval.expect("given").given, 2);
}
