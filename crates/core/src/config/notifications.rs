//! Who is told, and how.
//!
//! Invariant: a secret never stands in the file. What carries one (a token, a password, an address that is a capability)
//! is named by its environment variable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::QuietHours;
use crate::{NoticeKind, NotifierName, Severity};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Notifications {
    /// Notifications of the desktop, where there is one.
    pub native: bool,
    pub notifiers: Vec<NotifierSpec>,
    /// When only what is critical is told; the rest is told in one notice at their end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { native: true, notifiers: Vec::new(), quiet_hours: None }
    }
}

/// One channel: exactly one of `webhook`, `slack` and `email`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifierSpec {
    pub name: NotifierName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookNotifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<SlackNotifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailNotifier>,
    /// Told from this severity on; everything by default.
    #[serde(default = "NotifierSpec::everything")]
    pub min_severity: Severity,
    /// What is told; everything by default.
    #[serde(default = "NotifierSpec::all_kinds")]
    pub kinds: BTreeSet<NoticeKind>,
}

/// A signed JSON document to an address. docs/notifications.md describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookNotifier {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "http-url"))]
    pub url: Option<String>,
    /// The variable that holds the address, where whoever knows it may post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub url_env: Option<String>,
    /// The variable that holds the key of the signature; unsigned without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub secret_env: Option<String>,
    /// The variable that holds a token for `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub bearer_env: Option<String>,
    /// Further headers that are no secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackNotifier {
    /// The variable that holds the webhook's address: whoever knows it may post.
    #[schemars(extend("format" = "env-name"))]
    pub url_env: String,
}

/// Mail through an SMTP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailNotifier {
    #[schemars(extend("format" = "line"))]
    pub host: String,
    /// 465 with `tls`, 587 with `starttls`, 25 with `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    #[serde(default)]
    pub security: SmtpSecurity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "line"))]
    pub username: Option<String>,
    /// The variable that holds the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "env-name"))]
    pub password_env: Option<String>,
    /// A PEM file with the certificate of a private authority that is trusted beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "absolute-path"))]
    pub ca_file: Option<PathBuf>,
    pub from: String,
    pub to: Vec<String>,
}

/// How the connection to the SMTP server is protected. There is no "if possible": that protects from nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    Tls,
    /// A plain greeting, then TLS or nothing.
    #[default]
    Starttls,
    /// Not at all.
    None,
}

/// What a notifier speaks: exactly one of the keys of [`NotifierSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifierKind<'a> {
    Webhook(&'a WebhookNotifier),
    Slack(&'a SlackNotifier),
    Email(&'a EmailNotifier),
}

impl NotifierSpec {
    const fn everything() -> Severity {
        Severity::Info
    }

    fn all_kinds() -> BTreeSet<NoticeKind> {
        NoticeKind::ALL.into()
    }

    /// `None` where no key or more than one is given.
    pub const fn kind(&self) -> Option<NotifierKind<'_>> {
        match (&self.webhook, &self.slack, &self.email) {
            (Some(webhook), None, None) => Some(NotifierKind::Webhook(webhook)),
            (None, Some(slack), None) => Some(NotifierKind::Slack(slack)),
            (None, None, Some(email)) => Some(NotifierKind::Email(email)),
            _ => None,
        }
    }

    /// Whether it is to be told of this.
    pub fn wants(&self, kind: NoticeKind, severity: Severity) -> bool {
        severity >= self.min_severity && self.kinds.contains(&kind)
    }
}

impl NotifierKind<'_> {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
        }
    }

    /// Where it leads, for people: without path and query, which may be what lets one in.
    pub fn place(&self) -> String {
        match self {
            Self::Webhook(WebhookNotifier { url: Some(url), .. }) => origin(url).to_owned(),
            Self::Webhook(WebhookNotifier { url_env: Some(variable), .. })
            | Self::Slack(SlackNotifier { url_env: variable }) => {
                format!("the address in ${variable}")
            }
            Self::Webhook(_) => "nowhere".to_owned(),
            Self::Email(email) => format!("{} by {}:{}", email.to.join(", "), email.host, email.port()),
        }
    }
}

impl EmailNotifier {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::None => 25,
        })
    }

    /// Whether mail crosses a network in the clear.
    pub fn is_exposed(&self) -> bool {
        let ip = self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        let loopback = self.host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback());
        self.security == SmtpSecurity::None && !loopback
    }
}

fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}
