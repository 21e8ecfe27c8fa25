//! `selfheal demo`: real services, broken for real and healed for real.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use selfheal_api::{App, AppOptions, DemoControl, bind, serve_tcp};
use selfheal_demo::{Control, Report, Scenario, ServiceArguments, World};

use super::engine::{announce, until_asked_to_stop};
use crate::args::{DemoArguments, DemoServiceArguments, Place};
use crate::output::{self, Style};

pub async fn run(place: &Place, as_json: bool, arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    let scenario = match &arguments.scenario {
        None => None,
        Some(name) => Some(Scenario::parse(name).with_context(|| {
            let known: Vec<&str> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
            format!("there is no scenario `{name}`: choose one of {}", known.join(", "))
        })?),
    };
    let program = std::env::current_exe().context("this program does not know where it is")?;
    if place.home_of_environment {
        output::beside("SELFHEAL_HOME is not used: the demo has a home of its own.");
    }
    let named = place.home.as_deref().filter(|_| !place.home_of_environment);
    let world = World::create(named, &program)?;
    match scenario {
        None => open(world, &arguments).await,
        Some(scenario) => one(&world, scenario, arguments.approve, as_json).await,
    }
}

/// One scenario to its end. Ctrl-C ends it early; the world stops its services when it is dropped.
async fn one(world: &World, scenario: Scenario, approve: bool, as_json: bool) -> anyhow::Result<ExitCode> {
    let began = std::time::Instant::now();
    let mut told = |step: &str| {
        if !as_json {
            let after = format!("{:6.1}s  ", began.elapsed().as_secs_f64());
            output::styled(&[(Style::Dim, &after), (Style::Plain, &output::told(step))]);
        }
    };
    let report = tokio::select! {
        report = selfheal_demo::run(world, scenario, approve, &mut told) => report?,
        stop = until_asked_to_stop() => {
            stop?;
            anyhow::bail!("stopped before its end; every service of the demo is stopped too");
        }
    };
    if as_json {
        output::json(&report)?;
    } else {
        conclude(scenario, approve, &report);
    }
    Ok(if report.expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn conclude(scenario: Scenario, approve: bool, report: &Report) {
    let chain = if report.audit_ok { "whole" } else { "BROKEN" };
    output::line(format!("\nThe audit chain of {} is {chain}.", output::count(report.audit_entries, "entry")));
    match (report.confidence.before, report.confidence.after) {
        (Some(before), Some(after)) if before == after => {
            output::line(format!("The pattern's confidence is {after:.2}, as before: only outcomes move it."));
        }
        (Some(before), Some(after)) => {
            output::line(format!("The pattern's confidence went from {before:.2} to {after:.2}."));
        }
        _ => {}
    }
    let (style, text) = match (report.expected, scenario) {
        (false, _) => (Style::Bad, "This is NOT how it should have ended."),
        (true, Scenario::KillService) => (Style::Good, "Healed by itself and verified."),
        (true, Scenario::NeedsApproval) if approve => (Style::Good, "Healed with approval and verified."),
        (true, Scenario::NeedsApproval) => {
            (Style::Attention, "It waits for a person, as it should. Run it with --approve to see it heal.")
        }
        (true, Scenario::Unknown) => (Style::Attention, "Handed to a person, and nothing ran, as it should."),
    };
    output::styled(&[(style, text)]);
}

/// The demo world with its window, until Ctrl-C.
async fn open(world: World, arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    let listener = bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    let world = Arc::new(world);
    let control = Control::new(Arc::clone(&world));
    let mut options = AppOptions::new(world.home().clone());
    options.demo = Some(Arc::clone(&control) as Arc<dyn DemoControl>);
    let app = App::open(options).await?;
    let (socket, tasks) = selfheal_demo::begin(&world, &app).await?;
    control.attach(&app);
    if arguments.play {
        control.play();
    }
    let (token, kept) = app.kept_token()?;
    let http = serve_tcp(&app, listener);
    announce("Selfheal demo:", address, &token, kept);
    output::note!("Open the address, start a scenario there, and watch. Ctrl-C stops everything.");
    until_asked_to_stop().await?;
    for task in tasks {
        task.abort();
    }
    app.engine.stop().await;
    drop((http, socket));
    world.end();
    Ok(ExitCode::SUCCESS)
}

pub async fn service(arguments: DemoServiceArguments) -> anyhow::Result<ExitCode> {
    let DemoServiceArguments { name, port, log, owner } = arguments;
    selfheal_demo::serve(ServiceArguments { name, port, log, owner }).await?;
    Ok(ExitCode::SUCCESS)
}
