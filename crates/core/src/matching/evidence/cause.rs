//! What is remembered of an incident whose cause is confirmed, and the counts that many of them add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BasisPoints, IncidentId, PatternId, ProjectName, ServiceName};

/// One incident with its confirmed cause. The counts are sums of these, so they can be built anew, and one can be taken back
/// exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedCause {
    pub incident: IncidentId,
    pub pattern: PatternId,
    pub project: ProjectName,
    pub service: ServiceName,
    /// Of the onset, 0 to 167, from Monday midnight UTC.
    pub hour: u8,
    /// How near the last change before the onset was: 1 at the onset, halved per half-life, 0 without one.
    pub change: BasisPoints,
    /// As [`super::sequences`] gives them.
    pub sequences: Vec<String>,
}

/// Counts over incidents with a confirmed cause: of one pattern, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub incidents: u64,
    /// Of these, in the project and on the service that is asked about.
    pub in_project: u64,
    pub on_service: u64,
    /// The sum of [`ConfirmedCause::change`], in basis points.
    pub change: u64,
    /// By sequence.
    pub sequences: BTreeMap<String, u64>,
    /// By hour of the week.
    pub hours: BTreeMap<u8, u64>,
}

impl Statistics {
    /// Adds one incident, as seen from a project and a service.
    pub fn add(&mut self, cause: &ConfirmedCause, project: &ProjectName, service: &ServiceName) {
        self.incidents += 1;
        self.in_project += u64::from(cause.project == *project);
        self.on_service += u64::from(cause.project == *project && cause.service == *service);
        self.change += u64::from(cause.change.get());
        for sequence in &cause.sequences {
            *self.sequences.entry(sequence.clone()).or_default() += 1;
        }
        *self.hours.entry(cause.hour).or_default() += 1;
    }
}
