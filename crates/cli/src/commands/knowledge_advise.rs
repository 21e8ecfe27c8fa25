//! `selfheal knowledge analyze` and `recommend`.

use selfheal_api::Client;
use serde_json::{Value, json};

use super::lines;
use crate::args::AdviseArguments;
use crate::output;

/// Bytes that are analysed. A log that shows one failure is smaller; what follows adds repetitions.
const TEXT: usize = 4 << 20;

async fn ask(client: &Client, what: &str, arguments: AdviseArguments) -> anyhow::Result<Value> {
    let text = arguments.file.as_deref().map(read).transpose()?;
    let body = json!({
        "text": text,
        "incident": arguments.incident,
        "service": arguments.service,
        "project": arguments.project,
    });
    Ok(client.post(&format!("/api/v1/knowledge/{what}"), &body).await?)
}

fn read(file: &str) -> anyhow::Result<String> {
    let mut reader = lines::open(file)?;
    let mut text = String::new();
    while let Some(line) = lines::next(&mut *reader)? {
        if text.len() + line.len() > TEXT {
            output::note!("Only the first {} MiB are analysed. `selfheal ingest` takes the whole file.", TEXT >> 20);
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn section(title: &str, entries: impl IntoIterator<Item = String>) {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_some() {
        output::line(format!("\n{title}"));
    }
    for entry in entries {
        output::line(format!("  {entry}"));
    }
}

fn similar(reply: &Value) {
    let entry = |past: &Value| {
        let worked = past["worked"].as_str().map(|worked| format!("; {worked} helped")).unwrap_or_default();
        format!(
            "#{} {}: {} ({}), ended by {}{worked}",
            text(&past["incident"]),
            output::ago(text(&past["at"])),
            text(&past["title"]),
            text(&past["because"]),
            text(&past["ended_by"])
        )
    };
    section("Similar incidents before", list(reply, "similar").iter().map(entry));
}

pub async fn analyze(client: &Client, as_json: bool, arguments: AdviseArguments) -> anyhow::Result<()> {
    let reply = ask(client, "analyze", arguments).await?;
    if as_json {
        return output::json(&reply);
    }
    let best = &reply["pattern"];
    if list(&reply, "evidence").is_empty() {
        output::line("No failure was found.");
    } else if let Some(cause) = reply["root_cause"].as_str() {
        output::line(format!("{}: {}", text(&reply["service"]), text(&best["name"])));
        output::sentence(2, cause);
        output::line(format!(
            "  Pattern {}, relevance {:.2}, decision confidence {:.2}; {}",
            text(&best["pattern"]),
            best["relevance"].as_f64().unwrap_or(0.0),
            best["decision_confidence"].as_f64().unwrap_or(0.0),
            best["rule_detail"].as_str().map_or("similar text only", |detail| detail)
        ));
    } else {
        output::line(format!("{}: not known. No pattern of the knowledge base fits.", text(&reply["service"])));
    }
    if !list(&reply, "evidence").is_empty() {
        output::line(format!("  {}", text(&reply["impact"])));
    }
    section(
        "Evidence",
        list(&reply, "evidence").iter().map(|line| {
            let first = text(&line["text"]).lines().next().unwrap_or_default().to_owned();
            let known = line["pattern"].as_str().map(|pattern| format!("  [{pattern}]")).unwrap_or_default();
            format!("{}x {} {}: {first}{known}", line["count"], text(&line["severity"]), text(&line["service"]))
        }),
    );
    let hidden = reply["kinds"].as_u64().unwrap_or(0).saturating_sub(list(&reply, "evidence").len() as u64);
    if hidden > 0 {
        output::line(format!(
            "  and {} more",
            if hidden == 1 { "1 kind of failure".to_owned() } else { format!("{hidden} kinds of failures") }
        ));
    }
    section("Fails upstream", list(&reply, "upstream").iter().map(|entry| text(entry).to_owned()));
    section("Check", list(&reply, "checks").iter().map(|entry| text(entry).to_owned()));
    similar(&reply);
    section("Missing", list(&reply, "missing").iter().map(|entry| text(entry).to_owned()));
    if let Some(decision) = reply["decision"].as_str() {
        section(&format!("Decision: {decision}"), list(&reply, "reasons").iter().map(|r| text(&r["text"]).to_owned()));
    }
    Ok(())
}

pub async fn recommend(client: &Client, as_json: bool, arguments: AdviseArguments) -> anyhow::Result<()> {
    let reply = ask(client, "recommend", arguments).await?;
    if as_json {
        return output::json(&reply);
    }
    if list(&reply, "recommendations").is_empty() {
        output::line("Nothing to recommend.");
    }
    for found in list(&reply, "recommendations") {
        let fix = found["action"].as_str().map_or("no safe automatic fix", |action| action);
        output::line(format!("{}. {fix}: {} ({})", found["rank"], text(&found["name"]), text(&found["pattern"])));
        output::line(format!(
            "   relevance {:.2}, decision confidence {:.2}: {}",
            found["relevance"].as_f64().unwrap_or(0.0),
            found["decision_confidence"].as_f64().unwrap_or(0.0),
            text(&found["decision"])
        ));
        for reason in list(found, "reasons") {
            output::sentence(3, text(&reason["text"]));
        }
        for (label, key) in [("By hand", "no_safe_fix"), ("Undo", "undo")] {
            if !text(&found[key]).is_empty() {
                output::sentence(3, &format!("{label}: {}", text(&found[key])));
            }
        }
        for check in list(found, "checks") {
            output::line(format!("   Check: {}", output::told(text(check))));
        }
        output::line(match found["wilson_lower_bound"].as_f64() {
            Some(bound) => format!(
                "   Track record: {} of {} helped; that proves a success rate of {bound:.2} at least",
                found["successes"], found["attempts"]
            ),
            None => "   Track record: never tried".into(),
        });
    }
    similar(&reply);
    section("Missing", list(&reply, "missing").iter().map(|entry| text(entry).to_owned()));
    Ok(())
}
