//! What a changed file takes away, and whether it was written whole.
//!
//! A configuration is what a person meant only when it is all there. A file that is empty, cut, drops most of what is
//! watched, or loosens what holds Selfheal back may be an editor that died, a full disk or a wrong path in a deployment; it
//! may as well be meant. Nobody can tell from the file alone, so a person says so: until then the old one stays active.
//!
//! Invariant: of two configurations, whatever lets more happen, or lets it happen sooner or with fewer people, is a
//! [`Reason`]. What tightens is none.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Config, MaintenanceWindow, Service};
use crate::{ActionKind, BasisPoints, Span, Timestamp};

/// The configuration that a person, or the first start, stood by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub text: String,
    pub config: Config,
    pub at: Timestamp,
    /// Who: a person, or what it was taken up by.
    pub by: String,
}

/// Something that a new configuration takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// What was accepted before cannot be read, so nobody can tell what changed.
    Unknown { why: String },
    /// The file says nothing any more.
    Empty,
    /// The file is the beginning of what it was: lines are gone from its end.
    Cut { lines: usize, of: usize },
    /// More than half of the things of a list are gone.
    Gone { what: String, names: Vec<String>, of: usize },
    /// A value lets more happen than before.
    Loosened { what: String, before: String, after: String },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { why } => {
                write!(f, "what was accepted before cannot be read ({why}): nobody can tell what changed")
            }
            Self::Empty => f.write_str("the file is empty: every service, source and rule would be gone"),
            Self::Cut { lines, of } => {
                write!(f, "the file ends after line {lines} of {of}: it may not have been written whole")
            }
            Self::Gone { what, names, of } => {
                const SHOWN: usize = 5;
                let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = names.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(f, "{} of {of} {what} would be gone: {shown}{more}", names.len())
            }
            Self::Loosened { what, before, after } => write!(f, "{what}: {before} would become {after}"),
        }
    }
}

/// What a new file takes away from what was accepted; nothing where it may be taken up at once.
pub fn takes_away(old: &Accepted, text: &str, new: &Config, now: Timestamp) -> Vec<Reason> {
    // What means the same takes nothing away, however it is written.
    if *new == old.config {
        return Vec::new();
    }
    if says_nothing(text) {
        return vec![Reason::Empty];
    }
    let mut reasons = Vec::new();
    if is_cut(&old.text, text) {
        let (lines, of) = (text.trim_end().lines().count(), old.text.trim_end().lines().count());
        reasons.push(Reason::Cut { lines, of });
    }
    reasons.extend(loosens(&old.config, new, now));
    reasons
}

fn says_nothing(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim_start_matches('\u{feff}').trim();
        line.is_empty() || line.starts_with('#') || matches!(line, "{}" | "---" | "..." | "~" | "null")
    })
}

/// Whether it is a beginning of what was there, cut at any byte.
fn is_cut(old: &str, new: &str) -> bool {
    let new = new.trim_end();
    new.len() < old.trim_end().len() && old.starts_with(new)
}

/// What of `new` lets more happen than `old` did. Windows of maintenance that are over at `now` hold nothing any more.
pub fn loosens(old: &Config, new: &Config, now: Timestamp) -> Vec<Reason> {
    let mut found = Found::default();
    found.gone("services", old.services.iter().map(|s| s.name.as_str()), new.services.iter().map(|s| s.name.as_str()));
    found.gone("sources", old.sources.iter().map(|s| s.name.as_str()), new.sources.iter().map(|s| s.name.as_str()));
    found.gone(
        "notifiers",
        old.notifications.notifiers.iter().map(|n| n.name.as_str()),
        new.notifications.notifiers.iter().map(|n| n.name.as_str()),
    );
    healing(&mut found, old, new);
    limits(&mut found, old, new);
    approval(&mut found, old, new);
    for service in &old.services {
        if let Some(other) = new.service(&service.name) {
            one_service(&mut found, service, other);
        }
    }
    maintenance(&mut found, old, new, now);
    found.0
}

fn healing(found: &mut Found, old: &Config, new: &Config) {
    let (a, b) = (&old.self_healing, &new.self_healing);
    found.freed("self_healing.enabled", a.enabled, b.enabled);
    found.lowered(
        "self_healing.auto_heal_confidence_threshold",
        a.auto_heal_confidence_threshold,
        b.auto_heal_confidence_threshold,
    );
    found.lowered("self_healing.suggest_fix_threshold", a.suggest_fix_threshold, b.suggest_fix_threshold);
    found.raised("self_healing.max_actions_per_hour", a.max_actions_per_hour, b.max_actions_per_hour);
    found.lowered("self_healing.cooldown_minutes", a.cooldown_minutes, b.cooldown_minutes);
    found.unlisted("self_healing.require_approval_for", &a.require_approval_for, &b.require_approval_for);
    let (a, b) = (&old.learning, &new.learning);
    // A bound that is off lets everything through, as one of nothing would.
    let bound = |bound: Option<BasisPoints>| bound.unwrap_or(BasisPoints::ZERO);
    if bound(b.automatic_from_lower_bound) < bound(a.automatic_from_lower_bound) {
        let shown = |bound: Option<BasisPoints>| bound.map_or_else(|| "off".to_owned(), |bound| bound.to_string());
        found.push(
            "learning.automatic_from_lower_bound",
            shown(a.automatic_from_lower_bound),
            shown(b.automatic_from_lower_bound),
        );
    }
    found.raised("learning.success_step", a.success_step, b.success_step);
    found.lowered("learning.failure_step", a.failure_step, b.failure_step);
}

