//! `selfheal knowledge test`.

use std::process::ExitCode;

use selfheal_api::Client;
use serde_json::{Value, json};

use super::BAD;
use crate::args::TestArguments;
use crate::output;

/// Patterns tested in one request.
const AT_ONCE: usize = 50;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub async fn run(client: &Client, as_json: bool, arguments: TestArguments) -> anyhow::Result<ExitCode> {
    if let Some(line) = arguments.line {
        anyhow::ensure!(arguments.patterns.len() == 1, "a line is explained against exactly one pattern: name one");
        let body = json!({ "patterns": arguments.patterns, "line": line });
        let reply: Value = client.post("/api/v1/knowledge/test", &body).await?;
        if as_json {
            output::json(&reply)?
        } else {
            explain(&reply["line"])
        }
        return Ok(if reply["ok"] == true { ExitCode::SUCCESS } else { ExitCode::from(BAD) });
    }
    let (mut ok, mut tested): (bool, Vec<Value>) = (true, Vec::new());
    if arguments.all {
        let mut after = Value::Null;
        loop {
            let body = json!({ "after": after });
            let mut reply: Value = client.post("/api/v1/knowledge/test", &body).await?;
            ok &= reply["ok"] == true;
            tested.extend(reply["patterns"].as_array_mut().map(std::mem::take).unwrap_or_default());
            after = reply["next"].take();
            if after.is_null() {
                break;
            }
        }
    } else {
        for patterns in arguments.patterns.chunks(AT_ONCE) {
            let mut reply: Value = client.post("/api/v1/knowledge/test", &json!({ "patterns": patterns })).await?;
            ok &= reply["ok"] == true;
            tested.extend(reply["patterns"].as_array_mut().map(std::mem::take).unwrap_or_default());
        }
    }
    if as_json {
        output::json(&json!({ "ok": ok, "patterns": tested }))?;
    } else {
        tell(&tested);
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(BAD) })
}

fn tell(tested: &[Value]) {
    let (mut lines, mut failed, mut untested, mut competing) = (0, 0, 0, 0);
    for pattern in tested {
        let examples = pattern["examples"].as_array().map_or(&[][..], Vec::as_slice);
        lines += examples.len();
        let told: Vec<String> = examples
            .iter()
            .filter_map(|example| {
                let kind = text(&example["kind"]);
                if example["ok"] != true {
                    failed += 1;
                    return Some(format!("  FAIL ({kind}) {}: {}", text(&example["note"]), text(&example["line"])));
                }
                let winner = example["winner"].as_str().filter(|_| kind == "match")?;
                competing += usize::from(example["competes"] == true);
                let word = if example["competes"] == true { "another fix" } else { "the same fix" };
                Some(format!("  {winner} wins on it ({word}): {}", text(&example["line"])))
            })
            .collect();
        untested += u64::from(pattern["untested"].is_string());
        if tested.len() == 1 || !told.is_empty() || pattern["ok"] != true {
            output::line(format!("{} ({})", text(&pattern["name"]), text(&pattern["pattern"])));
            if let Some(why) = pattern["untested"].as_str() {
                output::line(format!("  not tested: {why}"));
            } else if examples.is_empty() {
                output::line("  not tested: it has no examples. `selfheal knowledge edit` adds some.");
            }
        }
        for line in told {
            output::line(line);
        }
    }
    output::line(format!(
        "{}, {}: {failed} failed, {competing} to another pattern with another fix, {} not testable by lines",
        output::count(tested.len() as u64, "pattern"),
        output::count(lines as u64, "line"),
        output::count(untested, "pattern")
    ));
}

fn explain(line: &Value) {
    let list = |key: &str| line[key].as_array().cloned().unwrap_or_default();
    output::line(if line["holds"] == true { "The rule holds." } else { "The rule does not hold." });
    for condition in list("conditions") {
        let mark = if condition["holds"] == true { "holds" } else { "fails" };
        let matched = condition["matched"].as_str().map(|matched| format!(" on `{matched}`")).unwrap_or_default();
        output::line(format!("  {mark}: {}{matched}", text(&condition["condition"])));
    }
    if list("conditions").is_empty() {
        output::line("  The pattern has no rule.");
    }
    for term in list("ruled_out_by") {
        output::line(format!("  The must-not term `{}` rules it out.", text(&term)));
    }
    match line["ranked"].as_object() {
        Some(ranked) => {
            output::line(format!(
                "  Place {} of the whole base, relevance {:.2}.",
                line["place"],
                ranked["relevance"].as_f64().unwrap_or(0.0)
            ));
            for term in ranked["terms"].as_array().into_iter().flatten() {
                output::line(format!("    {} ({}): {}", text(&term["term"]), text(&term["field"]), term["score"]));
            }
        }
        None => output::line("  Its text does not fit either."),
    }
    if let Some(winner) = line["winner"].as_object() {
        output::line(format!(
            "  {} wins on this line, relevance {:.2}.",
            text(&winner["pattern"]),
            winner["relevance"].as_f64().unwrap_or(0.0)
        ));
    }
}
