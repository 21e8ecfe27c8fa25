//! What people are told, before it is known through which channel.
//!
//! Invariant: a notice is made once and kept as it is, with its id, until each notifier has been told: whoever receives it
//! twice (after a crash) can see that it is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::known::{Known, plain};
use crate::{Incident, IncidentId, ServiceName, Severity, State, Timestamp, Waits, told, visible, visible_line};

/// What about an incident people are told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    Escalated,
    ApprovalNeeded,
    Queued,
}

impl NoticeKind {
    pub const ALL: [Self; 3] = [Self::Escalated, Self::ApprovalNeeded, Self::Queued];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Escalated => "escalated",
            Self::ApprovalNeeded => "approval_needed",
            Self::Queued => "queued",
        }
    }

    /// Whether it is still so. An incident that has gone on meanwhile is not told about.
    pub fn fits(self, incident: &Incident) -> bool {
        match (self, &incident.state) {
            (Self::Escalated, State::Escalated { .. }) | (Self::Queued, State::Queued { .. }) => true,
            (Self::ApprovalNeeded, _) => {
                incident.awaits_a_person() && !incident.approval.as_ref().is_some_and(crate::Approval::is_complete)
            }
            _ => false,
        }
    }
}

/// Notices that a summary names; of the others it says how many.
const NAMED: usize = 20;

/// What a notifier shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every notifier and every try: what a receiver knows it by.
    pub id: String,
    pub at: Timestamp,
    pub severity: Severity,
    /// One line.
    pub title: String,
    pub body: String,
    pub about: About,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum About {
    Incident {
        kind: NoticeKind,
        incident: IncidentId,
        service: ServiceName,
        /// The state's name when the notice was made.
        state: String,
        /// Tells this incident from another home's of the same number.
        opened_at: Timestamp,
    },
    /// What was held back in the quiet hours or in a burst, and still is so when it is told.
    Summary { incidents: Vec<IncidentId> },
    /// A changed configuration waits for a person.
    Configuration,
    /// Somebody wants to see whether a notifier works.
    Test,
}

impl About {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Incident { kind, .. } => kind.as_str(),
            Self::Summary { .. } => "summary",
            Self::Configuration => "configuration",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// `known` is what the knowledge base says of it. `nonce` tells two notices of one kind about one incident apart; the same
    /// nonce gives the same id.
    pub fn of(kind: NoticeKind, incident: &Incident, known: &[Known], at: Timestamp, nonce: &str) -> Self {
        Self {
            id: id(&[nonce, kind.as_str(), &incident.id.to_string(), &incident.opened_at.to_string()]),
            at,
            severity: incident.severity,
            // Here, once, for whichever channel: it carries words of a log line.
            title: visible_line(&title(kind, incident)).into_owned(),
            body: visible(&body(
                &incident.title,
                &why(incident, at),
                &known.iter().map(Cause::from).collect::<Vec<_>>(),
            ))
            .into_owned(),
            about: About::Incident {
                kind,
                incident: incident.id,
                service: incident.service.clone(),
                state: incident.state.name().to_owned(),
                opened_at: incident.opened_at,
            },
        }
    }

    /// With the moments in its words as whoever receives it reads them.
    pub fn spoken(mut self, words: impl Fn(Timestamp) -> String) -> Self {
        self.body = told::spoken(&self.body, words);
        self
    }

    /// One notice for many that were held back. Known by them, so that another try has the same id.
    pub fn summary(notices: &[&Self], at: Timestamp) -> Self {
        let incidents = incidents_of(notices);
        let ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
        Self {
            id: id(&ids),
            at,
            severity: severity_of(notices),
            title: format!("{} from the quiet hours", told::many(notices.len(), "notice")),
            body: notices.iter().map(|notice| notice.in_one_line()).collect::<Vec<_>>().join("\n"),
            about: About::Summary { incidents },
        }
    }

