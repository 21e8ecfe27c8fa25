//! `selfheal backup` and `selfheal restore`.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use selfheal_api::files::Beside;
use selfheal_api::{ClientError, RestoreReply, inspect_backup};
use serde_json::json;

use super::BAD;
use crate::args::{BackupArguments, Place, RestoreArguments};
use crate::{connect, failure, output};

const WITHOUT: &str = "Not in it: the configuration (keep it in version control), and passwords and keys, which are never in the database.\n\
                       In it: API tokens as digests, and log lines. Keep it where only you may read.";

pub async fn make(place: &Place, as_json: bool, arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    let file = arguments.file;
    if file.exists() && !arguments.force {
        bail!("{} exists and is left alone. Choose another name, or replace it with --force", file.display());
    }
    let client = connect::client(place).await?;
    // Under another name until it is whole: a backup that broke off is never taken for one.
    let cannot = || format!("{} cannot be written. Choose another place", file.display());
    let mut part = Beside::create(&file, 0o600).with_context(cannot)?;
    let contents = write(&client, &mut part).await?;
    part.finish().with_context(cannot)?;
    let size = std::fs::metadata(&file)?.len();
    if as_json {
        output::json(&json!({ "file": file, "bytes": size, "about": contents.about, "manifest": contents.manifest }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!(
        "{}: {} of {}, {size} bytes, read back and checked.",
        file.display(),
        output::count(contents.manifest.rows(), "row"),
        output::count(contents.manifest.tables.len(), "table")
    ));
    if let Some(head) = &contents.manifest.audit {
        output::line(format!("Audit trail up to entry {}: {}", head.id, head.hash));
    }
    output::line(WITHOUT);
    Ok(ExitCode::SUCCESS)
}

/// Writes, makes sure that it is on the disk, and reads it back.
async fn write(client: &selfheal_api::Client, part: &mut Beside) -> anyhow::Result<selfheal_api::BackupContents> {
    client.download("POST", "/api/v1/backup", |piece| part.file.write_all(piece)).await?;
    part.file.sync_all().with_context(|| format!("{} cannot be written", part.path().display()))?;
    inspect_backup(part.path()).map_err(|error| anyhow::anyhow!("the backup was not written well: {error}. Try again"))
}

pub async fn restore(place: &Place, as_json: bool, arguments: RestoreArguments) -> anyhow::Result<ExitCode> {
    let file = &arguments.file;
    // Told before anything is asked: a damaged one is not even sent.
    let contents = match inspect_backup(file) {
        Ok(contents) => contents,
        Err(error) => {
            output::note!("error: {}: {error}\n  Nothing was changed. Use another backup.", file.display());
            return Ok(ExitCode::from(BAD));
        }
    };
    if !arguments.yes
        && !asked(&format!(
            "Replace everything in this home's database by the backup of {} by {} ({})?",
            output::at(&contents.about.made_at.to_rfc3339()),
            contents.about.made_by,
            output::count(contents.manifest.rows(), "row")
        ))?
    {
        output::line("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let client = connect::client(place).await?;
    let opened = tokio::fs::File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let reply: RestoreReply = match client.upload("/api/v1/restore", opened).await {
        Ok(reply) => reply,
        Err(ClientError::Problem(problem)) if problem.code == "backup_damaged" => {
            failure::tell(&ClientError::Problem(problem).into(), as_json);
            return Ok(ExitCode::from(BAD));
        }
        Err(error) => return Err(error.into()),
    };
    if as_json {
        output::json(&reply)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!(
        "Restored {} from the backup of {} by {}.",
        output::count(reply.rows, "row"),
        output::at(&reply.made_at),
        reply.made_by
    ));
    if let Some(safety) = &reply.safety_backup {
        output::line(format!("What was there before is saved in {safety}"));
    }
    if reply.carried_starts > 0 {
        output::line(format!(
            "Carried over, and still counted: {} that the backup lacks.",
            output::count(reply.carried_starts, "start")
        ));
    }
    output::line(
        "Automation is paused: look around, then `selfheal resume` or `selfheal observe`.\n\
         API tokens are those of the backup: one that was removed since is valid again (`selfheal token list`).\n\
         The configuration is not in a backup and was not changed.",
    );
    Ok(ExitCode::SUCCESS)
}

fn asked(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{question}\n  Nobody is there to ask: say --yes");
    }
    let answer = output::ask(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
