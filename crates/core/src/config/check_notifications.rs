//! What the types of `notifications` cannot say.

use std::collections::BTreeSet;

use super::parse::has_credentials;
use super::{EmailNotifier, Notifications, NotifierKind, NotifierSpec, WebhookNotifier};

/// Names that hosts give to their own notifiers.
const RESERVED: [&str; 2] = ["desktop", "log"];
/// What the webhook sets itself, and what would be a secret in the file.
const OWN_HEADERS: [&str; 7] = [
    "content-type",
    "content-length",
    "host",
    "user-agent",
    "idempotency-key",
    "x-selfheal-signature",
    "x-selfheal-timestamp",
];
const SECRET_HEADERS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// Returns the text to point at, and what is wrong.
pub(super) fn check(notifications: &Notifications) -> Result<(), (String, String)> {
    if notifications.quiet_hours.as_ref().is_some_and(super::QuietHours::is_empty) {
        return Err((
            "quiet_hours".into(),
            "quiet_hours begin and end at the same time: expected two different times, or no quiet_hours".into(),
        ));
    }
    let mut names = BTreeSet::new();
    for notifier in &notifications.notifiers {
        let name = notifier.name.as_str();
        let at_name = format!("name: {name}");
        if name.trim().is_empty() {
            return Err(("name:".into(), "a notifier has an empty name".into()));
        }
        if RESERVED.contains(&name) {
            return Err((at_name, format!("notifier `{name}`: that name is Selfheal's own. Choose another")));
        }
        if !names.insert(name) {
            return Err((at_name, format!("notifier `{name}` stands twice: expected each name once")));
        }
        if notifier.kinds.is_empty() {
            return Err((
                at_name,
                format!("notifier `{name}` has no `kinds`: expected some of escalated, approval_needed, queued"),
            ));
        }
        one(notifier).map_err(|(needle, why)| {
            (if needle.is_empty() { at_name } else { needle }, format!("notifier `{name}`: {why}"))
        })?;
    }
    Ok(())
}

fn one(notifier: &NotifierSpec) -> Result<(), (String, String)> {
    match notifier.kind() {
        None => Err((String::new(), "expected exactly one of `webhook:`, `slack:` and `email:`".into())),
        Some(NotifierKind::Webhook(hook)) => webhook(hook),
        Some(NotifierKind::Slack(slack)) => variable("url_env", &slack.url_env),
        Some(NotifierKind::Email(mail)) => email(mail),
    }
}

fn webhook(hook: &WebhookNotifier) -> Result<(), (String, String)> {
    match (&hook.url, &hook.url_env) {
        (Some(url), None) => {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err((
                    url.clone(),
                    format!("`{url}`: expected an address that starts with http:// or https://"),
                ));
            }
            if has_credentials(url) {
                let why = "its address carries a name or password: use `url_env` or `bearer_env`";
                return Err(("url:".into(), why.into()));
            }
        }
        (None, Some(name)) => variable("url_env", name)?,
        _ => return Err((String::new(), "expected exactly one of `url` and `url_env`".into())),
    }
    for (key, name) in [("secret_env", &hook.secret_env), ("bearer_env", &hook.bearer_env)] {
        name.as_ref().map_or(Ok(()), |name| variable(key, name))?;
    }
    for (name, value) in &hook.headers {
        let lower = name.to_ascii_lowercase();
        let refused = |why: &str| Err((name.clone(), format!("header `{name}`: {why}")));
        if SECRET_HEADERS.contains(&lower.as_str()) {
            return refused("it would put a secret into the file. Use `bearer_env`");
        }
        if OWN_HEADERS.contains(&lower.as_str()) {
            return refused("Selfheal sets it itself");
        }
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
            return refused("expected a header's name: letters, digits and hyphens");
        }
        if !value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)) {
            return refused("expected a value of one line in ASCII");
        }
    }
    Ok(())
}

