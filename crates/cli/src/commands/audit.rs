//! `selfheal audit`.

use std::process::ExitCode;

use selfheal_api::view::{AuditPage, ChainView};

use super::BAD;
use crate::args::{AuditCommand, Place};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: AuditCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    match command {
        AuditCommand::List { incident, limit } => {
            let incident = incident.map_or_else(String::new, |id| format!("&incident={}", id.trim_start_matches('#')));
            let page: AuditPage = client.get(&format!("/api/v1/audit?limit={limit}{incident}")).await?;
            if as_json {
                output::json(&page)?;
            } else if page.entries.is_empty() {
                output::line("No entries.");
            } else {
                let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
                output::table(
                    ["id", "at", "event", "actor", "incident", "action", "result"],
                    page.entries.iter().map(|entry| {
                        [
                            entry.id.clone(),
                            output::time(&entry.at),
                            entry.event_type.clone(),
                            entry.actor.clone(),
                            or_dash(&entry.incident_id),
                            or_dash(&entry.action),
                            entry.result.clone(),
                        ]
                    }),
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Verify => {
            let chain: ChainView = client.get("/api/v1/audit/verify").await?;
            if as_json {
                output::json(&chain)?;
            } else if chain.ok {
                output::line(format!("The chain is whole: {} entries verified.", chain.verified));
            } else {
                output::line(format!(
                    "The chain is BROKEN after {} of {} entries: {}.\nKeep a copy of the database, compare it with a backup, and find out who changed it.",
                    chain.verified,
                    chain.entries,
                    chain.first_bad.as_deref().unwrap_or("unknown")
                ));
            }
            Ok(if chain.ok { ExitCode::SUCCESS } else { ExitCode::from(BAD) })
        }
    }
}
