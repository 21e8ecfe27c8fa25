//! `selfheal ingest`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::lines;
use crate::args::{IngestArguments, Place};
use crate::output::Style;
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, arguments: IngestArguments) -> anyhow::Result<ExitCode> {
    let mut reader = lines::open(&arguments.file)?;
    let client = connect::client(place).await?;
    let source = if arguments.file == "-" { "standard input" } else { &arguments.file };
    let (mut carried, mut whole): (_, Option<Value>) = (None, None);
    while let Some(text) = lines::piece(&mut *reader, &mut carried)? {
        let body = json!({
            "text": text,
            "source": source,
            "service": arguments.service,
            "project": arguments.project,
            "dry_run": arguments.dry_run,
        });
        let reply: Value = client.post("/api/v1/ingest", &body).await?;
        whole = Some(match whole {
            None => reply,
            Some(before) => joined(before, reply),
        });
    }
    let reply = whole.unwrap_or_else(|| json!({ "records": 0, "signals": [], "judged": null, "incident": null, "matches": [], "decision": null, "reasons": [], "gates": [] }));
    if as_json {
        output::json(&reply)?;
    } else {
        show(&reply, arguments.dry_run);
    }
    Ok(ExitCode::SUCCESS)
}

/// Two pieces of one file: counts and signals add up, the first incident stays.
fn joined(mut before: Value, after: Value) -> Value {
    let records = before["records"].as_u64().unwrap_or(0) + after["records"].as_u64().unwrap_or(0);
    before["records"] = json!(records);
    if let (Some(list), Some(more)) = (before["signals"].as_array_mut(), after["signals"].as_array()) {
        list.extend(more.iter().cloned());
    }
    if before["incident"].is_null() {
        for key in ["judged", "incident", "matches", "decision", "reasons", "gates"] {
            before[key] = after[key].clone();
        }
    }
    before
}

fn show(reply: &Value, dry_run: bool) {
    let list = |key: &str| reply[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    output::line(format!(
        "{}, {}",
        output::count(reply["records"].as_u64().unwrap_or(0), "record"),
        output::count(list("signals").len(), "signal")
    ));
    output::table(
        ["severity", "count", "service", "text"],
        "text",
        list("signals").iter().map(|signal| {
            let first = text(&signal["text"]).lines().next().unwrap_or_default().to_owned();
            [text(&signal["severity"]), signal["count"].to_string(), text(&signal["service"]), first]
        }),
    );
    let named: std::collections::BTreeSet<String> = list("signals")
        .iter()
        .filter_map(|signal| Some(format!("`{}`", output::harmless(signal["named_service"].as_str()?))))
        .collect();
    if !named.is_empty() {
        let service = list("signals").first().map(|signal| text(&signal["service"])).unwrap_or_default();
        let names: Vec<String> = named.into_iter().take(5).collect();
        output::line(format!(
            "The lines name {}. They speak for {service} all the same: what a line says never chooses what is healed. \
             --service NAME says whom they speak for.",
            names.join(", ")
        ));
    }
    if let Some(judged) = reply["judged"].as_u64().filter(|judged| *judged < list("signals").len() as u64) {
        output::line(format!("Judged by the latest {judged} kinds of failures, as an incident is."));
    }
    if reply["incident"].is_null() {
        return;
    }
    let incident = &reply["incident"];
    let id = if dry_run { String::new() } else { format!(" {}", text(&incident["id"])) };
    output::line(format!("\nIncident{id}: {} ({})", text(&incident["title"]), text(&incident["state_words"])));
    for found in list("matches") {
        output::line(format!(
            "  {} relevance {:.2}, decision confidence {:.2}",
            text(&found["name"]),
            found["relevance"].as_f64().unwrap_or(0.0),
            found["decision_confidence"].as_f64().unwrap_or(0.0)
        ));
    }
    if let Some(decision) = reply["decision"].as_str() {
        output::line(format!("Decision: {decision}"));
        for reason in list("reasons") {
            output::sentence(2, &text(&reason["text"]));
        }
    }
    for gate in list("gates") {
        let (style, mark) = if gate["passed"] == true { (Style::Good, "pass") } else { (Style::Attention, "STOP") };
        let told = format!(" {}: {}", text(&gate["title"]), output::told(&text(&gate["reason"])));
        output::styled(&[(Style::Plain, "  "), (style, mark), (Style::Plain, &told)]);
    }
    if dry_run {
        output::line("Nothing was stored and nothing ran (--dry-run).");
    }
}
