//! The case file: one incident as a report for people who were not there.
//!
//! It says nothing that the other views do not say, in their words, and puts it in the order in which a reader asks: what
//! happened, how it ended, what was seen, why it was decided so, what ran, and what proves it.

mod document;
mod html;
mod markdown;

use selfheal_core::DecisionKind;
use selfheal_core::audit::Report;
use selfheal_core::told::count;

use document::{Block, Section};
pub use document::{Document, Text};
pub use html::html;
pub use markdown::markdown;

use super::{
    AttemptView, AuditEntry, DecisionView, GateView, IncidentView, PlanView, RuleState, SignalView, StoryEntry,
    TextPiece, Tone, Verdict,
};

/// What a case file is made of.
pub struct CaseParts<'a> {
    pub view: &'a IncidentView,
    /// Its entries of the audit trail, earliest first.
    pub audit: &'a [AuditEntry],
    /// Entries that are not in `audit`, because there are too many.
    pub left_out: i64,
    /// The digest of the signals as they are stored now.
    pub evidence_now: &'a str,
    pub chain: &'a Report,
    pub verdict: Verdict,
    /// What is wrong with the trail, or cannot be told.
    pub fault: Option<&'a str>,
    pub written_at: &'a str,
    pub written_by: &'a str,
}

pub fn case_document(parts: &CaseParts<'_>) -> Document {
    let (view, row) = (parts.view, &parts.view.incident);
    let mut sections = vec![summary(view), known(view), timeline(&view.story), evidence(parts)];
    sections.extend(view.decision.as_ref().map(decision));
    sections.extend((!view.gates.is_empty()).then(|| gates(&view.gates)));
    sections.extend(view.plan.as_ref().map(|plan| planned(plan, view)));
    sections.extend((!view.attempts.is_empty()).then(|| attempts(&view.attempts)));
    sections.extend(learning(&view.attempts));
    sections.extend(people(&view.story));
    sections.push(trail(parts));
    sections.push(controls(parts.audit));
    Document {
        title: format!("Incident {}: {}", row.id, row.title),
        subtitle: format!(
            "Case file, written {} by {} from the record of Selfheal. All times are UTC.",
            time(parts.written_at),
            parts.written_by
        ),
        sections,
    }
    .spoken(|at| format!("{} UTC", time(&at.to_rfc3339())))
}

fn code(text: impl Into<String>) -> Text {
    Text::Code(text.into())
}

fn summary(view: &IncidentView) -> Section {
    let row = &view.incident;
    let seconds = &view.seconds;
    let mut facts: Vec<(&'static str, Text)> = vec![
        ("Service", row.service.clone().into()),
        ("Project", row.project.clone().into()),
        ("Severity", severity(row.severity)),
        (
            "State",
            match row.resolved_by {
                Some(_) => Text::Good(row.state_words.clone()),
                None => Text::Bad(row.state_words.clone()),
            },
        ),
        ("Began", when(began(view))),
        ("Detected", when(&row.opened_at)),
    ];
    facts.extend(row.resolved_at.as_deref().map(|at| ("Resolved", when(at))));
    facts.push(("Signals", row.signal_count.to_string().into()));
    facts.push(("Impact", view.impact.clone().into()));
    facts.extend(view.root_cause.clone().map(|cause| ("Root cause", cause.into())));
    facts.extend(row.acknowledged_by.clone().map(|by| ("Acknowledged by", by.into())));
    let measured = [
        ("detect", "from onset to detection", seconds.detect),
        ("decide", "from detection to the first decision", seconds.decide),
        ("act", "from its decision to the end of the last action", seconds.act),
        ("verify", "from the last action's end to the verdict", seconds.verify),
        ("resolve", "from onset to the end", seconds.total),
    ];
    let rows: Vec<Vec<Text>> = measured
        .into_iter()
        .filter_map(|(stage, what, took)| {
            Some(vec![format!("Time to {stage}").into(), duration(took?).into(), what.into()])
        })
        .collect();
    let mut blocks = vec![Block::Paragraph(told(view).into()), Block::Facts(facts)];
    if !rows.is_empty() {
        if let Some(at) = &seconds.came_back_at {
            let text = format!("It came back at {}: what follows counts from then.", time(at));
            blocks.push(Block::Paragraph(text.into()));
        }
        blocks.push(Block::Table { head: vec!["Measured", "Took", "What it is"], rows });
    }
    Section { title: "Summary", blocks }
}

