//! Replay: what an edited, not yet saved pattern would have made of the incidents that are stored.
//!
//! Each incident is judged twice by the functions that the engine decides with, once on the base as it is and once on the base
//! with the edit, under the configuration that holds now, and as if it came in anew: attempts, approvals and people's choices
//! of then are left aside. Nothing is written.
//!
//! The second judgement is left out where it is proven to be equal to the first: see [`Replay::is_untouched`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use selfheal_core::config::Config;
use selfheal_core::knowledge::{CompiledRule, Pattern, PatternStatus, RuleError};
use selfheal_core::matching::{Evidence, KnowledgeBase};
use selfheal_core::{
    Action, BasisPoints, DecisionConfidence, DecisionKind, IncidentId, NewSignal, PatternId, ServiceName, Timestamp,
};
use selfheal_store::{PastIncident, Tx};
use tokio::task::JoinHandle;

use crate::decide::SIGNALS;
use crate::engine::EngineError;
use crate::judge::{Judged, Subject, judge};

/// Incidents read at once.
const PAGE: i64 = 250;
/// Changes that are told one by one; all of them are counted.
pub const EXAMPLES: usize = 50;

/// What is not saved yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// A new pattern, or another version of one; a disabled one matches nothing.
    Put(Box<Pattern>),
    Remove(PatternId),
}

impl Edit {
    pub const fn pattern(&self) -> &PatternId {
        match self {
            Self::Put(pattern) => &pattern.id,
            Self::Remove(id) => id,
        }
    }
}

/// The base before and after an edit, and what they are asked with.
pub struct Replay {
    before: Arc<KnowledgeBase>,
    after: KnowledgeBase,
    edited: PatternId,
    /// The rules of the edited pattern, old and new, where it is active and has one.
    rules: Vec<CompiledRule>,
    config: Arc<Config>,
}

/// How one incident was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub decision: DecisionKind,
    /// The best match.
    pub pattern: Option<PatternId>,
    /// Its fix.
    pub action: Option<Action>,
    pub service: ServiceName,
    pub relevance: BasisPoints,
    pub confidence: DecisionConfidence,
}

impl Verdict {
    fn of(judged: &Judged, base: &KnowledgeBase) -> Self {
        let best = judged.matches.first();
        Self {
            decision: judged.decision.kind,
            pattern: best.map(|best| best.pattern.clone()),
            action: best.and_then(|best| base.pattern(&best.pattern)?.action.clone()),
            service: judged.service.clone(),
            relevance: best.map_or(BasisPoints::ZERO, |best| best.relevance),
            confidence: judged.decision.confidence,
        }
    }

    /// What would run without asking: the fix and where it goes.
    fn automatic(&self) -> Option<(&Option<Action>, &ServiceName)> {
        (self.decision == DecisionKind::Auto).then_some((&self.action, &self.service))
    }
}

/// How bad a change is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// Something would run without asking that would not have run, or not there.
    NewlyAutomatic,
    /// What healed by itself would ask first.
    AsksNow,
    /// Nothing would be done any more: a person has to find the fix.
    EscalatesNow,
    /// A fix would be suggested where there was none.
    SuggestsNow,
    /// The same decision on another pattern or another fix.
    OtherMatch,
    /// The same decision on the same pattern, more or less surely.
    OtherScore,
}

/// One incident that would be judged otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub incident: IncidentId,
    pub title: String,
    pub opened_at: Timestamp,
    pub outlook: Outlook,
    pub before: Verdict,
    pub after: Verdict,
}

/// What a replay found. Counts are exact; `changes` are the worst of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// Incidents that were judged.
    pub examined: u64,
    /// Incidents whose signals have expired: nothing can be said of them.
    pub without_signals: u64,
    /// Incidents whose best match would be the edited pattern and was another or none.
    pub gained: u64,
    /// Incidents whose best match was the edited pattern and would be another or none.
    pub lost: u64,
    /// Incidents whose decision, or whose automatic fix, would be another.
    pub decisions_changed: u64,
    /// Incidents on which something would newly run without asking.
    pub newly_automatic: u64,
    /// Decisions before and after, and how often.
    pub decisions: BTreeMap<(&'static str, &'static str), u64>,
    pub changes: Vec<Change>,
    /// Incidents whose second judgement was proven to be equal to the first without making it.
    pub spared: u64,
}

