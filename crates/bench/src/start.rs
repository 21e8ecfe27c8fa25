//! From a closed database to the first answer, beside search engines that open an index of the same texts from disk.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use selfheal_api::{App, AppOptions, Home};
use selfheal_core::audit::NewEntry;
use selfheal_core::matching::{Query, tokenise};
use selfheal_core::{ProjectName, ServiceName, Timestamp};

use crate::matching::{Data, Fts5};
use crate::replay::signal;
use crate::spread::{Spread, median};

/// Patterns written in one transaction.
const BATCH: usize = 5_000;

/// One start of ours, in its parts.
struct Started {
    /// The home with its database, and the engine made.
    open: Duration,
    /// The knowledge base with its first search.
    search: Duration,
    /// The first match: rules, text and relevance.
    rank: Duration,
}

pub async fn run(counts: &[usize], runs: usize) -> anyhow::Result<()> {
    for patterns in counts {
        measure(*patterns, runs).await.with_context(|| format!("with {patterns} patterns"))?;
    }
    Ok(())
}

async fn measure(patterns: usize, runs: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let home = Home::new(folder.path());
    home.init()?;
    let data = Data::new(patterns);
    fill(&home, &data).await?;
    let words: Vec<String> = data.query(1, 12);
    // As a failure that one of the patterns describes.
    let line = data.pattern(patterns / 2).description;
    // The first start reads every pattern and leaves the snapshot.
    let first = start(&home, &line, false).await?;
    let snapshot = home.knowledge_snapshot();
    for _ in 0..600 {
        if snapshot.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let size = std::fs::metadata(&snapshot).context("no snapshot was left")?.len();
    let fts5 = folder.path().join("fts5.db");
    Fts5::on(&format!("sqlite:{}?mode=rwc", fts5.display()), &data).await?;
    #[cfg(feature = "peers")]
    let tantivy = crate::matching::Tantivy::on_disk(folder.path(), &data)?;
    let (mut open, mut search, mut rank, mut anew) = (vec![], vec![], vec![], vec![first.search]);
    let mut on_fts5: Vec<Duration> = Vec::new();
    #[cfg(feature = "peers")]
    let mut on_tantivy: Vec<Duration> = Vec::new();
    for round in 0..runs {
        let own = start(&home, &line, true).await?;
        open.push(own.open);
        search.push(own.search);
        rank.push(own.rank);
        let begin = Instant::now();
        ensure!(Fts5::search_once(&fts5, &words).await? == 10);
        on_fts5.push(begin.elapsed());
        #[cfg(feature = "peers")]
        {
            let begin = Instant::now();
            ensure!(crate::matching::Tantivy::open(&tantivy)?.found(&words)?.len() == 10);
            on_tantivy.push(begin.elapsed());
        }
        if round < 2 {
            // Without the snapshot.
            let away = folder.path().join("away");
            std::fs::rename(&snapshot, &away)?;
            anew.push(start(&home, &line, false).await?.search);
            tokio::time::sleep(Duration::from_secs(2)).await;
            std::fs::rename(&away, &snapshot)?;
        }
    }
    println!("\n{patterns} patterns, snapshot of {:.1} MB, {runs} starts in turn", size as f64 / 1e6);
    let ours = median(&mut search.clone()).as_secs_f64();
    let line = |name: &str, times: &[Duration]| {
        if !times.is_empty() {
            let ratio = median(&mut times.to_vec()).as_secs_f64() / ours;
            println!("{name:48} {:>44} {ratio:>8.2}", Spread::of(times.to_vec()).to_string());
        }
    };
    line("knowledge base and first search", &search);
    line("  the same without a snapshot", &anew);
    line("  before: home, database, engine", &open);
    line("  after: first match with its explanation", &rank);
    #[cfg(feature = "peers")]
    line("tantivy: index opened and first search", &on_tantivy);
    line("SQLite FTS5: database opened and first search", &on_fts5);
    Ok(())
}

async fn fill(home: &Home, data: &Data) -> anyhow::Result<()> {
    let app = App::open(AppOptions::new(home.clone())).await?;
    let all: Vec<_> = data.all().collect();
    for batch in all.chunks(BATCH) {
        let mut tx = app.engine.store().write().await?;
        tx.put_patterns(batch, Timestamp::EPOCH).await?;
        tx.audit(imported(batch.len())).await?;
        tx.commit().await?;
    }
    app.engine.store().close().await;
    Ok(())
}

async fn start(home: &Home, line: &str, snapshot: bool) -> anyhow::Result<Started> {
    ensure!(home.knowledge_snapshot().exists() == snapshot, "a snapshot is expected: {snapshot}");
    let begin = Instant::now();
    let app = App::open(AppOptions::new(home.clone())).await?;
    let open = begin.elapsed();
    let begin = Instant::now();
    let mut tx = app.engine.store().read().await?;
    let base = app.engine.knowledge(&mut tx).await?;
    drop(tx);
    let found = base.read(|base| base.search(tokenise(line), 10).len());
    let search = begin.elapsed();
    ensure!(found == 10, "{found} found");
    let begin = Instant::now();
    let (project, service) = (ProjectName::new("default"), ServiceName::new("pay"));
    let signals = [signal(line, 0, Timestamp::EPOCH)];
    let matches = base.rank(&Query { project: &project, service: &service, signals: &signals }, 5);
    let rank = begin.elapsed();
    ensure!(!matches.is_empty(), "nothing matches");
    app.engine.store().close().await;
    Ok(Started { open, search, rank })
}

fn imported(patterns: usize) -> NewEntry {
    NewEntry {
        at: Timestamp::EPOCH,
        event_type: "knowledge.imported",
        actor: "bench".into(),
        incident_id: None,
        pattern_id: None,
        confidence: None,
        action: None,
        target: None,
        result: "imported".into(),
        details: serde_json::json!({ "patterns": patterns }),
    }
}
