//! Matches, decides and makes a plan: everything that is found out before the transaction, and what has to be asked of
//! the outside world for it.

use std::sync::Arc;
use std::time::Duration;

use selfheal_core::config::{Config, Service};
use selfheal_core::knowledge::Pattern;
use selfheal_core::known::{Scene, worth_telling};
use selfheal_core::matching::PatternMatch;
use selfheal_core::told::moment;
use selfheal_core::{
    Action, Chosen, Decided, Decision, DecisionConfidence, DecisionKind, Incident, NewSignal, PatternId, Plan,
    Preflight, ServiceName, Timestamp, analyse, chosen,
};
use selfheal_store::Tx;

use crate::decide::checks;
use crate::engine::{Engine, EngineError};
use crate::evidence::attach;
use crate::judge::{Subject, best_service, decision_on, weigh};
use crate::knowledge::Knowledge;
use crate::ports::{Actuator, ActuatorError};

/// How long a target may take to say what state it is in.
pub(crate) const PREVIEW: Duration = Duration::from_secs(15);

/// What was found out before the transaction.
pub(crate) struct Prepared {
    pub judgement: Judgement,
    pub decided: Decided,
    pub preflight: Option<Preflight>,
    /// Why there is no plan although there should be one.
    pub no_plan: Option<NoPlan>,
    pub managed: bool,
    /// The digest of the signals that were looked at.
    pub evidence: Option<String>,
}

/// What the knowledge base and the rules say of an incident, before anybody is asked.
#[derive(Clone)]
pub(crate) struct Judgement {
    service: ServiceName,
    matches: Vec<PatternMatch>,
    decision: Decision,
    /// The pattern of the best match.
    pattern: Option<Arc<Pattern>>,
}

impl Judgement {
    /// Whether another one leads to the same: what other patterns' scores have become does not matter.
    pub fn leads_to_the_same_as(&self, other: &Self) -> bool {
        self.service == other.service && self.decision == other.decision && self.pattern == other.pattern
    }
}

/// Why a plan could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPlan {
    /// A person has to mend something.
    Because(String),
    /// The target did not answer: worth another try.
    Unreachable(String),
    /// The circuit breaker gives the connection a rest: gate 6, which time frees.
    Resting { until: Timestamp },
}

impl NoPlan {
    pub fn text(&self) -> String {
        match self {
            Self::Because(text) | Self::Unreachable(text) => text.clone(),
            Self::Resting { until } => {
                format!("The connection to the target failed repeatedly and is given a rest until {}.", moment(*until))
            }
        }
    }
}

/// What a plan is to be made for.
pub(crate) struct Wanted<'a> {
    pub pattern: PatternId,
    pub action: Option<Action>,
    pub service: &'a ServiceName,
    /// Only to see what it would be: what the target answers is not counted, and stores nothing.
    pub rehearsed: bool,
}

impl Engine {
    /// Matches, analyses, decides and, where there is something to run, asks the target for its state. What a person chose
    /// stands in the place of the best match.
    pub(crate) async fn prepare(
        &self,
        incident: &Incident,
        signals: &[NewSignal],
        base: &Knowledge,
        config: &Config,
        rehearsed: bool,
    ) -> Result<Prepared, EngineError> {
        let mut tx = self.store.read().await?;
        let judgement = self.judgement(&mut tx, incident, signals, base, config).await?;
        drop(tx);
        let Judgement { mut service, matches, mut decision, pattern } = judgement.clone();
        let best = matches.first().zip(pattern);
        // That a fix is not trusted says nothing against its cause; a few similar words are none.
        let likely = worth_telling(&matches, config.self_healing.suggest_fix_threshold);
        let likely =
            best.as_ref().filter(|(best, _)| likely.first().is_some_and(|first| first.pattern == best.pattern));
        let scene = Scene { project: &incident.project, service: &service, since: Some(incident.onset), signals };
        let root_cause = likely.map(|(_, pattern)| analyse::root_cause(pattern, &scene));
        let wanted = match &incident.chosen {
            Some(choice) => {
                decision = chosen(&choice.by, confidence_of(&choice.pattern, &matches));
                service = choice.service.clone();
                Some((choice.pattern.clone(), Some(choice.action.clone())))
            }
            None => best
                .as_ref()
                .filter(|_| decision.kind != DecisionKind::Escalate)
                .map(|(_, pattern)| (pattern.id.clone(), pattern.action.clone())),
        };
        let mut decided = Decided {
            service: service.clone(),
            root_cause,
            decision,
            plan: None,
            state_now: None,
            host: None,
            previewed_at: None,
            matches: matches.clone(),
        };
        let managed = config.service(&service).is_some_and(|service| service.managed);
        let Some((pattern, action)) = wanted else {
            return Ok(Prepared { judgement, decided, preflight: None, no_plan: None, managed, evidence: None });
        };
        let wanted = Wanted { pattern, action, service: &service, rehearsed };
        let (preflight, no_plan) = match self.plan(incident, wanted, config).await? {
            Ok((plan, preflight)) => {
                fill(&mut decided, plan, &preflight);
                (Some(preflight), None)
            }
            Err(why) => (None, Some(why)),
        };
        Ok(Prepared { judgement, decided, preflight, no_plan, managed, evidence: None })
    }

