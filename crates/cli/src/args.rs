//! The command line.
//!
//! Every command and every argument says what it is; `examples.rs` shows each command in use. A test walks over all of them.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::output::When;

mod audit;
mod change;
mod examples;
mod knowledge_learn;
mod knowledge_packs;
mod knowledge_use;

pub use audit::{AuditCommand, AuditListArguments, CaseArgument};
pub use change::{ChangeCommand, ChangeKindArgument, RecordArguments};
pub use examples::{command, of as examples_of};
pub use knowledge_learn::{AcceptArguments, MergeArguments, RejectDraftArguments, ReviewArguments};
pub use knowledge_packs::{EditArguments, ExportArguments, ImportArguments, RemoveArguments};
pub use knowledge_use::{AdviseArguments, ListArguments, ReplayArguments, SearchArguments, TestArguments};

/// A knowledge base and incident manager that heals production services.
#[derive(Debug, Parser)]
#[command(name = "selfheal", version)]
pub struct Arguments {
    #[command(flatten)]
    pub place: Place,
    /// Print one JSON document (or JSON lines) instead of tables; times in it are RFC 3339 in UTC.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Colour for severity and state. NO_COLOR, CLICOLOR and CLICOLOR_FORCE are honoured.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", hide_possible_values = true,
        help_heading = GLOBAL)]
    pub color: When,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub verbose: u8,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Reads what was typed, with what the environment says beside it.
pub fn parse(given: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let matches = command().color(colour_of_help(&given)).try_get_matches_from(given)?;
    let mut arguments = Arguments::from_arg_matches(&matches)?;
    arguments.place = arguments.place.or_environment(|name| std::env::var_os(name));
    Ok(arguments)
}

/// Help is shown before anything is parsed.
fn colour_of_help(given: &[OsString]) -> clap::ColorChoice {
    let said = |word: &str| {
        let whole = format!("--color={word}");
        given.windows(2).any(|pair| pair[0] == "--color" && pair[1] == word) || given.iter().any(|one| *one == *whole)
    };
    match (said("never"), said("always")) {
        (true, _) => clap::ColorChoice::Never,
        (_, true) => clap::ColorChoice::Always,
        _ => clap::ColorChoice::Auto,
    }
}

/// The heading of what every command takes. It stands below the command's own options.
const GLOBAL: &str = "Global options";

/// Where the data is. What is not given comes from the environment, and not through clap: it would show in every usage line as
/// if it were required.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// The home, which holds args/ and data/. Default: $SELFHEAL_HOME, then the platform's data folder.
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub home: Option<PathBuf>,
    /// sqlite:PATH or postgres://... Default: $SELFHEAL_DATABASE, then data/icdev.db in the home.
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub database: Option<String>,
    /// The configuration file. Default: args/monitoring_config.yaml in the home.
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub config: Option<PathBuf>,
    /// Talk to a running daemon at this address instead; its token comes from $SELFHEAL_TOKEN. Default: $SELFHEAL_SERVER.
    #[arg(long, global = true, value_name = "URL", help_heading = GLOBAL)]
    pub server: Option<String>,
    /// Whether the home was named by the environment alone.
    #[arg(skip)]
    pub home_of_environment: bool,
}

