//! The HTTP probe against real listeners. What it says is matched by detection rules, so it is compared word by word.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use selfheal_adapters::HttpProbe;
use selfheal_core::config::{CheckSpec, HttpCheck};
use selfheal_core::verify::CheckResult;
use selfheal_engine::ports::Probe;
use selfheal_tests::http::{Answer, HttpServer};
use selfheal_tests::port::HeldPort;

async fn check(url: &str, expect_status: Option<u16>, expect_body: Option<&str>) -> CheckResult {
    let http = HttpCheck { url: url.to_owned(), expect_status, expect_body: expect_body.map(str::to_owned) };
    let spec = CheckSpec {
        name: "health".to_owned(),
        http: Some(http),
        interval_seconds: 10,
        timeout_seconds: 1,
        warn_after: 1,
        critical_after: 3,
        clear_after: 1,
    };
    HttpProbe::new().expect("a client").check(&spec).await
}

#[tokio::test]
async fn answers_are_judged_by_status_and_body() {
    let slow = Duration::from_secs(3);
    let padded = "x".repeat(70 * 1024) + "ready";
    for (name, answer, status, body, expected) in [
        ("well", Answer::new(200, ""), None, None, Ok("HTTP 200 in ")),
        ("another 2xx", Answer::new(204, ""), None, None, Ok("HTTP 204 in ")),
        ("unavailable", Answer::new(503, ""), None, None, Err("HTTP 503")),
        ("a redirect is not followed", Answer::new(302, ""), None, None, Err("HTTP 302")),
        ("the status asked for", Answer::new(401, ""), Some(401), None, Ok("HTTP 401 in ")),
        ("not the status asked for", Answer::new(200, ""), Some(204), None, Err("HTTP 200, expected 204")),
        ("the text is there", Answer::new(200, "all ready"), None, Some("ready"), Ok("HTTP 200 in ")),
        ("the text is not there", Answer::new(200, "starting"), None, Some("ready"), Err("body lacks `ready`")),
        ("the text comes too late", Answer::new(200, padded), None, Some("ready"), Err("body lacks `ready`")),
        ("slow", Answer { delay: slow, ..Answer::new(200, "") }, None, None, Err("timed out after 1s")),
        (
            "slow body",
            Answer { body_delay: slow, ..Answer::new(200, "ready") },
            None,
            Some("ready"),
            Err("timed out after 1s"),
        ),
    ] {
        let server = HttpServer::start(answer);
        let result = check(&server.url("/health"), status, body).await;
        assert_eq!(result.name, "health");
        match expected {
            Ok(begin) => assert!(result.ok && result.detail.starts_with(begin), "{name}: {result:?}"),
            Err(detail) => assert_eq!((result.ok, result.detail.as_str()), (false, detail), "{name}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_changes_is_seen_at_once() {
    let server = HttpServer::start(Answer::new(200, ""));
    for (status, ok) in [(200, true), (500, false), (200, true)] {
        server.answer(Answer::new(status, ""));
        assert_eq!(check(&server.url("/"), None, None).await.ok, ok);
    }
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn what_does_not_answer_is_told_apart() {
    let nobody = HeldPort::any();
    let port = nobody.number();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent_url = format!("http://{}/", silent.local_addr().expect("its address"));
    let closing = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closing_at = closing.local_addr().expect("its address");
    std::thread::spawn(move || {
        for mut connection in closing.incoming().flatten() {
            let _ = std::io::Read::read(&mut connection, &mut [0; 4096]);
        }
    });
    let plain = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let plain_at = plain.local_addr().expect("its address");
    std::thread::spawn(move || {
        for mut connection in plain.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut connection, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}/"), format!("connection refused (127.0.0.1:{port})")),
        (silent_url, "timed out after 1s".to_owned()),
        (format!("http://{closing_at}/"), format!("connection closed without an answer ({closing_at})")),
        ("http://name.invalid/".to_owned(), "name not found: name.invalid".to_owned()),
        (format!("https://{plain_at}/"), "no TLS: ".to_owned()),
        ("not a url".to_owned(), "`not a url` is no URL: relative URL without a base".to_owned()),
    ] {
        let result = check(&url, None, None).await;
        assert!(!result.ok && result.detail.starts_with(&expected), "{url}: {result:?}, expected {expected}");
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_told() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a server");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let _ = tls.complete_io(&mut connection);
        }
    });
    let result = check(&format!("https://localhost:{port}/"), None, None).await;
    assert_eq!((result.ok, result.detail.as_str()), (false, "certificate not valid: UnknownIssuer"));
}

#[tokio::test]
async fn a_check_without_a_kind_says_so() {
    let spec = CheckSpec {
        name: "empty".to_owned(),
        http: None,
        interval_seconds: 10,
        timeout_seconds: 1,
        warn_after: 1,
        critical_after: 3,
        clear_after: 1,
    };
    let result = HttpProbe::new().expect("a client").check(&spec).await;
    assert_eq!((result.ok, result.detail.as_str()), (false, "nothing to check: give the health check one of `http`"));
}
