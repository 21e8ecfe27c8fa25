//! Replaying an edited pattern against stored incidents, on both databases, beside judging each incident twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use selfheal_core::config::Config;
use selfheal_core::knowledge::{PackEntry, Pattern, Rule, STARTER, parse_pack};
use selfheal_core::matching::KnowledgeBase;
use selfheal_core::{
    Action, ActionKind, BasisPoints, Decided, Fact, Fingerprint, NewSignal, ProjectName, ServiceName, Severity,
    SignalKind, SignalSeen, SourceName, Span, Timestamp,
};
use selfheal_engine::{Edit, Replay, Replayed, Subject, judge, replay};
use selfheal_store::Store;
use selfheal_tests::postgres::Postgres;

use crate::corpus::{Lcg, Vocabulary};
use crate::spread::{Spread, median};

/// Incidents written in one transaction.
const BATCH: usize = 500;
const START: Timestamp = Timestamp::from_micros(1_772_000_000_000_000);

pub async fn run(incidents: usize, patterns: usize, runs: usize) -> anyhow::Result<()> {
    let patterns = base_of(patterns)?;
    let config = Arc::new(Config::default());
    let base = Arc::new(KnowledgeBase::new(patterns.clone()).0);
    let folder = tempfile::tempdir()?;
    let lite = Store::open(&format!("sqlite:{}", folder.path().join("icdev.db").display())).await?;
    let postgres = Store::open(&Postgres::server().database()).await?;
    for store in [&lite, &postgres] {
        fill(store, incidents, &patterns, &base, &config).await?;
    }
    println!("{incidents} incidents, {} patterns, {runs} runs in turn; {} processors", patterns.len(), workers());
    for (name, edit) in edits(&patterns) {
        let (mut compiled, mut on_lite, mut on_postgres, mut found) = (vec![], vec![], vec![], Replayed::default());
        for _ in 0..runs {
            let start = Instant::now();
            let stored = patterns.iter().find(|pattern| pattern.id == *edit.pattern());
            let made = Replay::new(Arc::clone(&base), stored, &edit, Arc::clone(&config));
            let made = Arc::new(made?);
            compiled.push(start.elapsed());
            found = timed(&lite, &made, incidents, &mut on_lite).await?;
            let other = timed(&postgres, &made, incidents, &mut on_postgres).await?;
            anyhow::ensure!(found == other, "the databases disagree");
        }
        println!(
            "\n{name}: {} examined, {} gained, {} lost, {} decisions changed, {} newly automatic, {} judged once",
            found.examined, found.gained, found.lost, found.decisions_changed, found.newly_automatic, found.spared
        );
        let line = |what: &str, times: &[Duration]| println!("  {what:32} {}", Spread::of(times.to_vec()));
        line("compiling the edited base", &compiled);
        line("SQLite", &on_lite);
        line("PostgreSQL", &on_postgres);
        let worst = median(&mut on_lite).max(median(&mut on_postgres)) + median(&mut compiled);
        println!("  the slower database with compiling: {:.2} s", worst.as_secs_f64());
    }
    lite.close().await;
    postgres.close().await;
    Ok(())
}

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

async fn timed(
    store: &Store,
    made: &Arc<Replay>,
    incidents: usize,
    times: &mut Vec<Duration>,
) -> anyhow::Result<Replayed> {
    let start = Instant::now();
    let mut tx = store.read().await?;
    let found = replay(&mut tx, made, Timestamp::EPOCH, incidents as u64).await?;
    times.push(start.elapsed());
    anyhow::ensure!(found.examined == incidents as u64, "{} of {incidents} were examined", found.examined);
    Ok(found)
}

