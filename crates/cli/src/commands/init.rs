//! `selfheal init`.

use std::process::ExitCode;

use selfheal_api::Client;
use selfheal_api::view::AutomationView;
use selfheal_core::Posture;
use serde_json::json;

use super::automation;
use crate::args::Place;
use crate::output::count;
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let home = connect::home(place)?;
    home.not_of_a_demo()?;
    let made = home.init()?;
    let app = connect::open(place).await?;
    let added = app.add_knowledge().await?;
    // As it is: the database may have been somebody's before.
    let switch: AutomationView = Client::in_process(&app).get("/api/v1/automation").await?;
    if as_json {
        output::json(
            &json!({ "home": home.root(), "made": made, "patterns_added": added.patterns, "problems": added.problems, "automation": switch }),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("Home: {}", home.root().display()));
    for path in &made {
        output::line(format!("  wrote {}", path.display()));
    }
    let patterns = count(added.patterns, "pattern");
    output::line(format!("  {patterns} added from {}", home.knowledge().display()));
    for problem in &added.problems {
        output::line(format!("  left out: {problem}"));
    }
    output::line(format!(
        "Next: describe your services and logs in {}, run `selfheal doctor`, then `selfheal serve`.",
        home.config().display()
    ));
    output::line(automation::posture(&switch));
    output::line(match (&switch.brake, switch.effective) {
        (Some(brake), _) => format!("The emergency brake holds everything: {brake}."),
        (None, Posture::On) => "`selfheal observe` or `selfheal pause` takes that back.".to_owned(),
        (None, _) => "`selfheal resume` lets it heal by itself.".to_owned(),
    });
    Ok(ExitCode::SUCCESS)
}