/// What the knowledge base tells a person of it: the cause, the steps by hand, and how to see that it is over.
fn known(view: &IncidentView) -> Section {
    let told = &view.what_to_do;
    let mut blocks = Vec::new();
    if view.incident.resolved_by.is_none() {
        blocks.push(Block::Paragraph(told.now.clone().into()));
    }
    blocks.extend(told.unknown.clone().map(|unknown| Block::Paragraph(unknown.into())));
    for cause in &told.causes {
        let mut facts: Vec<(&'static str, Text)> =
            vec![("Known as", cause.name.clone().into()), ("How sure", cause.sure.clone().into())];
        for (name, pieces) in [("By hand", &cause.by_hand), ("Cause", &cause.cause), ("Going back", &cause.undo)] {
            if !pieces.is_empty() {
                facts.push((name, mixed(pieces)));
            }
        }
        blocks.push(Block::Facts(facts));
        let open = cause.values.iter().filter(|value| value.left_open);
        blocks.extend(open.map(|value| Block::Lines {
            title: format!("<{}> stands for what was seen, which is no plain word:", value.name),
            text: value.value.clone(),
        }));
        if !cause.checks.is_empty() {
            blocks.push(Block::Paragraph("It is over when:".into()));
            blocks.push(Block::List(cause.checks.iter().map(|check| mixed(check)).collect()));
        }
    }
    if blocks.is_empty() {
        blocks.push(Block::Paragraph("Its cause was not looked for.".into()));
    }
    Section { title: "What is known, and what to do", blocks }
}

fn mixed(pieces: &[TextPiece]) -> Text {
    let piece = |piece: &TextPiece| match piece.code {
        true => Text::Code(piece.text.clone()),
        false => Text::Plain(piece.text.clone()),
    };
    Text::Mixed(pieces.iter().map(piece).collect())
}

/// The whole story in two or three sentences.
fn told(view: &IncidentView) -> String {
    let row = &view.incident;
    let mut text = format!("{} failed at {}.", row.service, time(began(view)));
    if let Some(decision) = &view.decision {
        text.push_str(match decision.kind {
            DecisionKind::Auto => " Selfheal knew the failure and decided to heal it by itself.",
            DecisionKind::Suggest => " Selfheal suggested a fix and asked for approval.",
            DecisionKind::Escalate => " Selfheal did not know it well enough to act and handed it to a person.",
        });
    }
    let fixes = view.attempts.len();
    if let Some(last) = view.attempts.last() {
        let times = if fixes == 1 { "once".to_owned() } else { format!("{fixes} times") };
        text.push_str(&format!(" {} on {} was tried {times}. The last time: {}", last.action, last.target, last.told));
    }
    text.push_str(&match view.seconds.total {
        Some(total) => {
            let what = if view.seconds.came_back_at.is_some() { "came back" } else { "began" };
            format!(" The incident is {}, {} after it {what}.", row.state_words, duration(total))
        }
        None => format!(" The incident is open: {}.", row.state_words),
    });
    text
}

/// When the first thing that is still kept was seen.
fn began(view: &IncidentView) -> &str {
    let opened = view.incident.opened_at.as_str();
    // RFC 3339 in UTC with the same number of digits sorts as text; to the second is what is shown.
    let seen = view.signals.iter().map(|signal| signal.first_seen.as_str());
    seen.chain([opened]).min_by_key(|at| at.get(..19)).unwrap_or(opened)
}

fn severity(severity: selfheal_core::Severity) -> Text {
    match severity {
        selfheal_core::Severity::Critical | selfheal_core::Severity::High => Text::Bad(severity.as_str().into()),
        _ => severity.as_str().into(),
    }
}

fn timeline(story: &[StoryEntry]) -> Section {
    let rows = story
        .iter()
        .map(|entry| {
            let title = match entry.tone {
                Tone::Good => Text::Good(entry.title.clone()),
                Tone::Bad => Text::Bad(entry.title.clone()),
                Tone::Neutral | Tone::Attention => entry.title.clone().into(),
            };
            vec![when(&entry.at), entry.actor.clone().into(), title, entry.detail.clone().unwrap_or_default().into()]
        })
        .collect();
    Section { title: "Timeline", blocks: vec![Block::Table { head: vec!["When", "Who", "What", "Detail"], rows }] }
}

fn evidence(parts: &CaseParts<'_>) -> Section {
    let signals = &parts.view.signals;
    let mut blocks = vec![Block::Paragraph(match signals.len() {
        0 => "No signals of this incident are kept any more.".into(),
        1 => "What was seen, to the letter.".into(),
        n => format!("What was seen, to the letter: {n} different signals, earliest first.").into(),
    })];
    blocks.extend(signals.iter().map(seen));
    // The decision that the last digest belongs to.
    if let Some(entry) = parts.audit.iter().rev().find(|entry| entry.event_type.starts_with("self_heal.")) {
        let same = if entry.evidence_digest == parts.evidence_now {
            "The signals above are exactly those that the last decision was made on: they have the digest that was recorded with it."
        } else {
            "The signals above are not exactly those that the last decision was made on: more were seen since, or some were redacted or have expired. The digest of those that were looked at stays on record."
        };
        blocks.push(Block::Paragraph(same.into()));
        blocks.push(Block::Facts(vec![
            ("Recorded digest", code(&entry.evidence_digest)),
            ("In audit entry", entry.id.clone().into()),
        ]));
    }
    Section { title: "Evidence", blocks }
}

fn seen(signal: &SignalView) -> Block {
    let times = match signal.count {
        1 => format!("once, {}", time(&signal.first_seen)),
        n => format!("{n} times, {} to {}", time(&signal.first_seen), time(&signal.last_seen)),
    };
    let title = format!("{} from {} ({}), {times}", signal.service, signal.source, signal.severity.as_str());
    Block::Lines { title, text: signal.text.clone() }
}

fn decision(decision: &DecisionView) -> Section {
    let kind = match decision.kind {
        DecisionKind::Auto => "heal by itself",
        DecisionKind::Suggest => "suggest the fix and ask",
        DecisionKind::Escalate => "hand it to a person",
    };
    let mut blocks = vec![
        Block::Facts(vec![
            ("Decision", kind.into()),
            ("Confidence", decision.band.words.clone().into()),
            ("Decided", when(&decision.at)),
        ]),
        Block::Paragraph("Because:".into()),
        Block::List(decision.reasons.iter().map(|reason| reason.text.clone().into()).collect()),
    ];
    if !decision.would_change.is_empty() {
        blocks.push(Block::Paragraph("It would have been decided otherwise:".into()));
        blocks.push(Block::List(decision.would_change.iter().map(|reason| reason.text.clone().into()).collect()));
    }
    if decision.candidates.is_empty() {
        blocks.push(Block::Paragraph("No pattern of the knowledge base fits.".into()));
    } else {
        let rows = decision.candidates.iter().map(|candidate| {
            let rule = match (candidate.rule, &candidate.rule_detail) {
                (RuleState::Satisfied, Some(detail)) => format!("satisfied: {detail}"),
                (RuleState::Satisfied, None) => "satisfied".into(),
                (RuleState::NotSatisfied, _) => "not satisfied".into(),
                (RuleState::RuledOut, detail) => {
                    format!("ruled out: {}", detail.as_deref().unwrap_or("a must-not term"))
                }
                (RuleState::None, _) => "none".into(),
            };
            vec![
                candidate.name.clone().into(),
                score(candidate.relevance).into(),
                score(candidate.pattern_confidence).into(),
                score(candidate.decision_confidence).into(),
                rule.into(),
            ]
        });
        blocks.push(Block::Table {
            head: vec!["Candidate", "Relevance", "Confidence", "Product", "Rule"],
            rows: rows.collect(),
        });
    }
    Section { title: "Decision", blocks }
}

fn gates(gates: &[GateView]) -> Section {
    let rows = gates
        .iter()
        .map(|gate| {
            let passed = match (&gate.consequence, gate.passed) {
                (_, true) => Text::Good("passed".into()),
                (Some(consequence), false) => Text::Bad(format!("refused: {consequence}")),
                (None, false) => Text::Bad("refused".into()),
            };
            vec![gate.number.to_string().into(), gate.title.clone().into(), passed, gate.reason.clone().into()]
        })
        .collect();
    Section { title: "Gates", blocks: vec![Block::Table { head: vec!["No.", "Gate", "Result", "Reason"], rows }] }
}

fn planned(plan: &PlanView, view: &IncidentView) -> Section {
    let mut facts: Vec<(&'static str, Text)> = vec![
        ("Action", plan.action_words.clone().into()),
        ("Target", code(&plan.target)),
        ("Host", plan.host.clone().into()),
        ("Why", plan.why.clone().into()),
        ("State before", plan.state_now.clone().into()),
        ("Blast radius", plan.blast_radius.clone().into()),
        ("Undo", plan.undo.words.clone().into()),
        ("Plan hash", code(&plan.hash)),
    ];
    let approval = view.approval.as_ref();
    facts.extend(approval.and_then(|approval| {
        let (by, at) = (approval.approved_by.as_ref()?, approval.approved_at.as_ref()?);
        Some(("Approved", format!("by {by}, {}", time(at)).into()))
    }));
    facts.retain(|(_, value)| !matches!(value, Text::Plain(text) if text.is_empty()));
    let rows = plan
        .steps
        .iter()
        .map(|step| vec![(step.index + 1).to_string().into(), code(&step.call), step.detail.clone().into()])
        .collect();
    let mut blocks = vec![Block::Facts(facts), Block::Table { head: vec!["Step", "Exact call", "What it does"], rows }];
    if !plan.checks.is_empty() {
        blocks.push(Block::Paragraph("It counts as fixed when:".into()));
        blocks.push(Block::List(plan.checks.iter().map(|check| check.clone().into()).collect()));
    }
    Section { title: "Plan", blocks }
}

fn attempts(attempts: &[AttemptView]) -> Section {
    let rows = attempts
        .iter()
        .map(|attempt| {
            let result = |result: Option<bool>| match result {
                Some(true) => Text::Good("yes".into()),
                Some(false) => Text::Bad("no".into()),
                None => "not known".into(),
            };
            let results = &attempt.results;
            vec![
                when(&attempt.started_at),
                attempt.action.clone().into(),
                result(results.ran),
                result(results.symptom_cleared),
                result(results.stayed_clear),
                attempt.told.clone().into(),
            ]
        })
        .collect();
    let head = vec!["Started", "Action", "It ran", "Symptom cleared", "Stayed clear", "In words"];
    Section { title: "Outcome and verification", blocks: vec![Block::Table { head, rows }] }
}

fn learning(attempts: &[AttemptView]) -> Option<Section> {
    let rows: Vec<Vec<Text>> = attempts
        .iter()
        .filter_map(|attempt| {
            let (before, after) = (attempt.confidence_before?, attempt.confidence_after?);
            Some(vec![
                attempt.pattern.clone().into(),
                score(before).into(),
                score(after).into(),
                attempt.status.clone().into(),
            ])
        })
        .collect();
    (!rows.is_empty()).then(|| Section {
        title: "Learning",
        blocks: vec![Block::Table { head: vec!["Pattern", "Confidence before", "After", "Because it"], rows }],
    })
}

fn people(story: &[StoryEntry]) -> Option<Section> {
    let words: Vec<Block> = story
        .iter()
        .filter(|entry| entry.actor != "Selfheal")
        .filter_map(|entry| {
            let text = entry.detail.clone()?;
            Some(Block::Lines { title: format!("{}, {}: {}", entry.actor, time(&entry.at), entry.title), text })
        })
        .collect();
    (!words.is_empty()).then_some(Section { title: "What people said", blocks: words })
}

fn trail(parts: &CaseParts<'_>) -> Section {
    let chain = parts.chain;
    let mut blocks = Vec::new();
    let fault = parts.fault.unwrap_or_default();
    match parts.verdict {
        Verdict::Broken => blocks.push(Block::Warning(format!(
            "The audit trail is not whole: {fault}. What it says from there on proves nothing until that is explained."
        ))),
        Verdict::CannotTell => blocks.push(Block::Warning(format!(
            "It cannot be told whether the audit trail is whole: {fault}. What it says rests on that."
        ))),
        Verdict::Verified => {
            let signed = chain.signed().map_or_else(
                || "Nothing of it is signed yet.".to_owned(),
                |entry| format!("It is signed up to entry {entry}."),
            );
            blocks.push(Block::Paragraph(
                format!(
                    "The whole trail was checked when this file was written: {}, all whole. {signed}",
                    count(chain.entries, "entry")
                )
                .into(),
            ));
            let keys = chain.signed_to.iter().map(|signed| {
                vec![code(signed.key.to_string()), signed.entry.to_string().into(), when(&signed.at.to_rfc3339())]
            });
            if !chain.signed_to.is_empty() {
                let head = vec!["Signed by (Ed25519)", "Up to entry", "When"];
                blocks.push(Block::Table { head, rows: keys.collect() });
            }
        }
    }
    let rows = parts.audit.iter().map(|entry| {
        vec![
            entry.id.clone().into(),
            when(&entry.at),
            code(&entry.event_type),
            entry.actor.clone().into(),
            entry.result.clone().into(),
            entry.controls.join(", ").into(),
            code(&entry.hash),
        ]
    });
    let head = vec!["Entry", "When", "Event", "Who", "Result", "Controls", "SHA-256"];
    blocks.push(Block::Table { head, rows: rows.collect() });
    if parts.left_out > 0 {
        blocks.push(Block::Warning(format!(
            "Left out here, because they are too many: {}. `selfheal audit export` has them all.",
            count(parts.left_out.unsigned_abs(), "entry that came later")
        )));
    }
    Section { title: "Audit trail", blocks }
}

/// What the entries are evidence for, control by control.
fn controls(audit: &[AuditEntry]) -> Section {
    let asks = [
        ("IR-4", "Incident handling: detection, analysis, containment, eradication and recovery"),
        ("IR-5", "Incident monitoring: every incident is tracked and documented"),
        ("SI-5", "Security alerts, advisories and directives: what is known of failures is kept, and acted on"),
    ];
    let rows = asks
        .into_iter()
        .map(|(control, asks)| {
            let entries: Vec<&str> = audit
                .iter()
                .filter(|entry| entry.controls.iter().any(|named| named == control))
                .map(|entry| entry.id.as_str())
                .collect();
            let entries = if entries.is_empty() { "none".to_owned() } else { entries.join(", ") };
            vec![control.into(), asks.into(), entries.into()]
        })
        .collect();
    Section {
        title: "Controls (NIST SP 800-53)",
        blocks: vec![Block::Table { head: vec!["Control", "What it asks for", "Evidence: audit entries"], rows }],
    }
}

/// To the second, as people write it.
fn time(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock}"),
        _ => rfc3339.to_owned(),
    }
}

fn when(rfc3339: &str) -> Text {
    Text::Time(time(rfc3339))
}

fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1}\u{a0}s"),
        60..3_600 => format!("{}\u{a0}min {}\u{a0}s", whole / 60, whole % 60),
        _ => format!("{}\u{a0}h {}\u{a0}min", whole / 3_600, whole % 3_600 / 60),
    }
}

fn score(value: f64) -> String {
    format!("{value:.2}")
}
