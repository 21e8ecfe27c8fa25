//! The inventory: services, what they depend on, how their health is checked and what stands behind them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ProjectName, ServiceName, TargetSpec};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub name: ServiceName,
    #[serde(default = "default_project")]
    pub project: ProjectName,
    /// Selfheal acts on this service only when this is true.
    #[serde(default)]
    pub managed: bool,
    /// Actions on this service always need approval.
    #[serde(default)]
    pub require_approval: bool,
    /// Two different people have to approve actions on this service.
    #[serde(default)]
    pub second_approver: bool,
    /// True for a host, node, network, storage, database server or cluster: always needs approval.
    #[serde(default)]
    pub infrastructure: bool,
    /// Services that this one calls.
    #[serde(default)]
    pub depends_on: Vec<ServiceName>,
    #[serde(default)]
    pub health_checks: Vec<CheckSpec>,
    #[serde(default)]
    pub target: Option<TargetSpec>,
}

pub(super) fn default_project() -> ProjectName {
    ProjectName::new("default")
}

/// A health check of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    #[schemars(extend("format" = "name"))]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpCheck>,
    #[serde(default = "CheckSpec::default_interval")]
    #[schemars(range(min = 1, max = 86400))]
    pub interval_seconds: u64,
    #[serde(default = "CheckSpec::default_timeout")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout_seconds: u64,
    /// Failures in a row that warn.
    #[serde(default = "CheckSpec::default_warn")]
    #[schemars(range(min = 1, max = 1000))]
    pub warn_after: u32,
    /// Failures in a row that are critical.
    #[serde(default = "CheckSpec::default_critical")]
    #[schemars(range(min = 1, max = 1000))]
    pub critical_after: u32,
    /// Successes in a row that clear.
    #[serde(default = "CheckSpec::default_warn")]
    #[schemars(range(min = 1, max = 1000))]
    pub clear_after: u32,
}

impl CheckSpec {
    const fn default_interval() -> u64 {
        10
    }
    const fn default_timeout() -> u64 {
        3
    }
    const fn default_warn() -> u32 {
        1
    }
    const fn default_critical() -> u32 {
        3
    }
}

/// A GET request and what counts as healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    #[schemars(extend("format" = "http-url"))]
    pub url: String,
    /// The status that is healthy; any 2xx without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub expect_status: Option<u16>,
    /// Text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_body: Option<String>,
}

/// What a health check does: exactly one of the keys of [`CheckSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind<'a> {
    Http(&'a HttpCheck),
}

impl CheckSpec {
    pub fn kind(&self) -> Option<CheckKind<'_>> {
        self.http.as_ref().map(CheckKind::Http)
    }

    /// For people: `GET http://127.0.0.1:8080/health answers 200`.
    pub fn words(&self) -> String {
        match self.kind() {
            None => format!("health check {}", self.name),
            Some(CheckKind::Http(HttpCheck { url, expect_status, expect_body })) => {
                let status = expect_status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
                let body = expect_body.as_ref().map_or_else(String::new, |text| format!(" with `{text}`"));
                format!("GET {url} answers {status}{body}")
            }
        }
    }
}