    /// One notice for many that came faster than anybody reads. What is critical is named first: it must not drown.
    pub fn burst(notices: &[&Self], at: Timestamp) -> Self {
        let mut sorted = notices.to_vec();
        sorted.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
        let (severity, incidents) = (severity_of(notices), incidents_of(notices));
        let worst = sorted.first().and_then(|worst| match &worst.about {
            About::Incident { service, .. } => {
                Some(format!(": worst {} on {}", severity.as_str(), visible_line(service.as_str())))
            }
            About::Summary { .. } | About::Configuration | About::Test => None,
        });
        let critical = sorted.iter().filter(|notice| notice.severity == Severity::Critical).count();
        let mut lines = Vec::new();
        if critical > 0 {
            lines.push(format!("Critical: {critical}"));
        }
        lines.extend(sorted.iter().take(NAMED).map(|notice| notice.in_one_line()));
        if sorted.len() > NAMED {
            let of_them = match critical.saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(", {more} of them critical"),
            };
            lines.push(format!("and {} more{of_them}", sorted.len() - NAMED));
        }
        lines.push("`selfheal incidents list` shows them all.".into());
        let ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
        Self {
            id: id(&ids),
            at,
            severity,
            title: format!(
                "{} more incident{} in the last minute{}",
                incidents.len(),
                if incidents.len() == 1 { "" } else { "s" },
                worst.unwrap_or_default()
            ),
            body: lines.join("\n"),
            about: About::Summary { incidents },
        }
    }

    /// No more came: what was told in summaries altogether.
    pub fn burst_over(count: u64, since: Timestamp, at: Timestamp) -> Self {
        Self {
            id: id(&["burst over", &count.to_string(), &since.to_string()]),
            at,
            severity: Severity::Info,
            title: format!("The burst is over: {count} notices were told in summaries"),
            body: format!("It began at {since}. `selfheal incidents list` shows what is still open."),
            about: About::Summary { incidents: Vec::new() },
        }
    }

    /// Clearly marked, so that nobody is called out of bed by it.
    pub fn test(notifier: &str, at: Timestamp) -> Self {
        Self {
            id: id(&["test", notifier, &at.to_string()]),
            at,
            severity: Severity::Info,
            title: "Test notice of Selfheal".into(),
            body: format!("This is a test of the notifier `{notifier}`. Nothing is wrong, and nothing is to be done."),
            about: About::Test,
        }
    }

    /// A changed configuration waits. `digest` is the file's: one file is told about once.
    pub fn configuration(digest: &str, reasons: &[String], at: Timestamp) -> Self {
        Self {
            id: id(&["configuration", digest]),
            at,
            severity: Severity::High,
            title: "A changed configuration waits for you".into(),
            body: format!(
                "The changed file takes something away, so the one that was accepted before stays active.\n{}\n\nLook at it and take it with `selfheal config accept`, or put the file right.",
                reasons.iter().map(|reason| format!("- {reason}")).collect::<Vec<_>>().join("\n")
            ),
            about: About::Configuration,
        }
    }

    pub const fn incident(&self) -> Option<IncidentId> {
        match self.about {
            About::Incident { incident, .. } => Some(incident),
            About::Summary { .. } | About::Configuration | About::Test => None,
        }
    }

    /// What happened, and the first thing to do about it.
    fn in_one_line(&self) -> String {
        let number = self.incident().map_or_else(String::new, |incident| format!(", incident {incident}"));
        let lines = self.body.split('\n').filter(|line| !line.is_empty()).take(2);
        let body = lines.map(|line| cut(line, LINE)).collect::<Vec<_>>().join("; ");
        format!("- {} ({}{number}): {body}", self.title, self.severity.as_str())
    }
}

fn incidents_of(notices: &[&Notice]) -> Vec<IncidentId> {
    let mut incidents: Vec<IncidentId> = notices.iter().filter_map(|notice| notice.incident()).collect();
    incidents.sort();
    incidents.dedup();
    incidents
}

