//! `selfheal audit`.

mod bundle;
mod file;

use std::process::ExitCode;

use selfheal_api::view::{AuditPage, ChainView, Verdict};

use super::{BAD, CANNOT_TELL, escaped};
use crate::args::{AuditCommand, AuditListArguments, Place};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::List(list) => show(place, as_json, &list).await,
        // Before anything is opened: a bundle is verified where there is no home.
        AuditCommand::Verify { bundle: Some(path), key } => bundle::verify(&path, &key, as_json),
        AuditCommand::Verify { bundle: None, .. } => verify(place, as_json).await,
        AuditCommand::Export { file, incident, since } => {
            file::export(place, as_json, &file, incident.as_deref(), since.as_deref()).await
        }
        AuditCommand::Case { incident, format, output } => {
            file::case(place, &incident, format, output.as_deref()).await
        }
    }
}

async fn show(place: &Place, as_json: bool, list: &AuditListArguments) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let incident = list.incident.as_deref().map(|id| id.trim_start_matches('#').to_owned());
    let path = [
        ("incident", &incident),
        ("event", &list.event),
        ("actor", &list.actor),
        ("pattern", &list.pattern),
        ("since", &list.since),
        ("until", &list.until),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("&{name}={}", escaped(value.as_deref()?))))
    .fold(format!("/api/v1/audit?limit={}", list.limit), |path, part| path + &part);
    let page: AuditPage = client.get(&path).await?;
    if as_json {
        output::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    if page.entries.is_empty() {
        output::line("No entries.");
        return Ok(ExitCode::SUCCESS);
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    output::table(
        ["id", "at", "event", "actor", "incident", "action", "result"],
        "result",
        page.entries.iter().map(|entry| {
            [
                entry.id.clone(),
                output::clock(&entry.at),
                entry.event_type.clone(),
                entry.actor.clone(),
                or_dash(&entry.incident_id),
                or_dash(&entry.action),
                output::told(&entry.result),
            ]
        }),
    );
    let verified =
        page.verified_to.map_or_else(|| "nothing is verified".into(), |id| format!("verified to entry {id}"));
    output::line(format!(
        "{} of {}; times in {}; the trail is {verified}.",
        page.entries.len(),
        output::count(page.total, "entry"),
        output::zone()
    ));
    Ok(ExitCode::SUCCESS)
}

async fn verify(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let chain: ChainView = connect::client(place).await?.get("/api/v1/audit/verify").await?;
    if as_json {
        output::json(&chain)?;
    } else {
        output::line(told(&chain));
    }
    Ok(match chain.verdict {
        Verdict::Verified => ExitCode::SUCCESS,
        Verdict::Broken => ExitCode::from(BAD),
        Verdict::CannotTell => ExitCode::from(CANNOT_TELL),
    })
}

fn told(chain: &ChainView) -> String {
    let mut text = match &chain.first_bad {
        None if chain.verdict == Verdict::CannotTell => {
            format!(
                "It CANNOT BE TOLD whether the trail is good: {} entries follow each other; checkpoints that hold: {}.",
                chain.verified, chain.checkpoints
            )
        }
        None if chain.verdict == Verdict::Broken => format!(
            "The trail is NOT as it was left, although its {} entries follow each other.\n\
             Keep a copy of the database and of data/audit.checkpoints, compare them with a backup, and find out who changed them.",
            chain.verified
        ),
        None => {
            format!(
                "The chain is whole: {} verified; checkpoints that hold: {}.",
                output::count(chain.verified, "entry"),
                chain.checkpoints
            )
        }
        Some(error) => format!(
            "The chain is BROKEN after {} of {}: {error}.\n\
             Keep a copy of the database and of data/audit.checkpoints, compare them with a backup, and find out who changed them.",
            chain.verified,
            output::count(chain.entries, "entry")
        ),
    };
    for problem in &chain.problems {
        text.push_str(&format!("\nNot as it should be: {problem}"));
    }
    for doubt in &chain.doubts {
        text.push_str(&format!("\nCannot be told: {doubt}"));
    }
    for note in &chain.notes {
        text.push_str(&format!("\nOn record: {note}"));
    }
    for signed in &chain.signed {
        let whose = if signed.of_this_home { "this home's key" } else { "a key on record" };
        text.push_str(&format!("\nSigned up to entry {} by {whose} {}.", signed.entry, signed.public_key));
    }
    if chain.signed.is_empty() && chain.first_bad.is_none() && chain.verified > 0 {
        text.push_str("\nNothing is signed yet: the engine signs when it runs.");
    }
    text
}
