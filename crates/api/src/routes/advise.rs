//! What a failure is and what to do about it: the analysis and the ranked fixes of an incident, or of some text. Nothing is
//! stored, and nothing runs.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::analyse::impact;
use selfheal_core::config::Config;
use selfheal_core::detect::{Joiner, jaccard, parse_record, reduce, tokens};
use selfheal_core::knowledge::Pattern;
use selfheal_core::known::{Scene, filled};
use selfheal_core::learn::wilson_lower_bound;
use selfheal_core::matching::{PatternMatch, Query, RuleOutcome};
use selfheal_core::{
    DecisionKind, DecisionReason, Fingerprint, Incident, IncidentId, Level, NewSignal, ProjectName, ServiceName,
    Severity, SourceName, State as IncidentState, Timestamp, UNKNOWN_SERVICE,
};
use selfheal_engine::{EVIDENCE_LIMIT, Judged, Knowledge, Subject, decision_on, judge, latest_kinds};
use selfheal_store::{IncidentFilter, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::overview::parse_id;
use crate::extract::Body;
use crate::long_work::{Stop, long};
use crate::view::{MatchView, Reason, TextSpan, match_view, utf16};
use crate::{ApiError, App, Principal};

/// Kinds of lines without a level of failure that rules are asked about.
const ASKED: usize = 2_000;
/// Kinds of failures that are shown one by one.
const SHOWN: usize = 20;
/// Past incidents that are looked through for similar ones, and shown.
const PAST: i64 = 500;
const SIMILAR: usize = 5;
/// Jaccard similarity from which two templates are alike, in basis points.
const ALIKE: u32 = 6_000;

/// Exactly one of `text` and `incident`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdviseRequest {
    /// Log text, any number of lines.
    pub text: Option<String>,
    pub incident: Option<String>,
    pub service: Option<String>,
    pub project: Option<String>,
}

/// A line that the analysis rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceLine {
    pub service: String,
    pub severity: Severity,
    pub text: String,
    pub count: u64,
    pub first_seen: String,
    pub last_seen: String,
    /// Where the rule of the best pattern matched, in UTF-16 code units.
    pub highlights: Vec<TextSpan>,
    /// The best pattern of this line alone; null where none fits.
    #[schema(required)]
    pub pattern: Option<String>,
    #[schema(required)]
    pub relevance: Option<f64>,
}

/// An incident of the past that looked like this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimilarIncident {
    pub incident: String,
    pub title: String,
    pub at: String,
    pub because: String,
    /// What ended it.
    pub ended_by: String,
    /// The fix that was verified to help; null where none did.
    #[schema(required)]
    pub worked: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Analysis {
    #[schema(required)]
    pub incident: Option<String>,
    /// Log records read; null for a stored incident.
    #[schema(required)]
    pub records: Option<usize>,
    pub service: String,
    pub project: String,
    #[schema(required)]
    pub severity: Option<Severity>,
    pub impact: String,
    /// Whether a pattern's rule holds, or its text is alike enough to be suggested.
    pub known: bool,
    #[schema(required)]
    pub pattern: Option<MatchView>,
    /// The pattern's root cause with the facts of this failure; null where nothing fits well enough.
    #[schema(required)]
    pub root_cause: Option<String>,
    /// The worst and most frequent first.
    pub evidence: Vec<EvidenceLine>,
    /// Kinds of failures in all; more than `evidence` shows where there are many.
    pub kinds: usize,
    pub checks: Vec<String>,
    pub similar: Vec<SimilarIncident>,
    /// Services that this one depends on and that have an open incident.
    pub upstream: Vec<String>,
    /// What would make the answer surer.
    pub missing: Vec<String>,
    #[schema(required)]
    pub decision: Option<DecisionKind>,
    pub reasons: Vec<Reason>,
}

/// A fix, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// From 1, best first.
    pub rank: usize,
    #[serde(flatten)]
    pub found: MatchView,
    pub parameters: std::collections::BTreeMap<String, String>,
    /// Why nothing is safe to do by itself, and what a person does.
    pub no_safe_fix: String,
    /// What would be decided were this the best match.
    pub decision: DecisionKind,
    pub reasons: Vec<Reason>,
    pub undo: String,
    pub checks: Vec<String>,
    pub successes: u32,
    pub attempts: u32,
    /// Lower bound of the 95 % Wilson interval of successes among outcomes; null without outcomes.
    #[schema(required)]
    pub wilson_lower_bound: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendations {
    #[schema(required)]
    pub incident: Option<String>,
    pub service: String,
    /// What would be decided now; null where nothing failed.
    #[schema(required)]
    pub decision: Option<DecisionKind>,
    pub recommendations: Vec<Recommendation>,
    pub similar: Vec<SimilarIncident>,
    pub missing: Vec<String>,
}

