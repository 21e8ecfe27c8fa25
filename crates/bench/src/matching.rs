//! Ranking: our knowledge base beside SQLite FTS5, on the same texts in the same run.

use std::time::{Duration, Instant};

use selfheal_core::knowledge::{PackEntry, Pattern};
use selfheal_core::matching::{KnowledgeBase, Query};
use selfheal_core::{Fingerprint, NewSignal, ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp};
use sqlx::{Connection, SqliteConnection};

use crate::corpus::{Lcg, text};
use crate::spread::{Spread, median};

pub async fn run(patterns: usize, queries: usize, runs: usize) -> anyhow::Result<()> {
    let mut random = Lcg(7);
    let patterns = (0..patterns)
        .map(|i| {
            let entry = PackEntry {
                description: text(&mut random, 24),
                ..PackEntry::new(format!("Pattern {i}"), text(&mut random, 6))
            };
            entry.into_pattern("bench", Timestamp::EPOCH).map_err(anyhow::Error::msg)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let queries: Vec<String> = (0..queries).map(|_| text(&mut random, 9)).collect();
    let (base, _) = KnowledgeBase::new(patterns.clone());
    let mut fts = fts5(&patterns).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        // In turn, so that a drift of the machine's speed meets both.
        ours.push(median(&mut queries.iter().map(|query| rank(&base, query)).collect::<Vec<_>>()));
        let mut times = Vec::new();
        for query in &queries {
            times.push(search(&mut fts, query).await?);
        }
        theirs.push(median(&mut times));
    }
    let (ours, theirs) = (Spread::of(ours), Spread::of(theirs));
    println!(
        "top 10 of {} patterns, {} queries of 9 words, median of each run, {runs} runs",
        patterns.len(),
        queries.len()
    );
    println!("selfheal (exhaustive, with explanation) {ours}");
    println!("SQLite FTS5, in memory                  {theirs}");
    println!("FTS5 / selfheal: {:.2}", theirs.middle / ours.middle);
    Ok(())
}

fn rank(base: &KnowledgeBase, query: &str) -> Duration {
    let signal = NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("bench"),
        service: ServiceName::new("bench"),
        project: ProjectName::new("bench"),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[query]),
        template: query.to_owned(),
        text: query.to_owned(),
        attributes: Default::default(),
        trace_id: None,
        count: 1,
        first_seen: Timestamp::EPOCH,
        last_seen: Timestamp::EPOCH,
    };
    let query = Query { project: &signal.project, service: &signal.service, signals: std::slice::from_ref(&signal) };
    let start = Instant::now();
    std::hint::black_box(base.rank(&query, 10));
    start.elapsed()
}

async fn fts5(patterns: &[Pattern]) -> anyhow::Result<SqliteConnection> {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
    sqlx::query("create virtual table pattern using fts5 (name, description, root_cause)")
        .execute(&mut connection)
        .await?;
    for pattern in patterns {
        sqlx::query("insert into pattern values ($1, $2, $3)")
            .bind(&pattern.name)
            .bind(&pattern.description)
            .bind(&pattern.root_cause)
            .execute(&mut connection)
            .await?;
    }
    Ok(connection)
}

async fn search(connection: &mut SqliteConnection, query: &str) -> anyhow::Result<Duration> {
    let words = query.split_whitespace().collect::<Vec<_>>().join(" OR ");
    let start = Instant::now();
    let found: Vec<(String,)> = sqlx::query_as(
        "select name from pattern where pattern match $1 order by bm25(pattern, 3.0, 1.5, 1.0) limit 10",
    )
    .bind(words)
    .fetch_all(connection)
    .await?;
    std::hint::black_box(found);
    Ok(start.elapsed())
}
