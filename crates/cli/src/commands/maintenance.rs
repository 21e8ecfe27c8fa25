//! `selfheal maintenance`.

use std::process::ExitCode;

use selfheal_api::view::MaintenancePage;
use serde_json::json;

use super::escaped;
use crate::args::{MaintenanceCommand, Place};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: MaintenanceCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let page: MaintenancePage = match command {
        MaintenanceCommand::List => client.get("/api/v1/maintenance").await?,
        MaintenanceCommand::Start { duration, service, at, reason } => {
            let body = json!({ "service": service, "minutes": duration, "starts_at": at, "reason": reason });
            client.post("/api/v1/maintenance", &body).await?
        }
        MaintenanceCommand::End { id } => client.delete(&format!("/api/v1/maintenance/{}", escaped(&id))).await?,
    };
    if as_json {
        output::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    if page.windows.is_empty() {
        output::line("No maintenance.");
        return Ok(ExitCode::SUCCESS);
    }
    output::table(
        ["id", "name", "services", "now", "starts", "ends", "by"],
        "name",
        page.windows.iter().map(|window| {
            let time = |at: &Option<String>| at.as_ref().map_or_else(|| "-".into(), |at| output::at(at));
            [
                window.id.clone().unwrap_or_else(|| "-".into()),
                window.name.clone(),
                if window.services.is_empty() { "all".into() } else { window.services.join(", ") },
                if window.active { "holds".into() } else { "-".into() },
                window.schedule.clone().unwrap_or_else(|| time(&window.starts_at)),
                time(&window.ends_at),
                window.set_by.clone().unwrap_or_else(|| "configuration".into()),
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}
