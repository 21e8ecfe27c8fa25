//! `selfheal doctor`: checks even what keeps everything else from starting.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::BAD;
use crate::args::Place;
use crate::{connect, failure, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let report: Value = match connect::client(place).await {
        Ok(client) => client.get("/api/v1/doctor").await?,
        // The home cannot be opened: that is the finding.
        Err(error) => {
            let words = failure::words(&error);
            let what = words.trim_start_matches("error: ");
            json!({ "findings": [{ "about": "home", "health": "bad", "what": what, "next": "" }] })
        }
    };
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let bad = findings.iter().any(|finding| finding["health"] == "bad");
    if as_json {
        output::json(&report)?;
    } else {
        for finding in &findings {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            let mark = match finding["health"].as_str() {
                Some("good") => "ok  ",
                Some("warning") => "WARN",
                _ => "BAD ",
            };
            output::line(format!("{mark} {}: {}", text("about"), text("what")));
            if !text("next").is_empty() {
                output::line(format!("       {}", text("next")));
            }
        }
    }
    Ok(if bad { ExitCode::from(BAD) } else { ExitCode::SUCCESS })
}
