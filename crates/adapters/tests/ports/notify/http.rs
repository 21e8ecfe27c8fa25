//! The webhook and the chat, against a real HTTP server.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use selfheal_core::Span;
use selfheal_engine::ports::{Notifier, Retry};
use selfheal_tests::port::HeldPort;
use selfheal_tests::receiver::{Receiver, Reply, Request};
use serde_json::{Value, json};

use super::{Bench, holds, notice, open};

const KEY: &str = "k3y-of-the-signature";
const TOKEN: &str = "t0ken-of-the-bearer";
const PATH: &str = "/services/T0SECRET/s3cr3t-path?token=qu3ry-s3cret";

struct HttpBench {
    receiver: Receiver,
    notifier: Arc<dyn Notifier>,
    entry: &'static str,
    /// Where the title stands in the body.
    title: &'static str,
    /// Nobody listens there.
    nobody: HeldPort,
}

fn open_at(entry: &str, url: &str) -> Arc<dyn Notifier> {
    open(entry, &[("URL", url), ("KEY", KEY), ("TOKEN", TOKEN)]).expect("opened")
}

impl HttpBench {
    fn new(entry: &'static str, title: &'static str) -> Self {
        let receiver = Receiver::start();
        let notifier = open_at(entry, &receiver.url(PATH));
        Self { receiver, notifier, entry, title, nobody: HeldPort::any() }
    }

    fn echo(&self) -> String {
        let secrets = self.secrets();
        format!("Cannot POST {PATH} with {}", secrets.join(" and Bearer "))
    }
}

#[async_trait]
impl Bench for HttpBench {
    fn notifier(&self) -> &dyn Notifier {
        &*self.notifier
    }
    fn works(&self) {
        self.receiver.reply([Reply::new(200, "ok")]);
    }
    fn refuses_for_now(&self) {
        self.receiver.reply([Reply::new(500, self.echo())]);
    }
    fn refuses_for_good(&self) {
        self.receiver.reply([Reply::new(404, self.echo())]);
    }
    fn hangs(&self) {
        self.receiver.reply([Reply::new(200, "ok").after(Duration::from_secs(60))]);
    }
    fn asked(&self) -> usize {
        self.receiver.received().len()
    }
    fn heard(&self) -> Vec<String> {
        // A server that answers 500 has heard it as well, so only the first, the third and so on count: those taken.
        let taken = [0, 2];
        let requests = self.receiver.received();
        let titles = taken.iter().filter_map(|at| requests.get(*at)).map(|request| {
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let title = body.pointer(self.title).and_then(Value::as_str).expect("a title");
            title.rsplit(' ').next().unwrap_or_default().to_owned()
        });
        titles.collect()
    }
    fn secrets(&self) -> Vec<String> {
        let in_address = ["T0SECRET", "s3cr3t-path", "qu3ry-s3cret"];
        let given = [("KEY", KEY), ("TOKEN", TOKEN)].into_iter().filter(|(name, _)| self.entry.contains(name));
        in_address.into_iter().chain(given.map(|(_, secret)| secret)).map(str::to_owned).collect()
    }
    fn nobody(&self) -> Arc<dyn Notifier> {
        open_at(self.entry, &format!("http://127.0.0.1:{}{PATH}", self.nobody.number()))
    }
}

#[tokio::test]
async fn a_webhook_keeps_the_promises() {
    holds(&HttpBench::new("webhook: { url_env: URL, secret_env: KEY, bearer_env: TOKEN }", "/title")).await;
}

#[tokio::test]
async fn a_chat_keeps_the_promises() {
    holds(&HttpBench::new("slack: { url_env: URL }", "/blocks/0/text/text")).await;
}

