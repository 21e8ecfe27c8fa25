//! `selfheal change`.

use std::process::ExitCode;

use selfheal_api::view::{ChangePage, ChangeView};
use selfheal_core::ChangeKind;
use serde_json::json;

use super::escaped;
use crate::args::{ChangeCommand, ChangeKindArgument, Place, RecordArguments};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: ChangeCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    match command {
        ChangeCommand::Record(arguments) => {
            let view: ChangeView = client.post("/api/v1/changes", &request(arguments)).await?;
            if as_json {
                output::json(&view)?;
                return Ok(ExitCode::SUCCESS);
            }
            let version = view.version.map_or_else(String::new, |version| format!(" {version}"));
            let at = output::at(&view.at);
            output::line(format!("Recorded: {} of {}{version} at {at}.", view.kind, view.service));
            if !view.in_inventory {
                output::line(format!(
                    "{} is not in the inventory: the change counts for incidents of a service of exactly that name in project {}.",
                    view.service, view.project
                ));
            }
        }
        ChangeCommand::List { service, limit } => {
            let service = service.map_or_else(String::new, |service| format!("&service={}", escaped(&service)));
            let page: ChangePage = client.get(&format!("/api/v1/changes?limit={limit}{service}")).await?;
            if as_json { output::json(&page)? } else { list(page) }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn request(arguments: RecordArguments) -> serde_json::Value {
    let RecordArguments { service, kind, version, at, comment, project } = arguments;
    let kind = match kind {
        ChangeKindArgument::Deployment => ChangeKind::Deployment,
        ChangeKindArgument::Configuration => ChangeKind::Configuration,
        ChangeKindArgument::Restart => ChangeKind::Restart,
    };
    json!({ "service": service, "kind": kind, "version": version, "at": at, "comment": comment, "project": project })
}

fn list(page: ChangePage) {
    if page.changes.is_empty() {
        output::line("No changes.");
        return;
    }
    output::table(
        ["at", "service", "kind", "version", "by", "comment"],
        "comment",
        page.changes.into_iter().map(|change| {
            [
                output::ago(&change.at),
                change.service,
                change.kind.to_string(),
                change.version.unwrap_or_else(|| "-".into()),
                change.event.map_or_else(|| change.actor.clone(), |event| format!("Selfheal (event {event})")),
                change.comment.unwrap_or_else(|| "-".into()),
            ]
        }),
    );
}
