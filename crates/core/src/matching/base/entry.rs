//! One pattern in the base, with what is worked out when it is first needed.

use std::sync::{Arc, OnceLock};

use crate::knowledge::{OnDemand, Pattern, PatternScope};
use crate::matching::flat::Interner;
use crate::matching::relevance::PatternText;
use crate::matching::snapshot::{Bodies, Body};

/// Everywhere, or no slot.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub scope: Scope,
    pub slot: u32,
    /// Where it stands in the snapshot, until it is replaced.
    pub stored: Option<Body>,
    /// Read when it is first looked at.
    pub pattern: OnceLock<Arc<Pattern>>,
    pub lazy: OnceLock<Box<Lazy>>,
}

/// What only a pattern that is compared needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Lazy {
    pub compiled: OnDemand,
    /// Its texts as terms of the index.
    pub text: OnceLock<PatternText>,
}

impl Entry {
    pub fn new(pattern: Pattern, scope: Scope) -> Self {
        Self { scope, slot: NONE, stored: None, pattern: OnceLock::from(Arc::new(pattern)), lazy: OnceLock::new() }
    }

    pub fn stored(scope: Scope, slot: u32, body: Body) -> Self {
        let (pattern, lazy) = (OnceLock::new(), OnceLock::new());
        Self { scope, slot, stored: Some(body), pattern, lazy }
    }

    /// The pattern, which fails where it cannot be read.
    pub fn pattern(&self, bodies: Option<&dyn Bodies>) -> std::io::Result<&Arc<Pattern>> {
        if let Some(pattern) = self.pattern.get() {
            return Ok(pattern);
        }
        let (Some(body), Some(bodies)) = (&self.stored, bodies) else {
            return Err(std::io::Error::other("a pattern stands nowhere"));
        };
        let read = Arc::new(body.pattern(bodies)?);
        Ok(self.pattern.get_or_init(|| read))
    }

    pub fn lazy(&self) -> &Lazy {
        self.lazy.get_or_init(Box::default)
    }
}

/// Where a pattern holds, by the numbers of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub project: u32,
    pub service: u32,
}

impl Scope {
    pub fn of(scope: &PatternScope, names: &mut Interner) -> Self {
        let mut number = |name: Option<&str>| name.map_or(NONE, |name| names.intern(name));
        Self {
            project: number(scope.project.as_ref().map(crate::ProjectName::as_str)),
            service: number(scope.service.as_ref().map(crate::ServiceName::as_str)),
        }
    }

    /// Whether it holds where somebody asks, given by the same numbers; none where no pattern has the name.
    pub fn holds(&self, (project, service): (Option<u32>, Option<u32>)) -> bool {
        (self.project == NONE || Some(self.project) == project)
            && (self.service == NONE || Some(self.service) == service)
    }
}
