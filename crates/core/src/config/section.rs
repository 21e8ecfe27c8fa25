//! The whole file, and its small sections.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Learning, Limits, Notifications, SelfHealing, Service, SourceSpec, Verification};
use crate::{BasisPoints, ServiceName, Span};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub self_healing: SelfHealing,
    pub limits: Limits,
    pub verification: Verification,
    pub learning: Learning,
    pub correlation: Correlation,
    pub services: Vec<Service>,
    pub sources: Vec<SourceSpec>,
    pub notifications: Notifications,
    pub server: Server,
}

impl Config {
    pub fn service(&self, name: &ServiceName) -> Option<&Service> {
        self.services.iter().find(|service| service.name == *name)
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

/// When signals belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Correlation {
    /// The same fingerprint within this time of its last sight is a repeat.
    pub repeat_seconds: u64,
    /// An incident takes signals for this long after its last one.
    pub join_seconds: u64,
    /// And at most this long after its onset.
    pub join_at_most_minutes: u64,
    /// Jaccard similarity of template tokens from which two texts are alike.
    pub text_similarity: BasisPoints,
}

impl Default for Correlation {
    fn default() -> Self {
        Self {
            repeat_seconds: 120,
            join_seconds: 300,
            join_at_most_minutes: 30,
            text_similarity: BasisPoints::saturating(6_000),
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
}

/// Where `selfheal serve` listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port. Anything but loopback should stand behind TLS.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7717)) }
    }
}
