//! The arguments of `selfheal audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries, latest first.
    List(Box<AuditListArguments>),
    /// Check the whole trail and its signed checkpoints, or an exported bundle; exit code 3 when something is wrong, 4 when it cannot be told.
    Verify {
        /// A file that `audit export` wrote. It is checked by itself: no home, no database and no engine are needed.
        bundle: Option<PathBuf>,
        /// The public key that you expect, as 64 hexadecimal digits or a file with them; may be given more than once.
        #[arg(long, value_name = "FILE|HEX", requires = "bundle")]
        key: Vec<String>,
    },
    /// Write the trail to a file that anybody can verify; - for standard output.
    Export {
        /// Where to write it.
        file: PathBuf,
        /// Only the entries of this incident.
        #[arg(long)]
        incident: Option<String>,
        /// Only entries from this time on, e.g. 7d, 24h or 2026-03-01T12:00:00Z.
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Write the case file of an incident: a report for people who were not there.
    Case {
        /// The incident's number, as `incidents` shows it.
        incident: String,
        /// How it is written. Default: html where the output's name ends so, else md.
        #[arg(long, value_enum)]
        format: Option<CaseArgument>,
        /// Where to write it. Default: standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct AuditListArguments {
    /// Only entries of this incident.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// The beginning of the event type, e.g. action. or approval.granted.
    #[arg(long, value_name = "PREFIX")]
    pub event: Option<String>,
    /// Exactly this person or part of Selfheal, e.g. engine.
    #[arg(long)]
    pub actor: Option<String>,
    /// Only entries of this pattern.
    #[arg(long, value_name = "ID")]
    pub pattern: Option<String>,
    /// From this time on, e.g. 7d, 24h or 2026-03-01T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Entries at most.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    pub limit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CaseArgument {
    Md,
    Html,
}