fn email(mail: &EmailNotifier) -> Result<(), (String, String)> {
    if mail.host.trim().is_empty() || mail.host.contains(['/', '@', ' ']) {
        return Err(("host:".into(), format!("`{}`: expected the name or address of an SMTP server", mail.host)));
    }
    if mail.port == Some(0) {
        return Err(("port: 0".into(), "port 0: expected 1 to 65535".into()));
    }
    match (&mail.username, &mail.password_env) {
        (Some(_), Some(name)) => variable("password_env", name)?,
        (None, None) => {}
        _ => return Err((String::new(), "`username` and `password_env` go together: expected both or none".into())),
    }
    if mail.username.is_some() && mail.is_exposed() {
        let why = format!(
            "with `security: none` the password would cross the network to {} in the clear. Use tls or starttls",
            mail.host
        );
        return Err(("security: none".into(), why));
    }
    if mail.to.is_empty() {
        return Err((String::new(), "`to` is empty: expected at least one address".into()));
    }
    let wrong = std::iter::once(&mail.from).chain(&mail.to).find(|address| !is_address(address));
    wrong.map_or(Ok(()), |address| {
        Err((address.clone(), format!("`{address}`: expected an address such as ops@example.org")))
    })
}

/// The name of an environment variable, not its value: a secret pasted here would stand in the file and be shown.
fn variable(key: &str, name: &str) -> Result<(), (String, String)> {
    let good = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if good {
        return Ok(());
    }
    // What was written may be the secret itself, so it is not repeated.
    Err((format!("{key}:"), format!("`{key}`: expected the name of an environment variable such as OPS_TOKEN")))
}

