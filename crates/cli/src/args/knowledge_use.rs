//! `selfheal knowledge`, as far as it asks the knowledge base and changes nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use selfheal_core::ActionKind;

#[derive(Debug, Default, Args)]
pub struct ListArguments {
    /// Only patterns of this family; `knowledge stats` counts them.
    #[arg(long)]
    pub family: Option<String>,
    /// Only patterns of this state.
    #[arg(long, value_enum)]
    pub status: Option<StatusArgument>,
    /// Patterns whose scope names this service.
    #[arg(long)]
    pub service: Option<String>,
    /// Patterns whose scope names this project.
    #[arg(long)]
    pub project: Option<String>,
    /// For example service.restart; none for patterns without an action.
    #[arg(long, value_parser = action_or_none)]
    pub action: Option<String>,
    /// Only patterns that may heal by themselves (`--auto-healable=false` for the others).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub auto_healable: Option<bool>,
    /// A part of the id, the name, the description or the root cause.
    #[arg(long)]
    pub search: Option<String>,
    /// In which order.
    #[arg(long, value_enum)]
    pub sort: Option<SortArgument>,
    /// Patterns at most; all where it is left out.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// A name that no action has would find nothing and look like an answer.
fn action_or_none(text: &str) -> Result<String, String> {
    let known = ActionKind::ALL.iter().map(|kind| kind.as_str()).chain(["none"]);
    if known.clone().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    Err(format!("there is no such action: expected one of {}", known.collect::<Vec<_>>().join(", ")))
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatusArgument {
    Active,
    Draft,
    Disabled,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SortArgument {
    Id,
    Name,
    Confidence,
    Uses,
    Updated,
}

#[derive(Debug, Args)]
pub struct SearchArguments {
    /// What fails, in words.
    #[arg(required = true)]
    pub words: Vec<String>,
    /// Patterns at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}

#[derive(Debug, Args)]
pub struct AdviseArguments {
    /// The log that shows the failure; - for standard input.
    #[arg(required_unless_present = "incident", conflicts_with = "incident")]
    pub file: Option<String>,
    /// A stored incident instead.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// The service whose log it is. Default: what its lines say.
    #[arg(long)]
    pub service: Option<String>,
    /// The project of that service. Default: the inventory's.
    #[arg(long)]
    pub project: Option<String>,
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// Ids or names.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_parser = super::pattern_name)]
    pub patterns: Vec<String>,
    /// Every pattern.
    #[arg(long)]
    pub all: bool,
    /// Explain this line against the one pattern that is named, instead of its examples.
    #[arg(long, value_name = "TEXT", conflicts_with = "all")]
    pub line: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The id of the pattern that is edited.
    #[arg(value_parser = super::pattern_name)]
    pub pattern: String,
    /// Its edited version, as it stands in a pack.
    #[arg(long, value_name = "EDITED.yaml", required_unless_present_any = ["disabled", "removed"],
        conflicts_with_all = ["disabled", "removed"])]
    pub file: Option<PathBuf>,
    /// As if it were disabled.
    #[arg(long, conflicts_with = "removed")]
    pub disabled: bool,
    /// As if it were removed.
    #[arg(long)]
    pub removed: bool,
    /// Only incidents of this long, e.g. 7d.
    #[arg(long, value_name = "DURATION", value_parser = super::minutes)]
    pub since: Option<u64>,
    /// The latest incidents only.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}
