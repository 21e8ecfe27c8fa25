//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod audit;
mod change;
mod knowledge_learn;
mod knowledge_packs;
mod knowledge_use;

pub use audit::{AuditCommand, AuditListArguments, CaseArgument};
pub use change::{ChangeCommand, ChangeKindArgument, RecordArguments};
pub use knowledge_learn::{AcceptArguments, MergeArguments, RejectDraftArguments, ReviewArguments};
pub use knowledge_packs::{EditArguments, ExportArguments, ImportArguments, RemoveArguments};
pub use knowledge_use::{AdviseArguments, ListArguments, ReplayArguments, SearchArguments, TestArguments};

/// A knowledge base and incident manager that heals production services.
#[derive(Debug, Parser)]
#[command(name = "selfheal", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    pub place: Place,
    /// Print one JSON document (or JSON lines) instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The home, which holds args/ and data/. Default: the platform's data folder.
    #[arg(long, global = true, env = "SELFHEAL_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// sqlite:PATH or postgres://... Default: data/icdev.db in the home.
    #[arg(long, global = true, env = "SELFHEAL_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// The configuration file. Default: args/monitoring_config.yaml in the home.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Talk to a running daemon instead; its token comes from SELFHEAL_TOKEN.
    #[arg(long, global = true, env = "SELFHEAL_SERVER", value_name = "URL")]
    pub server: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a default home: configuration with comments, starter knowledge.
    Init,
    /// Run the engine in the foreground.
    Run(RunArguments),
    /// Run the engine with the HTTP API and the window; on loopback by default.
    Serve(ServeArguments),
    /// Put a log through the pipeline.
    Ingest(IngestArguments),
    /// Incidents: look, approve, reject and more.
    #[command(subcommand)]
    Incidents(IncidentsCommand),
    /// The knowledge base.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
    /// The audit trail.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Stop all automatic and approved actions, for a while or until resumed.
    Pause {
        /// How long, e.g. 15m or 2h. Until `resume` where it is left out.
        #[arg(value_parser = minutes)]
        duration: Option<u64>,
        /// Why, for the others.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let Selfheal heal by itself.
    Resume {
        /// Take the database as it is, although it is older than what this home has seen, or another one.
        #[arg(long)]
        accept_database: bool,
    },
    /// Only approved actions run.
    Observe,
    /// Show what waits to run, in its order, why and until when.
    Queue,
    /// Maintenance windows: nothing runs on a service's target while one holds it.
    #[command(subcommand)]
    Maintenance(MaintenanceCommand),
    /// Deployments, configuration changes and restarts, as evidence for what fails afterwards.
    #[command(subcommand)]
    Change(ChangeCommand),
    /// The configuration file: check it, or accept one that takes something away.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write everything but the configuration into one file, while the engine runs.
    Backup(BackupArguments),
    /// Replace everything by a backup, after checking it; automation is paused afterwards.
    Restore(RestoreArguments),
    /// Tokens of the HTTP API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Who is told when a person is needed.
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Check configuration, database, sources, targets, health checks and notifiers, and say how to mend each.
    Doctor,
    /// Watch real services break and heal, on loopback, with nothing to install.
    Demo(DemoArguments),
    /// Print shell completions.
    Completions { shell: clap_complete::Shell },
    /// Print the manual page.
    Man,
    #[command(hide = true)]
    Openapi,
    #[command(hide = true)]
    Schema,
    #[command(hide = true, name = selfheal_demo::SUBCOMMAND)]
    DemoService(DemoServiceArguments),
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show everything that is wrong with the file, with its place; exit code 3 where something is. Needs no engine.
    Check,
    /// Accept a changed file that takes away services or safety, after showing what.
    Accept {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub struct BackupArguments {
    /// Where to write it. One that is there is left alone.
    pub file: PathBuf,
    /// Replace one that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// A backup as `selfheal backup` wrote it, on either database.
    pub file: PathBuf,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// Observe only, whatever the automation switch was set to.
    #[arg(long)]
    pub observe: bool,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Address and port. Default: server.listen of the configuration.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct IngestArguments {
    /// The file; - for standard input.
    pub file: String,
    /// The service that the lines speak for. What a line says of itself never chooses that.
    #[arg(long)]
    pub service: Option<String>,
    /// Its project; for a service of the inventory that is known.
    #[arg(long)]
    pub project: Option<String>,
    /// Show detection, match and decision, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List incidents, latest first.
    List {
        #[arg(long, value_enum)]
        group: Option<GroupArgument>,
        /// Words of title or service.
        #[arg(long)]
        search: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show one incident with its story, evidence, decision and plan.
    Show { id: String },
    /// Approve the plan that waits.
    Approve {
        id: String,
        /// The plan's hash (or its beginning), to approve exactly what you looked at. Default: the plan that waits now.
        #[arg(long)]
        plan: Option<String>,
        /// The target's name, for a plan that cannot be undone.
        #[arg(long, value_name = "TARGET")]
        typed: Option<String>,
    },
    /// Reject the plan that waits, with a reason that teaches.
    Reject {
        id: String,
        #[arg(long, value_enum)]
        reason: ReasonArgument,
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say that you have seen it.
    Ack { id: String },
    /// Leave it alone for a while, e.g. 30m.
    Snooze {
        id: String,
        #[arg(value_parser = minutes)]
        duration: u64,
    },
    /// Say that it is fixed.
    Resolve {
        id: String,
        /// Whether it was fixed by what Selfheal would have done, for patterns in shadow mode.
        #[arg(long, value_name = "true|false")]
        did_the_same: Option<bool>,
        /// What fixed it, e.g. service.restart: it becomes evidence of what helps, and moves no confidence.
        #[arg(long, value_name = "ACTION")]
        fixed_by: Option<String>,
        /// A parameter of that action.
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, requires = "fixed_by")]
        param: Vec<(String, String)>,
        #[arg(long)]
        comment: Option<String>,
    },
    /// Hand it to a person.
    Escalate {
        id: String,
        #[arg(long)]
        comment: Option<String>,
    },
    /// Add a note.
    Note { id: String, text: String },
    /// Choose an action for an incident that is yours; it needs an approval of its own.
    Choose {
        id: String,
        /// For example service.restart; the best candidate's fix where it is left out.
        #[arg(long)]
        action: Option<String>,
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
        param: Vec<(String, String)>,
        /// The incident's own service where it is left out.
        #[arg(long)]
        service: Option<String>,
    },
    /// Try the known fix again: the same as choose without an action.
    Retry { id: String },
    /// Change parameters of the plan that waits; the new plan needs an approval of its own.
    Edit {
        id: String,
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, required = true)]
        param: Vec<(String, String)>,
    },
    /// Take a secret or personal data out of everything that is stored of it.
    Redact {
        id: String,
        /// The text itself, in any case.
        #[arg(long, required_unless_present = "regex", conflicts_with = "regex")]
        text: Option<String>,
        #[arg(long)]
        regex: Option<String>,
        /// Why, for the audit trail; without naming it.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum GroupArgument {
    NeedsYou,
    InProgress,
    RecentlyFixed,
    Closed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReasonArgument {
    WrongFix,
    WrongCause,
    NotNow,
    Other,
}

#[derive(Debug, Subcommand)]
pub enum KnowledgeCommand {
    /// Add a pattern, or change the one of that name: what is left out stays as it is. Asks where nothing is given.
    Add(Box<AddArguments>),
    /// Open a pattern's document, look at what the change does, and save it.
    Edit(EditArguments),
    /// Take a pattern out of the knowledge base. What it did stays on record.
    Remove(RemoveArguments),
    /// Import a knowledge pack, or the patterns of an ICDEV database, with at most 0.60 of trust each.
    Import(ImportArguments),
    /// Write patterns as a pack that reads back equal.
    Export(ExportArguments),
    /// List patterns.
    List(ListArguments),
    /// Search patterns by words, whatever their scope or state.
    Search(SearchArguments),
    /// Show one pattern, by id or name.
    Show {
        #[arg(value_parser = pattern_name)]
        pattern: String,
    },
    /// Match each line of a file against the knowledge base; JSON lines with --json.
    ///
    /// A byte order mark at the beginning and colour codes are taken out of a line before it is matched. Without --json,
    /// matches with a relevance below 0.30 are counted and not shown, unless their rule holds.
    Match {
        /// The file; - for standard input.
        file: String,
        /// Matches of a line at most, best first; 1 to 100.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
        top: u64,
        #[arg(long)]
        service: Option<String>,
        #[arg(long)]
        project: Option<String>,
    },
    /// Say what a failure is: the cause, the evidence, what to check, and what helped before.
    Analyze(AdviseArguments),
    /// Rank the fixes of a failure, with what would be decided and why.
    Recommend(AdviseArguments),
    /// Test patterns by their example lines; exit code 3 when one fails.
    Test(TestArguments),
    /// Show what an edit of a pattern would have changed on the stored incidents, before it is saved.
    Replay(ReplayArguments),
    /// Count patterns and outcomes.
    Stats,
    /// List the drafts that wait: what incidents taught that no pattern was known for.
    Drafts,
    /// Make a draft an active pattern. It suggests, and never acts by itself.
    Accept(Box<AcceptArguments>),
    /// Remove a draft; the same incidents are not drafted again.
    RejectDraft(RejectDraftArguments),
    /// What to look at: failing examples, duplicates, shadowed and unused patterns, fixes that repeat. Exit code 3 where examples
    /// fail.
    Review(ReviewArguments),
    /// Put one pattern into another that says the same; every example has to hold.
    Merge(MergeArguments),
    /// Put a disabled pattern back into matching; one that was merged is its own again, and the other one stays as it is.
    Enable {
        pattern: String,
        /// It may act by itself from now on in a way in which it may not yet.
        #[arg(long)]
        yes_act: bool,
    },
    /// Take a pattern out of matching and keep it.
    Disable { pattern: String },
    /// Undo a merge, where neither pattern was edited since.
    Unmerge {
        /// The pattern that was merged into another one.
        merged: String,
    },
}

#[derive(Debug, Default, Args)]
pub struct AddArguments {
    /// Its name; or a file that ends in .yaml or .yml, with one pattern or several (- for standard input).
    #[arg(value_name = "NAME|FILE.yaml")]
    pub name: Option<String>,
    /// A regular expression that the failure's text matches.
    #[arg(long, value_name = "REGEX")]
    pub rule: Option<String>,
    /// Why it happens. Needed for a new pattern.
    #[arg(long, value_name = "TEXT")]
    pub root_cause: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// For example service.restart. Without one the pattern only explains.
    #[arg(long)]
    pub action: Option<String>,
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub param: Vec<(String, String)>,
    /// What shows that the fix helped.
    #[arg(long, value_name = "URL|CMD")]
    pub check: Vec<String>,
    /// A word that rules the pattern out.
    #[arg(long, value_name = "TERM")]
    pub must_not: Vec<String>,
    /// The fix may run without asking once its decision confidence is high enough (`--auto-healable=false` takes it back).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub auto_healable: Option<bool>,
    /// The fix always needs approval (`--require-approval=false` takes it back).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub require_approval: Option<bool>,
    /// The failure is one of a host, node, network, storage, database server or cluster: always needs approval.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub infrastructure: Option<bool>,
    /// 0 to 1; 0.50 for a new pattern.
    #[arg(long, value_parser = score)]
    pub confidence: Option<f64>,
    /// Try it out: record what it would do and leave it to a person (`--shadow=false` ends that).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub shadow: Option<bool>,
    /// Only for this service.
    #[arg(long)]
    pub service: Option<String>,
    /// Only for this project.
    #[arg(long)]
    pub project: Option<String>,
    /// What may act by itself from now on in a way in which it may not yet, may. `--auto-healable` says so, too.
    #[arg(long)]
    pub yes_act: bool,
}

#[derive(Debug, Subcommand)]
pub enum MaintenanceCommand {
    /// List windows: those that people announced, then those of the configuration.
    List,
    /// Announce maintenance from now on: nothing runs on the service's target meanwhile.
    Start {
        /// For how long, e.g. 2h.
        #[arg(value_parser = minutes)]
        duration: u64,
        /// All services where it is left out.
        #[arg(long)]
        service: Option<String>,
        /// RFC 3339; now where it is left out.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        #[arg(long)]
        reason: Option<String>,
    },
    /// End what was announced.
    End { id: String },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once.
    Add {
        name: String,
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleArgument,
    },
    List,
    Remove {
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// List the notifiers and how they fared.
    List,
    /// Send a test notice; exit code 3 when one does not arrive.
    Test {
        /// All of the configuration where it is left out.
        name: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleArgument {
    Viewer,
    Approver,
    Admin,
}

#[derive(Debug, Args)]
pub struct DemoArguments {
    /// kill-service, needs-approval or unknown. Without one the demo world opens in the browser and stays.
    pub scenario: Option<String>,
    /// Approve by itself, for scripts.
    #[arg(long)]
    pub approve: bool,
    /// Kill a service a few seconds after the start, so that there is something to watch.
    #[arg(long, conflicts_with = "scenario")]
    pub play: bool,
    /// Where the demo's window is served.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
}

#[derive(Debug, Args)]
pub struct DemoServiceArguments {
    #[arg(long)]
    pub name: String,
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub log: PathBuf,
    #[arg(long)]
    pub owner: u32,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}`: expected KEY=VALUE"))
}

fn score(text: &str) -> Result<f64, String> {
    let expected = || format!("`{text}`: expected a number from 0 to 1, such as 0.5");
    text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value)).ok_or_else(expected)
}

/// What names a pattern: its id is made of the letters and digits in it.
fn pattern_name(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_alphanumeric) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` names no pattern: expected an id or a name, with letters or digits"))
    }
}

/// `15m`, `2h`, `1d` or a number of minutes.
fn minutes(text: &str) -> Result<u64, String> {
    let expected = || format!("`{text}`: expected a duration such as 15m or 2h (m, h or d), at least one minute");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "m" | "min" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(expected()),
    };
    let number: u64 = digits.parse().map_err(|_| expected())?;
    number.checked_mul(factor).filter(|minutes| *minutes > 0).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("15m", Some(15)),
            ("2h", Some(120)),
            ("1d", Some(1_440)),
            ("7", Some(7)),
            ("0m", None),
            ("x", None),
            ("3w", None),
        ] {
            assert_eq!(minutes(text).ok(), expected, "{text}");
        }
    }
}
