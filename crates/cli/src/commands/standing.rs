//! `selfheal` alone: how it stands, and the commands that one needs at night.

use std::process::ExitCode;
use std::time::Duration;

use selfheal_api::view::Overview;
use selfheal_api::{Client, Home};
use serde_json::json;

use super::automation;
use crate::args::Place;
use crate::brake::Brake;
use crate::output::{Style, count};
use crate::{connect, output};

/// Whoever asks nothing in particular does not wait long.
const LOOK: Duration = Duration::from_secs(3);

const AT_NIGHT: [(&str, &str); 5] = [
    ("selfheal incidents", "what needs you"),
    ("selfheal incidents show ID", "the story, the evidence, what is known, the fix"),
    ("selfheal incidents approve ID", "run the fix that waits"),
    ("selfheal pause [30m]", "stop everything, now"),
    ("selfheal doctor", "what is wrong with Selfheal itself"),
];

/// Nothing is opened and nothing is made: an engine is asked where one runs.
enum Standing {
    NoHome,
    Demo,
    NoEngine,
    Silent,
    Runs(Box<Overview>),
}

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let home = connect::home(place)?;
    let standing = standing(place, &home).await;
    let brake = Brake::of(place)?.filter(|brake| brake.file().exists());
    if as_json {
        let (engine, overview) = match &standing {
            Standing::NoHome => ("no_home", None),
            Standing::Demo => ("demo_home", None),
            Standing::NoEngine => ("none", None),
            Standing::Silent => ("silent", None),
            Standing::Runs(overview) => ("runs", Some(overview)),
        };
        output::json(&json!({
            "home": home.root(), "engine": engine, "overview": overview, "brake": brake.map(|brake| brake.file().to_owned()),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!(
        "Selfheal {}: watches production services and heals what it knows.\n",
        env!("CARGO_PKG_VERSION")
    ));
    told(place, &home, &standing);
    if let Some(brake) = brake {
        let text = format!("The emergency brake is on: nothing runs while {} is there.", brake.file().display());
        output::styled(&[(Style::Attention, &text)]);
    }
    output::line("\nAt night:");
    let width = AT_NIGHT.iter().map(|(call, _)| call.len()).max().unwrap_or(0);
    for (call, what) in AT_NIGHT {
        output::styled(&[
            (Style::Plain, "  "),
            (Style::Strong, &format!("{call:width$}")),
            (Style::Plain, &format!("  {what}")),
        ]);
    }
    output::line(
        "\n`selfheal --help` lists all commands, `selfheal help COMMAND` explains one, `selfheal man` everything.",
    );
    Ok(ExitCode::SUCCESS)
}

async fn standing(place: &Place, home: &Home) -> Standing {
    let running = place.database.is_none().then(|| Client::running(&home.socket())).flatten();
    let client = match (&place.server, running) {
        (Some(_), _) => match connect::client(place).await {
            Ok(client) => client,
            Err(_) => return Standing::Silent,
        },
        (None, Some(client)) => client,
        (None, None) if home.is_demo() => return Standing::Demo,
        (None, None) if !home.config().exists() => return Standing::NoHome,
        (None, None) => return Standing::NoEngine,
    };
    match tokio::time::timeout(LOOK, client.get("/api/v1/overview")).await {
        Ok(Ok(overview)) => Standing::Runs(Box::new(overview)),
        _ => Standing::Silent,
    }
}

fn told(place: &Place, home: &Home, standing: &Standing) {
    let at = place.server.clone().unwrap_or_else(|| home.root().display().to_string());
    match standing {
        Standing::NoHome => output::line(format!(
            "There is no home in {at}: `selfheal init` makes one. `selfheal demo` shows everything without one."
        )),
        Standing::Demo => output::line(format!("{at} is the home of a demo that has ended.")),
        Standing::NoEngine => output::line(format!(
            "No engine runs for {at}: nothing is watched and nothing heals. `selfheal serve` starts one."
        )),
        Standing::Silent => output::styled(&[(
            Style::Bad,
            &format!(
                "The engine for {at} did not answer within {} s. `selfheal pause` works all the same; `selfheal doctor` says more.",
                LOOK.as_secs()
            ),
        )]),
        Standing::Runs(overview) => {
            output::line(format!("The engine runs for {at}. {}", automation::posture(&overview.automation)));
            let waiting = overview.counts.needs_you;
            let verb = if waiting == 1 { "needs" } else { "need" };
            let needs = format!("{} {verb} you", count(waiting, "incident"));
            let style = if waiting > 0 { Style::Bad } else { Style::Good };
            output::styled(&[
                (style, &needs),
                (
                    Style::Plain,
                    &format!(
                        "; {} in progress, {} fixed within the last day.",
                        overview.counts.in_progress, overview.counts.recently_fixed
                    ),
                ),
            ]);
            if let Some(problem) = &overview.engine.problem {
                output::styled(&[(Style::Bad, "Something is wrong: "), (Style::Plain, problem)]);
            }
        }
    }
}
