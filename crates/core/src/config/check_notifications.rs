//! What the types of `notifications` cannot say.

use super::check::{entry, line_of, twice};
use super::error::quoted;
use super::tree::{Fault, Node};
use super::{EmailNotifier, Notifications, NotifierKind, WebhookNotifier};

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

const LIST: [&str; 2] = ["notifications", "notifiers"];

pub(super) fn check(notifications: &Notifications, tree: &Node, faults: &mut Vec<Fault>) {
    if notifications.quiet_hours.as_ref().is_some_and(super::QuietHours::is_empty) {
        let message = "`quiet_hours` begin and end at the same time; expected two different times; or remove them";
        faults.push((tree.place(&["notifications", "quiet_hours", "to"]), message.to_owned()));
    }
    let notifiers = &notifications.notifiers;
    for (index, first) in twice(notifiers.iter().map(|notifier| notifier.name.as_str())) {
        let message = format!(
            "notifier {} stands a second time (first in line {}); expected each name once; rename one",
            quoted(notifiers[index].name.as_str()),
            line_of(entry(tree, &LIST, first), &["name"])
        );
        faults.push((entry(tree, &LIST, index).place(&["name"]), message));
    }
    for (index, notifier) in notifiers.iter().enumerate() {
        let node = entry(tree, &LIST, index);
        let name = quoted(notifier.name.as_str());
        let mut fault = |keys: &[&str], why: String| faults.push((node.place(keys), format!("notifier {name}: {why}")));
        if RESERVED.contains(&notifier.name.as_str()) {
            fault(&["name"], "that name is Selfheal's own; expected another one; rename it".into());
        }
        if notifier.kinds.is_empty() {
            fault(&["kinds"], "`kinds` is empty; expected some of escalated, approval_needed and queued".into());
        }
        let given =
            ["webhook", "slack", "email"].into_iter().filter(|key| node.get(key).is_some_and(|(_, n)| !n.is_null()));
        match given.count() {
            1 => {}
            0 => fault(&["name"], "says nobody to tell; expected one of `webhook:`, `slack:` and `email:`".into()),
            _ => fault(
                &["name"],
                "has several channels; expected one of `webhook:`, `slack:` and `email:`; make a notifier of each"
                    .into(),
            ),
        }
        match notifier.kind() {
            Some(NotifierKind::Webhook(hook)) => webhook(hook, node, &mut fault),
            Some(NotifierKind::Email(mail)) => email(mail, &mut fault),
            Some(NotifierKind::Slack(_)) | None => {}
        }
    }
}

fn webhook(hook: &WebhookNotifier, node: &Node, fault: &mut impl FnMut(&[&str], String)) {
    let given = node.get("webhook").map_or(0, |(_, hook)| {
        ["url", "url_env"].into_iter().filter(|key| hook.get(key).is_some_and(|(_, node)| !node.is_null())).count()
    });
    if given != 1 {
        fault(&["webhook"], "expected exactly one of `url` and `url_env`".into());
    }
    for (name, value) in &hook.headers {
        let lower = name.to_ascii_lowercase();
        let mut refused = |why: &str| fault(&["webhook", "headers", name], format!("header {}: {why}", quoted(name)));
        if SECRET_HEADERS.contains(&lower.as_str()) {
            refused("it would put a secret into the file; expected none here; use `bearer_env`");
        } else if OWN_HEADERS.contains(&lower.as_str()) {
            refused("Selfheal sets it itself; expected another one; remove it");
        } else if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        {
            refused("that is no name of a header; expected letters, digits and hyphens");
        } else if !value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)) {
            refused("its value cannot be sent; expected one line in ASCII");
        }
    }
}

fn email(mail: &EmailNotifier, fault: &mut impl FnMut(&[&str], String)) {
    if mail.host.trim().is_empty() || mail.host.contains(['/', '@', ' ']) {
        fault(
            &["email", "host"],
            format!("`host` is {}; expected the name or address of an SMTP server", quoted(&mail.host)),
        );
    }
    if mail.username.is_some() != mail.password_env.is_some() {
        let key = if mail.username.is_some() { "username" } else { "password_env" };
        fault(
            &["email", key],
            "`username` and `password_env` go together; expected both or none; add the other one".into(),
        );
    }
    if mail.username.is_some() && mail.is_exposed() {
        let why = format!(
            "with `security: none` the password would cross the network to {} in the clear; expected tls or starttls",
            mail.host
        );
        fault(&["email", "security"], why);
    }
    if mail.to.is_empty() {
        fault(&["email", "to"], "`to` is empty; expected at least one address".into());
    }
    let wrong = |address: &String| format!("{} is no address; expected one such as ops@example.org", quoted(address));
    if !is_address(&mail.from) {
        fault(&["email", "from"], wrong(&mail.from));
    }
    for address in mail.to.iter().filter(|address| !is_address(address)) {
        fault(&["email", "to"], wrong(address));
    }
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
