//! Finds the engine: a server that was named, the one that runs for this home, or none, then the home itself is opened.

use std::sync::Arc;

use anyhow::Context;
use selfheal_api::{App, AppOptions, Client, Home, Secret};

use crate::args::Place;

/// A home, as the arguments name it.
pub fn home(place: &Place) -> anyhow::Result<Home> {
    Ok(match &place.home {
        Some(root) => {
            Home::new(std::path::absolute(root).with_context(|| format!("{} is no usable path", root.display()))?)
        }
        None => Home::default_place()?,
    })
}

/// Opens the home without asking for a running engine.
pub async fn open(place: &Place) -> anyhow::Result<Arc<App>> {
    let mut options = AppOptions::new(home(place)?);
    options.database.clone_from(&place.database);
    options.config.clone_from(&place.config);
    App::open(options).await
}

/// A client for whatever is there. Without an engine, facts are recorded and nothing runs.
pub async fn client(place: &Place) -> anyhow::Result<Client> {
    if let Some(server) = &place.server {
        if !["http://", "https://"].iter().any(|scheme| server.to_ascii_lowercase().starts_with(scheme)) {
            anyhow::bail!(
                "the server `{server}` has no scheme: write http://{server}, or https:// where it speaks TLS"
            );
        }
        let token = std::env::var("SELFHEAL_TOKEN").ok().map(Secret::new);
        return Ok(Client::remote(server, token)?);
    }
    // Another database than the home's is not the one that the home's engine has open.
    if place.database.is_none()
        && let Some(client) = Client::running(&home(place)?.socket())
    {
        return Ok(client);
    }
    Ok(Client::in_process(&open(place).await?))
}
