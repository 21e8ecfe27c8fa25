//! The whole file, and its small sections.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Learning, Limits, MaintenanceWindow, Notifications, Retention, SelfHealing, Service, SourceSpec, Verification,
};
use crate::{ActionKind, BasisPoints, ProjectName, ServiceName, Span, TargetSpec, Timestamp};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub self_healing: SelfHealing,
    pub limits: Limits,
    pub approval: ApprovalPolicy,
    pub maintenance: Vec<MaintenanceWindow>,
    pub verification: Verification,
    pub learning: Learning,
    pub correlation: Correlation,
    pub services: Vec<Service>,
    pub sources: Vec<SourceSpec>,
    pub notifications: Notifications,
    pub retention: Retention,
    pub server: Server,
}

impl Config {
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// The services whose target this is.
    pub fn services_behind(&self, target: &TargetSpec) -> Vec<&ServiceName> {
        let canonical = target.canonical();
        let behind = |service: &&Service| service.target.as_ref().is_some_and(|own| own.canonical() == canonical);
        self.services.iter().filter(behind).map(|service| &service.name).collect()
    }

    /// When the maintenance that holds a target at `now` ends; `Ok(None)` where none does. A window that names another
    /// service with the same target holds it too.
    pub fn maintenance(&self, target: &TargetSpec, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let services = self.services_behind(target);
        let mut latest = None;
        for window in &self.maintenance {
            if window.services.is_empty() || services.iter().any(|service| window.concerns(service)) {
                latest = latest.max(window.holds_until(now)?);
            }
        }
        Ok(latest)
    }

    /// Services that depend on `name`, directly or through others, nearest first.
    pub fn dependants(&self, name: &ServiceName) -> Vec<ServiceName> {
        let mut found: Vec<ServiceName> = Vec::new();
        let mut frontier = vec![name];
        while let Some(current) = frontier.pop() {
            for service in &self.services {
                if service.depends_on.contains(current) && service.name != *name && !found.contains(&service.name) {
                    found.push(service.name.clone());
                    frontier.push(&service.name);
                }
            }
        }
        found
    }
}

/// Who has to approve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalPolicy {
    /// Actions that two different people have to approve.
    pub second_approver_for: Vec<ActionKind>,
    /// Plans that cannot be undone need two people, whatever the action.
    pub second_approver_for_irreversible: bool,
}

impl ApprovalPolicy {
    /// How many different people have to approve a plan.
    pub fn approvers_of(&self, plan: &crate::Plan, service: Option<&Service>) -> u32 {
        let second = self.second_approver_for.contains(&plan.action.kind)
            || (self.second_approver_for_irreversible && plan.undo.is_impossible())
            || service.is_some_and(|service| service.second_approver);
        if second { 2 } else { 1 }
    }
}

impl Config {
    /// The project of a service: the inventory's, and the default one where it is not in the inventory.
    pub fn project_of(&self, name: &ServiceName) -> ProjectName {
        self.service(name).map_or_else(super::service::default_project, |service| service.project.clone())
    }

    /// Services that `name` depends on, directly or through others, nearest first.
    pub fn upstreams(&self, name: &ServiceName) -> Vec<ServiceName> {
        let mut found: Vec<ServiceName> = Vec::new();
        let mut frontier = vec![name.clone()];
        while let Some(current) = frontier.pop() {
            for upstream in self.service(&current).map_or(&[][..], |service| &service.depends_on) {
                if upstream != name && !found.contains(upstream) {
                    found.push(upstream.clone());
                    frontier.push(upstream.clone());
                }
            }
        }
        found
    }
}

/// When signals belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Correlation {
    /// The same fingerprint within this time of its last sight is a repeat.
    #[schemars(range(min = 0, max = 86400))]
    pub repeat_seconds: u64,
    /// An incident takes signals for this long after its last one.
    #[schemars(range(min = 0, max = 86400))]
    pub join_seconds: u64,
    /// And at most this long after its onset.
    #[schemars(range(min = 0, max = 10080))]
    pub join_at_most_minutes: u64,
    /// Jaccard similarity of template tokens from which two texts are alike.
    pub text_similarity: BasisPoints,
    /// Minutes after which a change before an incident counts half as its cause.
    #[schemars(range(min = 1, max = 43200))]
    pub change_half_life_minutes: u64,
}

impl Default for Correlation {
    fn default() -> Self {
        Self {
            repeat_seconds: 120,
            join_seconds: 300,
            join_at_most_minutes: 30,
            text_similarity: BasisPoints::saturating(6_000),
            change_half_life_minutes: 30,
        }
    }
}

impl Correlation {
    pub const fn repeat(&self) -> Span {
        Span::from_secs(self.repeat_seconds)
    }

    pub const fn join(&self) -> Span {
        Span::from_secs(self.join_seconds)
    }

    pub const fn join_at_most(&self) -> Span {
        Span::from_minutes(self.join_at_most_minutes)
    }

    pub const fn change_half_life(&self) -> Span {
        Span::from_minutes(self.change_half_life_minutes)
    }

    /// How long before an incident a change counts at all.
    pub const fn change_reach(&self) -> Span {
        crate::matching::evidence::reach(self.change_half_life())
    }
}

/// Where `selfheal serve` listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port. Anything but loopback should stand behind TLS.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub listen: SocketAddr,
    /// Addresses under which people reach it, for example through a proxy that speaks TLS. Loopback and the address it
    /// listens on are always answered, any other name is refused.
    pub public_urls: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7717)), public_urls: Vec::new() }
    }
}
