//! Files that go through the client in pieces: a backup is larger than memory may be.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use tower::ServiceExt;

use crate::client::{Reply, causes, reply};
use crate::{Client, ClientError};

impl Client {
    /// Asks with an empty POST, and writes the answer's body as it comes.
    pub async fn download(&self, path: &str, out: &mut (impl AsyncWrite + Unpin + Send)) -> Result<(), ClientError> {
        let disk = |error: std::io::Error| ClientError::Unreadable(format!("it cannot be written: {error}"));
        match self {
            Self::InProcess { router, who } => {
                let request =
                    Request::builder().method(Method::POST).uri(path).extension(who.clone()).body(Body::empty());
                let request = request.map_err(|error| ClientError::Unreadable(error.to_string()))?;
                let Ok(response) = router.clone().oneshot(request).await;
                let status = response.status();
                let mut body = response.into_body();
                if !status.is_success() {
                    let bytes = body.collect().await.map_err(|error| ClientError::Unreadable(error.to_string()))?;
                    return refused(reply(status, &bytes.to_bytes())?);
                }
                while let Some(frame) = body.frame().await {
                    let frame = frame.map_err(|error| broke_off(&error))?;
                    if let Ok(piece) = frame.into_data() {
                        out.write_all(&piece).await.map_err(disk)?;
                    }
                }
            }
            _ => {
                let (request, place) = self.raw("POST", path)?;
                let unreachable =
                    |error: reqwest::Error| ClientError::Unreachable { place: place.clone(), why: causes(&error) };
                let mut response = request.send().await.map_err(unreachable)?;
                let status = response.status();
                if !status.is_success() {
                    let bytes = response.bytes().await.map_err(unreachable)?;
                    return refused(reply(status, &bytes)?);
                }
                while let Some(piece) = response.chunk().await.map_err(|error| broke_off(&error))? {
                    out.write_all(&piece).await.map_err(disk)?;
                }
            }
        }
        out.flush().await.map_err(disk)
    }

    /// Sends a file as the body of a POST, and reads the answer.
    pub async fn upload<T: DeserializeOwned>(&self, path: &str, file: tokio::fs::File) -> Result<T, ClientError> {
        let pieces = ReaderStream::with_capacity(file, 64 * 1024);
        let answer = match self {
            Self::InProcess { router, who } => {
                let request = Request::builder()
                    .method(Method::POST)
                    .uri(path)
                    .extension(who.clone())
                    .body(Body::from_stream(pieces))
                    .map_err(|error| ClientError::Unreadable(error.to_string()))?;
                let Ok(response) = router.clone().oneshot(request).await;
                let status = response.status();
                let body = response.into_body().collect().await;
                reply(status, &body.map_err(|error| ClientError::Unreadable(error.to_string()))?.to_bytes())?
            }
            _ => {
                let (request, place) = self.raw("POST", path)?;
                let unreachable =
                    |error: reqwest::Error| ClientError::Unreachable { place: place.clone(), why: causes(&error) };
                let response = request.body(reqwest::Body::wrap_stream(pieces)).send().await.map_err(unreachable)?;
                let status = response.status();
                reply(status, &response.bytes().await.map_err(unreachable)?)?
            }
        };
        if !(200..300).contains(&answer.status) {
            refused(answer.clone())?;
        }
        serde_json::from_value(answer.body).map_err(|error| ClientError::Unreadable(error.to_string()))
    }
}

fn refused(answer: Reply) -> Result<(), ClientError> {
    let problem = serde_json::from_value(answer.body).map_err(|error| ClientError::Unreadable(error.to_string()))?;
    Err(ClientError::Problem(problem))
}

fn broke_off(error: &dyn std::error::Error) -> ClientError {
    ClientError::Unreadable(format!("it broke off: {}", causes(error)))
}
