//! A signed JSON document, POSTed. docs/notifications.md is its description for those who receive it; what stands there
//! stays: fields are added, never renamed.
//!
//! ```json
//! {"version":1,"id":"5f2c...","kind":"escalated","incident":"7","incidents":["7"],"service":"web","severity":"high",
//!  "state":"escalated","title":"web needs you","body":"...","at":"2026-02-28T14:02:00Z"}
//! ```
//!
//! The signature covers the time of sending and the raw body, `HMAC-SHA256(key, "{timestamp}.{body}")`, so that an old
//! notice cannot be sent again under a new time.

use std::collections::BTreeMap;
use std::fmt::Write;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use selfheal_core::{About, IncidentId, Notice, ServiceName, Severity, Timestamp};
use selfheal_engine::ports::{Clock, Notifier, NotifyError};
use serde::Serialize;
use sha2::Sha256;

use super::post::Post;
use crate::{Secret, SystemClock};

const SIGNATURE: &str = "x-selfheal-signature";
const TIMESTAMP: &str = "x-selfheal-timestamp";
const IDEMPOTENCY: &str = "idempotency-key";

/// The keys and headers of a webhook.
#[derive(Debug, Default)]
pub struct Access {
    pub secret: Option<Secret>,
    pub bearer: Option<Secret>,
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Webhook {
    name: String,
    post: Post,
    access: Access,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    id: &'a str,
    kind: &'a str,
    incident: Option<IncidentId>,
    incidents: Vec<IncidentId>,
    service: Option<&'a ServiceName>,
    severity: Severity,
    state: Option<&'a str>,
    title: &'a str,
    body: &'a str,
    at: Timestamp,
}

impl Webhook {
    pub fn new(name: &str, url: &Secret, access: Access) -> Result<Self, NotifyError> {
        let secrets: Vec<&Secret> = access.secret.iter().chain(&access.bearer).collect();
        Ok(Self { name: name.to_owned(), post: Post::new(url, &secrets)?, access })
    }
}

#[async_trait]
impl Notifier for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn notify(&self, notice: &Notice) -> Result<String, NotifyError> {
        let body = serde_json::to_vec(&Document::of(notice)).unwrap_or_default();
        let seconds = (SystemClock.now().as_micros() / 1_000_000).to_string();
        let signature = self.access.secret.as_ref().map(|secret| sign(secret, &seconds, &body));
        self.post
            .json(body, |mut request| {
                for (name, value) in &self.access.headers {
                    request = request.header(name, value);
                }
                if let Some(token) = &self.access.bearer {
                    request = request.bearer_auth(token.expose());
                }
                if let Some(signature) = signature {
                    request = request.header(SIGNATURE, signature);
                }
                request.header(TIMESTAMP, seconds).header(IDEMPOTENCY, &notice.id)
            })
            .await
    }
}

impl<'a> Document<'a> {
    fn of(notice: &'a Notice) -> Self {
        let (service, state, incidents) = match &notice.about {
            About::Incident { incident, service, state, .. } => (Some(service), Some(state.as_str()), vec![*incident]),
            About::Summary { incidents } => (None, None, incidents.clone()),
            About::Configuration | About::Test => (None, None, Vec::new()),
        };
        Self {
            version: 1,
            id: &notice.id,
            kind: notice.about.name(),
            incident: notice.incident(),
            incidents,
            service,
            severity: notice.severity,
            state,
            title: &notice.title,
            body: &notice.body,
            at: notice.at,
        }
    }
}

/// `sha256=` and the digest in hexadecimal.
fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return String::new() };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn the_signature_is_what_others_compute() {
        let signature = sign(&Secret::new("key"), "1700000000", br#"{"a":1}"#);
        assert_eq!(signature, "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
    }
}
