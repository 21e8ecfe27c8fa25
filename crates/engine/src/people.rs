//! What people do with incidents. Each is a fact with an audit entry in the same transaction, whoever asks: window,
//! notification, command line or HTTP.

use std::collections::BTreeMap;

use selfheal_core::audit::NewEntry;
use selfheal_core::matching::{Evidence, PatternMatch};
use selfheal_core::{
    Action, Approval, BasisPoints, Chosen, Fact, Incident, IncidentId, PatternId, Plan, PlanHash, RejectReason,
    SecondApproval, ServiceName, State, Timestamp,
};
use selfheal_store::{StoreError, Tx};

use crate::conclude::stale;
use crate::engine::{Engine, EngineError};
use crate::evidence::{about_cause, blamed, remember};
use crate::learning::{confirm, learn_from_end};
use crate::verify::kind_of;

/// Why a person's word changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What, why and what next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}. {next}")]
pub struct Refusal {
    pub code: &'static str,
    pub what: String,
    pub why: String,
    pub next: String,
}

impl Refusal {
    pub fn new(code: &'static str, what: &str, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, what: what.to_owned(), why: why.into(), next: next.into() }
    }
}

impl From<StoreError> for PersonError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<Refusal> for PersonError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a person wants to run.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The incident's own where it is left out.
    pub service: Option<ServiceName>,
    /// The best candidate's where it is left out.
    pub action: Option<Action>,
}

