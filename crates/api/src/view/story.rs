//! The story of an incident, told from its facts.

use selfheal_core::told::moment;
use selfheal_core::{
    BasisPoints, Decided, DecisionKind, Fact, GateResult, Incident, Outcome, PlanHash, Timestamp, Waits,
};
use selfheal_store::StoredFact;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::waits::wait_view;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Neutral,
    Good,
    Bad,
    Attention,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoryEntry {
    pub at: String,
    pub kind: String,
    pub actor: String,
    pub title: String,
    #[schema(required)]
    pub detail: Option<String>,
    pub tone: Tone,
}

const ENGINE: &str = "Selfheal";

pub fn story(facts: &[StoredFact], incident: &Incident) -> Vec<StoryEntry> {
    let (mut story, mut approved) = (Vec::with_capacity(facts.len()), None);
    for fact in facts {
        match &fact.body {
            Fact::Approved { approval } => approved = Some(&approval.plan_hash),
            Fact::Admitted { .. } | Fact::Rejected { .. } | Fact::ApprovalExpired => approved = None,
            // Whoever approved is asked again, and is told why.
            Fact::Decided(decided) if approved.is_some_and(|hash| !is_plan(decided, hash)) => {
                approved = None;
                story.push(StoryEntry {
                    at: fact.at.to_rfc3339(),
                    kind: "approval_stale".into(),
                    actor: ENGINE.into(),
                    title: "Not started: what was approved no longer fits".into(),
                    detail: Some("the target has changed since, so that something else would be done".into()),
                    tone: Tone::Attention,
                });
            }
            _ => {}
        }
        story.extend(entry(&fact.body, fact.at, incident));
    }
    story
}

/// Whether a decision is to do what was approved.
fn is_plan(decided: &Decided, hash: &PlanHash) -> bool {
    decided.plan.as_ref().is_some_and(|plan| plan.hash() == *hash)
}