/// What is asked about, read and judged.
struct Case {
    incident: Option<Incident>,
    records: Option<usize>,
    project: ProjectName,
    signals: Vec<NewSignal>,
    judged: Judged,
    base: Arc<Knowledge>,
    config: Arc<Config>,
    similar: Vec<SimilarIncident>,
    upstream: Vec<String>,
}

#[utoipa::path(post, operation_id = "analyze", path = "/api/v1/knowledge/analyze", tag = "knowledge", request_body = AdviseRequest,
    responses((status = 200, body = Analysis)))]
pub async fn analyze(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<AdviseRequest>,
) -> Result<Json<Analysis>, ApiError> {
    let asked = Arc::clone(&app);
    long(&app, &who, move |stop| async move { Ok(analysis(&read(&asked, body, &stop).await?)) }).await.map(Json)
}

#[utoipa::path(post, operation_id = "recommend", path = "/api/v1/knowledge/recommend", tag = "knowledge", request_body = AdviseRequest,
    responses((status = 200, body = Recommendations)))]
pub async fn recommend(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<AdviseRequest>,
) -> Result<Json<Recommendations>, ApiError> {
    let asked = Arc::clone(&app);
    let recommended =
        long(&app, &who, move |stop| async move { Ok(recommendations(read(&asked, body, &stop).await?)) });
    recommended.await.map(Json)
}

fn recommendations(case: Case) -> Recommendations {
    let recommendations = case
        .judged
        .matches
        .iter()
        .enumerate()
        .filter_map(|(i, found)| {
            let pattern = case.base.pattern(&found.pattern)?;
            Some(case.recommendation(i + 1, found, &pattern))
        })
        .collect();
    Recommendations {
        incident: case.incident.as_ref().map(|incident| incident.id.to_string()),
        service: case.judged.service.to_string(),
        decision: case.decision(),
        recommendations,
        missing: case.missing(),
        similar: case.similar,
    }
}

async fn read(app: &App, body: AdviseRequest, stop: &Stop) -> Result<Case, ApiError> {
    let now = app.now();
    let config = app.engine.config();
    let mut tx = app.store().read().await?;
    let base = app.engine.knowledge(&mut tx).await?;
    let (incident, records, project, service, signals) = match (body.text, body.incident) {
        (Some(text), None) => {
            // The text may take long: nobody else waits for this connection.
            drop(tx);
            let service = ServiceName::new(body.service.unwrap_or_else(|| UNKNOWN_SERVICE.into()));
            let known = config.service(&service).map(|service| service.project.clone());
            let project =
                body.project.map_or_else(|| known.unwrap_or_else(|| ProjectName::new("default")), ProjectName::new);
            let holds = |signal: &NewSignal| {
                let query =
                    Query { project: &project, service: &signal.service, signals: std::slice::from_ref(signal) };
                !stop.is_due() && base.rank(&query, 1).first().is_some_and(|best| best.rule.is_satisfied())
            };
            let (records, signals) = detected(&text, &service, &project, now, holds);
            stop.go_on()?;
            tx = app.store().read().await?;
            (None, Some(records), project, service, signals)
        }
        (None, Some(id)) => {
            let incident = tx.incident(parse_id(&id)?).await?;
            let stored = tx.signals_of(incident.id, EVIDENCE_LIMIT).await?;
            let signals = stored.into_iter().map(|signal| signal.seen).collect();
            let (project, service) = (incident.project.clone(), incident.service.clone());
            (Some(incident), None, project, service, signals)
        }
        _ => {
            return Err(ApiError::invalid(
                "Nothing to analyse",
                "expected exactly one of a text and an incident",
                "Send the log that shows the failure, or the incident's id.",
            ));
        }
    };
    let mut services: Vec<ServiceName> = incident.as_ref().map_or_else(Vec::new, |incident| incident.services.clone());
    for signal in &signals {
        if !services.contains(&signal.service) {
            services.push(signal.service.clone());
        }
    }
    // As many as an incident is judged by.
    let latest = latest_kinds(&signals);
    let fingerprints: Vec<Fingerprint> = incident.as_ref().map_or_else(
        || latest.iter().map(|signal| signal.fingerprint.clone()).collect(),
        |incident| incident.fingerprints.clone(),
    );
    let evidence = tx.relevance_evidence(&fingerprints).await?;
    let subject = match &incident {
        Some(incident) => Subject::of(incident),
        None => Subject { project: &project, service: &service, services: &services, since: None },
    };
    let judged = base.read(|base| judge(&subject, &latest, &evidence, base, &config));
    let this = incident.as_ref().map(|incident| incident.id);
    let similar = similar(&mut tx, this, &project, &signals, &fingerprints, &judged).await?;
    let upstream = upstream(&mut tx, &judged.service, this, &config).await?;
    Ok(Case { incident, records, project, signals, judged, base, config, similar, upstream })
}

