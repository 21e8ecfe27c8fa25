//! What every notifier promises, against real servers; then what each of them adds.

mod email;
mod http;

use std::sync::Arc;

use async_trait::async_trait;
use selfheal_adapters::{MissingSecret, Secret, open_notifiers_with};
use selfheal_core::config::parse;
use selfheal_core::{About, IncidentId, Notice, NoticeKind, ServiceName, Severity, Timestamp};
use selfheal_engine::ports::{Notifier, NotifyError, Retry};

/// A notifier and the other side of it.
#[async_trait]
pub trait Bench: Send + Sync {
    fn notifier(&self) -> &dyn Notifier;
    /// The other side takes what it is given.
    fn works(&self);
    /// It refuses for now, and repeats in its answer everything it was sent.
    fn refuses_for_now(&self);
    /// It refuses for good, and repeats everything.
    fn refuses_for_good(&self);
    /// It takes what it is given and never answers.
    fn hangs(&self);
    /// How often it was asked.
    fn asked(&self) -> usize;
    /// The titles that it took.
    fn heard(&self) -> Vec<String>;
    /// What must never be seen.
    fn secrets(&self) -> Vec<String>;
    /// The same notifier, where nobody listens.
    fn nobody(&self) -> Arc<dyn Notifier>;
}

pub fn notice(title: &str, body: &str) -> Notice {
    Notice {
        id: selfheal_core::sha256_hex(title)[..32].to_owned(),
        at: Timestamp::parse("2026-02-28T14:02:00Z").expect("a time"),
        severity: Severity::High,
        title: title.into(),
        body: body.into(),
        about: About::Incident {
            kind: NoticeKind::Escalated,
            incident: IncidentId(7),
            service: ServiceName::new("web"),
            state: "escalated".into(),
            opened_at: Timestamp::from_micros(1_772_000_000_000_000),
        },
    }
}

/// Opens a notifier as the engine does. `secrets` stands for the environment.
pub fn open(entry: &str, secrets: &[(&str, &str)]) -> Result<Arc<dyn Notifier>, NotifyError> {
    let text = format!("notifications:\n  notifiers:\n    - {{ name: ops, {entry} }}\n");
    let config = parse(&text, "x").unwrap_or_else(|error| panic!("{text}: {error}"));
    let get = |name: &str| match secrets.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Ok(Secret::new(*value)),
        None => Err(MissingSecret { variable: name.to_owned() }),
    };
    open_notifiers_with(&config.notifications.notifiers, &get).remove(0).notifier
}

/// The whole suite.
pub async fn holds(bench: &dyn Bench) {
    let notifier = bench.notifier();
    assert_eq!(notifier.name(), "ops");
    assert!(notifier.disturbs() && !notifier.is_native());
    let mut seen = Vec::new();

    // Tells, and once.
    bench.works();
    seen.push(notifier.notify(&notice("first", "all is <lost> & done")).await.expect("told"));
    assert_eq!((bench.heard(), bench.asked()), (vec!["first".to_owned()], 1));

    // What may pass is told apart, is not repeated by the notifier itself, and works later.
    bench.refuses_for_now();
    let error = notifier.notify(&notice("second", "")).await.expect_err("refused");
    assert_ne!(error.retry, Retry::Never, "{error}");
    assert_eq!((bench.heard().len(), bench.asked()), (1, 2), "{error}");
    seen.push(format!("{error} {error:?}"));
    bench.works();
    notifier.notify(&notice("second", "")).await.expect("told at last");
    assert_eq!(bench.heard(), ["first", "second"]);

    // What will not pass says so.
    bench.refuses_for_good();
    let error = notifier.notify(&notice("third", "")).await.expect_err("refused");
    assert_eq!(error.retry, Retry::Never, "{error}");
    assert_eq!((bench.heard().len(), bench.asked()), (2, 4), "{error}");
    seen.push(format!("{error} {error:?}"));

    let error = bench.nobody().notify(&notice("fourth", "")).await.expect_err("nobody is there");
    assert_eq!(error.retry, Retry::Later, "{error}");
    seen.push(format!("{error} {error:?}"));

    bench.hangs();
    let error = notifier.notify(&notice("fifth", "")).await.expect_err("it gives up before the answer comes");
    assert_eq!(error.retry, Retry::Later, "{error}");
    seen.push(format!("{error} {error:?}"));

    for text in seen {
        for secret in bench.secrets() {
            assert!(!text.contains(&secret), "a secret is shown: {text}");
        }
    }
}

#[test]
fn a_secret_that_is_not_set_is_named() {
    for (entry, variable) in [
        ("slack: { url_env: CHAT }", "CHAT"),
        ("webhook: { url_env: HOOK }", "HOOK"),
        ("webhook: { url: \"http://x/\", secret_env: KEY }", "KEY"),
        ("webhook: { url: \"http://x/\", bearer_env: TOKEN }", "TOKEN"),
        ("email: { host: m, from: a@x.org, to: [b@x.org], username: u, password_env: PW }", "PW"),
    ] {
        let error = open(entry, &[]).err().expect("not set");
        assert!(error.why.contains(&format!("`{variable}` is not set")), "{error}");
        assert_eq!(error.retry, Retry::Later, "set and restarted, it works");
    }
}

#[test]
fn an_address_that_is_none_is_told_without_it() {
    for url in ["hooks.example/T0/s3cr3tkey", "ftp://hooks.example/s3cr3tkey", ""] {
        let error = open("slack: { url_env: CHAT }", &[("CHAT", url)]).err().expect("no address");
        assert!(error.why.contains("the address cannot be used") && !error.to_string().contains("s3cr3t"), "{error}");
    }
}
