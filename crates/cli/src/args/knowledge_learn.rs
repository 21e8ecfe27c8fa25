//! The arguments of what `selfheal knowledge` does with what was learned: drafts, review, merge.

use clap::Args;

use super::key_value;

/// A draft, and what is changed of it while it is accepted.
#[derive(Debug, Args)]
pub struct AcceptArguments {
    /// The draft's id, as `knowledge drafts` shows it.
    pub draft: String,
    /// The version that was looked at, as `knowledge drafts` shows it: another one is refused. Without it the draft is shown first.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<String>,
    /// A better name.
    #[arg(long)]
    pub name: Option<String>,
    /// Another regular expression. It has to match the draft's examples.
    #[arg(long, value_name = "REGEX")]
    pub rule: Option<String>,
    /// Words that rule the pattern out, instead of the draft's.
    #[arg(long, value_name = "TERM")]
    pub must_not: Vec<String>,
    /// Why it happens.
    #[arg(long, value_name = "TEXT")]
    pub root_cause: Option<String>,
    /// How it looks, in words that matching may find.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// What fixes it, for example service.restart.
    #[arg(long)]
    pub action: Option<String>,
    /// A parameter of the action; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub param: Vec<(String, String)>,
    /// What shows that the fix helped, instead of the draft's checks.
    #[arg(long, value_name = "URL|CMD")]
    pub check: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RejectDraftArguments {
    /// The draft's id, as `knowledge drafts` shows it.
    pub draft: String,
    /// The version that was looked at, as `knowledge drafts` shows it: another one is refused. Without it the draft is shown first.
    #[arg(long, value_name = "VERSION")]
    pub seen: Option<String>,
    /// Why, for the others.
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReviewArguments {
    /// Patterns whose rule held in no incident for so many days.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub unused_days: u32,
    /// Fixes counted over so many days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub period_days: u32,
    /// Verified fixes of one pattern on one service within the period from which the cause is worth a look.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub repeats: u32,
}

#[derive(Debug, Args)]
pub struct MergeArguments {
    /// The pattern that goes.
    pub merged: String,
    /// The pattern that stays and takes over its rule, examples and outcomes.
    pub into: String,
    /// Say what would become of it, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
