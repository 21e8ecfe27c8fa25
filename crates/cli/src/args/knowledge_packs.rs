//! Documents and packs of patterns.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct EditArguments {
    /// Its id or name.
    #[arg(value_parser = super::pattern_name)]
    pub pattern: String,
    /// The editor. Default: $VISUAL, then $EDITOR. Words are split at spaces; no shell reads them.
    #[arg(long, value_name = "COMMAND", conflicts_with = "file")]
    pub editor: Option<String>,
    /// Take the document from this file instead of an editor; - for standard input.
    #[arg(long)]
    pub file: Option<String>,
    /// Print the document and change nothing.
    #[arg(long, conflicts_with_all = ["file", "editor"])]
    pub print: bool,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask whether to save.
    #[arg(long)]
    pub yes: bool,
    /// It may act by itself afterwards in a way in which it may not yet.
    #[arg(long)]
    pub yes_act: bool,
}

#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// Its id or name.
    #[arg(value_parser = super::pattern_name)]
    pub pattern: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// A pack (YAML) or an ICDEV database; - for a pack on standard input.
    pub file: String,
    /// Also replace patterns that were written or edited here, or have outcomes of their own. Outcomes and safety marks stay.
    #[arg(long)]
    pub replace: bool,
    /// Import the rest where something is wrong, instead of nothing.
    #[arg(long)]
    pub skip_bad: bool,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// Where to write it; standard output where it is left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace a file that is there.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Only patterns of this family.
    #[arg(long)]
    pub family: Option<String>,
    /// Only this pattern, by id or name; may be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Vec<String>,
}
