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
        .map(|file| {
            std::fs::read_to_string(file).with_context(|| {
                format!(
                    "{} cannot be read. It holds the edited document: `selfheal knowledge edit {} --print` prints the one to begin with",
                    file.display(),
                    arguments.pattern
                )
            })
        })
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
    if as_json {
        return output::json(&reply);
    }
    show(&reply);
    output::line("Nothing was saved.");
    Ok(())
}

/// What an edit would have changed. Whether it is saved is for the caller to say.
pub(super) fn show(reply: &Value) {
    let counted = |key: &str, thing: &str| output::count(reply[key].as_u64().unwrap_or(0), thing);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if reply["as_accepted"] == true {
        output::line(
            "It is a draft: this is what it would do once accepted, with confidence 0.50 and never by itself.",
        );
    }
    if reply["would_newly_act"] == true {
        output::line(format!(
            "WARNING: on {} something would newly run by itself.",
            counted("newly_automatic", "incident")
        ));
    }
    output::line(format!(
        "{} examined: {} gained, {} lost, {} changed.",
        counted("examined", "incident"),
        counted("gained", "match"),
        reply["lost"],
        counted("decisions_changed", "decision")
    ));
    if reply["more"] == true {
        output::line(format!("There are {} in all: --limit looks further back.", reply["incidents"]));
    }
    if reply["without_signals"].as_u64() > Some(0) {
        output::line(format!("{} more could not be judged: their signals have expired.", reply["without_signals"]));
    }
    output::table(
        ["decision before", "after", "incidents"],
        "decision before",
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
            format!(
                "{} ({pattern}{action}, {:.2})",
                text(&side["decision"]),
                side["decision_confidence"].as_f64().unwrap_or(0.0)
            )
        };
        output::line(format!("    {} -> {}", side(&change["before"]), side(&change["after"])));
    }
}