impl Place {
    /// With what the environment says where nothing was given. A variable that is empty says nothing.
    pub fn or_environment(mut self, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).and_then(|value| value.into_string().ok());
        if self.home.is_none() {
            self.home = set("SELFHEAL_HOME").map(PathBuf::from);
            self.home_of_environment = self.home.is_some();
        }
        self.database = self.database.or_else(|| text("SELFHEAL_DATABASE"));
        self.server = self.server.or_else(|| text("SELFHEAL_SERVER"));
        self
    }
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
    /// Incidents: look, approve, reject and more. Without a command: those that need you.
    Incidents {
        #[command(subcommand)]
        command: Option<IncidentsCommand>,
    },
    /// The knowledge base.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
    /// The audit trail.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Stop all automatic and approved actions, for a while or until resumed.
    ///
    /// The emergency brake (the file data/pause in the home) is put on first, and the engine is asked afterwards: where it does not
    /// answer the brake stays on, and nothing runs. While the brake is on nothing runs, whatever the switch says.
    Pause {
        /// How long, e.g. 15m or 2h. Until `resume` where it is left out.
        #[arg(value_parser = minutes)]
        duration: Option<u64>,
        /// Why, for the others.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let Selfheal heal by itself.
    ///
    /// The switch is set first, and then the emergency brake is released: where the engine does not answer it stays on.
    Resume {
        /// Take the database as it is, although it is older than what this home has seen, or another one.
        #[arg(long)]
        accept_database: bool,
    },
    /// Let only approved actions run. Releases the emergency brake, as `resume` does.
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
    ///
    /// The demo has a home of its own: a temporary one, or the empty folder that --home names. SELFHEAL_HOME is not used.
    Demo(DemoArguments),
    /// Print shell completions.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of all commands.
    Man,
    /// Print the OpenAPI document of the HTTP API.
    #[command(hide = true)]
    Openapi,
    /// Print the JSON schema of the configuration.
    #[command(hide = true)]
    Schema,
    /// A service of the demo.
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
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Its project; for a service of the inventory that is known.
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Show detection, match and decision, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List incidents, latest first.
    List {
        /// Only those of one group.
        #[arg(long, value_enum)]
        group: Option<GroupArgument>,
        /// Words of title or service.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        /// Incidents at most.
        #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Show one incident with its story, evidence, decision and plan.
    Show {
        /// Its number, as `incidents` shows it.
        id: String,
    },
    /// Approve the plan that waits.
    Approve {
        /// Its number, as `incidents` shows it.
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
        /// Its number, as `incidents` shows it.
        id: String,
        /// Why. The first two count against the pattern for incidents of this kind.
        #[arg(long, value_enum)]
        reason: ReasonArgument,
        /// More about it, for the others.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Say that you have seen it.
    Ack {
        /// Its number, as `incidents` shows it.
        id: String,
    },
    /// Leave it alone for a while, e.g. 30m.
    Snooze {
        /// Its number, as `incidents` shows it.
        id: String,
        /// How long, e.g. 30m, 2h or 1d.
        #[arg(value_parser = minutes)]
        duration: u64,
    },
    /// Say that it is fixed.
    Resolve {
        /// Its number, as `incidents` shows it.
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
        /// How it was fixed, for the others and for a draft.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Hand it to a person.
    Escalate {
        /// Its number, as `incidents` shows it.
        id: String,
        /// Why, for whoever takes it.
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Add a note.
    Note {
        /// Its number, as `incidents` shows it.
        id: String,
        /// The note, in quotes.
        text: String,
    },
    /// Choose an action for an incident that is yours; it needs an approval of its own.
    Choose {
        /// Its number, as `incidents` shows it.
        id: String,
        /// For example service.restart; the best candidate's fix where it is left out.
        #[arg(long)]
        action: Option<String>,
        /// A parameter of the action; may be given more than once.
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
        param: Vec<(String, String)>,
        /// The service that it acts on; the incident's own where it is left out.
        #[arg(long)]
        service: Option<String>,
    },
    /// Try the known fix again: the same as choose without an action.
    Retry {
        /// Its number, as `incidents` shows it.
        id: String,
    },
    /// Change parameters of the plan that waits; the new plan needs an approval of its own.
    Edit {
        /// Its number, as `incidents` shows it.
        id: String,
        /// A parameter and its new value; may be given more than once.
        #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, required = true)]
        param: Vec<(String, String)>,
    },
    /// Take a secret or personal data out of everything that is stored of it.
    Redact {
        /// Its number, as `incidents` shows it.
        id: String,
        /// The text itself, in any case.
        #[arg(long, required_unless_present = "regex", conflicts_with = "regex")]
        text: Option<String>,
        /// A regular expression instead, which must not fit the empty text.
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
        /// Its id or name.
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
        /// The service whose log it is: patterns of other services do not fit.
        #[arg(long)]
        service: Option<String>,
        /// The project whose log it is.
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
        /// Its id or name.
        pattern: String,
        /// It may act by itself from now on in a way in which it may not yet.
        #[arg(long)]
        yes_act: bool,
    },
    /// Take a pattern out of matching and keep it.
    Disable {
        /// Its id or name.
        pattern: String,
    },
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
    /// How it looks, in words that matching may find.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// For example service.restart. Without one the pattern only explains.
    #[arg(long)]
    pub action: Option<String>,
    /// A parameter of the action; may be given more than once.
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
        /// The service that is worked on; all services where it is left out.
        #[arg(long)]
        service: Option<String>,
        /// When it begins, RFC 3339; now where it is left out.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Why, for the others.
        #[arg(long)]
        reason: Option<String>,
    },
    /// End what was announced.
    End {
        /// Its id, as `maintenance list` shows it.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is shown once.
    Add {
        /// Whose it is; a name that tells it from the others.
        name: String,
        /// What it may do: look, also approve and pause, or everything.
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleArgument,
        /// Whose it is, where one person has several tokens: where two people have to approve, they count once. Default: NAME.
        #[arg(long)]
        person: Option<String>,
        /// For how long, e.g. 90d or 12h; never for one without an end.
        #[arg(long, value_name = "DURATION", default_value = "90d")]
        expires: String,
    },
    /// List tokens: whose they are, what they may do, and until when; never the tokens themselves.
    List,
    /// Take a token back: it is refused at once. `serve` is the one of the address that `selfheal serve` prints.
    Remove {
        /// Its name, as `token list` shows it.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// List the notifiers and how they fared.
    List,
    /// Send a test notice; exit code 3 when one does not arrive.
    Test {
        /// The notifier; all of the configuration where it is left out.
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
    /// Its name.
    #[arg(long)]
    pub name: String,
    /// Its port on loopback.
    #[arg(long)]
    pub port: u16,
    /// Where it logs to.
    #[arg(long)]
    pub log: PathBuf,
    /// The process of the demo; it ends with that one.
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

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    /// Every command that is not hidden, with its path.
    fn walk(command: &clap::Command, path: &str, seen: &mut Vec<(String, clap::Command)>) {
        seen.push((path.to_owned(), command.clone()));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
            walk(below, format!("{path} {}", below.get_name()).trim(), seen);
        }
    }

    #[test]
    fn every_command_and_argument_says_what_it_is() {
        let mut all = Vec::new();
        walk(&command(), "", &mut all);
        assert!(all.len() > 60, "{}", all.len());
        for (path, command) in &all {
            assert!(command.get_about().is_some(), "`{path}` has no text");
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(
                    argument.get_help().is_some_and(|help| !help.to_string().is_empty()),
                    "`{path}` {id} has no text"
                );
                if argument.is_global_set() {
                    assert_eq!(argument.get_help_heading(), Some(GLOBAL), "`{path}` {id}");
                }
            }
        }
    }

    #[test]
    fn the_environment_names_what_was_not_given_and_shows_in_no_usage() {
        let environment = |name: &str| match name {
            "SELFHEAL_HOME" => Some("/srv/selfheal".into()),
            "SELFHEAL_DATABASE" => Some(OsString::new()),
            _ => None,
        };
        let place = Place::default().or_environment(environment);
        assert_eq!((place.home, place.home_of_environment), (Some("/srv/selfheal".into()), true));
        assert_eq!(place.database, None, "an empty variable says nothing");
        let place = Place { home: Some("/mine".into()), ..Place::default() }.or_environment(environment);
        assert_eq!((place.home, place.home_of_environment), (Some("/mine".into()), false));
        for (_, command) in {
            let mut all = Vec::new();
            walk(&command(), "", &mut all);
            all
        } {
            assert!(command.get_arguments().all(|argument| argument.get_env().is_none()), "{}", command.get_name());
        }
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
