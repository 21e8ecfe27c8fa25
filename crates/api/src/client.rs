//! One client for the interface, wherever it is: in this process, behind the home's socket, or at an address.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use selfheal_engine::LiveEvent;

use crate::patience::is_listening;
use crate::{App, Principal, Problem, Secret, router};

pub enum Client {
    InProcess { router: Router, who: Principal },
    Socket { http: reqwest::Client, path: PathBuf },
    Http { http: reqwest::Client, base: String, token: Option<Secret> },
}

/// Bytes of one live event.
const EVENT_LIMIT: usize = 64 * 1024;

/// Status and JSON body, as they came.
#[derive(Clone, Debug, Serialize)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("{0}")]
    Problem(Problem),
    #[error("the engine at {place} cannot be reached: {why}. Check that it runs and that the address is right")]
    Unreachable { place: String, why: String },
    /// It takes requests and does nothing.
    #[error(
        "the engine at {place}{} accepts and does not answer: nothing came in {seconds} s. It hangs, is suspended, or its machine is \
         overloaded",
        process.map_or_else(String::new, |process| format!(" (process {process})"))
    )]
    Silent { place: String, process: Option<i32>, seconds: u64 },
    #[error("the answer of the engine cannot be read: {0}. Is it another version?")]
    Unreadable(String),
    #[error("what came cannot be written: {0}. Check that there is room and that the folder belongs to you")]
    Unwritable(std::io::Error),
    #[error("the answer broke off: {0}. What came so far is not whole; try again")]
    CutOff(String),
}

impl Client {
    pub fn in_process(app: &Arc<App>) -> Self {
        Self::InProcess { router: router(Arc::clone(app)), who: Principal::local() }
    }

    /// The engine that runs for this home, if one does.
    pub fn running(socket: &Path) -> Option<Self> {
        if !is_listening(socket) {
            return None;
        }
        let http = selfheal_adapters::http_client_over(socket).ok()?;
        Some(Self::Socket { http, path: socket.to_owned() })
    }

    pub fn remote(base: &str, token: Option<Secret>) -> Result<Self, ClientError> {
        let http = selfheal_adapters::http_client()
            .map_err(|error| ClientError::Unreachable { place: base.to_owned(), why: error.to_string() })?;
        Ok(Self::Http { http, base: base.trim_end_matches('/').to_owned(), token })
    }

    /// Asks. Any status is a reply.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, ClientError> {
        if let Self::InProcess { router, who } = self {
            return in_process(router.clone(), who.clone(), method, path, body).await;
        }
        let (request, place) = self.raw(method, path)?;
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.patiently(send(request, &place)).await
    }

    /// Asks, and reads the answer; a problem is an error.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, ClientError> {
        let body =
            body.map(serde_json::to_value).transpose().map_err(|error| ClientError::Unreadable(error.to_string()))?;
        let reply = self.request(method, path, body.as_ref()).await?;
        let unreadable = |error: serde_json::Error| ClientError::Unreadable(error.to_string());
        if (200..300).contains(&reply.status) {
            serde_json::from_value(reply.body).map_err(unreadable)
        } else {
            Err(ClientError::Problem(serde_json::from_value(reply.body).map_err(unreadable)?))
        }
    }

    /// A request to an engine in another process, without a body yet, and where that is.
    pub(crate) fn raw(&self, method: &str, path: &str) -> Result<(reqwest::RequestBuilder, String), ClientError> {
        match self {
            Self::InProcess { .. } => Err(ClientError::Unreadable("the engine is in this process".into())),
            Self::Socket { http, path: socket } => {
                Ok((request(http, method, &format!("http://localhost{path}"))?, socket.display().to_string()))
            }
            Self::Http { http, base, token } => {
                let mut request = request(http, method, &format!("{base}{path}"))?;
                if let Some(token) = token {
                    request = request.bearer_auth(token.expose());
                }
                Ok((request, base.clone()))
            }
        }
    }

    /// Live events of an engine in another process, until the connection ends.
    pub async fn live(&self, mut heard: impl FnMut(LiveEvent)) -> Result<(), ClientError> {
        // Whoever has the engine in this process subscribes to it.
        if let Self::InProcess { .. } = self {
            return Ok(());
        }
        let (request, place) = self.raw("GET", "/api/v1/events")?;
        let unreachable =
            |error: reqwest::Error| ClientError::Unreachable { place: place.clone(), why: causes(&error) };
        let asked = async { request.send().await.and_then(reqwest::Response::error_for_status).map_err(unreachable) };
        let mut response = self.patiently(asked).await?;
        let mut pending = Vec::new();
        while let Some(chunk) = self.patiently(async { response.chunk().await.map_err(unreachable) }).await? {
            pending.extend_from_slice(&chunk);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:")
                    && let Ok(event) = serde_json::from_slice(data)
                {
                    heard(event);
                }
            }
            if pending.len() > EVENT_LIMIT {
                return Err(ClientError::Unreadable("an event without an end".into()));
            }
        }
        Ok(())
    }

    /// Asks, and hands the answer on piece by piece as it comes: what is downloaded need not fit into memory.
    pub async fn download(
        &self,
        method: &str,
        path: &str,
        mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ClientError> {
        if let Self::InProcess { router, who } = self {
            let Ok(response) = router.clone().oneshot(in_process_request(who, method, path, None)?).await;
            return in_process_download(response, write).await;
        }
        let (request, place) = self.raw(method, path)?;
        let asked = async {
            request.send().await.map_err(|error| ClientError::Unreachable { place: place.clone(), why: causes(&error) })
        };
        let mut response = self.patiently(asked).await?;
        let status = response.status();
        let mut problem = Vec::new();
        let cut_off = |error: reqwest::Error| ClientError::CutOff(causes(&error));
        while let Some(chunk) = self.patiently(async { response.chunk().await.map_err(cut_off) }).await? {
            if status.is_success() {
                write(&chunk).map_err(ClientError::Unwritable)?;
            } else {
                problem.extend_from_slice(&chunk);
            }
        }
        succeeded(status, &problem)
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call("GET", path, None::<&()>).await
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        self.call("POST", path, Some(body)).await
    }

    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call("DELETE", path, None::<&()>).await
    }

    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<T, ClientError> {
        self.call("PUT", path, Some(body)).await
    }
}