/// The digest as another program computes it from what arrived, byte by byte.
fn openssl(request: &Request, key: &str) -> String {
    let mut signed = format!("{}.", request.headers["x-selfheal-timestamp"]).into_bytes();
    signed.extend_from_slice(&request.body);
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-r", "-hmac", key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), &signed).expect("written");
    let output = child.wait_with_output().expect("read");
    String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_what_is_documented() {
    let receiver = Receiver::start();
    let entry = "webhook: { url_env: URL, secret_env: KEY, bearer_env: TOKEN, headers: { X-Team: Ops } }";
    let sent = notice("web needs you", "línea\nwith \"quotes\"");
    let answer = open_at(entry, &receiver.url("/in")).notify(&sent).await.expect("told");
    assert_eq!(answer, "HTTP 200");
    let request = receiver.received().remove(0);
    assert_eq!(request.path, "/in");
    let headers = &request.headers;
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-team"], "Ops");
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(headers["idempotency-key"], sent.id);
    assert_eq!(headers["x-selfheal-signature"], format!("sha256={}", openssl(&request, KEY)));
    assert_ne!(headers["x-selfheal-signature"], format!("sha256={}", openssl(&request, "another")));
    let seconds: i64 = headers["x-selfheal-timestamp"].parse().expect("seconds");
    assert!(seconds > 1_767_225_600, "of this year: {seconds}");
    let body: Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(
        body,
        json!({ "version": 1, "id": sent.id, "kind": "escalated", "incident": "7", "incidents": ["7"], "service": "web",
            "severity": "high", "state": "escalated", "title": "web needs you", "body": "línea\nwith \"quotes\"",
            "at": "2026-02-28T14:02:00Z" })
    );
}

#[tokio::test]
async fn without_a_key_nothing_pretends_to_be_a_signature() {
    let receiver = Receiver::start();
    open_at("webhook: { url_env: URL }", &receiver.url("/")).notify(&notice("a", "b")).await.expect("told");
    let headers = receiver.received().remove(0).headers;
    assert!(!headers.contains_key("x-selfheal-signature") && !headers.contains_key("authorization"), "{headers:?}");
}

#[tokio::test]
async fn answers_are_told_apart() {
    let receiver = Receiver::start();
    let notifier = open_at("webhook: { url_env: URL }", &receiver.url("/"));
    let long = "x ".repeat(50_000);
    let after = |text: &str| Reply::new(429, "slow down").header("retry-after", text);
    for (reply, retry, why) in [
        (Reply::new(204, ""), None, "HTTP 204"),
        (Reply::new(400, "invalid_payload\n"), Some(Retry::Never), "HTTP 400: invalid_payload"),
        (Reply::new(401, ""), Some(Retry::Never), "HTTP 401"),
        (Reply::new(410, ""), Some(Retry::Never), "HTTP 410"),
        (Reply::new(302, "").header("location", receiver.url("/elsewhere")), Some(Retry::Never), "HTTP 302"),
        (Reply::new(408, ""), Some(Retry::Later), "HTTP 408"),
        (Reply::new(500, ""), Some(Retry::Later), "HTTP 500"),
        (Reply::new(503, ""), Some(Retry::Later), "HTTP 503"),
        (after("120"), Some(Retry::After(Span::from_secs(120))), "HTTP 429: slow down"),
        (after("soon"), Some(Retry::Later), "HTTP 429: slow down"),
        (after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Retry::After(Span::ZERO)), "HTTP 429: slow down"),
        (Reply::new(500, long), Some(Retry::Later), "HTTP 500: x x x"),
    ] {
        receiver.reply([reply.clone()]);
        let before = receiver.received().len();
        let result = notifier.notify(&notice("a", "b")).await;
        let (found, text) = match &result {
            Ok(answer) => (None, answer.clone()),
            Err(error) => (Some(error.retry), error.why.clone()),
        };
        assert_eq!(found, retry, "{reply:?}: {result:?}");
        assert!(text.starts_with(why) && text.len() < 300, "{reply:?}: {text}");
        assert_eq!(receiver.received().len(), before + 1, "asked once, and nowhere else");
    }
}
