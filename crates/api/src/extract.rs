//! Bodies and queries whose mistakes are told like every other problem.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::ApiError;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::BytesRejection(rejection)) => Err(ApiError::invalid(
                "The request cannot be read",
                rejection.body_text(),
                "Send less at once: at most 8 MiB.",
            )),
            Err(rejection) => Err(ApiError::invalid(
                "The request cannot be read",
                rejection.body_text(),
                "The API's document says what is expected.",
            )),
        }
    }
}

/// The part of an address after the question mark.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::<T>::from_request_parts(parts, state).await.map(|Query(query)| Self(query)).map_err(
            |rejection: QueryRejection| {
                ApiError::invalid(
                    "The address cannot be read",
                    rejection.body_text(),
                    "The API's document says what is expected.",
                )
            },
        )
    }
}
