//! Files that go through the client in pieces: a backup is larger than memory may be.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio_util::io::ReaderStream;
use tower::ServiceExt;

use crate::client::{Reply, causes, reply};
use crate::{Client, ClientError};

impl Client {
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
                let sent = async {
                    let response =
                        request.body(reqwest::Body::wrap_stream(pieces)).send().await.map_err(unreachable)?;
                    let status = response.status();
                    reply(status, &response.bytes().await.map_err(unreachable)?)
                };
                self.patiently(sent).await?
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
