//! How long it takes to gather the evidence for all candidates of one decision, on SQLite with much history.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use selfheal_core::matching::evidence::sequences;
use selfheal_core::{Fingerprint, PatternId, ProjectName, Span, Timestamp};
use selfheal_store::Store;
use sqlx::{Connection, SqliteConnection};

use super::world::{service_name, signal};
use crate::spread::{Spread, median};

const NOW: Timestamp = Timestamp::from_micros(1_772_000_000_000_000);
const PATTERNS: usize = 200;
const HOURS: Span = Span::from_minutes(240);

/// Rows as the product writes them: `$1` causes of 200 patterns, as many signals with ten minutes of counts for each hundred.
const HISTORY: [&str; 8] = [
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < $1)
     insert into incidents (id, project, service, title, severity, severity_rank, state, onset, opened_at, updated_at, fact_count, body, last_signal_at)
     select i, 'p', 'service-' || (i % 50), 't', 'high', 1, 'closed', i, i, i, 0, '{}', i from n",
    "insert into confirmed_causes (incident_id, pattern_id, project, service, hour, change, sequences, at)
     select id, 'pattern-' || (id % 200), project, service, id % 168, 5000, '[]', 0 from incidents",
    "insert into cause_counts (pattern_id, project, service, count)
     select pattern_id, project, service, count(*) from confirmed_causes group by 1, 2, 3
     union all select pattern_id, project, '', count(*) from confirmed_causes group by 1, 2
     union all select pattern_id, '', '', count(*) from confirmed_causes group by 1
     union all select '', '', '', count(*) from confirmed_causes",
    "insert into cause_changes (pattern_id, strength)
     select pattern_id, sum(change) from confirmed_causes group by 1
     union all select '', sum(change) from confirmed_causes",
    "insert into cause_hours (pattern_id, hour, count)
     select pattern_id, hour, count(*) from confirmed_causes group by 1, 2
     union all select '', hour, count(*) from confirmed_causes group by 2",
    "insert into cause_sequences (pattern_id, sequence, count)
     select pattern_id, 't:' || incident_id, 1 from confirmed_causes
     union all select '', 't:' || incident_id, 1 from confirmed_causes
     union all select pattern_id, 't:s 0>s 1', 1 from confirmed_causes group by 1
     union all select '', 't:s 0>s 1', 200
     union all select pattern_id, 'pairs', 500 from confirmed_causes group by 1 union all select '', 'pairs', 100000",
    "insert into signals (id, kind, source, service, project, severity, fingerprint, template, text, attributes, count, first_seen, last_seen, received_at)
     select id, 'log', 's', service, 'p', 'high', 's ' || (id % 5000), 't', 't', '{}', 1, $2 - id * 1000000, $2 - id * 1000000, $2 from incidents",
    "insert into changes (at, project, service, kind, actor, details)
     select $2 - id * 1000000, 'p', service, 'deployment', 'bench', '{}' from incidents",
];
const COUNTS: &str = "
    with recursive n (i) as (select 0 union all select i + 1 from n where i < 9)
    insert into signal_counts (signal_id, minute, count)
    select id, $1 - i, 1 from signals cross join n where id <= 10000";
const BASELINES: &str = "
    insert into template_baselines (project, service, fingerprint, first_seen, hour, weighted)
    select 'p', 'service-' || (i % 50), 's ' || i, 0, 0, 1000000 from (
        with recursive n (i) as (select 0 union all select i + 1 from n where i < 99999) select i from n)";

pub async fn run(history: i64, candidates: usize, runs: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("icdev.db").display());
    let store = Store::open(&url).await?;
    let mut connection = SqliteConnection::connect(&url).await?;
    for statement in HISTORY {
        let query = sqlx::query(statement);
        let query = match (statement.contains("$1"), statement.contains("$2")) {
            (_, true) => query.bind(history).bind(NOW.as_micros()),
            (true, false) => query.bind(history),
            (false, false) => query,
        };
        query.execute(&mut connection).await?;
    }
    sqlx::query(COUNTS).bind(NOW.as_micros() / 60_000_000).execute(&mut connection).await?;
    sqlx::query(BASELINES).execute(&mut connection).await?;
    connection.close().await?;
    let signals: Vec<_> = (0..candidates).map(|i| signal(&format!("s {i}"), i % 50, NOW)).collect();
    let last_seen: BTreeMap<Fingerprint, Timestamp> =
        signals.iter().map(|signal| (signal.fingerprint.clone(), signal.last_seen)).collect();
    let patterns: Vec<PatternId> = (0..candidates).map(|i| PatternId(format!("pattern-{}", i % PATTERNS))).collect();
    let keys = sequences(&signals);
    let (project, service) = (ProjectName::new("p"), service_name(0));
    let services = [0, 1, 2].map(|i| (project.clone(), service_name(i)));
    let (mut parts, mut total) = ([Vec::new(), Vec::new(), Vec::new()], Vec::new());
    for _ in 0..runs {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..50 {
            let mut tx = store.read().await?;
            let start = Instant::now();
            std::hint::black_box(tx.sights(&project, &service, &last_seen).await?);
            let sights = start.elapsed();
            std::hint::black_box(tx.cause_statistics(&patterns, &project, &service, &keys).await?);
            let causes = start.elapsed();
            std::hint::black_box(tx.changes_before(&services, NOW - HOURS, NOW, 5).await?);
            times.push(start.elapsed());
            let [a, b, c] = &mut parts;
            a.push(sights);
            b.push(causes - sights);
            c.push(start.elapsed() - causes);
        }
        total.push(median(&mut times));
    }
    println!(
        "evidence for {candidates} candidates, SQLite, {history} confirmed incidents, {history} signals and changes"
    );
    println!("  all queries      {}", Spread::of(total));
    for (name, part) in ["sights", "causes", "changes"].iter().zip(&mut parts) {
        println!("  of that {name:<8} {:10.1} us", median(part).as_secs_f64() * 1e6);
    }
    Ok(())
}