/// Detection as `ingest` does it, and beside it the lines for which a rule holds, whatever level they have: many programs
/// write no level, or a low one. Text in which there is neither, and no level at all, is taken at its word by whoever asks about
/// it: each of its lines is then a failure.
fn detected(
    text: &str,
    service: &ServiceName,
    project: &ProjectName,
    now: Timestamp,
    holds: impl Fn(&NewSignal) -> bool,
) -> (usize, Vec<NewSignal>) {
    let mut joiner = Joiner::default();
    let mut records: Vec<_> =
        text.lines().filter_map(|line| joiner.push(line)).map(|raw| parse_record(&raw, now)).collect();
    records.extend(joiner.flush().map(|raw| parse_record(&raw, now)));
    let source = SourceName::new("analysis");
    let errors = reduce(&records, &source, service, project);
    let mut marked = records.clone();
    for record in marked.iter_mut().filter(|record| !record.message.trim().is_empty()) {
        record.level = record.level.max(Some(Level::Error));
    }
    let mut own: HashMap<Fingerprint, NewSignal> =
        errors.into_iter().map(|signal| (signal.fingerprint.clone(), signal)).collect();
    let nothing_says = own.is_empty() && records.iter().all(|record| record.level.is_none());
    let all = reduce(&marked, &source, service, project);
    // One line of each template is asked about: what varies is rarely what a rule reads.
    let mut asked = 0;
    let mut holds = |signal: &NewSignal| {
        asked += 1;
        asked <= ASKED && holds(signal)
    };
    let mut signals: Vec<NewSignal> = all
        .iter()
        .filter_map(|signal| own.remove(&signal.fingerprint).or_else(|| holds(signal).then(|| signal.clone())))
        .collect();
    if signals.is_empty() && nothing_says {
        signals = all;
    }
    (records.len(), signals)
}

/// Closed and resolved incidents that looked like this one, the most alike first.
async fn similar(
    tx: &mut Tx,
    this: Option<IncidentId>,
    project: &ProjectName,
    signals: &[NewSignal],
    fingerprints: &[Fingerprint],
    judged: &Judged,
) -> Result<Vec<SimilarIncident>, ApiError> {
    let filter = IncidentFilter { states: vec!["resolved", "closed"], limit: PAST, ..IncidentFilter::default() };
    let known = judged.matches.first().filter(|best| best.rule.is_satisfied()).map(|best| &best.pattern);
    let words: Vec<_> = signals.iter().take(SHOWN).map(|signal| tokens(&signal.template)).collect();
    let mut found: Vec<(u32, SimilarIncident)> = Vec::new();
    for past in tx.list_incidents(&filter).await? {
        if Some(past.id) == this {
            continue;
        }
        let (by, at) = match &past.state {
            IncidentState::Resolved { by, at, .. } | IncidentState::Closed { by, at } => (*by, *at),
            _ => continue,
        };
        let alike = || {
            let of = |template: &String| {
                let template = tokens(template);
                words.iter().map(|own| jaccard(&template, own)).max().unwrap_or(0)
            };
            past.templates.iter().map(of).max().unwrap_or(0)
        };
        let best = past.decided.as_ref().and_then(|decided| decided.matches.first());
        let (weight, because) = if past.fingerprints.iter().any(|kind| fingerprints.contains(kind)) {
            (20_000, "the same failure".to_owned())
        } else if known.is_some() && best.filter(|best| best.rule.is_satisfied()).map(|best| &best.pattern) == known {
            (15_000, "the same pattern".to_owned())
        } else {
            match alike() {
                similarity if similarity >= ALIKE => (similarity, "similar text".to_owned()),
                _ => continue,
            }
        };
        let worked = past
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.verified.as_ref().is_some_and(|verified| verified.verdict.success()))
            .map(|attempt| format!("{} on {}", attempt.action, attempt.target));
        let ended_by = match by {
            selfheal_core::ResolvedBy::AutomaticFix => "an automatic fix",
            selfheal_core::ResolvedBy::ApprovedFix => "a fix that a person approved",
            selfheal_core::ResolvedBy::Person => "a person",
            selfheal_core::ResolvedBy::Itself => "itself",
        };
        found.push((
            weight + u32::from(past.project == *project),
            SimilarIncident {
                incident: past.id.to_string(),
                title: past.title.clone(),
                at: at.to_rfc3339(),
                because,
                ended_by: ended_by.into(),
                worked,
            },
        ));
    }
    // Stable: what is as much alike stays in the order of its time, the latest first.
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    Ok(found.into_iter().take(SIMILAR).map(|(_, similar)| similar).collect())
}

