//! `selfheal doctor`: checks even what keeps everything else from starting.

use std::process::ExitCode;

use selfheal_api::{ClientError, HomeError};
use serde_json::{Value, json};

use super::BAD;
use crate::args::Place;
use crate::output::Style;
use crate::{connect, failure, output};

pub async fn run(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let asked = async {
        let client = connect::client(place).await?;
        anyhow::Ok(client.get::<Value>("/api/v1/doctor").await?)
    };
    let report = match asked.await {
        Ok(report) => report,
        // A problem is an answer of an engine that works. That there is none, or that the home cannot be opened, is the finding.
        Err(error) if matches!(error.downcast_ref::<ClientError>(), Some(ClientError::Problem(_))) => {
            return Err(error);
        }
        Err(error) => {
            let about = if error.is::<ClientError>() { "engine" } else { "home" };
            let mut problem = failure::problem(&error);
            if matches!(error.downcast_ref::<HomeError>(), Some(HomeError::Config(_))) {
                // Whoever reads this has run `selfheal doctor`.
                problem.next = "Nothing runs until the line is mended.".into();
            }
            json!({ "findings": [{ "about": about, "health": "bad", "what": problem.why, "next": problem.next }] })
        }
    };
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    let bad = findings.iter().any(|finding| finding["health"] == "bad");
    if as_json {
        output::json(&report)?;
    } else {
        for finding in &findings {
            let text = |key: &str| finding[key].as_str().unwrap_or_default();
            let (style, mark) = match finding["health"].as_str() {
                Some("good") => (Style::Good, "ok  "),
                Some("warning") => (Style::Attention, "WARN"),
                _ => (Style::Bad, "BAD "),
            };
            let mut lines = text("what").lines();
            let first = format!(" {}: {}", text("about"), lines.next().unwrap_or_default());
            output::styled(&[(style, mark), (Style::Plain, &first)]);
            for line in lines.chain(text("next").lines()) {
                output::sentence(7, line);
            }
        }
    }
    Ok(if bad { ExitCode::from(BAD) } else { ExitCode::SUCCESS })
}
