//! `selfheal init`.

use std::process::ExitCode;

use serde_json::json;

use crate::args::Place;
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let home = connect::home(place)?;
    let made = home.init()?;
    let app = connect::open(place).await?;
    let added = app.add_knowledge().await?;
    if as_json {
        output::json(&json!({ "home": home.root(), "made": made, "patterns_added": added }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("Home: {}", home.root().display()));
    for path in &made {
        output::line(format!("  wrote {}", path.display()));
    }
    output::line(format!("  {added} patterns added from {}", home.knowledge().display()));
    output::line(format!(
        "Next: describe your services and logs in {}, run `selfheal doctor`, then `selfheal serve`.\n\
         A new home only observes; `selfheal resume` lets it heal by itself.",
        home.config().display()
    ));
    Ok(ExitCode::SUCCESS)
}
