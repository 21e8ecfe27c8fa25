//! `selfheal knowledge review`, `merge`, `unmerge`, and the evidence below `show`.

use std::process::ExitCode;

use selfheal_api::Client;
use selfheal_api::view::{EvidenceView, MergeView, PatternView, ProjectEvidence, ReviewView};
use selfheal_core::PatternId;
use selfheal_core::knowledge::review::Trend;
use serde_json::json;

use crate::args::{MergeArguments, ReviewArguments};
use crate::output;

/// Rows shown of one kind; `--json` has them all.
const SHOWN: usize = 20;

/// Exit code 3 where examples fail: that is a broken base; the rest is advice.
pub async fn review(client: &Client, as_json: bool, review: ReviewArguments) -> anyhow::Result<ExitCode> {
    let ReviewArguments { unused_days, period_days, repeats } = review;
    let path =
        format!("/api/v1/knowledge/review?unused_days={unused_days}&period_days={period_days}&repeats={repeats}");
    let view: ReviewView = client.get(&path).await?;
    let code = if view.failing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) };
    if as_json {
        output::json(&view)?;
        return Ok(code);
    }
    let mut anything = false;
    let mut section = |title: &str, rows: Vec<String>| {
        if rows.is_empty() {
            return;
        }
        anything = true;
        output::line(format!("{title} ({})", rows.len()));
        rows.iter().take(SHOWN).for_each(|row| output::line(format!("  {row}")));
        if rows.len() > SHOWN {
            output::line(format!("  and {} more: --json has them all", rows.len() - SHOWN));
        }
        output::line("");
    };
    section(
        "Examples fail: mend the rule or the example",
        view.failing
            .iter()
            .map(|one| {
                let missed = one.missed.iter().map(|line| format!("does not match `{line}`"));
                let wrong = one.wrong.iter().map(|line| format!("matches `{line}`, which it must not"));
                let why: Vec<String> = one.error.iter().cloned().chain(missed).chain(wrong).collect();
                format!("{}: {}", one.pattern, why.join("; "))
            })
            .collect(),
    );
    section(
        "Drafts wait: selfheal knowledge drafts",
        view.drafts
            .iter()
            .map(|one| {
                format!(
                    "{}: {}, last {}",
                    one.draft,
                    output::count(one.incidents, "incident"),
                    output::ago(&one.last_seen)
                )
            })
            .collect(),
    );
    section(
        &format!("Fixed again and again within {period_days} days: mend the cause"),
        view.repeats
            .iter()
            .map(|one| {
                let trend = match one.trend {
                    Trend::Worse => "and it comes more often",
                    Trend::Steady => "about as often as before",
                    Trend::Better => "and it comes less often",
                };
                format!(
                    "{} on {}: {}, one every {} h on average, {trend}. {}",
                    one.pattern,
                    one.service,
                    output::count(one.fixes, "verified fix"),
                    one.mean_hours_between,
                    one.advice
                )
            })
            .collect(),
    );
    section(
        "Seem to be the same: selfheal knowledge merge MERGED INTO",
        view.duplicates
            .iter()
            .map(|one| {
                let against = match one.against.as_slice() {
                    [] => String::new(),
                    reasons => format!(" Not as they are: {}.", reasons.join("; ")),
                };
                format!("merge {} into {}: {}.{against}", one.merge, one.keep, one.why)
            })
            .collect(),
    );
    section(
        "Never come first on their own examples: narrow the other, widen this one, or merge",
        view.shadowed
            .iter()
            .map(|one| {
                let fix = if one.same_fix { "the same fix" } else { "another fix" };
                format!("{}: behind {} ({fix})", one.pattern, one.by.join(", "))
            })
            .collect(),
    );
    section(
        "Rule too narrow: the failure came again and the rule did not hold",
        view.too_narrow
            .iter()
            .map(|one| format!("{}: last missed {}", one.pattern, output::ago(&one.last_missed)))
            .collect(),
    );
    section(
        "Confidence goes up and down: the fix helps in some cases only",
        view.flapping
            .iter()
            .map(|one| {
                format!(
                    "{}: turned {} within 90 days, now {:.2}",
                    one.pattern,
                    output::count(one.turns, "time"),
                    one.confidence
                )
            })
            .collect(),
    );
    section(
        &format!("Rule held in no incident for {unused_days} days"),
        view.unused
            .iter()
            .map(|one| {
                let last = one.last_hit.as_deref().map_or_else(|| "never".to_owned(), output::ago);
                format!("{}: last {last}", one.pattern)
            })
            .collect(),
    );
    if !anything {
        output::line(format!("Nothing to look at in {}.", output::count(view.health.len(), "active pattern")));
    }
    Ok(code)
}

pub async fn merge(client: &Client, as_json: bool, merge: MergeArguments) -> anyhow::Result<()> {
    let (merged, into) = (PatternId::from_name(&merge.merged), PatternId::from_name(&merge.into));
    let body = json!({ "merged": merged, "into": into, "dry_run": merge.dry_run });
    let view: MergeView = client.post("/api/v1/knowledge/merge", &body).await?;
    if as_json {
        return output::json(&view);
    }
    let into = &view.into;
    let what = if view.dry_run { "Nothing was changed. It would be" } else { "Merged" };
    output::line(format!(
        "{what}: {} into {}, with {}, {}, {} of {} verified and confidence {:.2}.",
        view.merged,
        into.id,
        output::count(into.rule.len(), "condition"),
        output::count(into.examples.matches.len() + into.examples.rejects.len(), "example"),
        into.use_count,
        output::count(into.attempts, "fix"),
        into.confidence.value
    ));
    if !view.dry_run {
        output::line(format!("{} is disabled. To undo: selfheal knowledge unmerge {}", view.merged, view.merged));
    }
    Ok(())
}

pub async fn unmerge(client: &Client, as_json: bool, merged: &str) -> anyhow::Result<()> {
    let body = json!({ "merged": PatternId::from_name(merged) });
    let view: PatternView = client.post("/api/v1/knowledge/unmerge", &body).await?;
    if as_json {
        return output::json(&view);
    }
    output::line(format!("Undone: {} is active again, as it was before.", view.id));
    Ok(())
}

/// What use says of a pattern, below its text.
pub async fn evidence(client: &Client, id: &PatternId) -> anyhow::Result<()> {
    let view: EvidenceView = client.get(&format!("/api/v1/patterns/{id}/evidence")).await?;
    if let Some(into) = &view.merged_into {
        output::line(format!("  Merged into: {into}"));
    }
    let last = view.last_hit.as_deref().map_or_else(String::new, |at| format!(", last {}", output::ago(at)));
    output::line(format!("  Its rule held in: {}{last}", output::count(view.hits, "incident")));
    if view.confirmed_fixes > 0 {
        output::line(format!("  People said that its fix did it: {}", output::count(view.confirmed_fixes, "time")));
    }
    for project in &view.projects {
        output::line(format!("  {}", words(&format!("In {}", project.project), project)));
    }
    if !view.projects.is_empty() {
        output::line(format!("  {}", words("In a project without outcomes", &view.elsewhere)));
    }
    Ok(())
}

fn words(place: &str, evidence: &ProjectEvidence) -> String {
    format!(
        "{place}: {} of {} verified here, {} of {} elsewhere; expected {:.2}, at least {:.2}",
        evidence.successes,
        output::count(evidence.attempts, "fix"),
        evidence.foreign_successes,
        evidence.foreign_attempts,
        evidence.expected,
        evidence.at_least
    )
}
