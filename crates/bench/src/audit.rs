//! Verifying the audit trail, beside reading and hashing the same bytes with the databases' and the system's own tools.
//!
//! The rows are those that the product writes: made by the same code, with the details that a decision has. Only the way in is
//! short: many in one statement.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use selfheal_core::audit::{Entry, NewEntry, Start, Trail};
use selfheal_core::{BasisPoints, IncidentId, PatternId, Timestamp};
use selfheal_store::{Connection, Store};
use selfheal_tests::postgres::Postgres;
use serde_json::json;
use sqlx::QueryBuilder;

use crate::spread::{Spread, median};

/// Rows of one insert: 15 parameters each, and SQLite takes 32,766.
const ROWS: usize = 2_000;

pub async fn run(entries: usize, runs: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("icdev.db");
    let lite = Store::open(&format!("sqlite:{}", file.display())).await?;
    let server = Postgres::server();
    let address = server.database();
    let postgres = Store::open(&address).await?;
    let bytes = fill(&[&lite, &postgres], entries, &folder.path().join("bytes")).await?;
    println!("{entries} entries, {:.0} MB hashed, {runs} runs in turn; load {}", bytes as f64 / 1e6, load()?);
    let (mut ours_lite, mut ours_postgres, mut sum, mut read, mut psql) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..runs {
        ours_lite.push(verify(&lite, entries).await?);
        ours_postgres.push(verify(&postgres, entries).await?);
        sum.push(peer("sha256sum", &[&folder.path().join("bytes").display().to_string()])?);
        read.push(peer("sqlite3", &["-readonly", &file.display().to_string(), READ])?);
        psql.push(peer("psql", &["-qAtX", &address, "-c", READ])?);
    }
    let line = |name: &str, times: &[Duration]| println!("{name:44} {}", Spread::of(times.to_vec()));
    line("selfheal, SQLite", &ours_lite);
    line("selfheal, PostgreSQL", &ours_postgres);
    line("sha256sum of the bytes that are hashed", &sum);
    line("sqlite3, the length of every column", &read);
    line("psql, the length of every column", &psql);
    let ratio =
        |a: &[Duration], b: &[Duration]| median(&mut a.to_vec()).as_secs_f64() / median(&mut b.to_vec()).as_secs_f64();
    println!(
        "SQLite:     selfheal / sha256sum {:.2}, selfheal / sqlite3 {:.2}",
        ratio(&ours_lite, &sum),
        ratio(&ours_lite, &read)
    );
    println!(
        "PostgreSQL: selfheal / sha256sum {:.2}, selfheal / psql {:.2}",
        ratio(&ours_postgres, &sum),
        ratio(&ours_postgres, &psql)
    );
    println!("load at the end {}", load()?);
    lite.close().await;
    postgres.close().await;
    Ok(())
}

/// Reads every column of every row, and gives one number.
const READ: &str =
    "select sum(length(event_type) + length(actor) + length(coalesce(pattern_id, '')) + length(coalesce(action, ''))
    + length(coalesce(target, '')) + length(result) + length(controls) + length(details) + length(evidence_digest)
    + length(prev_hash) + length(hash)) from audit_trail";

fn new(i: usize) -> NewEntry {
    let (event_type, result) = [
        ("self_heal.auto", "heal now"),
        ("action.intended", "intent written"),
        ("action.started", "running"),
        ("action.finished", "succeeded: started (pid 4711)"),
        ("learning.success", "0.75 to 0.80"),
        ("action.verified", "verified: clear for 60s"),
    ][i % 6];
    NewEntry {
        at: Timestamp::from_micros(1_772_000_000_000_000 + i as i64 * 1_000_000),
        event_type,
        actor: "engine".into(),
        incident_id: Some(IncidentId(i as i64 / 6 + 1)),
        pattern_id: Some(PatternId::new("database-connection-pool-exhausted")),
        confidence: Some(BasisPoints::saturating(7_500)),
        action: Some("service.restart".into()),
        target: Some(format!("process:/run/service-{}.pid", i % 40)),
        result: result.into(),
        details: json!({
            "event": (i / 6).to_string(),
            "relevance": 1.0,
            "pattern_confidence": 0.75,
            "reasons": [{ "reason": "reaches_automatic", "confidence": 0.75, "threshold": 0.7 }, { "reason": "auto_healable" }],
        }),
    }
}

