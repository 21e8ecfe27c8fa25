//! A pattern: how a failure looks, why it happens, what fixes it, how to check, how much it is trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::{Action, BasisPoints, PatternId, ProjectName, ServiceName, Severity, Timestamp};

/// A row of `knowledge_patterns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    pub id: PatternId,
    pub name: String,
    /// What sort of failure it is, e.g. `memory` or `dns`: for finding and counting. Empty where nobody said.
    #[serde(default)]
    pub family: String,
    pub description: String,
    /// How bad it usually is; the incident's own severity comes from its signals.
    #[serde(default)]
    pub severity: Option<Severity>,
    pub scope: PatternScope,
    pub rule: Option<Rule>,
    /// Words that rule the pattern out.
    pub must_not: Vec<String>,
    pub root_cause: String,
    pub action: Option<Action>,
    /// Why nothing is safe to do by itself, and what a person does.
    #[serde(default)]
    pub no_safe_fix: String,
    /// How the action is taken back, or that it cannot be.
    #[serde(default)]
    pub undo: String,
    /// What a person looks at to see that the fix helped.
    pub checks: Vec<String>,
    pub examples: Examples,
    pub confidence: BasisPoints,
    /// Verified successes.
    pub use_count: u32,
    /// Verified outcomes, good and bad.
    pub attempts: u32,
    pub auto_healable: bool,
    pub require_approval: bool,
    /// The failure is one of a host, node, network, storage, database server or cluster.
    pub infrastructure: bool,
    /// Tried out: what it would do is recorded and compared with what a person does.
    #[serde(default)]
    pub shadow: bool,
    pub status: PatternStatus,
    pub provenance: Provenance,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Pattern {
    /// Whether another pattern would have the same done on the same service, or nothing as well: then their rules do not
    /// compete.
    pub fn has_same_fix(&self, other: &Self) -> bool {
        match (&self.action, &other.action) {
            (Some(own), Some(its)) => own.is_same_fix(its),
            (own, its) => own.is_none() && its.is_none(),
        }
    }

    /// How careful its marks make a decision: those that always ask first, then those that do not act by themselves.
    pub const fn caution(&self) -> (bool, bool) {
        (self.require_approval || self.infrastructure || self.shadow, !self.auto_healable)
    }
}

/// Where a pattern applies. An empty scope applies everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PatternScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
}

impl PatternScope {
    pub fn holds(&self, project: &ProjectName, service: &ServiceName) -> bool {
        self.project.as_ref().is_none_or(|own| own == project) && self.service.as_ref().is_none_or(|own| own == service)
    }

    /// 0 for everywhere, 1 for a project, 2 for a service: the more specific scope wins.
    pub const fn specificity(&self) -> u8 {
        match (&self.service, &self.project) {
            (Some(_), _) => 2,
            (None, Some(_)) => 1,
            (None, None) => 0,
        }
    }
}

/// Lines that a pattern's rule must match, and lines that it must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Examples {
    pub matches: Vec<String>,
    pub rejects: Vec<String>,
}

/// Only active patterns match. Drafts never act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatternStatus {
    Active,
    Draft,
    Disabled,
}

impl PatternStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draft => "draft",
            Self::Disabled => "disabled",
        }
    }
}

/// Where a pattern came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// `starter`, `person`, `import`, `icdev` or `draft`.
    pub origin: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The pack it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackInfo>,
}

/// Where facts of a pattern come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "SourceForm")]
#[schemars(with = "SourceForm")]
pub struct Source {
    /// What it is: a document, or a repository and the path in it.
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// An SPDX identifier, or in words what may be used of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// A source as people write it: its name alone, or with address and licence.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
enum SourceForm {
    Name(String),
    Full {
        name: String,
        #[serde(default)]
        url: Option<String>,
        #[serde(default)]
        licence: Option<String>,
    },
}

impl From<SourceForm> for Source {
    fn from(form: SourceForm) -> Self {
        match form {
            SourceForm::Name(name) => Self { name, url: None, licence: None },
            SourceForm::Full { name, url, licence } => Self { name, url, licence },
        }
    }
}

/// What a pack says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackInfo {
    pub name: String,
    /// The pack's own version.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_where_everything_it_names_agrees() {
        let (shop, pay) = (ProjectName::new("shop"), ServiceName::new("pay"));
        let scope = |project: Option<&str>, service: Option<&str>| PatternScope {
            project: project.map(ProjectName::new),
            service: service.map(ServiceName::new),
        };
        for (scope, holds, specificity) in [
            (scope(None, None), true, 0),
            (scope(Some("shop"), None), true, 1),
            (scope(Some("bank"), None), false, 1),
            (scope(None, Some("pay")), true, 2),
            (scope(Some("bank"), Some("pay")), false, 2),
        ] {
            assert_eq!(scope.holds(&shop, &pay), holds, "{scope:?}");
            assert_eq!(scope.specificity(), specificity, "{scope:?}");
        }
    }
}