/// Open incidents of services that this one depends on.
async fn upstream(
    tx: &mut Tx,
    service: &ServiceName,
    this: Option<IncidentId>,
    config: &Config,
) -> Result<Vec<String>, ApiError> {
    let depends_on = config.upstreams(service);
    if depends_on.is_empty() {
        return Ok(Vec::new());
    }
    let states =
        vec!["detected", "decided", "awaiting_approval", "queued", "healing", "verifying", "escalated", "snoozed"];
    let open = tx.list_incidents(&IncidentFilter { states, limit: PAST, ..IncidentFilter::default() }).await?;
    Ok(open
        .iter()
        .filter(|incident| Some(incident.id) != this)
        .filter(|incident| incident.services.iter().any(|failing| depends_on.contains(failing)))
        .map(|incident| format!("{}: {} (incident {})", incident.service, incident.title, incident.id))
        .collect())
}

impl Case {
    fn decision(&self) -> Option<DecisionKind> {
        (!self.signals.is_empty()).then_some(self.judged.decision.kind)
    }

    /// The best pattern, where it is worth a suggestion at least: a cause that is less likely than that is none.
    fn likely(&self) -> Option<(&PatternMatch, Arc<Pattern>)> {
        let best = self.judged.matches.first()?;
        let threshold = self.config.self_healing.suggest_fix_threshold;
        // Fixed or not, a rule that holds explains.
        let worth = best.rule.is_satisfied() || best.decision_confidence.reaches(threshold);
        worth.then(|| Some((best, self.base.pattern(&best.pattern)?)))?
    }

    fn onset(&self) -> Option<Timestamp> {
        self.signals.iter().map(|signal| signal.first_seen).min()
    }

    fn root_cause(&self, pattern: &Pattern) -> String {
        selfheal_core::analyse::root_cause(pattern, &self.scene())
    }

