//! A pattern: how a failure looks, why it happens, what fixes it, how to check, how much it is trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::{Action, BasisPoints, PatternId, ProjectName, ServiceName, Timestamp};

/// A row of `knowledge_patterns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    pub id: PatternId,
    pub name: String,
    pub description: String,
    pub scope: PatternScope,
    pub rule: Option<Rule>,
    /// Words that rule the pattern out.
    pub must_not: Vec<String>,
    pub root_cause: String,
    pub action: Option<Action>,
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
    /// `starter`, `person`, `import` or `draft`.
    pub origin: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
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
