//! The story of an incident, told from its facts.

use selfheal_core::{DecisionKind, Fact, Incident, Outcome, Timestamp};
use selfheal_store::StoredFact;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    facts.iter().filter_map(|fact| entry(&fact.body, fact.at, incident)).collect()
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
            told(ENGINE, format!("Another signal joined: {because}"), Some(signal.template.clone()), Tone::Neutral)
        }
        Fact::Decided(decided) => {
            let best = decided.matches.first();
            let title = match decided.decision.kind {
                DecisionKind::Auto => "Decided to heal by itself",
                DecisionKind::Suggest => "Decided to suggest a fix",
                DecisionKind::Escalate => "Decided to ask a person",
            };
            let detail = best.map(|best| {
                format!("{}: relevance {}, confidence {}", best.name, best.relevance, best.pattern_confidence)
            });
            told(ENGINE, title.into(), detail, Tone::Neutral)
        }
        Fact::Held { gate, .. } => {
            told(ENGINE, "Held by the automation switch".into(), Some(gate.reason.clone()), Tone::Attention)
        }
        Fact::WentStale { why, .. } => {
            told(ENGINE, "Not started: the situation changed".into(), Some(why.clone()), Tone::Attention)
        }
        Fact::HeldBeforeStep { gate, .. } => {
            told(ENGINE, "Held just before the first step".into(), Some(gate.reason.clone()), Tone::Attention)
        }
        Fact::ApprovalRequested { .. } => told(ENGINE, "Asked for approval".into(), None, Tone::Attention),
        Fact::Approved { approval } => {
            let who = approval.second.as_ref().map_or(&approval.by, |second| &second.by);
            let left = (!approval.is_complete()).then(|| "Another person has to approve it too".to_owned());
            told(who, "Approved the fix".into(), left, Tone::Good)
        }
        Fact::Chosen { chosen, .. } => {
            let parameters: Vec<String> =
                chosen.action.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let detail = (!parameters.is_empty()).then(|| parameters.join(", "));
            told(&chosen.by, format!("Chose {} on {}", chosen.action.kind, chosen.service), detail, Tone::Attention)
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
        Fact::ApprovalExpired => told(ENGINE, "The approval was not given in time".into(), None, Tone::Attention),
        Fact::Queued { gate, .. } => told(ENGINE, "Queued".into(), Some(gate.reason.clone()), Tone::Neutral),
        Fact::QueueExpired => told(ENGINE, "Waited too long in the queue".into(), None, Tone::Attention),
        Fact::Admitted { event, .. } => {
            let attempt = incident.attempt(*event);
            let title = attempt.map_or_else(|| "Action started".into(), |a| format!("Started {}", a.action));
            told(ENGINE, title, attempt.map(|a| a.target.clone()), Tone::Neutral)
        }
        Fact::ActionFinished { outcome, .. } => {
            let (title, tone) = match outcome {
                Outcome::Succeeded { .. } => ("The action succeeded", Tone::Neutral),
                Outcome::Failed { .. } => ("The action failed", Tone::Bad),
                Outcome::Unknown { .. } => ("It is not known what the action did", Tone::Attention),
                Outcome::Stopped { .. } => ("The action was stopped midway", Tone::Attention),
            };
            told(ENGINE, title.into(), Some(outcome.detail().to_owned()), tone)
        }
        Fact::Verified { verdict, learned, .. } => {
            let learned = learned.map_or_else(String::new, |l| format!("; confidence {} to {}", l.before, l.after));
            let (title, tone) = match verdict {
                verdict if verdict.success() => ("Verified: it helped", Tone::Good),
                verdict if verdict.inconclusive => ("Whether it helped is not known", Tone::Attention),
                _ => ("It did not help", Tone::Bad),
            };
            told(ENGINE, title.into(), Some(format!("{}{learned}", verdict.detail)), tone)
        }
        Fact::Escalated { cause, .. } => {
            told(ENGINE, "Escalated to a person".into(), Some(cause.text()), Tone::Attention)
        }
        Fact::SymptomCleared { detail, .. } => {
            told(ENGINE, "The symptom went away".into(), Some(detail.clone()), Tone::Good)
        }
        Fact::ResolvedByPerson { by, comment, .. } => told(by, "Resolved by hand".into(), comment.clone(), Tone::Good),
        Fact::Acknowledged { by } => told(by, "Acknowledged".into(), None, Tone::Neutral),
        Fact::Noted { by, text } => told(by, "Note".into(), Some(text.clone()), Tone::Neutral),
        Fact::Snoozed { by, until } => told(by, "Snoozed".into(), Some(format!("until {until}")), Tone::Neutral),
        Fact::Woken { by } => told(by, "Woken".into(), None, Tone::Neutral),
        Fact::Recurred { taken_back, .. } => {
            let detail = taken_back.map(|t| format!("confidence {} to {}", t.before, t.after));
            told(ENGINE, "The symptom came back".into(), detail, Tone::Bad)
        }
        Fact::WatchEnded => told(ENGINE, "Closed: it stayed away".into(), None, Tone::Good),
    }
}
