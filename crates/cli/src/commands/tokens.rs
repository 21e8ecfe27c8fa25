//! `selfheal token`.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::{Place, RoleArgument, TokenCommand};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: TokenCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let page: Value = match command {
        TokenCommand::Add { name, role, person, expires } => {
            let role = match role {
                RoleArgument::Viewer => "viewer",
                RoleArgument::Approver => "approver",
                RoleArgument::Admin => "admin",
            };
            let made: Value = client
                .post("/api/v1/tokens", &json!({ "name": name, "role": role, "person": person, "expires": expires }))
                .await?;
            if as_json {
                output::json(&made)?;
            } else {
                output::line(made["token"].as_str().unwrap_or_default());
                let ends = match made["expires_at"].as_str() {
                    Some(at) => format!("until {}", output::at(at)),
                    None => "without an end".to_owned(),
                };
                output::note!(
                    "This is the only time the token is shown. {name} may act as {role} {ends}, for the person {}.",
                    made["person"].as_str().unwrap_or_default()
                );
            }
            return Ok(ExitCode::SUCCESS);
        }
        TokenCommand::List => client.get("/api/v1/tokens").await?,
        TokenCommand::Remove { name } => {
            client.call("DELETE", &format!("/api/v1/tokens/{}", super::escaped(&name)), None::<&()>).await?
        }
    };
    if as_json {
        output::json(&page)?;
    } else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let tokens = page["tokens"].as_array().cloned().unwrap_or_default();
        if tokens.is_empty() {
            output::line("No tokens.");
        }
        output::table(
            ["name", "role", "person", "created", "expires", "made by"],
            "name",
            tokens.iter().map(|token| {
                let expires = match (token["expires_at"].as_str(), token["expired"].as_bool()) {
                    (Some(at), Some(true)) => format!("{} (expired)", output::at(at)),
                    (Some(at), _) => output::at(at),
                    (None, _) => "never".into(),
                };
                [
                    text(&token["name"]),
                    text(&token["role"]),
                    text(&token["person"]),
                    output::ago(&text(&token["created_at"])),
                    expires,
                    text(&token["made_by"]),
                ]
            }),
        );
    }
    Ok(ExitCode::SUCCESS)
}