fn limits(found: &mut Found, old: &Config, new: &Config) {
    let (a, b) = (&old.limits, &new.limits);
    found.raised("limits.max_attempts", a.max_attempts, b.max_attempts);
    found.raised("limits.approval_expires_minutes", a.approval_expires_minutes, b.approval_expires_minutes);
    found.raised("limits.queue_expires_minutes", a.queue_expires_minutes, b.queue_expires_minutes);
    found.raised("limits.preflight_max_age_seconds", a.preflight_max_age_seconds, b.preflight_max_age_seconds);
    found.raised("limits.action_timeout_seconds", a.action_timeout_seconds, b.action_timeout_seconds);
    found.raised("limits.breaker_failures", a.breaker_failures, b.breaker_failures);
    found.lowered("limits.breaker_open_seconds", a.breaker_open_seconds, b.breaker_open_seconds);
}

fn approval(found: &mut Found, old: &Config, new: &Config) {
    let (a, b) = (&old.approval, &new.approval);
    found.unlisted("approval.second_approver_for", &a.second_approver_for, &b.second_approver_for);
    found.freed(
        "approval.second_approver_for_irreversible",
        !a.second_approver_for_irreversible,
        !b.second_approver_for_irreversible,
    );
}

/// What the inventory says of a service that stays. That it becomes managed is what a person writes there on purpose, and is
/// on record; that somebody need not be asked any more is loosening.
fn one_service(found: &mut Found, old: &Service, new: &Service) {
    let what = |key: &str| format!("service `{}`, {key}", old.name);
    found.freed(&what("require_approval"), !old.require_approval, !new.require_approval);
    found.freed(&what("second_approver"), !old.second_approver, !new.second_approver);
    found.freed(&what("infrastructure"), !old.infrastructure, !new.infrastructure);
}

fn maintenance(found: &mut Found, old: &Config, new: &Config, now: Timestamp) {
    let over = |window: &MaintenanceWindow| window.until.is_some_and(|until| until <= now);
    for window in old.maintenance.iter().filter(|window| !over(window)) {
        let what = format!("maintenance window `{}`", window.name);
        match new.maintenance.iter().find(|other| other.name == window.name) {
            None => found.push(&what, "held its services".into(), "none".into()),
            Some(other) if !covers(other, window, new) => {
                found.push(&what, "its times and services".into(), "others, which hold less or at other times".into());
            }
            Some(_) => {}
        }
    }
}

/// Whether a window holds at least what another one held. What cannot be compared does not.
fn covers(new: &MaintenanceWindow, old: &MaintenanceWindow, config: &Config) -> bool {
    let gone = |name: &crate::ServiceName| config.service(name).is_none();
    let services = new.services.is_empty()
        || (!old.services.is_empty() && old.services.iter().all(|name| new.services.contains(name) || gone(name)));
    let times = match (&old.cron, &new.cron) {
        (Some(before), Some(after)) => before == after && old.zone == new.zone && new.minutes >= old.minutes,
        (None, None) => new.from <= old.from && new.until >= old.until,
        _ => false,
    };
    services && times
}

#[derive(Default)]
struct Found(Vec<Reason>);

impl Found {
    fn push(&mut self, what: &str, before: String, after: String) {
        self.0.push(Reason::Loosened { what: what.to_owned(), before, after });
    }

    fn raised<T: Ord + fmt::Display>(&mut self, what: &str, before: T, after: T) {
        if after > before {
            self.push(what, before.to_string(), after.to_string());
        }
    }

    fn lowered<T: Ord + fmt::Display>(&mut self, what: &str, before: T, after: T) {
        if after < before {
            self.push(what, before.to_string(), after.to_string());
        }
    }

    /// Something that was held back and is so no longer.
    fn freed(&mut self, what: &str, before: bool, after: bool) {
        if after && !before {
            let shown = |free: bool| if what == "self_healing.enabled" { free } else { !free };
            self.push(what, shown(before).to_string(), shown(after).to_string());
        }
    }

    fn unlisted(&mut self, what: &str, before: &[ActionKind], after: &[ActionKind]) {
        let gone: Vec<&str> = before.iter().filter(|kind| !after.contains(kind)).map(|kind| kind.as_str()).collect();
        if !gone.is_empty() {
            self.push(what, format!("with {}", gone.join(", ")), "without".into());
        }
    }

    fn gone<'a>(&mut self, what: &str, before: impl Iterator<Item = &'a str>, after: impl Iterator<Item = &'a str>) {
        let (before, after): (Vec<&str>, BTreeSet<&str>) = (before.collect(), after.collect());
        let names: Vec<String> = before.iter().filter(|name| !after.contains(*name)).map(|n| (*n).to_owned()).collect();
        if names.len() * 2 > before.len() {
            self.0.push(Reason::Gone { what: what.to_owned(), names, of: before.len() });
        }
    }
}

/// Waits until a file has stopped changing: the same content at two looks that are at least [`Settling::PAUSE`] apart.
#[derive(Clone, Debug, Default)]
pub struct Settling {
    seen: Option<(String, Timestamp)>,
}

impl Settling {
    pub const PAUSE: Span = Span::from_millis(800);

    /// A look at the file, by the digest of its content. True once it has been the same for long enough. A clock that is
    /// set back begins the waiting anew.
    pub fn is_whole(&mut self, digest: &str, now: Timestamp) -> bool {
        match &self.seen {
            Some((seen, since)) if seen == digest && *since <= now => now.since(*since) >= Self::PAUSE,
            _ => {
                self.seen = Some((digest.to_owned(), now));
                false
            }
        }
    }
}

#[cfg(test)]
#[path = "accepted_tests.rs"]
mod tests;
