//! `selfheal knowledge replay`.

use anyhow::Context;
use selfheal_api::Client;
use serde_json::{Value, json};

use crate::args::ReplayArguments;
use crate::output;

pub async fn run(client: &Client, as_json: bool, arguments: ReplayArguments) -> anyhow::Result<()> {
    let document = arguments
        .file
        .as_ref()
        .map(|file| std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display())))
        .transpose()?;
    let body = json!({
        "pattern": arguments.pattern,
        "document": document,
        "disabled": arguments.disabled,
        "removed": arguments.removed,
        "within_minutes": arguments.since,
        "limit": arguments.limit,
    });
    let reply: Value = client.post("/api/v1/knowledge/replay", &body).await?;
    if as_json { output::json(&reply) } else { show(&reply) }
}

pub(super) fn show(reply: &Value) -> anyhow::Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if reply["as_accepted"] == true {
        output::line(
            "It is a draft: this is what it would do once accepted, with confidence 0.50 and never by itself.",
        );
    }
    if reply["would_newly_act"] == true {
        output::line(format!(
            "WARNING: on {} incidents something would newly run by itself.",
            reply["newly_automatic"]
        ));
    }
    output::line(format!(
        "{} incidents examined: {} matches gained, {} lost, {} decisions changed.",
        reply["examined"], reply["gained"], reply["lost"], reply["decisions_changed"]
    ));
    if reply["more"] == true {
        output::line(format!("There are {} in all: --limit looks further back.", reply["incidents"]));
    }
    if reply["without_signals"].as_u64() > Some(0) {
        output::line(format!("{} more could not be judged: their signals have expired.", reply["without_signals"]));
    }
    output::table(
        ["decision before", "after", "incidents"],
        reply["decisions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| [text(&entry["from"]), text(&entry["to"]), entry["incidents"].to_string()]),
    );
    let changes = reply["changes"].as_array().cloned().unwrap_or_default();
    if !changes.is_empty() {
        output::line("\nChanged, worst first:");
    }
    for change in &changes {
        output::line(format!("#{} {}: {}", text(&change["incident"]), text(&change["title"]), text(&change["words"])));
        let side = |side: &Value| {
            let pattern = side["pattern"].as_str().unwrap_or("no match");
            let action = side["action"].as_str().map(|action| format!(", {action}")).unwrap_or_default();
            format!("{} ({pattern}{action}, {})", text(&side["decision"]), side["decision_confidence"])
        };
        output::line(format!("    {} -> {}", side(&change["before"]), side(&change["after"])));
    }
    output::line("Nothing was saved.");
    Ok(())
}
