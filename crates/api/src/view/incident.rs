//! One incident, whole.

use std::collections::HashMap;

use selfheal_core::config::Config;
use selfheal_core::knowledge::Pattern;
use selfheal_core::known::{Known, Scene};
use selfheal_core::matching::RuleOutcome;
use selfheal_core::verify::Watch;
use selfheal_core::{
    Incident, NAMED_SERVICE, NewSignal, Severity, Signal, SignalKind, State, Timestamp, Waits, analyse,
};
use selfheal_store::{MinuteCount, PendingEffect, StoredFact};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attempt::attempt_view;
use super::known::what_to_do;
use super::plan::approval_view;
use super::timing::timing;
use super::waits::wait_view;
use super::{
    ApprovalView, AttemptView, Capabilities, DecisionView, GateView, IncidentRow, PlanView, Primary, StoryEntry,
    Timing, WaitView, WhatToDo, capabilities, decision_view, gate_views, incident_row, match_view, plan_view, story,
};
use crate::Principal;

/// A piece of a text, in UTF-16 code units, as browsers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Span)]
pub struct TextSpan {
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignalView {
    pub id: String,
    pub kind: SignalKind,
    pub source: String,
    pub service: String,
    /// The service that the line itself names, where that is another one. Evidence: it chooses nothing.
    #[schema(required)]
    pub named_service: Option<String>,
    pub severity: Severity,
    pub text: String,
    pub template: String,
    pub count: u64,
    pub first_seen: String,
    pub last_seen: String,
    /// What a rule matched.
    pub highlights: Vec<TextSpan>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckReading {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationView {
    pub started_at: String,
    #[schema(required)]
    pub clear_since: Option<String>,
    #[schema(required)]
    pub stable_at: Option<String>,
    pub deadline: String,
    #[schema(required)]
    pub symptom_last_seen: Option<String>,
    pub readings: Vec<CheckReading>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentView {
    pub incident: IncidentRow,
    /// What a person does about it: what is known, in steps.
    pub what_to_do: WhatToDo,
    #[schema(required)]
    pub root_cause: Option<String>,
    pub impact: String,
    pub story: Vec<StoryEntry>,
    /// What retention has removed of it, in words; null while all is there.
    #[schema(required)]
    pub expired: Option<String>,
    pub signals: Vec<SignalView>,
    #[schema(required)]
    pub decision: Option<DecisionView>,
    pub gates: Vec<GateView>,
    /// What holds its action back now, and until when; null where it waits for nothing.
    #[schema(required)]
    pub waits: Option<WaitView>,
    #[schema(required)]
    pub plan: Option<PlanView>,
    #[schema(required)]
    pub approval: Option<ApprovalView>,
    pub attempts: Vec<AttemptView>,
    #[schema(required)]
    pub verification: Option<VerificationView>,
    pub seconds: Timing,
    pub can: Capabilities,
    #[schema(required)]
    pub primary: Option<Primary>,
}

/// Everything that the view is made of, read in one transaction.
pub struct Parts<'a> {
    pub incident: &'a Incident,
    pub signals: &'a [Signal],
    pub counts: &'a [MinuteCount],
    pub facts: &'a [StoredFact],
    pub effects: &'a [PendingEffect],
    pub patterns: &'a HashMap<String, Pattern>,
    /// What the knowledge base tells a person of it.
    pub known: &'a [Known],
    /// What holds its action back now.
    pub waits: Option<&'a Waits>,
}

pub fn incident_view(parts: &Parts<'_>, config: &Config, who: &Principal, now: Timestamp) -> IncidentView {
    let incident = parts.incident;
    let decided = incident.decided.as_deref();
    let (can, primary) = capabilities(incident, parts.facts, who);
    let signals: Vec<NewSignal> = parts.signals.iter().map(|signal| signal.seen.clone()).collect();
    let (project, service) = (&incident.project, &incident.service);
    let scene = Scene { project, service, since: Some(incident.onset), signals: &signals };
    let candidates = decided.map_or_else(Vec::new, |decided| {
        decided
            .matches
            .iter()
            .map(|found| {
                let pattern = parts.patterns.get(found.pattern.as_str());
                let action = pattern.and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
                match_view(found, action, pattern.map_or_else(String::new, |p| analyse::root_cause(p, &scene)))
            })
            .collect()
    });
    IncidentView {
        incident: incident_row(incident, parts.counts, now),
        what_to_do: what_to_do(incident, parts.known),
        root_cause: decided.and_then(|decided| decided.root_cause.clone()),
        impact: analyse::impact(&incident.service, config),
        story: story(parts.facts, incident),
        expired: expired(parts),
        signals: parts.signals.iter().enumerate().map(|(i, signal)| signal_view(i, signal, incident)).collect(),
        decision: decided.zip(incident.decided_at).map(|(decided, at)| decision_view(decided, at, candidates)),
        gates: gate_views(parts.waits.map_or(&incident.gates, |waits| &waits.gates)),
        waits: parts.waits.and_then(|waits| wait_view(waits, now)),
        plan: decided
            .and_then(|decided| decided.plan.as_ref().map(|plan| plan_view(plan, decided, incident.chosen.as_ref()))),
        approval: approval_view(incident, config),
        attempts: incident.attempts.iter().map(attempt_view).collect(),
        verification: verification(parts, config),
        seconds: timing(incident, parts.facts),
        can,
        primary,
    }
}

/// Facts are numbered from 1 without a gap: where the first is missing, the story has expired.
fn expired(parts: &Parts<'_>) -> Option<String> {
    let story = parts.facts.first().is_none_or(|first| first.seq != 1);
    let evidence = parts.signals.is_empty();
    let what = match (story, evidence) {
        (true, true) => "Its story and its evidence have",
        (true, false) => "Its story has",
        (false, true) => "Its evidence has",
        (false, false) => return None,
    };
    Some(format!("{what} expired (retention in the configuration). How it ended and the audit trail are kept."))
}

fn signal_view(index: usize, signal: &Signal, incident: &Incident) -> SignalView {
    let seen = &signal.seen;
    let highlights = incident
        .decided
        .iter()
        .flat_map(|decided| &decided.matches)
        .filter_map(|found| match &found.rule {
            RuleOutcome::Satisfied { signal, span: Some((start, end)), .. } if *signal == index => {
                Some(TextSpan { start: utf16(&seen.text, *start), end: utf16(&seen.text, *end) })
            }
            _ => None,
        })
        .collect();
    SignalView {
        id: signal.id.to_string(),
        kind: seen.kind,
        source: seen.source.to_string(),
        service: seen.service.to_string(),
        named_service: seen.attributes.get(NAMED_SERVICE).cloned(),
        severity: seen.severity,
        text: seen.text.clone(),
        template: seen.template.clone(),
        count: seen.count,
        first_seen: seen.first_seen.to_rfc3339(),
        last_seen: seen.last_seen.to_rfc3339(),
        highlights,
    }
}

pub(crate) fn utf16(text: &str, byte: usize) -> usize {
    text.get(..byte).map_or(0, |before| before.encode_utf16().count())
}

fn verification(parts: &Parts<'_>, config: &Config) -> Option<VerificationView> {
    let State::Verifying { event } = &parts.incident.state else { return None };
    let finished = parts.incident.attempt(*event)?.finished_at?;
    let watch = parts
        .effects
        .iter()
        .find_map(|effect| serde_json::from_value::<Watch>(effect.state.clone()).ok())
        .unwrap_or_else(|| Watch::start(finished, &config.verification));
    let last = watch.last.as_ref();
    Some(VerificationView {
        started_at: watch.since.to_rfc3339(),
        clear_since: watch.clear_since.map(Timestamp::to_rfc3339),
        stable_at: watch.stable_at(&config.verification).map(Timestamp::to_rfc3339),
        deadline: watch.deadline.to_rfc3339(),
        symptom_last_seen: last.and_then(|reading| reading.symptom_last_seen).map(Timestamp::to_rfc3339),
        readings: last
            .map(|reading| reading.checks.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|check| CheckReading { name: check.name.clone(), ok: check.ok, detail: check.detail.clone() })
            .collect(),
    })
}
