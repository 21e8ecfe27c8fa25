//! Who asks, and what they may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Approver,
    Admin,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Approver, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person, as the transport knows them. Put into a request only by a transport that checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who stands on record.
    pub name: String,
    /// The human being, who may have several tokens: where two people have to approve, these are compared.
    pub person: String,
    pub role: Role,
    /// The digest of the token that was presented. Without one it is whoever owns the home.
    pub(crate) token: Option<String>,
}

impl Principal {
    /// The operating system's user who runs this process: master of the home's files, so an admin, and a person of that
    /// name.
    pub fn local() -> Self {
        let uid = nix::unistd::getuid();
        let name = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        Self { person: name.clone(), name, role: Role::Admin, token: None }
    }

    /// Fails with what is missing.
    pub fn require(&self, needed: Role, what: &str) -> Result<(), ApiError> {
        if self.role >= needed {
            return Ok(());
        }
        Err(ApiError::Forbidden { what: what.to_owned(), who: self.name.clone(), has: self.role, needed })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Unauthenticated)
    }
}
