//! What a scenario expects to be so.

use std::collections::BTreeMap;

use selfheal_core::knowledge::PatternStatus;
use serde::Deserialize;

use super::world::World;

/// Everything that is named must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// State names by incident.
    pub states: BTreeMap<i64, String>,
    /// How many incidents there are.
    pub incidents: Option<usize>,
    /// Where the fix goes, by incident.
    pub services: BTreeMap<i64, String>,
    /// Attempts by incident.
    pub attempts: BTreeMap<i64, usize>,
    /// Confidence and verified successes by pattern.
    pub confidence: BTreeMap<String, f64>,
    pub uses: BTreeMap<String, u32>,
    /// Restarts that really ran, by service.
    pub ran: BTreeMap<String, usize>,
    /// Undone actions, by service.
    pub undone: BTreeMap<String, usize>,
    /// Decided, agreed and disagreed shadow decisions, by pattern.
    pub shadow: BTreeMap<String, [i64; 3]>,
    /// Drafts that wait: of how many incidents, by id.
    pub drafts: Option<BTreeMap<String, u32>>,
    /// Words that rule a pattern or a draft out, its action and its status.
    pub must_not: BTreeMap<String, Vec<String>>,
    pub actions: BTreeMap<String, Option<String>>,
    pub status: BTreeMap<String, PatternStatus>,
    /// Relevance of the best match, by incident.
    pub relevance: BTreeMap<i64, f64>,
    /// Notices so far, as `kind service`.
    pub notices: Option<Vec<String>>,
    /// The first gate that refuses, by incident.
    pub gate: BTreeMap<i64, String>,
    /// What an incident's fix waits for now, and until when, as people are told.
    pub waits: BTreeMap<i64, String>,
    /// Kinds of decision by incident.
    pub decisions: BTreeMap<i64, String>,
    /// Audit event types that must occur, in this order, others between them.
    pub audit: Vec<String>,
    pub resolved_by: BTreeMap<i64, String>,
    /// Evidence beside the text of the best match, by incident and kind: its log-likelihood ratio.
    pub evidence: BTreeMap<i64, BTreeMap<String, f64>>,
    /// Words of that evidence.
    pub explained: BTreeMap<i64, String>,
    /// Words of the story that people are told, by incident.
    pub story: BTreeMap<i64, String>,
    /// Incidents whose cause is confirmed, by pattern.
    pub causes: BTreeMap<String, u64>,
    /// All changes, latest first.
    pub changes: Option<Vec<String>>,
}

