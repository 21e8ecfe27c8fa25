//! Backup, restore, redaction and retention as their callers meet them: who may, what is refused, and what notices.

use std::io::Write;
use std::sync::Arc;

use selfheal_api::view::{AuditPage, IncidentPage, IncidentView, Overview};
use selfheal_api::{App, AppOptions, Client, ClientError, Home, RestoreReply, Role, bind, serve_tcp};
use selfheal_core::{
    Action, ActionKind, BasisPoints, Fact, IncidentId, PatternId, Plan, Posture, ServiceName, Span, Step, TargetSpec,
    Timestamp,
};
use selfheal_store::NewEvent;
use serde_json::{Value, json};

struct Place {
    app: Arc<App>,
    folder: tempfile::TempDir,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    app.add_knowledge().await.expect("added");
    Place { app, folder }
}

async fn ingest(place: &Place, text: &str) -> IncidentId {
    let body = json!({ "text": text, "source": "test", "service": "pay", "project": null, "dry_run": false });
    let reply: Value = Client::in_process(&place.app).post("/api/v1/ingest", &body).await.expect("taken");
    reply["incident"]["id"].as_str().expect("an incident").parse().expect("an id")
}

async fn backup(place: &Place, client: &Client) -> Result<std::path::PathBuf, ClientError> {
    let path = place.folder.path().join("b.selfheal");
    let mut file = std::fs::File::create(&path).expect("made");
    client.download("POST", "/api/v1/backup", |piece| file.write_all(piece)).await.map(|()| path)
}

async fn restore(path: &std::path::Path, client: &Client) -> Result<RestoreReply, ClientError> {
    client.upload("/api/v1/restore", tokio::fs::File::open(path).await.expect("opens")).await
}

fn code<T>(result: Result<T, ClientError>) -> String {
    match result {
        Err(ClientError::Problem(problem)) => problem.code,
        Err(other) => panic!("expected a problem, found {other}"),
        Ok(_) => "allowed".into(),
    }
}

#[tokio::test]
async fn only_an_admin_takes_everything_away_or_puts_it_back() {
    let place = place().await;
    let id = ingest(&place, "ERROR password=hunter2-abcdef").await;
    let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let _served = serve_tcp(&place.app, listener);
    for (role, expected) in [(Role::Viewer, "forbidden"), (Role::Approver, "forbidden"), (Role::Admin, "allowed")] {
        let token = place.app.session_token(role.as_str(), role).expect("a token");
        let client = Client::remote(&base, Some(token)).expect("a client");
        let accept = json!({ "posture": "observe", "minutes": null, "reason": null, "accept_database": true });
        assert_eq!(code(client.put::<Value>("/api/v1/automation", &accept).await), expected, "{role}");
        let body = json!({ "text": "hunter2-abcdef", "reason": "logged" });
        let redacted = client.post::<Value>(&format!("/api/v1/incidents/{id}/redact"), &body).await;
        assert_eq!(code(redacted), expected, "{role}");
        let made = backup(&place, &client).await;
        let path = place.folder.path().join("b.selfheal");
        assert_eq!(code(made), expected, "{role}");
        if role != Role::Admin {
            std::fs::write(&path, "x").expect("written");
        }
        assert_eq!(code(restore(&path, &client).await), expected, "{role}");
    }
}

#[tokio::test]
async fn nothing_is_restored_while_an_action_is_under_way() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let id = ingest(&place, "ERROR x").await;
    let path = backup(&place, &client).await.expect("made");
    let plan = Plan {
        incident: id,
        pattern: PatternId::new("p"),
        attempt: 1,
        action: Action::new(ActionKind::ServiceRestart),
        service: ServiceName::new("pay"),
        target: TargetSpec::Process {
            pidfile: "/run/a".into(),
            start: vec!["/bin/true".into()],
            stop: vec![],
            daemonizes: false,
            stop_timeout_seconds: 10,
            working_directory: None,
            output: None,
        },
        steps: vec![Step { call: "start".into(), detail: "start".into() }],
        undo: selfheal_core::WayBack::Nothing,
        instances: 1,
        dependants: vec![],
        checks: vec![],
    };
    let store = place.app.engine.store();
    let confidence = BasisPoints::saturating(9_000);
    let now = place.app.engine.now();
    let event =
        NewEvent { incident: id, plan: &plan, approved_by: None, decision_confidence: confidence, started_at: now };
    let mut tx = store.write().await.expect("writes");
    let event = tx.put_event(event).await.expect("stored");
    tx.commit().await.expect("committed");
    for status in ["intended", "running"] {
        let mut tx = store.write().await.expect("writes");
        tx.set_event_status(event, status, None, None).await.expect("stored");
        tx.commit().await.expect("committed");
        assert_eq!(code(restore(&path, &client).await), "action_in_flight", "{status}");
    }
    let mut tx = store.write().await.expect("writes");
    tx.set_event_status(event, "succeeded", Some(now), None).await.expect("stored");
    tx.commit().await.expect("committed");
    assert_eq!(restore(&path, &client).await.expect("restored").carried_starts, 1);
}