/// `ops@example.org` or `Ops <ops@example.org>`. The mail library is stricter; this finds what was plainly mistaken.
fn is_address(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((_, rest)) => match rest.strip_suffix('>') {
            Some(address) => address,
            None => return false,
        },
        None => text,
    };
    let parts: Vec<&str> = address.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !address.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
        && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use crate::config::{NotifierKind, SmtpSecurity, parse};
    use crate::{NoticeKind, Severity};

    const MAIL: &str = "host: mail.example.org, from: a@example.org, to: [b@example.org]";

    fn under(notifier: &str) -> String {
        format!("notifications:\n  notifiers:\n    - name: ops\n      {notifier}\n")
    }

    #[test]
    fn what_is_read_and_what_is_left_out() {
        let text = under(&format!("email: {{ {MAIL} }}\n      min_severity: high\n      kinds: [escalated]"));
        let config = parse(&text, "x").expect("parses");
        let notifier = &config.notifications.notifiers[0];
        let Some(NotifierKind::Email(mail)) = notifier.kind() else { panic!("{notifier:?}") };
        assert_eq!((mail.security, mail.port()), (SmtpSecurity::Starttls, 587));
        for (kind, severity, wanted) in [
            (NoticeKind::Escalated, Severity::High, true),
            (NoticeKind::Escalated, Severity::Critical, true),
            (NoticeKind::Escalated, Severity::Medium, false),
            (NoticeKind::Queued, Severity::Critical, false),
        ] {
            assert_eq!(notifier.wants(kind, severity), wanted, "{kind:?} {severity:?}");
        }
        let config = parse(&under("slack: { url_env: SLACK_URL }"), "x").expect("parses");
        let notifier = &config.notifications.notifiers[0];
        assert!(NoticeKind::ALL.into_iter().all(|kind| notifier.wants(kind, Severity::Info)), "everything by default");
    }

    #[test]
    fn a_place_does_not_give_away_what_lets_one_in() {
        for (notifier, place) in [
            ("webhook: { url: \"https://h.example:8443/hook/t0k3n?key=s3cret\" }", "https://h.example:8443"),
            ("webhook: { url_env: HOOK }", "the address in $HOOK"),
            ("slack: { url_env: SLACK_URL }", "the address in $SLACK_URL"),
            (&format!("email: {{ {MAIL} }}"), "b@example.org by mail.example.org:587"),
        ] {
            let config = parse(&under(notifier), "x").expect("parses");
            let kind = config.notifications.notifiers[0].kind().expect("one");
            assert_eq!(kind.place(), place);
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let hook = "webhook: { url: \"https://x/\"";
        let twice = "    - name: ops\n      slack: { url_env: B }";
        for (notifier, place, expected) in [
            ("min_severity: high".to_owned(), "x:3:7: ", "exactly one of `webhook:`, `slack:` and `email:`"),
            ("slack: { url_env: A }\n      webhook: { url: \"http://x/\" }".into(), "x:3:7: ", "exactly one of"),
            (format!("slack: {{ url_env: A }}\n{twice}"), "x:5:7: ", "stands twice"),
            ("slack: { url: \"https://hooks.example/T0\" }".into(), "x:4:", "url_env"),
            ("slack: { url_env: \"https://hooks.example/T0\" }".into(), "x:4:16: ", "name of an environment variable"),
            ("webhook: {}".into(), "x:3:7: ", "exactly one of `url` and `url_env`"),
            ("webhook: { url: \"ftp://x/\" }".into(), "x:4:24: ", "starts with http:// or https://"),
            ("webhook: { url: \"http://u:p@x/\" }".into(), "x:4:18: ", "carries a name or password"),
            (format!("{hook}, secret: abc }}"), "x:4:", "secret_env"),
            (format!("{hook}, headers: {{ Authorization: abc }} }}"), "x:4:", "Use `bearer_env`"),
            (format!("{hook}, headers: {{ Host: abc }} }}"), "x:4:", "Selfheal sets it itself"),
            (format!("{hook}, headers: {{ X-A: \"a\\nB: c\" }} }}"), "x:4:", "one line"),
            (format!("email: {{ {MAIL}, username: u }}"), "x:3:7: ", "go together"),
            (
                format!("email: {{ {MAIL}, security: none, username: u, password_env: P }}"),
                "x:4:",
                "in the clear. Use tls or starttls",
            ),
            (format!("email: {{ {MAIL}, security: ssl }}"), "x:4:", "starttls"),
            ("email: { host: m, from: a@x, to: [] }".into(), "x:3:7: ", "`to` is empty"),
            ("email: { host: m, from: a@x, to: [b] }".into(), "x:", "expected an address such as"),
            ("email: { host: m, from: a@x, to: [\"b@x\\r\\nBcc: c@x\"] }".into(), "x:", "expected an address such as"),
            ("slack: { url_env: A }\n      kinds: []".into(), "x:3:7: ", "has no `kinds`"),
            ("slack: { url_env: A }\n      kinds: [solved]".into(), "x:5:", "approval_needed"),
            ("slack: { url_env: A }\n      min_severity: urgent".into(), "x:5:", "critical"),
            ("slack: { url_env: A }\n      channel: x".into(), "x:5:", "channel"),
            (
                "slack: { url_env: A }\n  quiet_hours: { from: \"22:00\", to: \"22:00\" }".into(),
                "x:5:3: ",
                "two different times",
            ),
            (
                "slack: { url_env: A }\n  quiet_hours: { from: \"22\", to: \"7:00\" }".into(),
                "x:5:",
                "time of day such as",
            ),
            (
                "slack: { url_env: A }\n  quiet_hours: { from: \"22:00\", to: \"07:00\", zone: CET }".into(),
                "x:5:",
                "an offset such as",
            ),
        ] {
            let text = under(&notifier);
            let error = parse(&text, "x").expect_err(&notifier).to_string();
            assert!(error.starts_with(place) && error.contains(expected), "{text}gave {error}");
        }
        let text = under("slack: { url_env: A }").replace("name: ops", "name: log");
        assert!(parse(&text, "x").expect_err("reserved").to_string().contains("Selfheal's own"));
    }

    #[test]
    fn loopback_may_be_plain() {
        for (host, exposed) in
            [("localhost", false), ("127.0.0.1", false), ("\"::1\"", false), ("10.0.0.1", true), ("mail.example", true)]
        {
            let text = under(&format!("email: {{ host: {host}, security: none, from: a@x, to: [b@x] }}"));
            let config = parse(&text, "x").expect("parses");
            let Some(NotifierKind::Email(mail)) = config.notifications.notifiers[0].kind() else { panic!("{host}") };
            assert_eq!(mail.is_exposed(), exposed, "{host}");
        }
    }
}