impl Engine {
    /// Approves the plan that waits, if it is the one that was looked at. `by` is who stands on record, `person` the human
    /// being behind it. `typed` is what the person typed where the plan asks for that.
    pub async fn approve(
        &self,
        id: IncidentId,
        by: &str,
        person: &str,
        plan_hash: &PlanHash,
        typed: Option<&str>,
    ) -> Result<Incident, PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let incident = tx.incident(id).await?;
        let plan = plan_of(&incident, plan_hash)?;
        if let Some(wanted) = plan.words_to_type()
            && typed != Some(wanted.as_str())
        {
            return Err(Refusal::new(
                "confirmation_missing",
                "Not approved",
                "this plan cannot be undone",
                format!("Type the target's name to approve it: {wanted}"),
            )
            .into());
        }
        let config = self.config();
        let expires_at = match incident.state {
            State::AwaitingApproval { expires_at } => expires_at,
            _ => now + config.limits.approval_expires(),
        };
        if expires_at <= now {
            return Err(Refusal::new(
                "approval_expired",
                "Too late",
                "the approval has expired and nothing ran",
                "The incident is being escalated: take it from there.",
            )
            .into());
        }
        let needed = config.approval.approvers_of(plan, config.service(&plan.service));
        let (target, action) = (plan.target.canonical(), plan.action.kind);
        let approval = match incident.approval.clone().filter(|first| now < first.expires_at) {
            Some(first) if first.is_complete() && needed <= first.given() => {
                return Err(Refusal::new(
                    "approved_already",
                    "Nothing to approve",
                    format!("{} has approved it already", first.people()),
                    "It is on its way.",
                )
                .into());
            }
            Some(first) if first.is_of(by, Some(person)) => {
                let why = match first.by == by {
                    true => "two different people have to approve this plan, and you are the first".to_owned(),
                    false => format!(
                        "two different people have to approve this plan, and {} is the same person as you ({person})",
                        first.by
                    ),
                };
                return Err(Refusal::new(
                    "second_approver_needed",
                    "Not approved twice",
                    why,
                    "Ask somebody else to approve it.",
                )
                .into());
            }
            Some(first) => {
                let second = SecondApproval { by: by.to_owned(), person: Some(person.to_owned()), at: now };
                Approval { second: Some(second), needed, ..first }
            }
            None => Approval {
                by: by.to_owned(),
                person: Some(person.to_owned()),
                at: now,
                plan_hash: plan_hash.clone(),
                expires_at,
                second: None,
                needed,
            },
        };
        let result = match approval.is_complete() {
            true => "approved".to_owned(),
            false => format!("approved by {} of {}", approval.given(), approval.needed),
        };
        if approval.is_complete() {
            tx.settle_shadow(id, action, &target, now).await?;
        }
        self.record_person(tx, &incident, by, &Fact::Approved { approval }, "approval.granted", &result, now).await
    }

    /// Rejects the plan that waits. A wrong fix and a wrong cause count against the pattern for this kind of incident.
    pub async fn reject(
        &self,
        id: IncidentId,
        by: &str,
        plan_hash: &PlanHash,
        reason: RejectReason,
        comment: Option<String>,
    ) -> Result<Incident, PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let incident = tx.incident(id).await?;
        let pattern = plan_of(&incident, plan_hash)?.pattern.clone();
        if matches!(reason, RejectReason::WrongFix | RejectReason::WrongCause) {
            if let Some(kind) = kind_of(&incident).filter(|_| pattern != PatternId::by_hand()) {
                tx.add_relevance_evidence(&pattern, kind, Evidence::REJECTED, now).await?;
            }
            tx.settle_shadow_as(id, false, now).await?;
        }
        let fact = Fact::Rejected { by: by.to_owned(), reason, comment };
        self.record_person(tx, &incident, by, &fact, "approval.rejected", reason.as_str(), now).await
    }

    /// Chooses an action for an incident that is a person's, or another one than was asked for. It is a plan of its own, and
    /// needs an approval of its own.
    pub async fn choose(&self, id: IncidentId, by: &str, choice: Choice) -> Result<Incident, PersonError> {
        let mut tx = self.store.read().await?;
        let incident = tx.incident(id).await?;
        let best = best_candidate(&mut tx, &incident, self.config().self_healing.suggest_fix_threshold).await?;
        drop(tx);
        let (action, pattern) = match (choice.action, best) {
            (None, Some((action, pattern))) => (action, pattern),
            (None, None) => {
                return Err(Refusal::new(
                    "nothing_to_choose",
                    "No action was chosen",
                    "no known pattern suggests one for this incident",
                    "Name the action, for example service.restart.",
                )
                .into());
            }
            // The pattern's own fix counts as its attempt; anything else is the person's.
            (Some(action), Some((known, pattern))) if known == action => (action, pattern),
            (Some(action), _) => (action, PatternId::by_hand()),
        };
        let service = choice.service.unwrap_or_else(|| incident.service.clone());
        let chosen = Chosen { by: by.to_owned(), at: self.now(), service, action, pattern };
        self.put_choice(incident, chosen, "approval.requested").await
    }

    /// Changes parameters of the plan that waits: another plan, which needs another approval.
    pub async fn edit(
        &self,
        id: IncidentId,
        by: &str,
        plan_hash: &PlanHash,
        parameters: BTreeMap<String, String>,
    ) -> Result<Incident, PersonError> {
        let mut tx = self.store.read().await?;
        let incident = tx.incident(id).await?;
        drop(tx);
        let plan = plan_of(&incident, plan_hash)?;
        let chosen = Chosen {
            by: by.to_owned(),
            at: self.now(),
            service: plan.service.clone(),
            action: Action { parameters, ..plan.action.clone() },
            pattern: plan.pattern.clone(),
        };
        self.put_choice(incident, chosen, "approval.edited").await
    }

    /// Records something that a person did and that needs nothing else.
    pub async fn act(
        &self,
        id: IncidentId,
        by: &str,
        fact: Fact,
        event_type: &'static str,
        result: &str,
    ) -> Result<Incident, PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let incident = tx.incident(id).await?;
        self.record_person(tx, &incident, by, &fact, event_type, result, now).await
    }

    /// A person says that it is fixed, whether it was what Selfheal would have done, and what it was where they say so. What they
    /// did is shown as a confirmed fix, and moves no confidence.
    pub async fn resolve(
        &self,
        id: IncidentId,
        by: &str,
        comment: Option<String>,
        did_the_same: Option<bool>,
        fix: Option<Action>,
    ) -> Result<Incident, PersonError> {
        let (mut tx, now) = (self.store.write().await?, self.now());
        let incident = tx.incident(id).await?;
        if let Some(same) = did_the_same {
            tx.settle_shadow_as(id, same, now).await?;
            let cause = blamed(&incident).filter(|cause| same && **cause != PatternId::by_hand());
            if let Some(pattern) = cause {
                remember(&mut tx, &incident, pattern, &self.config(), now).await?;
                let why = "fixed by hand by what the pattern suggests";
                tx.audit(about_cause("learning.cause_confirmed", by, pattern, &incident, why, now)).await?;
            }
        }
        let known = known_fix(&mut tx, &incident, self.config().self_healing.suggest_fix_threshold).await?;
        let confirmed = match (fix, known) {
            (Some(action), Some((known, pattern))) if known.kind == action.kind => Some((action, Some(pattern))),
            (Some(action), _) => Some((action, None)),
            (None, Some((action, pattern))) if did_the_same == Some(true) => Some((action, Some(pattern))),
            (None, _) => None,
        };
        if let Some((action, pattern)) = confirmed {
            confirm(&mut tx, &incident, by, pattern, action, now).await?;
        }
        let watch_until = now + self.config().verification.watch();
        let fact = Fact::ResolvedByPerson { by: by.to_owned(), comment, watch_until };
        self.record_person(tx, &incident, by, &fact, "incident.resolved", "resolved by hand", now).await
    }

    async fn put_choice(
        &self,
        seen: Incident,
        chosen: Chosen,
        event_type: &'static str,
    ) -> Result<Incident, PersonError> {
        let config = self.config();
        if !(seen.awaits_a_person() || matches!(seen.state, State::Escalated { .. })) {
            return Err(no_choice_now(&seen).into());
        }
        if !config.service(&chosen.service).is_some_and(|service| service.managed) {
            return Err(Refusal::new(
                "not_managed",
                "The action cannot be chosen",
                format!("{} is not a managed service of the inventory", chosen.service),
                "Set `managed: true` for it, or choose another service.",
            )
            .into());
        }
        let (decided, preflight) = match self.plan_chosen(&seen, &chosen, &config).await? {
            Ok(planned) => planned,
            Err(why) => {
                let next = "Mend that, or choose another action.";
                return Err(Refusal::new("no_plan", "No plan could be made", trimmed(&why.text()), next).into());
            }
        };
        if !preflight.blockers.is_empty() {
            let why: Vec<&str> = preflight.blockers.iter().map(|blocker| blocker.text.as_str()).collect();
            let next = "Nothing may run while that is so.";
            return Err(Refusal::new("blocked", "The action cannot run", trimmed(&why.join(" ")), next).into());
        }
        let (mut tx, now) = (self.store.write().await?, self.now());
        let incident = tx.incident(seen.id).await?;
        // The target was asked meanwhile: whoever was faster has changed what was looked at.
        if incident.state != seen.state || incident.decided != seen.decided {
            return Err(changed().into());
        }
        if let Some(approval) = &incident.approval {
            tx.audit(stale(&incident, approval, now)).await?;
        }
        let expires_at = now + config.limits.approval_expires();
        let by = chosen.by.clone();
        let fact = Fact::Chosen { chosen, decided: Box::new(decided), expires_at };
        self.record_person(tx, &incident, &by, &fact, event_type, "awaiting approval", now).await
    }

    #[expect(clippy::too_many_arguments, reason = "one transaction's worth of values")]
    async fn record_person(
        &self,
        mut tx: Tx,
        before: &Incident,
        by: &str,
        fact: &Fact,
        event_type: &'static str,
        result: &str,
        now: Timestamp,
    ) -> Result<Incident, PersonError> {
        let incident = tx.record(before.id, fact, now).await?;
        if let (Some(approval), None, false) =
            (&before.approval, &incident.approval, matches!(fact, Fact::Rejected { .. } | Fact::Chosen { .. }))
        {
            tx.audit(stale(before, approval, now)).await?;
        }
        // What was chosen is in the fact; everything else is about the plan that stood there before.
        let about = if matches!(fact, Fact::Chosen { .. }) { &incident } else { before };
        let decided = about.decided.as_ref();
        let plan = decided.and_then(|decided| decided.plan.as_ref());
        // What people wrote stays where it can be redacted; the trail keeps its digest.
        let fact_digest = selfheal_core::sha256_hex(serde_json::to_vec(fact).unwrap_or_default());
        let entry = NewEntry {
            at: now,
            event_type,
            actor: by.to_owned(),
            incident_id: Some(before.id),
            pattern_id: plan.map(|plan| plan.pattern.clone()),
            confidence: decided.map(|decided| decided.decision.confidence.shown()),
            action: plan.map(|plan| plan.action.kind.to_string()),
            target: plan.map(|plan| plan.target.canonical()),
            result: result.to_owned(),
            details: match approving_person(fact, by) {
                // Two tokens of one person are one approver: the trail says whose word it was.
                Some(person) => serde_json::json!({
                    "fact": fact.name(), "fact_digest": fact_digest, "plan_hash": plan.map(Plan::hash), "person": person,
                }),
                None => serde_json::json!({
                    "fact": fact.name(), "fact_digest": fact_digest, "plan_hash": plan.map(Plan::hash),
                }),
            },
        };
        tx.audit(entry.on_evidence(fact_digest)).await?;
        if let Fact::ResolvedByPerson { comment, .. } = fact {
            learn_from_end(&mut tx, &incident, comment.as_deref(), &self.config(), now).await?;
        }
        tx.commit().await?;
        self.announce_incident(&incident);
        self.nudge();
        Ok(incident)
    }
}

