//! What must hold of a home after any number of kills: what its database says, compared with what independent witnesses
//! wrote down.

use std::collections::{BTreeMap, BTreeSet};

use selfheal_core::{Fact, Incident, Outcome, State};

use super::home::{Home, SERVICES};

/// What one home came to.
#[derive(Debug, Default)]
pub struct Report {
    pub acknowledged: usize,
    pub lines: usize,
    pub intents: usize,
    pub starts: usize,
    pub unknown: usize,
    pub interrupted: usize,
    pub broken: Vec<String>,
}

impl Report {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }
}

/// One line of the ledger: `TIME WORD ...`.
struct Line<'a> {
    at: i64,
    words: Vec<&'a str>,
}

pub async fn examine(home: &Home) -> Report {
    let mut report = Report::default();
    let incidents = home.incidents().await.expect("read");
    signals(home, &incidents, &mut report).await;
    states(home, &incidents, &mut report).await;
    let text = std::fs::read_to_string(home.path("ledger")).expect("a ledger");
    let mut ledger: Vec<Line> = text.lines().filter_map(line).collect();
    ledger.sort_by_key(|line| line.at);
    steps(&incidents, &ledger, &mut report);
    starts(home, &ledger, &mut report).await;
    report
}

fn line(text: &str) -> Option<Line<'_>> {
    let mut words = text.split(' ');
    Some(Line { at: words.next()?.parse().ok()?, words: words.collect() })
}

/// Every acknowledged signal and every line of the file is counted exactly once; what was never acknowledged at most once.
async fn signals(home: &Home, incidents: &[Incident], report: &mut Report) {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut tx = home.store.read().await.expect("reads");
    for incident in incidents {
        for signal in tx.signals_of(incident.id, 1_000_000).await.expect("read") {
            *counted.entry(signal.seen.text).or_default() += signal.seen.count;
        }
    }
    // The level stands beside the text.
    let count = |line: &String| counted.get(line.trim_start_matches("ERROR ")).copied().unwrap_or(0);
    let acknowledged = home.acknowledged.lock().expect("not poisoned").clone();
    report.acknowledged = acknowledged.len();
    report.lines = home.written.len();
    for line in &acknowledged {
        let times = count(line);
        report.must(times == 1, || format!("acknowledged and counted {times} times: {line}"));
    }
    for line in &home.written {
        let times = count(line);
        report.must(times == 1, || format!("written to the followed file and counted {times} times: {line}"));
    }
    for line in &home.handed_in {
        let times = count(line);
        report.must(times <= 1, || format!("handed in once and counted {times} times: {line}"));
    }
}

/// Legal ends, replay, outcomes that are unknown, and the audit chain.
async fn states(home: &Home, incidents: &[Incident], report: &mut Report) {
    let mut tx = home.store.read().await.expect("reads");
    for incident in incidents {
        let (id, name) = (incident.id, incident.state.name());
        let ended = matches!(incident.state, State::Resolved { .. } | State::Closed { .. } | State::Escalated { .. });
        report.must(ended, || format!("incident {id} is left {name}"));
        let facts = tx.facts(id).await.expect("read");
        let replayed = Incident::replay(id, incident.project.clone(), facts.iter().map(|fact| (fact.at, &fact.body)));
        report.must(replayed.is_ok_and(|replayed| replayed.as_ref() == Some(incident)), || {
            format!("replaying the facts of incident {id} does not give its state")
        });
        let seqs: Vec<i64> = facts.iter().map(|fact| fact.seq).collect();
        report
            .must(seqs == (1..=facts.len() as i64).collect::<Vec<_>>(), || format!("facts of incident {id}: {seqs:?}"));
        let mut verifying = None;
        for fact in &facts {
            match &fact.body {
                Fact::ActionFinished { event, outcome } => {
                    report.unknown += usize::from(matches!(outcome, Outcome::Unknown { .. }));
                    verifying = matches!(outcome, Outcome::Unknown { .. }).then_some(*event);
                }
                Fact::Admitted { event, .. } => report.must(verifying.is_none(), || {
                    format!("incident {id}: {event} was admitted while an unknown outcome was not verified")
                }),
                Fact::Verified { .. } => verifying = None,
                _ => {}
            }
        }
        let effects = tx.effects_of(id).await.expect("read").len();
        report.must(effects == 0 || !SERVICES.contains(&incident.service.as_str()), || {
            format!("incident {id} still has {effects} effects to do")
        });
    }
    let (_, error) = tx.verify_audit(Default::default()).await.expect("read");
    report.must(error.is_none(), || format!("audit: {error:?}"));
}

/// No step twice, never two at once, and what was cut off is on record as unknown.
fn steps(incidents: &[Incident], ledger: &[Line], report: &mut Report) {
    let mut begun: BTreeSet<&[&str]> = BTreeSet::new();
    let mut running: Option<&[&str]> = None;
    for line in ledger {
        let step = line.words.get(1..).unwrap_or_default();
        match line.words.first() {
            Some(&"begin") => {
                // The same step of the same attempt, by whichever process.
                report.must(begun.insert(&step[1..]), || format!("a step was run twice: {step:?}"));
                let alive = running.filter(|before| before[0] == step[0]);
                report.must(alive.is_none(), || format!("{step:?} began while {running:?} ran"));
                if let Some(cut_off) = running {
                    interrupted(incidents, cut_off, report);
                }
                running = Some(step);
            }
            Some(&"end") => running = None,
            _ => {}
        }
    }
    if let Some(cut_off) = running {
        interrupted(incidents, cut_off, report);
    }
}

fn interrupted(incidents: &[Incident], step: &[&str], report: &mut Report) {
    report.interrupted += 1;
    let (id, attempt): (i64, usize) = (step[1].parse().expect("an id"), step[2].parse().expect("a number"));
    let incident = incidents.iter().find(|incident| incident.id.0 == id);
    let outcome = incident.and_then(|incident| incident.attempts.get(attempt - 1)).and_then(|a| a.outcome.as_ref());
    report.must(matches!(outcome, Some(Outcome::Unknown { .. })), || {
        format!("attempt {attempt} of incident {id} was cut off, and its outcome is {outcome:?}")
    });
}

/// What the services say themselves: per intent, the start command ran at most once.
async fn starts(home: &Home, ledger: &[Line<'_>], report: &mut Report) {
    let mut tx = home.store.read().await.expect("reads");
    let mut events = tx.latest_events(100_000).await.expect("read");
    events.sort_by_key(|event| event.id);
    report.intents = events.len();
    for event in &events {
        let done = !matches!(event.status.as_str(), "intended" | "running");
        report.must(done, || format!("event {} is left {}", event.id, event.status));
    }
    let mut times: BTreeMap<i64, usize> = BTreeMap::new();
    let by_hand: BTreeSet<&str> =
        ledger.iter().filter(|line| line.words[0] == "by-hand").map(|line| line.words[1]).collect();
    for name in SERVICES {
        for line in ledger {
            match line.words.as_slice() {
                ["started", service, pid] if *service == name && !by_hand.contains(pid) => {
                    report.starts += 1;
                    let of = |event: &&selfheal_store::HealingEvent| {
                        event.plan.service.as_str() == name && event.started_at.as_micros() <= line.at
                    };
                    match events.iter().rfind(of) {
                        Some(event) => *times.entry(event.id.0).or_default() += 1,
                        None => report.broken.push(format!("{name} was started by nobody's intent")),
                    }
                }
                _ => {}
            }
        }
    }
    for (event, times) in times {
        report.must(times == 1, || format!("event {event} started its service {times} times"));
    }
}