    /// Matches, weighs what frequency, time and people say, and decides.
    pub(crate) async fn judgement(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        signals: &[NewSignal],
        base: &Knowledge,
        config: &Config,
    ) -> Result<Judgement, EngineError> {
        let base = base.base();
        let (service, mut matches, upstream) = best_service(&Subject::of(incident), signals, &base, config);
        attach(tx, incident, &service, signals, &mut matches, config).await?;
        let evidence = tx.relevance_evidence(&incident.fingerprints).await?;
        weigh(&mut matches, &evidence, config);
        let pattern = matches.first().and_then(|best| base.pattern(&best.pattern).cloned());
        let decision = decision_on(matches.first(), &service, upstream.as_ref(), &base, config);
        Ok(Judgement { service, matches, decision, pattern })
    }

    /// The decision that a person's choice makes, with its plan; or why there can be none.
    pub(crate) async fn plan_chosen(
        &self,
        incident: &Incident,
        choice: &Chosen,
        config: &Config,
    ) -> Result<Result<(Decided, Preflight), NoPlan>, EngineError> {
        let wanted = Wanted {
            pattern: choice.pattern.clone(),
            action: Some(choice.action.clone()),
            service: &choice.service,
            rehearsed: false,
        };
        let (plan, preflight) = match self.plan(incident, wanted, config).await? {
            Ok(planned) => planned,
            Err(why) => return Ok(Err(why)),
        };
        let before = incident.decided.as_deref();
        let matches = before.map_or_else(Vec::new, |decided| decided.matches.clone());
        let mut decided = Decided {
            service: choice.service.clone(),
            root_cause: before.and_then(|decided| decided.root_cause.clone()),
            decision: chosen(&choice.by, confidence_of(&choice.pattern, &matches)),
            plan: None,
            state_now: None,
            host: None,
            previewed_at: None,
            matches,
        };
        fill(&mut decided, plan, &preflight);
        Ok(Ok((decided, preflight)))
    }

    /// Inspects the target and writes down what would run.
    async fn plan(
        &self,
        incident: &Incident,
        wanted: Wanted<'_>,
        config: &Config,
    ) -> Result<Result<(Plan, Preflight), NoPlan>, EngineError> {
        let (action, entry, target, actuator) = match self.reach(&wanted, config) {
            Ok(found) => found,
            Err(why) => return Ok(Err(NoPlan::Because(why))),
        };
        let connection = target.connection();
        let rests = match wanted.rehearsed {
            true => self.connection_would_rest(&connection).await?,
            false => self.connection_rests(&connection).await?,
        };
        if let Some(until) = rests {
            return Ok(Err(NoPlan::Resting { until }));
        }
        let asked = tokio::time::timeout(PREVIEW, actuator.preview(&action, &target, self.now())).await;
        let unanswered = || ActuatorError::Unreachable {
            what: target.canonical(),
            why: format!("no answer within {PREVIEW:?}"),
            next: "Check that what manages it answers.".into(),
        };
        let preflight = match asked.unwrap_or_else(|_| Err(unanswered())) {
            Ok(preflight) => {
                if !wanted.rehearsed {
                    self.connection_answered(&connection).await?;
                }
                preflight
            }
            Err(error @ ActuatorError::Unreachable { .. }) => {
                // A rehearsal must not be able to open the breaker: whoever may look could stop the healing with it.
                if !wanted.rehearsed {
                    self.connection_failed(&connection).await?;
                }
                return Ok(Err(NoPlan::Unreachable(error.to_string())));
            }
            Err(error) => {
                // What manages the target answered; what it said is another matter.
                if !wanted.rehearsed {
                    self.connection_answered(&connection).await?;
                }
                return Ok(Err(NoPlan::Because(error.to_string())));
            }
        };
        let plan = Plan {
            incident: incident.id,
            attempt: incident.attempts_of(&wanted.pattern) + 1,
            pattern: wanted.pattern,
            action,
            service: entry.name.clone(),
            target,
            steps: preflight.steps.clone(),
            undo: preflight.undo.clone(),
            instances: preflight.instances,
            dependants: config.dependants(&entry.name),
            checks: checks(entry, config),
        };
        Ok(Ok((plan, preflight)))
    }

    /// The action, the inventory's entry, the target and who can act on it.
    #[expect(clippy::type_complexity, reason = "four things that are found one from another")]
    fn reach<'a>(
        &self,
        wanted: &Wanted<'_>,
        config: &'a Config,
    ) -> Result<(Action, &'a Service, selfheal_core::TargetSpec, Arc<dyn Actuator>), String> {
        let action = wanted.action.clone().ok_or("The pattern names no action.")?;
        let service = wanted.service;
        let entry = config.service(service).ok_or_else(|| {
            format!("The service {service} is not in the inventory: add it under `services` with its target.")
        })?;
        let target = entry
            .target
            .clone()
            .ok_or_else(|| format!("The inventory names no target for {service}: add `target:` to the service."))?;
        target.check_parameters(&action)?;
        let actuator = self
            .actuator(&action, &target)
            .cloned()
            .ok_or_else(|| format!("{} cannot be done on a target of kind {}.", action.kind, target.kind()))?;
        Ok((action, entry, target, actuator))
    }

    pub(crate) fn actuator(&self, action: &Action, target: &selfheal_core::TargetSpec) -> Option<&Arc<dyn Actuator>> {
        self.adapters.actuators.iter().find(|actuator| actuator.handles(action.kind, target))
    }
}

fn fill(decided: &mut Decided, plan: Plan, preflight: &Preflight) {
    decided.state_now = Some(preflight.state_now.clone());
    decided.host = Some(preflight.host.clone());
    decided.previewed_at = Some(preflight.at);
    decided.plan = Some(plan);
}

fn confidence_of(pattern: &PatternId, matches: &[PatternMatch]) -> DecisionConfidence {
    let found = matches.iter().find(|found| found.pattern == *pattern);
    found.map_or(DecisionConfidence::ZERO, |found| found.decision_confidence)
}
