//! One POST request, and what its answer means for another try.
//!
//! Transient: no connection, no answer in time, 408, 425, 429 (whose `Retry-After` is honoured) and 5xx. Everything else
//! that is no 2xx would be refused again. Redirects are not followed: a signed notice goes where it is told.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use selfheal_core::Span;
use selfheal_engine::ports::{Clock, NotifyError, Retry};

use crate::hide::Hidden;
use crate::probe::failure;
use crate::{Secret, SystemClock, tls};

const TIMEOUT: Span = Span::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read, and characters of it that are shown.
const BODY_LIMIT: usize = 4 * 1024;
const SHOWN: usize = 200;

/// Where to post, and what of it must not be shown.
#[derive(Debug)]
pub struct Post {
    client: Client,
    url: Secret,
    hidden: Hidden,
}

impl Post {
    pub fn new(url: &Secret, secrets: &[&Secret]) -> Result<Self, NotifyError> {
        let parsed = parse(url.expose()).map_err(|why| NotifyError {
            why: format!("the address cannot be used: {why}"),
            next: "Expected one that starts with http:// or https://; correct it and restart Selfheal".into(),
            retry: Retry::Later,
        })?;
        let client = tls::build(|client| {
            client
                .user_agent(concat!("selfheal/", env!("CARGO_PKG_VERSION")))
                .timeout(TIMEOUT.to_std())
                .connect_timeout(CONNECT)
        })
        .map_err(|error| NotifyError {
            why: format!("no HTTP client can be made: {}", error.without_url()),
            next: "Check the certificates of this host".into(),
            retry: Retry::Later,
        })?;
        let hidden =
            secrets.iter().fold(Hidden::default().url(&parsed), |hidden, secret| hidden.secret(secret.expose()));
        Ok(Self { client, url: url.clone(), hidden })
    }

    /// Posts a JSON body. What was answered, in words.
    pub async fn json(
        &self,
        body: Vec<u8>,
        add: impl FnOnce(RequestBuilder) -> RequestBuilder + Send,
    ) -> Result<String, NotifyError> {
        let request = self.client.post(self.url.expose()).header(header::CONTENT_TYPE, "application/json").body(body);
        let response = add(request).send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(format!("HTTP {}", status.as_u16()));
        }
        let (retry, next) = meaning(&response);
        // Shortened afterwards: half a secret is one, too.
        let said: String = self.hidden.apply(&excerpt(response).await).chars().take(SHOWN).collect();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Err(NotifyError { why: format!("HTTP {}{said}", status.as_u16()), next: next.into(), retry })
    }

    fn unreachable(&self, error: reqwest::Error) -> NotifyError {
        let retry = if error.is_builder() { Retry::Never } else { Retry::Later };
        let why = match parse(self.url.expose()) {
            Ok(url) => failure::words(&error.without_url(), &url, TIMEOUT),
            Err(why) => why,
        };
        NotifyError {
            why: self.hidden.apply(&why),
            next: "Check the address, and that it is reachable from here".into(),
            retry,
        }
    }
}

/// Not the parser's own words with the address in them.
fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("it is neither http nor https".into()),
    }
}

fn meaning(response: &Response) -> (Retry, &'static str) {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            (retry_after(response).map_or(Retry::Later, Retry::After), "It asks for a pause")
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => (Retry::Later, "It is tried again"),
        status if status.is_server_error() => (Retry::Later, "The other side has a problem; its log says more"),
        status if status.is_redirection() => {
            (Retry::Never, "The address has moved: put the new one into the configuration")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::GONE => {
            (Retry::Never, "Check the address and its secret: they may have been taken back")
        }
        _ => (Retry::Never, "The other side does not take this notice: check that it expects this kind of notifier"),
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(response: &Response) -> Option<Span> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Span::from_secs(seconds)),
        Err(_) => {
            let at: selfheal_core::Timestamp = chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc().into();
            Some(at.since(SystemClock.now()))
        }
    }
}

/// The beginning of the answer, on one line, with whatever is in it. An answer that does not end is left.
async fn excerpt(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(BODY_LIMIT - body.len())]);
    }
    let text = String::from_utf8_lossy(&body);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}
