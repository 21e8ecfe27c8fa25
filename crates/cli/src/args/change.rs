//! The arguments of `selfheal change`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum ChangeCommand {
    /// Tell of a deployment, configuration change or restart: incidents that follow are seen in its light.
    Record(RecordArguments),
    /// List changes, latest first, with those that Selfheal's own actions made.
    List {
        /// Only changes of this service.
        #[arg(long)]
        service: Option<String>,
        /// Changes at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

#[derive(Debug, Args)]
pub struct RecordArguments {
    /// The service that was changed, as incidents name it.
    #[arg(long)]
    pub service: String,
    /// What was done to it.
    #[arg(long, value_enum)]
    pub kind: ChangeKindArgument,
    /// What is in place now, e.g. 2.4.1 or a commit.
    #[arg(long)]
    pub version: Option<String>,
    /// When it took effect, RFC 3339; now where it is left out.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// What it was about, for the others.
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The service's project; the inventory's where it is left out.
    #[arg(long)]
    pub project: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ChangeKindArgument {
    Deployment,
    Configuration,
    Restart,
}