impl Expect {
    pub async fn check(&self, world: &World) -> Result<(), String> {
        let seen = world.see().await?;
        let mut wrong = Vec::new();
        for (id, words) in &self.story {
            let told = world.story(*id).await?;
            if !told.contains(words) {
                wrong.push(format!("story of {id}: expected {words}, found {told}"));
            }
        }
        let mut same = |what: String, expected: String, found: String| {
            if expected != found {
                wrong.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        if let Some(count) = self.incidents {
            same("incidents".into(), count.to_string(), seen.incidents.len().to_string());
        }
        for (id, state) in &self.states {
            same(format!("state of {id}"), state.clone(), seen.of(*id, |i| i.state.name().to_owned()));
        }
        for (id, service) in &self.services {
            same(format!("service of {id}"), service.clone(), seen.of(*id, |i| i.service.to_string()));
        }
        for (id, count) in &self.attempts {
            same(format!("attempts of {id}"), count.to_string(), seen.of(*id, |i| i.attempts.len().to_string()));
        }
        for (id, gate) in &self.gate {
            let refusing = |i: &selfheal_core::Incident| {
                i.gates.iter().find(|g| !g.passed).map_or("none".to_owned(), |g| g.gate.as_str().to_owned())
            };
            same(format!("gate of {id}"), gate.clone(), seen.of(*id, refusing));
        }
        for (id, wait) in &self.waits {
            let found = seen.waits.get(id).cloned().unwrap_or_else(|| "nothing".into());
            same(format!("what {id} waits for"), wait.clone(), found);
        }
        for (id, kind) in &self.decisions {
            let decided = |i: &selfheal_core::Incident| {
                i.decided.as_ref().map_or("none".to_owned(), |d| d.decision.kind.as_str().to_owned())
            };
            same(format!("decision of {id}"), kind.clone(), seen.of(*id, decided));
        }
        for (id, by) in &self.resolved_by {
            let who = |i: &selfheal_core::Incident| match &i.state {
                selfheal_core::State::Resolved { by, .. } | selfheal_core::State::Closed { by, .. } => {
                    by.as_str().to_owned()
                }
                _ => "not resolved".to_owned(),
            };
            same(format!("resolution of {id}"), by.clone(), seen.of(*id, who));
        }
        for (id, value) in &self.confidence {
            let found = seen.patterns.get(id).map_or("none".to_owned(), |p| p.confidence.as_decimal().to_string());
            same(format!("confidence of {id}"), value.to_string(), found);
        }
        for (id, uses) in &self.uses {
            let found = seen.patterns.get(id).map_or("none".to_owned(), |p| p.use_count.to_string());
            same(format!("uses of {id}"), uses.to_string(), found);
        }
        for (service, count) in &self.ran {
            let found = seen.ran.get(service).copied().unwrap_or(0);
            same(format!("restarts of {service}"), count.to_string(), found.to_string());
        }
        for (service, count) in &self.undone {
            same(
                format!("undone of {service}"),
                count.to_string(),
                seen.undone.get(service).copied().unwrap_or(0).to_string(),
            );
        }
        for (pattern, counts) in &self.shadow {
            let found = seen.shadow.get(pattern).copied().unwrap_or_default();
            same(
                format!("shadow of {pattern}"),
                format!("{counts:?}"),
                format!("{:?}", [found.decisions, found.agreed, found.disagreed]),
            );
        }
        for (id, relevance) in &self.relevance {
            let best = |i: &selfheal_core::Incident| {
                let found = i.decided.as_ref().and_then(|decided| decided.matches.first());
                found.map_or("none".to_owned(), |found| found.relevance.as_decimal().to_string())
            };
            same(format!("relevance of {id}"), relevance.to_string(), seen.of(*id, best));
        }
        let items = |i: &selfheal_core::Incident| {
            let found = i.decided.as_ref().and_then(|decided| decided.matches.first());
            found.map(|found| found.items.clone()).unwrap_or_default()
        };
        for (id, kinds) in &self.evidence {
            let found = seen.of(*id, |i| {
                let found: BTreeMap<String, f64> = items(i)
                    .iter()
                    .map(|item| (item.kind.as_str().to_owned(), item.log_likelihood_ratio))
                    .filter(|(kind, _)| kinds.contains_key(kind))
                    .collect();
                format!("{found:?}")
            });
            same(format!("evidence of {id}"), format!("{kinds:?}"), found);
        }
        for (id, words) in &self.explained {
            let all =
                seen.of(*id, |i| items(i).iter().map(|item| item.sentence.clone()).collect::<Vec<_>>().join("; "));
            if !all.contains(words) {
                same(format!("explanation of {id}"), words.clone(), all);
            }
        }
        for (id, count) in &self.causes {
            let found = seen.causes.get(id).copied().unwrap_or_default();
            same(format!("confirmed causes of {id}"), count.to_string(), found.to_string());
        }
        if let Some(changes) = &self.changes {
            same("changes".into(), changes.join(", "), seen.changes.join(", "));
        }
        if let Some(drafts) = &self.drafts {
            same("drafts".into(), format!("{drafts:?}"), format!("{:?}", seen.drafts));
        }
        for (id, terms) in &self.must_not {
            let found = seen.patterns.get(id).map(|pattern| pattern.must_not.clone()).unwrap_or_default();
            same(format!("must-not terms of {id}"), terms.join(", "), found.join(", "));
        }
        for (id, action) in &self.actions {
            let found = seen.patterns.get(id).and_then(|pattern| pattern.action.as_ref().map(|a| a.kind.to_string()));
            same(format!("action of {id}"), format!("{action:?}"), format!("{found:?}"));
        }
        for (id, status) in &self.status {
            let found = seen.patterns.get(id).map(|pattern| pattern.status.as_str());
            same(format!("status of {id}"), status.as_str().into(), found.unwrap_or("none").into());
        }
        if let Some(notices) = &self.notices {
            same("notices".into(), notices.join(", "), seen.notices.join(", "));
        }
        let mut left = self.audit.iter().peekable();
        for event in &seen.audit {
            left.next_if(|wanted| *wanted == event);
        }
        if let Some(missing) = left.peek() {
            same("audit".into(), (*missing).clone(), seen.audit.join(", "));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n    ")) }
    }
}