/// The starter knowledge, one pattern that is edited, and made-up ones up to the number.
fn base_of(count: usize) -> anyhow::Result<Vec<Pattern>> {
    let mut patterns = vec![pool(false)?];
    for (file, text) in STARTER {
        patterns.extend(parse_pack(text, file, "starter", START)?);
    }
    let vocabulary = Vocabulary::new();
    let mut random = Lcg(7);
    for i in patterns.len()..count {
        let words = vocabulary.text(&mut random, 2);
        let entry = PackEntry {
            description: vocabulary.text(&mut random, 24),
            rule: Some(Rule::regex(words)),
            action: Some(Action::new(ActionKind::ServiceRestart)),
            ..PackEntry::new(format!("Pattern {i}"), vocabulary.text(&mut random, 6))
        };
        patterns.push(entry.into_pattern("bench", START).map_err(anyhow::Error::msg)?);
    }
    patterns.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(patterns)
}

fn pool(auto_healable: bool) -> anyhow::Result<Pattern> {
    let entry = PackEntry {
        rule: Some(Rule::regex("connection pool (?:is )?exhausted")),
        action: Some(Action::new(ActionKind::ServiceRestart)),
        confidence: BasisPoints::saturating(8_000),
        auto_healable,
        ..PackEntry::new("Zz pool exhausted", "The pool has no connection left.")
    };
    entry.into_pattern("bench", START).map_err(anyhow::Error::msg)
}

fn edits(patterns: &[Pattern]) -> Vec<(&'static str, Edit)> {
    let Some(old) = patterns.iter().find(|pattern| pattern.name == "Zz pool exhausted") else { return Vec::new() };
    let put = |pattern: Pattern| Edit::Put(Box::new(pattern));
    vec![
        ("auto-healable", put(Pattern { auto_healable: true, ..old.clone() })),
        ("a wider rule", put(Pattern { rule: Some(Rule::regex("pool|timeout")), ..old.clone() })),
        ("other words", put(Pattern { description: "worker threads queue slow requests".into(), ..old.clone() })),
        ("removed", Edit::Remove(old.id.clone())),
    ]
}

/// Incidents of one to three signals: a tenth of the edited pattern, the rest made-up text. Decided, as the engine stores them.
async fn fill(
    store: &Store,
    incidents: usize,
    patterns: &[Pattern],
    base: &KnowledgeBase,
    config: &Config,
) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    for pattern in patterns {
        tx.put_pattern(pattern).await?;
    }
    tx.commit().await?;
    let vocabulary = Vocabulary::new();
    let (mut random, mut done) = (Lcg(11), 0);
    while done < incidents {
        let mut tx = store.write().await?;
        for i in done..incidents.min(done + BATCH) {
            let at = START + Span::from_secs(i as u64 * 60);
            let mut signals = Vec::new();
            for s in 0..=i % 3 {
                let words = vocabulary.text(&mut random, 12);
                let words = if s == 0 && i % 10 == 0 { format!("connection pool exhausted {words}") } else { words };
                signals.push(signal(&format!("{words} {i}"), i % 40, at));
            }
            let (first, _) = tx.put_signal(&signals[0], Span::from_secs(120), at).await?;
            let seen = SignalSeen::of(first, &signals[0]);
            let mut incident = tx.open_incident(signals[0].project.clone(), signals[0].text.clone(), seen, at).await?;
            for signal in &signals[1..] {
                let (id, _) = tx.put_signal(signal, Span::from_secs(120), at).await?;
                let id = tx.attach_signal(id, incident.id, signal, at).await?;
                let fact =
                    Fact::SignalJoined { signal: SignalSeen::of(id, signal), because: "the same service".into() };
                incident = tx.record(incident.id, &fact, at).await?;
            }
            let judged = judge(&Subject::of(&incident), &signals, &[], base, config);
            let decided = Decided {
                service: judged.service,
                matches: judged.matches,
                root_cause: None,
                decision: judged.decision,
                plan: None,
                state_now: None,
                host: None,
                previewed_at: None,
            };
            tx.record(incident.id, &Fact::Decided(Box::new(decided)), at).await?;
        }
        tx.commit().await?;
        done += BATCH;
    }
    Ok(())
}

pub fn signal(text: &str, service: usize, at: Timestamp) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("bench"),
        service: ServiceName::new(format!("service-{service}")),
        project: ProjectName::new("bench"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[text]),
        template: text.to_owned(),
        text: text.to_owned(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: at,
        last_seen: at,
    }
}
