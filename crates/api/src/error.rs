//! Errors as HTTP outcomes.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use selfheal_core::{IllegalFact, IncidentId, PatternId};
use selfheal_engine::{EngineError, PersonError, Refusal};
use selfheal_store::StoreError;

use crate::{Problem, Role};

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("no valid token")]
    Unauthenticated,
    #[error("the token `{name}` has expired")]
    Expired { name: String, at: selfheal_core::Timestamp },
    /// Sent to a name that is not this server's.
    #[error("this server does not answer under the name `{name}`")]
    Misdirected { name: String },
    /// Asked by a page that is not this server's own.
    #[error("the request comes from a page of `{origin}`")]
    ForeignPage { origin: String },
    #[error("this token listens to as many streams of events as one may")]
    TooManyStreams,
    #[error("{what} needs the role {needed}; {who} is {has}")]
    Forbidden { what: String, who: String, has: Role, needed: Role },
    #[error("there is no {0}")]
    NotFound(String),
    #[error("there is no incident {0} in this home")]
    NoIncident(IncidentId),
    #[error("there is no pattern `{0}`")]
    NoPattern(PatternId),
    #[error("{why}")]
    Invalid { what: String, why: String, next: String },
    /// The world is not as the caller believes.
    #[error("{why}")]
    Conflict { code: &'static str, what: String, why: String, next: String },
    /// What was sent cannot be used, with a code of its own.
    #[error("{why}")]
    Refused { code: &'static str, what: String, why: String, next: String },
    /// The database could not do its work. It is not known to the sender that anything was kept, so it is sent again.
    #[error("{0}")]
    Outage(StoreError),
    /// Somebody asks for more long work at once than their share.
    #[error("enough of yours is under way already")]
    Busy,
    #[error("it was stopped after {} seconds", .0.as_secs())]
    TooMuchWork(std::time::Duration),
    #[error(transparent)]
    Store(StoreError),
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    pub fn no_incident(id: IncidentId) -> Self {
        Self::NoIncident(id)
    }

    pub fn no_pattern(id: &PatternId) -> Self {
        Self::NoPattern(id.clone())
    }

    pub fn invalid(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), why: why.into(), next: next.into() }
    }

    fn parts(self) -> (StatusCode, &'static str, String, String, String) {
        match self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "Not signed in".into(),
                "the request carries no valid token".into(),
                "Run `selfheal serve` and open the address that it prints, or make a token with `selfheal token add`."
                    .into(),
            ),
            Self::Expired { ref name, at } => (
                StatusCode::UNAUTHORIZED,
                "token_expired",
                "Not signed in".into(),
                format!("{self}: it ended at {}", at.to_rfc3339()),
                format!(
                    "Ask an admin for a new one: selfheal token remove {0}, then selfheal token add {0}.",
                    name.strip_prefix("token:").unwrap_or(name)
                ),
            ),
            Self::Misdirected { ref name } => (
                StatusCode::MISDIRECTED_REQUEST,
                "host_not_known",
                "Not answered under this name".into(),
                match name.is_empty() {
                    true => "the request names no host that can be read".into(),
                    false => self.to_string(),
                },
                "Use the address that `selfheal serve` printed. If people reach Selfheal under another name, for example through \
                 a proxy, write it into the configuration: server.public_urls: [\"https://NAME\"]."
                    .into(),
            ),
            Self::ForeignPage { .. } => (
                StatusCode::FORBIDDEN,
                "foreign_page",
                "Not answered to other pages".into(),
                self.to_string(),
                "Only the window's own page may ask. If that is where people open it, write its address into the \
                 configuration: server.public_urls: [\"https://NAME\"]."
                    .into(),
            ),
            Self::TooManyStreams => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_streams",
                "Not now".into(),
                self.to_string(),
                "Close other windows that use the same token, or make another token.".into(),
            ),
            Self::Forbidden { .. } => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "Not allowed".into(),
                self.to_string(),
                "Ask an admin for a token with that role.".into(),
            ),
            Self::NotFound(_) => (
                StatusCode::NOT_FOUND,
                "not_found",
                "Not found".into(),
                self.to_string(),
                "Look at the list: it may have another name, or belong to another home.".into(),
            ),
            Self::NoIncident(_) => (
                StatusCode::NOT_FOUND,
                "not_found",
                "No such incident".into(),
                self.to_string(),
                "`selfheal incidents list` shows those that there are. Another home, or another engine, counts its own."
                    .into(),
            ),
            Self::NoPattern(_) => (
                StatusCode::NOT_FOUND,
                "not_found",
                "Not found".into(),
                self.to_string(),
                "`selfheal knowledge list --search WORD` finds it by a part of its name. It may also belong to another home."
                    .into(),
            ),
            Self::Invalid { what, why, next } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", what, why, next),
            Self::Conflict { code, what, why, next } => (StatusCode::CONFLICT, code, what, why, next),
            Self::Refused { code, what, why, next } => (StatusCode::UNPROCESSABLE_ENTITY, code, what, why, next),
            Self::Outage(error) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                "The database cannot be used now".into(),
                error.to_string(),
                if error.is_read_only() {
                    "Nothing was acknowledged. Check that the database's folder may be written to, and send it again."
                        .into()
                } else {
                    "Nothing was acknowledged: send it again later. `selfheal doctor` says what is wrong.".into()
                },
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "Not taken up".into(),
                self.to_string(),
                "Wait for what you asked for before.".into(),
            ),
            Self::TooMuchWork(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "too_much_work",
                "This takes too long".into(),
                self.to_string(),
                "Ask for less at once: fewer lines, a smaller limit, a shorter time.".into(),
            ),
            Self::Store(error) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "database",
                "The database failed".into(),
                error.to_string(),
                "Nothing was changed. `selfheal doctor` says more.".into(),
            ),
            Self::Internal(why) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong inside Selfheal".into(),
                why,
                "Nothing was changed. The log says more.".into(),
            ),
        }
    }

    pub fn problem(self) -> (StatusCode, Problem) {
        let (status, code, what, why, next) = self.parts();
        (status, Problem { code: code.into(), what, why, next })
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoIncident(id) => Self::no_incident(id),
            StoreError::Illegal(IllegalFact { fact, state }) => Self::Conflict {
                code: "illegal_state",
                what: "Not possible now".into(),
                why: format!("{} is not possible while the incident is {}", words(fact), words(state)),
                next: "`selfheal incidents show` and the incident's page say what is possible now.".into(),
            },
            StoreError::Unredactable => Self::invalid(
                "Nothing was redacted",
                error.to_string(),
                "Name more of the text, or make the expression narrower.",
            ),
            outage if outage.is_outage() => Self::Outage(outage),
            other => Self::Store(other),
        }
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Corrupt(why) => Self::Internal(why),
        }
    }
}

impl From<PersonError> for ApiError {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Refused(Refusal { code, what, why, next }) => Self::Conflict { code, what, why, next },
            PersonError::Engine(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, problem) = self.problem();
        if status.is_server_error() {
            tracing::error!(code = problem.code, why = problem.why, "request failed");
        }
        (status, Json(problem)).into_response()
    }
}
