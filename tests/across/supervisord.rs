//! A program under a real supervisord is killed, restarted over XML-RPC, verified and learned from.

use std::time::{Duration, Instant};

use selfheal_api::view::{AuditPage, ChainView, IncidentPage, IncidentView, PatternView, StateName};
use selfheal_api::{App, AppOptions, Client, Home};
use selfheal_core::Posture;
use selfheal_tests::port::HeldPort;
use selfheal_tests::supervisord::{Program, Supervisord};
use selfheal_tests::wait::PATIENCE;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_is_healed() {
    let held = HeldPort::any();
    let port = held.number();
    let server =
        Supervisord::start(&[Program::new("shop", format!("/usr/bin/python3 -m http.server {port} --bind 127.0.0.1"))]);
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::new(folder.path());
    home.init().expect("made");
    let config = format!(
        "verification: {{ stabilisation_seconds: 2, timeout_seconds: 20, interval_seconds: 1 }}\n\
         services:\n\
         - name: shop\n  managed: true\n\
         \x20 health_checks: [{{ name: http, http: {{ url: \"http://127.0.0.1:{port}/\" }}, interval_seconds: 1, timeout_seconds: 1 }}]\n\
         \x20 target: {{ kind: supervisord, server: \"{}\", program: shop }}\n",
        server.server()
    );
    std::fs::write(home.config(), config).expect("written");
    let app = App::open(AppOptions::new(home)).await.expect("opens");
    let client = Client::in_process(&app);
    let pattern = json!({ "name": "Shop is down", "root_cause": "{service} was killed", "service": "shop", "auto_healable": true, "may_act": true,
        "rule": "health check \\S+ failed: connection refused", "action": "service.restart", "confidence": 0.7 });
    let _: PatternView = client.put("/api/v1/patterns/shop-is-down", &pattern).await.expect("added");
    app.set_posture(Posture::On, None, None, "test").await.expect("set");
    until("the program serves", || async { std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(()) })
        .await;
    let before = server.pid("shop").expect("it runs");
    let tasks = app.start_engine();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(before), nix::sys::signal::Signal::SIGKILL).expect("killed");
    let view = until("the incident is resolved", || async {
        let page: IncidentPage = client.get("/api/v1/incidents").await.expect("listed");
        let row = page.incidents.into_iter().find(|row| row.state == StateName::Resolved)?;
        Some(client.get::<IncidentView>(&format!("/api/v1/incidents/{}", row.id)).await.expect("shown"))
    })
    .await;
    for task in tasks {
        task.abort();
    }
    app.engine.stop().await;
    let after = server.pid("shop").expect("it runs again");
    assert_ne!(before, after);
    assert_eq!(view.attempts.len(), 1);
    assert_eq!(view.attempts[0].status, "verified");
    let plan = view.plan.expect("a plan");
    assert_eq!(plan.steps.len(), 1, "a program that is gone is only started");
    assert!(plan.steps[0].call.contains("supervisor.startProcess"), "{}", plan.steps[0].call);
    let pattern: PatternView = client.get("/api/v1/patterns/shop-is-down").await.expect("shown");
    assert_eq!((pattern.confidence.value, pattern.use_count), (0.75, 1));
    let page: AuditPage = client.get("/api/v1/audit").await.expect("listed");
    let events: Vec<&str> = page.entries.iter().rev().map(|entry| entry.event_type.as_str()).collect();
    for event in ["self_heal.auto", "action.intended", "action.started", "action.finished", "learning.success"] {
        assert!(events.contains(&event), "{event} is missing: {events:?}");
    }
    let chain: ChainView = client.get("/api/v1/audit/verify").await.expect("checked");
    assert!(chain.ok, "{chain:?}");
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut found: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found().await {
            return value;
        }
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