/// Fills both databases with the same trail, and a file with the bytes that are hashed to verify it.
async fn fill(stores: &[&Store], entries: usize, bytes: &Path) -> anyhow::Result<u64> {
    use std::io::Write;
    let mut out = std::io::BufWriter::new(std::fs::File::create(bytes)?);
    let mut last: Option<Entry> = None;
    let mut done = 0;
    while done < entries {
        let rows: Vec<Entry> = (done..entries.min(done + ROWS))
            .map(|i| {
                let entry = new(i).chain(last.as_ref().map(|last| (last.id, last.hash.as_str())));
                last = Some(entry.clone());
                entry
            })
            .collect();
        for row in &rows {
            out.write_all(&serde_json::to_vec(&Entry { hash: String::new(), ..row.clone() })?)?;
        }
        for store in stores {
            insert(store, &rows).await?;
        }
        done += rows.len();
    }
    out.flush()?;
    Ok(std::fs::metadata(bytes)?.len())
}

macro_rules! insert {
    ($tx:expr, $rows:expr) => {{
        let mut query = QueryBuilder::new(
            "insert into audit_trail (id, at, event_type, actor, incident_id, pattern_id, confidence, action, target, result,
             controls, details, evidence_digest, prev_hash, hash) ",
        );
        query.push_values($rows, |mut row, entry| {
            row.push_bind(entry.id.0)
                .push_bind(entry.at.as_micros())
                .push_bind(entry.event_type.clone())
                .push_bind(entry.actor.clone())
                .push_bind(entry.incident_id.map(|id| id.0))
                .push_bind(entry.pattern_id.as_ref().map(|id| id.0.clone()))
                .push_bind(entry.confidence.map(|value| i64::from(value.get())))
                .push_bind(entry.action.clone())
                .push_bind(entry.target.clone())
                .push_bind(entry.result.clone())
                .push_bind(entry.controls.clone())
                .push_bind(entry.details.clone())
                .push_bind(entry.evidence_digest.clone())
                .push_bind(entry.prev_hash.clone())
                .push_bind(entry.hash.clone());
        });
        query.build().execute(&mut **$tx).await?;
    }};
}

async fn insert(store: &Store, rows: &[Entry]) -> anyhow::Result<()> {
    let mut tx = store.write().await?;
    match &mut tx.connection {
        Connection::Sqlite(tx) => insert!(tx, rows),
        Connection::Postgres(tx) => insert!(tx, rows),
    }
    Ok(tx.commit().await?)
}

async fn verify(store: &Store, entries: usize) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut tx = store.read().await?;
    let (trail, error) = tx.verify_audit(Trail::new(Start::Genesis, [], Vec::new())).await?;
    let took = start.elapsed();
    if let Some(error) = error {
        bail!("{error}");
    }
    anyhow::ensure!(trail.chain().count() == entries as u64, "{} entries verified", trail.chain().count());
    Ok(took)
}

#[expect(clippy::disallowed_methods, reason = "a peer is another program")]
fn peer(program: &str, arguments: &[&str]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("{program} cannot be run: install it (`npm run setup -- --test`)"))?;
    let took = start.elapsed();
    anyhow::ensure!(status.success(), "{program}: {status}");
    Ok(took)
}

/// What else the machine does: above the number of processors, figures say little.
fn load() -> anyhow::Result<String> {
    let path = PathBuf::from("/proc/loadavg");
    Ok(std::fs::read_to_string(path)?.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