async fn in_process(
    router: Router,
    who: Principal,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Reply, ClientError> {
    let Ok(response) = router.oneshot(in_process_request(&who, method, path, body)?).await;
    let status = response.status();
    let bytes =
        response.into_body().collect().await.map_err(|error| ClientError::Unreadable(error.to_string()))?.to_bytes();
    reply(status, &bytes)
}

fn in_process_request(
    who: &Principal,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Request<Body>, ClientError> {
    let bad = |error: String| ClientError::Unreadable(error);
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| bad(error.to_string()))?;
    let content = body.map(Value::to_string).unwrap_or_default();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .extension(who.clone())
        .body(Body::from(content))
        .map_err(|error| bad(error.to_string()))
}

async fn in_process_download(
    response: axum::response::Response,
    mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), ClientError> {
    let status = response.status();
    let (mut body, mut problem) = (response.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ClientError::CutOff(error.to_string()))?;
        let Some(chunk) = frame.data_ref() else { continue };
        if status.is_success() {
            write(chunk).map_err(ClientError::Unwritable)?;
        } else {
            problem.extend_from_slice(chunk);
        }
    }
    succeeded(status, &problem)
}

/// A download that was refused comes with a problem instead.
fn succeeded(status: StatusCode, problem: &[u8]) -> Result<(), ClientError> {
    if status.is_success() {
        return Ok(());
    }
    let reply = reply(status, problem)?;
    Err(ClientError::Problem(
        serde_json::from_value(reply.body).map_err(|error| ClientError::Unreadable(error.to_string()))?,
    ))
}

fn request(http: &reqwest::Client, method: &str, url: &str) -> Result<reqwest::RequestBuilder, ClientError> {
    let method =
        reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| ClientError::Unreadable(error.to_string()))?;
    Ok(http.request(method, url))
}

async fn send(request: reqwest::RequestBuilder, place: &str) -> Result<Reply, ClientError> {
    let unreachable = |error: reqwest::Error| ClientError::Unreachable { place: place.to_owned(), why: causes(&error) };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let bytes = response.bytes().await.map_err(unreachable)?;
    reply(status, &bytes)
}

/// Answers that are no JSON (a router's own "method not allowed") become a problem, so that callers see one shape.
pub(crate) fn reply(status: StatusCode, bytes: &[u8]) -> Result<Reply, ClientError> {
    let body = match serde_json::from_slice(bytes) {
        Ok(body) => body,
        Err(_) if bytes.is_empty() && status.is_success() => Value::Null,
        Err(error) if status.is_success() => return Err(ClientError::Unreadable(error.to_string())),
        Err(_) => serde_json::json!(Problem {
            code: format!("http_{}", status.as_u16()),
            what: "The request was refused".into(),
            why: String::from_utf8_lossy(bytes).into_owned(),
            next: String::new(),
        }),
    };
    Ok(Reply { status: status.as_u16(), body })
}

/// The innermost cause: "connection refused" says more than "error sending request".
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