fn severity_of(notices: &[&Notice]) -> Severity {
    notices.iter().map(|notice| notice.severity).max().unwrap_or(Severity::Info)
}

fn id(parts: &[&str]) -> String {
    let mut digest = crate::digest::hex(parts.join("\n"));
    digest.truncate(32);
    digest
}

fn title(kind: NoticeKind, incident: &Incident) -> String {
    match kind {
        NoticeKind::Escalated => format!("{} needs you", incident.service),
        NoticeKind::ApprovalNeeded => format!("{}: approve a fix?", incident.service),
        NoticeKind::Queued => format!("{}: a fix is waiting", incident.service),
    }
}

/// Why people are told, in a sentence.
fn why(incident: &Incident, at: Timestamp) -> String {
    let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    let fix = plan.map(|plan| format!("{} {}", plan.verb(), plan.service));
    match (&incident.state, fix) {
        // Whoever is called because nothing helped wants to know what was tried.
        (State::Escalated { reason, .. }, _) => match incident.attempts.last() {
            None => reason.clone(),
            Some(last) => {
                let tried = told::many(incident.attempts.len(), "attempt");
                format!(
                    "{reason}\nTried: {tried}. The last, {} {}: {}",
                    last.action.verb(),
                    incident.service,
                    cut(&last.told(), TRIED)
                )
            }
        },
        (State::Queued { gate, .. } | State::Decided { held: Some(crate::Held { gate, .. }) }, fix) => {
            let what = fix.map_or_else(String::new, |fix| format!("{fix}: "));
            // The latest of all that holds it: the end of one is no promise while another lasts.
            let until = Waits::of(&incident.gates, [gate.clone()]).until(at);
            let end = until.map_or_else(String::new, |until| format!(" Not before {}.", told::moment(until)));
            format!("{what}{}{end}", gate.reason)
        }
        (_, fix) => fix.map_or_else(String::new, |fix| format!("{fix}: it waits for somebody's approval.")),
    }
}

/// What a notice says of one cause, as plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub name: String,
    pub by_rule: bool,
    pub by_hand: String,
    pub cause: String,
    /// Names and values that stand in no command.
    pub left_open: Vec<(String, String)>,
    pub checks: Vec<String>,
}

impl From<&Known> for Cause {
    fn from(known: &Known) -> Self {
        let open = known.values.iter().filter(|value| value.left_open);
        Self {
            name: known.name.clone(),
            by_rule: known.by_rule,
            by_hand: plain(&known.by_hand),
            cause: plain(&known.cause),
            left_open: open.map(|value| (value.name.clone(), value.value.clone())).collect(),
            checks: known.checks.iter().map(|check| plain(check)).collect(),
        }
    }
}

/// What happened, what to do about it, why it happens, how to see that it is over, and why this was not done by itself. The first
/// lines are all that some screens show.
pub fn body(title: &str, why: &str, causes: &[Cause]) -> String {
    let mut lines = vec![title.to_owned()];
    for one in causes {
        let which =
            if causes.len() > 1 || !one.by_rule { format!(", if it is “{}”", one.name) } else { String::new() };
        if !one.by_hand.trim().is_empty() {
            lines.push(format!("To do{which}: {}", cut(one.by_hand.trim(), BY_HAND)));
        }
        if !one.cause.trim().is_empty() {
            lines.push(format!("Cause{which}: {}", cut(one.cause.trim(), CAUSE)));
        }
        lines.extend(one.left_open.iter().map(|(name, value)| format!("<{name}>: “{value}”")));
        if !one.checks.is_empty() {
            lines.push(format!("It is over when: {}", cut(&one.checks.join("; "), CHECKS)));
        }
    }
    lines.push(why.to_owned());
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n")
}

/// Characters of each part, so that three causes fit into the smallest of the channels.
const BY_HAND: usize = 500;
const CAUSE: usize = 300;
const CHECKS: usize = 200;
const TRIED: usize = 300;
const LINE: usize = 200;

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