#[tokio::test]
async fn what_was_read_before_a_restore_is_forgotten() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    ingest(&place, "ERROR nobody knows this").await;
    let path = backup(&place, &client).await.expect("made");
    let overview: Overview = client.get("/api/v1/overview").await.expect("read");
    let at_backup = overview.audit.entries;
    for _ in 0..5 {
        let body = json!({ "posture": "on", "minutes": null, "reason": null });
        let _: Value = client.put("/api/v1/automation", &body).await.expect("set");
    }
    place.app.engine.tick().await.expect("leads");
    let overview: Overview = client.get("/api/v1/overview").await.expect("read");
    assert!(overview.audit.ok && overview.audit.entries > at_backup);
    restore(&path, &client).await.expect("restored");
    // Until there are more entries than before: the number alone does not tell that the trail is another one.
    for _ in 0..9 {
        let body = json!({ "posture": "paused", "minutes": null, "reason": "restored from a backup of x" });
        let _: Value = client.put("/api/v1/automation", &body).await.expect("set");
    }
    let overview: Overview = client.get("/api/v1/overview").await.expect("read");
    // `backup.made` is not in the backup, and `backup.restored` has its place.
    assert_eq!((overview.audit.ok, overview.audit.entries), (true, at_backup + 9));
    restore(&path, &client).await.expect("restored");
    let overview: Overview = client.get("/api/v1/overview").await.expect("read");
    assert_eq!((overview.audit.ok, overview.audit.entries), (true, at_backup));
    assert_eq!(overview.automation.effective, Posture::Paused);
    let reason = overview.automation.reason.expect("a reason");
    assert!(reason.starts_with("restored from a backup of "), "{reason}");
    // The engine takes the lease anew and goes on.
    for task in place.app.engine.tick().await.expect("leads again") {
        task.await.expect("ran");
    }
    assert_eq!(place.app.engine.status().problems.len(), 0, "{:?}", place.app.engine.status().problems);
}

#[tokio::test]
async fn what_expired_is_told_by_the_incident_and_once_in_the_trail() {
    let place = place().await;
    let client = Client::in_process(&place.app);
    let (old, fresh) = (ingest(&place, "ERROR the old one").await, {
        let body =
            json!({ "text": "ERROR another", "source": "t", "service": "shop", "project": null, "dry_run": false });
        let reply: Value = client.post("/api/v1/ingest", &body).await.expect("taken");
        reply["incident"]["id"].as_str().expect("an id").parse::<IncidentId>().expect("an id")
    });
    let now = place.app.engine.now();
    let days = |days: u64| now - Span::from_minutes(days * 24 * 60);
    let store = place.app.engine.store();
    let close = async |id: IncidentId, at: Timestamp| {
        let mut tx = store.write().await.expect("writes");
        let fact = Fact::ResolvedByPerson { by: "ada".into(), comment: None, watch_until: at };
        for fact in [fact, Fact::WatchEnded] {
            tx.record(id, &fact, at).await.expect("legal");
        }
        tx.commit().await.expect("committed");
    };
    // Older than the evidence is kept, and younger than the story is.
    close(old, days(31)).await;
    close(fresh, days(29)).await;
    // A change has no incident that could be closed: its own age counts.
    for age in [31, 29] {
        let body = json!({ "service": "shop", "kind": "restart", "at": days(age).to_rfc3339() });
        client.post::<Value>("/api/v1/changes", &body).await.expect("recorded");
    }
    let purge = async || {
        for task in place.app.engine.tick().await.expect("leads") {
            task.await.expect("ran");
        }
        let page: AuditPage = client.get("/api/v1/audit?limit=1000").await.expect("read");
        page.entries.into_iter().filter(|entry| entry.event_type == "retention.purged").collect::<Vec<_>>()
    };
    let entries = purge().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(
        entries[0].details["purged"],
        json!({ "facts": 0, "signals": 1, "minutes": 1, "changes": 1, "baselines": 0 })
    );
    assert_eq!(purge().await.len(), 1, "hourly, and not each time");
    let page: Value = client.get("/api/v1/changes").await.expect("listed");
    assert_eq!(page["changes"].as_array().map(Vec::len), Some(1), "{page}");
    let view: IncidentView = client.get(&format!("/api/v1/incidents/{old}")).await.expect("read");
    assert!(view.signals.is_empty() && view.story.len() == 3);
    assert!(view.expired.as_deref().is_some_and(|words| words.starts_with("Its evidence has expired")), "{view:?}");
    let view: IncidentView = client.get(&format!("/api/v1/incidents/{fresh}")).await.expect("read");
    assert_eq!((view.signals.len(), view.expired), (1, None));
    let page: IncidentPage = client.get("/api/v1/incidents").await.expect("listed");
    assert_eq!(page.incidents.len(), 2);
}
