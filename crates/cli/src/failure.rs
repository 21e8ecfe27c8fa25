//! Errors as a person reads them: what, why, what next. With `--json` they are documents too.

use selfheal_api::{ClientError, HomeError, Problem};
use serde_json::json;

use crate::output;

/// What to do without an engine that answers.
const WITHOUT_ENGINE: &str =
    "What works without it: `selfheal pause` (the emergency brake, at once) and `selfheal audit verify FILE`.";

/// What an error says, in the one shape that all errors have.
pub fn problem(error: &anyhow::Error) -> Problem {
    let of =
        |code: &str, what: &str, why: String, next: String| Problem { code: code.into(), what: what.into(), why, next };
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Problem(problem)) => return problem.clone(),
        Some(silent @ ClientError::Silent { process, .. }) => {
            let mend = process.map_or_else(
                || "Look at the machine that it runs on.".to_owned(),
                |process| {
                    format!(
                        "To get it back: `kill -CONT {process}` where it was suspended; else end it (`kill {process}`) and start it again."
                    )
                },
            );
            return of(
                "engine_silent",
                "No answer",
                silent.to_string(),
                format!("What was asked may still be done when it wakes up. {mend}\n{WITHOUT_ENGINE}"),
            );
        }
        Some(unreachable @ ClientError::Unreachable { .. }) => {
            return of("engine_unreachable", "No engine", unreachable.to_string(), String::new());
        }
        _ => {}
    }
    let mut causes = error.chain().map(ToString::to_string);
    let mut why = causes.next().unwrap_or_default();
    for cause in causes {
        // Some errors already carry their cause's words.
        if !why.contains(&cause) {
            why.push_str(&format!("\nbecause {cause}"));
        }
    }
    match error.downcast_ref::<HomeError>() {
        Some(HomeError::Config(error)) => of(
            "bad_configuration",
            "",
            error.to_string(),
            "Nothing was changed. Mend the line and try again; `selfheal doctor` checks the whole file.".into(),
        ),
        Some(HomeError::NoConfig { .. }) => of("no_home", "", why, String::new()),
        Some(HomeError::Demo { .. }) => of("demo_home", "", why, String::new()),
        _ => of("failed", "", why, String::new()),
    }
}

pub fn words(error: &anyhow::Error) -> String {
    let Problem { code, what, why, next } = problem(error);
    let what = if what.is_empty() { what } else { format!("{what}: ") };
    let mut text = format!("error: {what}{}", indented(&output::told(&why)));
    if !next.is_empty() {
        text.push_str(&format!("\n  {}", indented(&output::told(&next))));
    }
    if !matches!(code.as_str(), "failed" | "no_home" | "demo_home" | "bad_configuration") {
        text.push_str(&format!("\n  (code {code})"));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n  ")
}

/// Tells an error on standard error.
pub fn tell(error: &anyhow::Error, as_json: bool) {
    if as_json {
        output::note!("{}", json!({ "error": problem(error) }));
    } else {
        output::beside(words(error));
    }
}