impl Replay {
    /// Takes the base as it is stored, the stored version of the edited pattern, and the edit.
    pub fn new(
        before: Arc<KnowledgeBase>,
        stored: Option<&Pattern>,
        edit: &Edit,
        config: Arc<Config>,
    ) -> Result<Self, RuleError> {
        let new = match edit {
            Edit::Put(pattern) => Some(&**pattern),
            Edit::Remove(_) => None,
        };
        let rules = [stored, new]
            .into_iter()
            .flatten()
            .filter(|pattern| pattern.status == PatternStatus::Active)
            .filter_map(|pattern| pattern.rule.as_ref())
            .map(selfheal_core::knowledge::Rule::compile)
            .collect::<Result<_, _>>()?;
        let edited = edit.pattern().clone();
        let mut after = KnowledgeBase::clone(&before);
        match new {
            // The rule was compiled above.
            Some(pattern) => drop(after.insert(pattern.clone())),
            None => drop(after.remove(&edited)),
        }
        Ok(Self { before, after, edited, rules, config })
    }

    /// Both judgements of one incident, and whether the second was made.
    pub fn compare(
        &self,
        incident: &PastIncident,
        signals: &[NewSignal],
        evidence: &[(PatternId, Evidence)],
    ) -> (Verdict, Verdict, bool) {
        let before = self.judged(incident, signals, evidence, &self.before);
        let verdict = Verdict::of(&before, &self.before);
        if self.is_untouched(&before, signals, evidence) {
            return (verdict.clone(), verdict, false);
        }
        let after = self.judged(incident, signals, evidence, &self.after);
        (verdict, Verdict::of(&after, &self.after), true)
    }

    /// Both judgements, always made: what [`Self::compare`] has to be equal to.
    pub fn compare_in_full(
        &self,
        incident: &PastIncident,
        signals: &[NewSignal],
        evidence: &[(PatternId, Evidence)],
    ) -> (Verdict, Verdict) {
        let of = |base| Verdict::of(&self.judged(incident, signals, evidence, base), base);
        (of(&self.before), of(&self.after))
    }

    fn judged(
        &self,
        incident: &PastIncident,
        signals: &[NewSignal],
        evidence: &[(PatternId, Evidence)],
        base: &KnowledgeBase,
    ) -> Judged {
        let subject = Subject {
            project: &incident.project,
            service: &incident.service,
            services: &incident.services,
            since: None,
        };
        judge(&subject, signals, evidence, base, &self.config)
    }

    /// Whether the edit cannot have changed the judgement. It cannot where exactly one pattern's rule won on the most upstream
    /// service, nobody said anything of patterns for such incidents, and neither version of the edited pattern has a rule that
    /// holds on any of the signals: the rules that hold are then the same before and after, the one that won has relevance
    /// 1.00 both times, text alone never reaches that, and neither its confidence nor its fix was edited. An edited text
    /// moves every other pattern's text score a little, so that nothing less than a rule that won proves anything.
    fn is_untouched(&self, before: &Judged, signals: &[NewSignal], evidence: &[(PatternId, Evidence)]) -> bool {
        let alone = match before.matches.as_slice() {
            [best, rest @ ..] => {
                best.rule.is_satisfied()
                    && best.relevance == BasisPoints::ONE
                    && best.pattern != self.edited
                    && rest.iter().all(|other| other.relevance < BasisPoints::ONE)
            }
            [] => false,
        };
        alone
            && before.upstream.is_none()
            && evidence.is_empty()
            && !self.rules.iter().any(|rule| signals.iter().any(|signal| rule.holds(signal).is_some()))
    }

    fn change(&self, incident: &PastIncident, before: Verdict, after: Verdict) -> Option<Change> {
        use DecisionKind::{Auto, Escalate, Suggest};
        let outlook = match (before.decision, after.decision) {
            (_, Auto) if before.automatic() != after.automatic() => Outlook::NewlyAutomatic,
            (Auto, Suggest) => Outlook::AsksNow,
            (Auto | Suggest, Escalate) => Outlook::EscalatesNow,
            (Escalate, Suggest) => Outlook::SuggestsNow,
            _ if (&before.pattern, &before.action, &before.service)
                != (&after.pattern, &after.action, &after.service) =>
            {
                Outlook::OtherMatch
            }
            _ if before != after => Outlook::OtherScore,
            _ => return None,
        };
        Some(Change {
            incident: incident.id,
            title: incident.title.clone(),
            opened_at: incident.opened_at,
            outlook,
            before,
            after,
        })
    }
}

