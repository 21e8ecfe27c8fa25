//! HTTP health checks: one GET request, judged by its status and, where asked, its body.
//!
//! What a check says (`HTTP 503`, `connection refused (127.0.0.1:8080)`) is matched by detection rules and stays as it
//! is. Only a success tells its duration, so that failures of one kind are one text.

use std::time::Instant;

use async_trait::async_trait;
use reqwest::{Client, Response, Url};
use selfheal_core::Span;
use selfheal_core::config::{CheckKind, CheckSpec, HttpCheck};
use selfheal_core::verify::CheckResult;
use selfheal_engine::ports::Probe;

use super::failure;
use crate::tls;

/// Bytes of a body that are searched.
const BODY_LIMIT: usize = 64 * 1024;

/// A [`Probe`] over HTTP and HTTPS. Follows no redirects, uses no proxy and keeps no connection.
#[derive(Clone, Debug)]
pub struct HttpProbe {
    client: Client,
}

impl HttpProbe {
    /// Fails only where TLS cannot be set up at all.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = tls::build(|client| client.user_agent(concat!("selfheal/", env!("CARGO_PKG_VERSION"))))?;
        Ok(Self { client })
    }

    async fn get(&self, check: &HttpCheck, timeout: Span) -> Result<String, String> {
        let url: Url = check.url.parse().map_err(|error| format!("`{}` is no URL: {error}", check.url))?;
        let started = Instant::now();
        let failed = |error: &reqwest::Error| failure::words(error, &url, timeout);
        let request = self.client.get(url.clone()).timeout(timeout.to_std());
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        match check.expect_status {
            Some(expected) if status.as_u16() == expected => {}
            Some(expected) if status.is_success() => {
                return Err(format!("HTTP {}, expected {expected}", status.as_u16()));
            }
            None if status.is_success() => {}
            _ => return Err(format!("HTTP {}", status.as_u16())),
        }
        if let Some(text) = &check.expect_body
            && !contains(response, text).await.map_err(|error| failed(&error))?
        {
            return Err(format!("body lacks `{text}`"));
        }
        Ok(format!("HTTP {} in {}ms", status.as_u16(), started.elapsed().as_millis()))
    }
}

#[async_trait]
impl Probe for HttpProbe {
    async fn check(&self, spec: &CheckSpec) -> CheckResult {
        let result = match spec.kind() {
            Some(CheckKind::Http(check)) => self.get(check, Span::from_secs(spec.timeout_seconds)).await,
            None => Err("nothing to check: give the health check one of `http`".to_owned()),
        };
        let ok = result.is_ok();
        CheckResult { name: spec.name.clone(), ok, detail: result.unwrap_or_else(|why| why) }
    }
}

/// Whether the first 64 KiB of the body contain a text. Reads no further than where it stands.
async fn contains(mut response: Response, text: &str) -> Result<bool, reqwest::Error> {
    let mut body = Vec::new();
    loop {
        if String::from_utf8_lossy(&body).contains(text) {
            return Ok(true);
        }
        match response.chunk().await? {
            Some(chunk) if body.len() < BODY_LIMIT => {
                body.extend_from_slice(&chunk[..chunk.len().min(BODY_LIMIT - body.len())]);
            }
            _ => return Ok(false),
        }
    }
}
