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
        output::json(
            &json!({ "home": home.root(), "made": made, "patterns_added": added.patterns, "problems": added.problems }),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("Home: {}", home.root().display()));
    for path in &made {
        output::line(format!("  wrote {}", path.display()));
    }
    output::line(format!("  {} patterns added from {}", added.patterns, home.knowledge().display()));
    for problem in &added.problems {
        output::line(format!("  left out: {problem}"));
    }
    output::line(format!(
        "Next: describe your services and logs in {}, run `selfheal doctor`, then `selfheal serve`.\n\
         A new home only observes; `selfheal resume` lets it heal by itself.",
        home.config().display()
    ));
    Ok(ExitCode::SUCCESS)
}
