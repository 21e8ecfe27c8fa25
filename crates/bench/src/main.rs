//! Measurements of Selfheal beside its peers in one run.
//!
//! Quote ratios and medians, with their spread: single absolute times mean nothing on a shared machine.

mod audit;
mod corpus;
mod knowledge;
mod loghub;
mod matching;
mod replay;
mod spread;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "selfheal-bench", about = "Measurements of Selfheal beside its peers in one run")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Ranking a line against the knowledge base, beside SQLite's FTS5.
    Match {
        #[arg(long, default_value_t = 1_000)]
        patterns: usize,
        #[arg(long, default_value_t = 100)]
        queries: usize,
        /// Runs over all queries; the spread is that of the runs' medians.
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Replaying an edited pattern against stored incidents, on both databases.
    Replay {
        #[arg(long, default_value_t = 10_000)]
        incidents: usize,
        #[arg(long, default_value_t = 250)]
        patterns: usize,
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// What the rules of packs hold on: their own examples, each other's, and labelled lines.
    Knowledge {
        #[arg(required = true)]
        files: Vec<std::path::PathBuf>,
        /// A folder of loghub samples.
        #[arg(long)]
        data: Option<std::path::PathBuf>,
        /// List every near miss and how it is ruled out.
        #[arg(long)]
        near_misses: bool,
    },
    /// Verifying the audit trail on both databases, beside sha256sum, sqlite3 and psql.
    Audit {
        #[arg(long, default_value_t = 1_000_000)]
        entries: usize,
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
}

fn main() -> anyhow::Result<()> {
    let what = Arguments::parse().what;
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: its figures say nothing. Use `cargo run --release -p selfheal-bench`.");
    }
    match what {
        What::Match { patterns, queries, runs } => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(matching::run(patterns, queries, runs)),
        // As the product has it.
        What::Replay { incidents, patterns, runs } => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(replay::run(incidents, patterns, runs)),
        What::Knowledge { files, data, near_misses } => knowledge::run(&files, data.as_deref(), near_misses),
        // As the product has it.
        What::Audit { entries, runs } => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(audit::run(entries, runs))
        }
    }
}