    fn scene(&self) -> Scene<'_> {
        Scene { project: &self.project, service: &self.judged.service, since: self.onset(), signals: &self.signals }
    }

    fn view(&self, found: &PatternMatch, pattern: &Pattern) -> MatchView {
        let action = pattern.action.as_ref().map(|action| action.kind.to_string());
        match_view(found, action, self.root_cause(pattern))
    }

    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let service = &self.judged.service;
        if self.signals.is_empty() {
            missing.push("No failure was found in it: lines at error level, or a stack trace, are needed.".into());
            return missing;
        }
        match self.likely() {
            None => missing.push(
                "A pattern that knows this failure: `selfheal knowledge add` teaches it, with the cause and the fix."
                    .into(),
            ),
            Some((best, _)) if !best.rule.is_satisfied() => missing.push(
                "A detection rule that holds: the pattern was found by similar text, which never acts by itself."
                    .into(),
            ),
            Some((best, _)) if !best.competitors.is_empty() => missing
                .push("Something that tells the competing patterns apart: a must-not term, or a narrower rule.".into()),
            Some(_) => {}
        }
        match self.config.service(service) {
            None if service.as_str() == UNKNOWN_SERVICE => {
                missing.push("Which service it is: name it with --service.".into());
            }
            None => missing.push(format!(
                "The service {service} in the inventory: without it nobody knows what it depends on and what a fix acts on."
            )),
            Some(entry) if entry.target.is_none() => {
                missing.push(format!("A target for {service} in the inventory: without it no fix can run."));
            }
            Some(entry) if entry.health_checks.is_empty() => {
                missing.push(format!("A health check for {service}: without it only silence shows that a fix helped."));
            }
            Some(_) => {}
        }
        missing
    }

    fn recommendation(&self, rank: usize, found: &PatternMatch, pattern: &Pattern) -> Recommendation {
        let (service, upstream) = (&self.judged.service, self.judged.upstream.as_ref());
        let decision = self.base.read(|base| decision_on(Some(found), service, upstream, base, &self.config));
        let told = |text: &str| filled(text, pattern, &self.scene());
        Recommendation {
            rank,
            found: self.view(found, pattern),
            parameters: pattern.action.as_ref().map(|action| action.parameters.clone()).unwrap_or_default(),
            no_safe_fix: told(&pattern.no_safe_fix),
            decision: decision.kind,
            reasons: reasons(&decision.reasons),
            undo: told(&pattern.undo),
            checks: pattern.checks.iter().map(|check| told(check)).collect(),
            successes: pattern.use_count,
            attempts: pattern.attempts,
            wilson_lower_bound: wilson_lower_bound(pattern.use_count, pattern.attempts).map(|bound| bound.as_decimal()),
        }
    }

    fn evidence(&self) -> Vec<EvidenceLine> {
        let mut order: Vec<&NewSignal> = self.signals.iter().collect();
        order.sort_by_key(|signal| (std::cmp::Reverse(signal.severity), std::cmp::Reverse(signal.count)));
        order
            .into_iter()
            .take(SHOWN)
            .map(|signal| {
                let query =
                    Query { project: &self.project, service: &signal.service, signals: std::slice::from_ref(signal) };
                let best = self.base.rank(&query, 1).into_iter().next();
                let span = match best.as_ref().map(|best| &best.rule) {
                    Some(RuleOutcome::Satisfied { span: Some((start, end)), .. }) => {
                        Some(TextSpan { start: utf16(&signal.text, *start), end: utf16(&signal.text, *end) })
                    }
                    _ => None,
                };
                // A weak likeness of one line is no news.
                let best = best.filter(|best| best.rule.is_satisfied());
                EvidenceLine {
                    service: signal.service.to_string(),
                    severity: signal.severity,
                    text: signal.text.clone(),
                    count: signal.count,
                    first_seen: signal.first_seen.to_rfc3339(),
                    last_seen: signal.last_seen.to_rfc3339(),
                    highlights: span.into_iter().collect(),
                    relevance: best.as_ref().map(|best| best.relevance.as_decimal()),
                    pattern: best.map(|best| best.pattern.to_string()),
                }
            })
            .collect()
    }
}

fn analysis(case: &Case) -> Analysis {
    let likely = case.likely();
    Analysis {
        incident: case.incident.as_ref().map(|incident| incident.id.to_string()),
        records: case.records,
        service: case.judged.service.to_string(),
        project: case.project.to_string(),
        severity: case.signals.iter().map(|signal| signal.severity).max(),
        impact: impact(&case.judged.service, &case.config),
        known: likely.is_some(),
        root_cause: likely.as_ref().map(|(_, pattern)| case.root_cause(pattern)),
        checks: likely.as_ref().map_or_else(Vec::new, |(_, pattern)| {
            pattern.checks.iter().map(|check| filled(check, pattern, &case.scene())).collect()
        }),
        pattern: likely.as_ref().map(|(found, pattern)| case.view(found, pattern)),
        evidence: case.evidence(),
        kinds: case.signals.len(),
        similar: case.similar.clone(),
        upstream: case.upstream.clone(),
        missing: case.missing(),
        decision: case.decision(),
        reasons: if case.signals.is_empty() { Vec::new() } else { reasons(&case.judged.decision.reasons) },
    }
}

fn reasons(list: &[DecisionReason]) -> Vec<Reason> {
    list.iter().map(|reason| Reason { code: reason.code().into(), text: reason.text() }).collect()
}
