//! Measurements of Selfheal beside its peers in one run.
//!
//! Quote ratios and medians, with their spread: single absolute times mean nothing on a shared machine.

mod audit;
mod corpus;
mod evidence;
mod knowledge;
mod loghub;
mod matching;
mod relevance;
mod replay;
mod spread;
mod start;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "selfheal-bench", about = "Measurements of Selfheal beside its peers in one run")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Finding patterns by their text, beside other search engines. Build with `--features peers` to have all of them.
    Match {
        /// How many patterns, in turn.
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
        patterns: Vec<usize>,
        #[arg(long, default_value_t = 500)]
        queries: usize,
        /// Words of each query.
        #[arg(long, default_value_t = 12)]
        words: usize,
        /// Edits of each run.
        #[arg(long, default_value_t = 10)]
        edits: usize,
        /// Runs over all queries; the spread is that of the runs' medians.
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// What one engine takes in memory, measured in a process of its own.
    #[command(hide = true)]
    MatchMemory { subject: String, patterns: usize },
    /// From a closed database to the first answer, beside opening an index of the same texts.
    Start {
        /// How many patterns, in turn.
        #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
        patterns: Vec<usize>,
        #[arg(long, default_value_t = 10)]
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
    /// The relevance model: fit it on some tasks, report on others.
    Relevance(relevance::RelevanceArguments),
    /// What rates, changes, order, hours and places add to text, in made-up worlds with known causes; and what it costs.
    Evidence {
        #[arg(long, default_value_t = 4_000)]
        incidents: usize,
        #[arg(long, default_value_t = 10)]
        seeds: u64,
        /// Rows of history for the timing.
        #[arg(long, default_value_t = 100_000)]
        history: i64,
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
        What::Match { patterns, queries, words, edits, runs } => {
            matching::run(&matching::Settings { patterns, queries, words, edits, runs })
        }
        What::MatchMemory { subject, patterns } => matching::memory(&subject, patterns),
        // As the product has it.
        What::Start { patterns, runs } => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(start::run(&patterns, runs))
        }
        What::Replay { incidents, patterns, runs } => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(replay::run(incidents, patterns, runs)),
        What::Knowledge { files, data, near_misses } => knowledge::run(&files, data.as_deref(), near_misses),
        What::Relevance(arguments) => relevance::run(&arguments),
        What::Evidence { incidents, seeds, history } => {
            evidence::run(incidents, seeds)?;
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(evidence::run_speed(history, 16, 5))
        }
        // As the product has it.
        What::Audit { entries, runs } => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(audit::run(entries, runs))
        }
    }
}
