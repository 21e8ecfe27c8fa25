//! `selfheal knowledge import` and `export`.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use selfheal_api::files::Beside;
use selfheal_api::view::{ImportFault, ImportReply, ImportRow};
use selfheal_api::{Client, ClientError};
use selfheal_core::PatternId;

use super::BAD;
use crate::args::{ExportArguments, ImportArguments};
use crate::output;

/// Faults and rows that are printed; `--json` has more.
const PRINTED: usize = 50;
/// As shells have it for a process that SIGINT ended.
const INTERRUPTED: u8 = 130;
/// A copy that an import left behind is not one that is under way after this long.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

pub async fn import(client: &Client, as_json: bool, arguments: ImportArguments) -> anyhow::Result<ExitCode> {
    let ImportArguments { file, replace, skip_bad, dry_run } = arguments;
    let from = if file == "-" { "/dev/stdin" } else { &file };
    let opened = tokio::fs::File::open(from).await.with_context(|| {
        format!("{file} cannot be read. Give a pack in YAML, an ICDEV database, or - for standard input")
    })?;
    if opened.metadata().await?.is_dir() {
        bail!("{file} is a folder: expected one file. Import its packs one by one");
    }
    warn_of_log(&file);
    let name = Path::new(&file).file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
    let path = format!(
        "/api/v1/knowledge/import?file={}&replace={replace}&skip_bad={skip_bad}&dry_run={dry_run}",
        encoded(&name)
    );
    // The interrupted request is dropped, and with it the copy of the file that it keeps in the home.
    let reply: ImportReply = tokio::select! {
        reply = client.upload(&path, opened) => reply?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            output::note!("Interrupted. Import the file again: what is in already is left as it is.");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    if as_json {
        output::json(&reply)?;
    } else {
        told(&file, &reply, skip_bad);
    }
    Ok(if reply.examples_failed {
        ExitCode::from(BAD)
    } else if reply.refused > 0 && !skip_bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Removes the copies of files that imports which were killed have left in a home.
pub fn remove_leftovers(data: &Path) {
    for entry in std::fs::read_dir(data).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_copy = name.to_str().is_some_and(|name| name.starts_with("import-") && name.ends_with(".part"));
        // A copy whose age is not known (a clock that was set back) stays.
        let age = entry
            .metadata()
            .ok()
            .filter(std::fs::Metadata::is_file)
            .and_then(|data| data.modified().ok()?.elapsed().ok());
        if is_copy && age.is_some_and(|age| age > LEFT_BEHIND) {
            // Another import may be removing it, too.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What a program wrote and has not put into its database yet is not in the file.
fn warn_of_log(file: &str) {
    let mut magic = [0; 16];
    let is_database = std::fs::metadata(file).is_ok_and(|data| data.is_file())
        && std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic.starts_with(b"SQLite format 3");
    let log = format!("{file}-wal");
    if is_database && std::fs::metadata(&log).is_ok_and(|data| data.len() > 0) {
        output::note!(
            "warning: {log} holds changes that are not in the database yet and are not read. Close the program that has it open, and import again."
        );
    }
}

fn told(file: &str, reply: &ImportReply, skip_bad: bool) {
    for fault in reply.faults.iter().take(PRINTED) {
        output::note!("error: {}", fault_words(file, fault));
    }
    let rows: Vec<&ImportRow> = reply.rows.iter().take(PRINTED).collect();
    if !rows.is_empty() {
        output::table(
            ["pattern", if reply.kind == "icdev" { "row" } else { "line" }, "outcome", "notes"],
            "notes",
            rows.iter().map(|row| {
                let place = row.row.clone().unwrap_or_else(|| row.line.to_string());
                [row.pattern.clone(), place, outcome(&row.outcome, reply.applied).into(), row.notes.join("; ")]
            }),
        );
        output::line("");
    }
    let hidden = reply.omitted + reply.rows.len().saturating_sub(PRINTED) + reply.faults.len().saturating_sub(PRINTED);
    if hidden > 0 {
        output::line(format!("{hidden} more are not shown here; --json lists up to 1000 of each."));
    }
    output::table(
        ["outcome", "patterns"],
        "outcome",
        [
            (outcome("added", reply.applied), reply.added),
            (outcome("updated", reply.applied), reply.updated),
            ("unchanged", reply.unchanged),
            ("kept", reply.kept),
            ("refused", reply.refused),
        ]
        .map(|(what, count)| [what.to_owned(), count.to_string()]),
    );
    if reply.lowered > 0 {
        let (verb, their) = if reply.lowered == 1 { ("pattern comes", "its") } else { ("patterns come", "their") };
        output::line(format!(
            "{} {verb} in with less trust than {their} file says: at most 0.60, and not healing by itself until you say so.",
            reply.lowered
        ));
    }
    if reply.disarmed > 0 {
        output::line(format!(
            "{} that healed by themselves do not any more, because what they read or do has changed.",
            reply.disarmed
        ));
    }
    if reply.kept > 0 {
        output::line(
            "What was written or has outcomes here was kept as it is. --replace takes the file's text instead.",
        );
    }
    if [reply.added, reply.updated, reply.unchanged, reply.kept, reply.refused] == [0; 5] {
        output::line(format!("{file}{} has no patterns in it. Nothing was changed.", of_pack(reply)));
        return;
    }
    output::line(match (reply.applied, reply.dry_run, reply.refused) {
        (true, ..) => format!("Imported from {file}{}.", of_pack(reply)),
        (false, _, refused) if refused > 0 && !skip_bad => {
            "Nothing was imported. Mend what is wrong, or import the rest with --skip-bad.".to_owned()
        }
        _ => "Nothing was changed: this was a dry run.".to_owned(),
    });
}

/// The word for what became of a pattern, or would have.
fn outcome(word: &str, applied: bool) -> &str {
    match word {
        "added" if !applied => "would add",
        "updated" if !applied => "would update",
        word => word,
    }
}

fn of_pack(reply: &ImportReply) -> String {
    reply.pack.as_ref().map(|pack| format!(" ({pack})")).unwrap_or_default()
}

fn fault_words(file: &str, fault: &ImportFault) -> String {
    let mut words = file.to_owned();
    if let Some(row) = &fault.row {
        words.push_str(&format!(", row {row}"));
    }
    if fault.line > 0 {
        words.push_str(&format!(":{}", fault.line));
        if fault.column > 0 {
            words.push_str(&format!(":{}", fault.column));
        }
    }
    let name = fault.name.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
    output::harmless(&format!("{words}: {name}{}. {}", fault.why, fault.next))
}

pub async fn export(client: &Client, as_json: bool, arguments: ExportArguments) -> anyhow::Result<ExitCode> {
    let mut path = "/api/v1/knowledge/export?".to_owned();
    if let Some(family) = &arguments.family {
        let stats: serde_json::Value = client.get("/api/v1/knowledge/stats").await?;
        let families: Vec<&String> = stats["by_family"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|name| !name.is_empty())
            .collect();
        if !families.contains(&family) {
            let known: Vec<&str> = families.iter().map(|name| name.as_str()).collect();
            bail!("no pattern has the family `{family}`. There are: {}", known.join(", "));
        }
        path.push_str(&format!("family={}&", encoded(family)));
    }
    if !arguments.pattern.is_empty() {
        let ids: Vec<String> =
            arguments.pattern.iter().map(|name| encoded(PatternId::from_name(name).as_str())).collect();
        path.push_str(&format!("patterns={}", ids.join(",")));
    }
    let Some(file) = &arguments.out else {
        let mut out = std::io::stdout().lock();
        return match client.download("GET", &path, |piece| out.write_all(piece)).await {
            // Whoever stopped reading (`| head`) has what was wanted.
            Err(ClientError::Unwritable(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            written => Ok(written.map(|()| ExitCode::SUCCESS)?),
        };
    };
    if file.exists() && !arguments.force {
        bail!("{} exists and is left alone. Choose another name, or replace it with --force", file.display());
    }
    let cannot = || format!("{} cannot be written. Choose another place", file.display());
    // Under another name until it is whole.
    let mut part = Beside::create(file, 0o600).with_context(cannot)?;
    let mut bytes = 0;
    client
        .download("GET", &path, |piece| {
            bytes += piece.len();
            part.file.write_all(piece)
        })
        .await?;
    part.finish().with_context(cannot)?;
    if as_json {
        output::json(&serde_json::json!({ "file": file, "bytes": bytes }))?;
    } else {
        output::line(format!(
            "{}: {bytes} bytes. Outcomes and drafts are not in it; `selfheal backup` writes everything.",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A value as it stands in an address.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