impl Replayed {
    fn add(&mut self, replay: &Replay, incident: &PastIncident, (before, after, made): (Verdict, Verdict, bool)) {
        self.examined += 1;
        self.spared += u64::from(!made);
        let is_edited = |verdict: &Verdict| verdict.pattern.as_ref() == Some(&replay.edited);
        self.gained += u64::from(!is_edited(&before) && is_edited(&after));
        self.lost += u64::from(is_edited(&before) && !is_edited(&after));
        *self.decisions.entry((before.decision.as_str(), after.decision.as_str())).or_default() += 1;
        let Some(change) = replay.change(incident, before, after) else { return };
        self.newly_automatic += u64::from(change.outlook == Outlook::NewlyAutomatic);
        self.decisions_changed += u64::from(change.outlook < Outlook::OtherMatch);
        self.changes.push(change);
    }

    fn merge(&mut self, other: Self) {
        self.examined += other.examined;
        self.without_signals += other.without_signals;
        self.gained += other.gained;
        self.lost += other.lost;
        self.decisions_changed += other.decisions_changed;
        self.newly_automatic += other.newly_automatic;
        self.spared += other.spared;
        for (decisions, count) in other.decisions {
            *self.decisions.entry(decisions).or_default() += count;
        }
        self.changes.extend(other.changes);
        self.keep_worst();
    }

    /// Worst first, then the latest incident.
    fn keep_worst(&mut self) {
        self.changes.sort_by_key(|change| (change.outlook, std::cmp::Reverse(change.incident)));
        self.changes.truncate(EXAMPLES);
    }
}

/// An incident, its signals, and what people said of patterns for such incidents.
type Past = (PastIncident, Vec<NewSignal>, Vec<(PatternId, Evidence)>);

/// A page of incidents with everything that judging them needs.
struct Page {
    incidents: Vec<Past>,
    without_signals: u64,
    last: IncidentId,
}

/// Judges the incidents opened since a moment, latest first, at most `limit` of them. Reads in one transaction; memory holds
/// a few pages whatever the number of incidents. Dropping the future stops it after the pages that are under way.
pub async fn replay(tx: &mut Tx, replay: &Arc<Replay>, since: Timestamp, limit: u64) -> Result<Replayed, EngineError> {
    let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let mut under_way: VecDeque<JoinHandle<Replayed>> = VecDeque::new();
    let (mut total, mut left, mut before) = (Replayed::default(), limit, None);
    while left > 0 {
        let size = PAGE.min(i64::try_from(left).unwrap_or(PAGE));
        let Some(page) = page(tx, since, before, size).await? else { break };
        left = left.saturating_sub(page.incidents.len() as u64 + page.without_signals);
        before = Some(page.last);
        if under_way.len() >= at_once
            && let Some(oldest) = under_way.pop_front()
        {
            total.merge(finished(oldest).await?);
        }
        let replay = Arc::clone(replay);
        under_way.push_back(tokio::task::spawn_blocking(move || judge_page(&replay, page)));
    }
    for page in under_way {
        total.merge(finished(page).await?);
    }
    Ok(total)
}

async fn finished(page: JoinHandle<Replayed>) -> Result<Replayed, EngineError> {
    page.await.map_err(|error| EngineError::Corrupt(format!("a page of the replay broke off: {error}")))
}

fn judge_page(replay: &Replay, page: Page) -> Replayed {
    let mut found = Replayed { without_signals: page.without_signals, ..Replayed::default() };
    for (incident, signals, evidence) in &page.incidents {
        found.add(replay, incident, replay.compare(incident, signals, evidence));
    }
    found.keep_worst();
    found
}

async fn page(
    tx: &mut Tx,
    since: Timestamp,
    before: Option<IncidentId>,
    size: i64,
) -> Result<Option<Page>, EngineError> {
    let incidents = tx.past_incidents(since, before, size).await?;
    let (Some(highest), Some(lowest)) = (incidents.first().map(|i| i.id), incidents.last().map(|i| i.id)) else {
        return Ok(None);
    };
    let mut signals = tx.signals_between(lowest, highest, SIGNALS).await?;
    let mut kinds: Vec<_> = incidents.iter().flat_map(|incident| &incident.fingerprints).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let evidence = tx.evidence_by_fingerprint(&kinds).await?;
    let mut page = Page { incidents: Vec::with_capacity(incidents.len()), without_signals: 0, last: lowest };
    for incident in incidents {
        let Some(own) = signals.remove(&incident.id) else {
            page.without_signals += 1;
            continue;
        };
        let mut said: Vec<(PatternId, Evidence)> = Vec::new();
        for (pattern, more) in incident.fingerprints.iter().filter_map(|kind| evidence.get(kind)).flatten() {
            match said.iter_mut().find(|(id, _)| id == pattern) {
                Some((_, known)) => *known = known.with(*more),
                None => said.push((pattern.clone(), *more)),
            }
        }
        page.incidents.push((incident, own, said));
    }
    Ok(Some(page))
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