/// What would have been done: the plan that waited, or the best candidate's fix.
async fn known_fix(
    tx: &mut Tx,
    incident: &Incident,
    threshold: BasisPoints,
) -> Result<Option<(Action, PatternId)>, StoreError> {
    let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    match plan.filter(|plan| plan.pattern != PatternId::by_hand()) {
        Some(plan) => Ok(Some((plan.action.clone(), plan.pattern.clone()))),
        None => best_candidate(tx, incident, threshold).await,
    }
}

/// The fix of the best candidate that names one and is worth suggesting: similar words alone are not.
async fn best_candidate(
    tx: &mut Tx,
    incident: &Incident,
    threshold: BasisPoints,
) -> Result<Option<(Action, PatternId)>, StoreError> {
    let worth = |found: &&PatternMatch| found.rule.is_satisfied() || found.decision_confidence.reaches(threshold);
    for found in incident.decided.iter().flat_map(|decided| &decided.matches).filter(worth) {
        let root = tx.root_of(&found.pattern).await?;
        if let Some(pattern) = tx.pattern(&root).await?
            && let Some(action) = pattern.action
        {
            return Ok(Some((action, pattern.id)));
        }
    }
    Ok(None)
}

/// The plan that waits, if it is the one that was looked at.
fn plan_of<'a>(incident: &'a Incident, hash: &PlanHash) -> Result<&'a Plan, Refusal> {
    let plan = incident.decided.as_ref().and_then(|decided| decided.plan.as_ref());
    match plan {
        Some(plan) if incident.awaits_a_person() && plan.hash() == *hash => Ok(plan),
        Some(_) if incident.awaits_a_person() => Err(changed()),
        _ => Err(Refusal::new(
            "no_plan_waits",
            "Nothing waits for approval",
            format!("the incident is {}", words(incident)),
            "`selfheal incidents show` says what can be done with it now.",
        )),
    }
}

fn changed() -> Refusal {
    Refusal::new(
        "plan_changed",
        "The plan has changed",
        "the situation is not the one that this plan was made for",
        "Look at the new plan and decide again.",
    )
}

fn no_choice_now(incident: &Incident) -> Refusal {
    Refusal::new(
        "no_choice_now",
        "No action can be chosen now",
        format!("the incident is {}", words(incident)),
        "An action can be chosen for an incident that is escalated or waits for approval.",
    )
}

fn words(incident: &Incident) -> String {
    incident.state.name().replace('_', " ")
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}

/// The person behind an approval, where the name on record does not say it.
fn approving_person<'a>(fact: &'a Fact, by: &str) -> Option<&'a str> {
    let Fact::Approved { approval } = fact else { return None };
    let person = approval.second.as_ref().map_or(&approval.person, |second| &second.person).as_deref()?;
    (by.strip_prefix("token:").unwrap_or(by) != person).then_some(person)
}