fn entry(fact: &Fact, at: Timestamp, incident: &Incident) -> Option<StoryEntry> {
    let told = |actor: &str, title: String, detail: Option<String>, tone: Tone| {
        Some(StoryEntry { at: at.to_rfc3339(), kind: fact.name().into(), actor: actor.into(), title, detail, tone })
    };
    match fact {
        Fact::Opened { signal, title } => {
            told(ENGINE, format!("Detected on {}", signal.service), Some(title.clone()), Tone::Bad)
        }
        // A repeat is in the count; only a new kind of signal is news.
        Fact::SignalJoined { because, .. } if because == "repeat" || because == "the same failure" => None,
        Fact::SignalJoined { signal, because } => {
            let title = format!("Another failure belongs to it ({because})");
            told(ENGINE, title, Some(format!("{}: {}", signal.service, signal.template)), Tone::Neutral)
        }
        Fact::Decided(decided) => {
            let title = match decided.decision.kind {
                DecisionKind::Auto => "Decided to heal it by itself",
                DecisionKind::Suggest => "Decided to suggest a fix",
                DecisionKind::Escalate => "Decided to ask a person",
            };
            let detail = match decided.matches.first() {
                None => "Nothing that is known fits.".to_owned(),
                Some(best) if best.rests_on_rule() => format!(
                    "It is known as “{}”: relevance {}, confidence {}.",
                    best.name, best.relevance, best.pattern_confidence
                ),
                Some(best) => format!(
                    "The nearest that is known is “{}”, only by its words: relevance {}.",
                    best.name, best.relevance
                ),
            };
            told(ENGINE, title.into(), Some(detail), Tone::Neutral)
        }
        Fact::Held { gates, gate } => {
            told(ENGINE, "Held: nothing runs".into(), Some(waits(gates, gate, at)), Tone::Attention)
        }
        Fact::WentStale { why, .. } => {
            let detail = format!("In between, {why}.");
            told(ENGINE, "Not started: the situation changed".into(), Some(detail), Tone::Attention)
        }
        Fact::HeldBeforeStep { gate, .. } => {
            told(ENGINE, "Held just before it ran".into(), Some(gate.reason.clone()), Tone::Attention)
        }
        Fact::ApprovalRequested { expires_at, .. } => {
            let detail = format!("Waits until {}, then a person takes over.", moment(*expires_at));
            told(ENGINE, "Asked for approval".into(), Some(detail), Tone::Attention)
        }
        Fact::Approved { approval } => {
            let who = approval.second.as_ref().map_or(&approval.by, |second| &second.by);
            let left = (!approval.is_complete()).then(|| "Another person has to approve it too.".to_owned());
            told(who, "Approved the fix".into(), left, Tone::Good)
        }
        Fact::Chosen { chosen, .. } => {
            let parameters: Vec<String> =
                chosen.action.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let detail = (!parameters.is_empty()).then(|| parameters.join(", "));
            let title = format!("Chose “{} {}”", chosen.action.kind.verb(), chosen.service);
            told(&chosen.by, title, detail, Tone::Attention)
        }
        Fact::UndoStarted { verdict, .. } => {
            told(ENGINE, "It did not help: taking it back".into(), Some(verdict.detail.clone()), Tone::Bad)
        }
        Fact::Undone { outcome, .. } => {
            let (title, tone) = match outcome {
                Outcome::Succeeded { .. } => ("Taken back", Tone::Neutral),
                _ => ("It could not be taken back", Tone::Bad),
            };
            told(ENGINE, title.into(), Some(outcome.detail().to_owned()), tone)
        }
        Fact::Rejected { by, reason, comment } => {
            told(by, format!("Rejected the fix: {}", reason.words()), comment.clone(), Tone::Attention)
        }
        Fact::ApprovalExpired => {
            let detail = "Nothing ran.".to_owned();
            told(ENGINE, "Nobody approved it in time".into(), Some(detail), Tone::Attention)
        }
        Fact::Queued { gates, gate, .. } => {
            told(ENGINE, "The fix waits".into(), Some(waits(gates, gate, at)), Tone::Neutral)
        }
        Fact::QueueExpired => {
            let detail = "It would have run late. Nothing ran.".to_owned();
            told(ENGINE, "The fix waited too long".into(), Some(detail), Tone::Attention)
        }
        Fact::Admitted { event, .. } => {
            let attempt = incident.attempt(*event);
            let title = attempt.map_or_else(
                || "The fix started".into(),
                |attempt| format!("Started: {} {}", attempt.action.verb(), incident.service),
            );
            told(ENGINE, title, attempt.map(|a| a.target.clone()), Tone::Neutral)
        }
        // That it ran is no success yet: whether it helped is told when that is known.
        Fact::ActionFinished { outcome, .. } => {
            let (title, tone) = match outcome {
                Outcome::Succeeded { .. } => ("It ran", Tone::Neutral),
                Outcome::Failed { .. } => ("It failed to run", Tone::Bad),
                Outcome::Unknown { .. } => ("It is not known what it did", Tone::Attention),
                Outcome::Stopped { .. } => ("It was stopped midway", Tone::Attention),
            };
            told(ENGINE, title.into(), Some(outcome.detail().to_owned()), tone)
        }
        Fact::Verified { event, verdict, learned, .. } => {
            let ran = incident.attempt(*event).and_then(|attempt| attempt.outcome.as_ref());
            let ran = matches!(ran, None | Some(Outcome::Succeeded { .. }));
            let (title, tone) = match verdict {
                verdict if verdict.success() => ("It helped", Tone::Good),
                verdict if verdict.inconclusive => ("Whether it helped is not known", Tone::Attention),
                verdict if verdict.symptom_cleared && verdict.command_succeeded => {
                    ("The symptom cleared, but did not stay away", Tone::Bad)
                }
                _ if ran => ("It ran, but did not help", Tone::Bad),
                _ => ("It did not help", Tone::Bad),
            };
            let learned = learned.map(|learned| confidence(learned.before, learned.after));
            let detail = [Some(sentence(&verdict.detail)), learned].into_iter().flatten().collect::<Vec<_>>().join(" ");
            told(ENGINE, title.into(), Some(detail), tone)
        }
        Fact::Escalated { cause, .. } => told(ENGINE, "Handed to a person".into(), Some(cause.text()), Tone::Attention),
        Fact::SymptomCleared { detail, .. } => {
            told(ENGINE, "The symptom went away".into(), Some(detail.clone()), Tone::Good)
        }
        Fact::ResolvedByPerson { by, comment, .. } => told(by, "Resolved by hand".into(), comment.clone(), Tone::Good),
        Fact::Acknowledged { by } => told(by, "Acknowledged".into(), None, Tone::Neutral),
        Fact::Noted { by, text } => told(by, "Note".into(), Some(text.clone()), Tone::Neutral),
        Fact::Snoozed { by, until } => {
            told(by, "Snoozed".into(), Some(format!("Until {}.", moment(*until))), Tone::Neutral)
        }
        Fact::Woken { by } => told(by, "Woken".into(), None, Tone::Neutral),
        Fact::Recurred { taken_back, .. } => {
            let detail =
                taken_back.map(|back| format!("The fix did not hold. {}", confidence(back.before, back.after)));
            told(ENGINE, "The symptom came back".into(), detail, Tone::Bad)
        }
        Fact::WatchEnded => told(ENGINE, "Closed: it stayed away".into(), None, Tone::Good),
    }
}

/// Why it waits, and until when: the latest of all gates that refuse.
fn waits(gates: &[GateResult], deciding: &GateResult, at: Timestamp) -> String {
    let waits = Waits::of(gates, [deciding.clone()]);
    wait_view(&waits, at).map_or_else(|| deciding.reason.clone(), |waits| waits.told)
}

fn confidence(before: BasisPoints, after: BasisPoints) -> String {
    match before == after {
        true => format!("The confidence in it stays {after}."),
        false => format!("The confidence in it went from {before} to {after}."),
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", characters.as_str())
}
