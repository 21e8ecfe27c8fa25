//! `selfheal incidents`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use selfheal_api::view::{IncidentPage, IncidentRow, IncidentView, Tone, WhatToDo, plain};
use selfheal_api::{Client, RedactReply};
use selfheal_core::{Group, Severity};
use serde_json::json;

use super::{escaped, word};
use crate::args::{GroupArgument, IncidentsCommand, Place, ReasonArgument};
use crate::output::{Cell, Gives, Shape, Style, count, of_severity};
use crate::{connect, output};

/// Incidents asked for at once.
const PAGE: u32 = 500;

pub async fn run(place: &Place, as_json: bool, command: Option<IncidentsCommand>) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let Some(command) = command else { return mine(&client, as_json).await };
    let (view, done): (IncidentView, String) = match command {
        IncidentsCommand::List { group, search, limit } => {
            let page = pages(&client, group, search.as_deref(), limit).await?;
            if as_json {
                output::json(&page)?;
            } else if page.incidents.is_empty() {
                output::line(match (group, &search) {
                    (None, None) => "No incidents.",
                    _ => "No incident is like that. `selfheal incidents list` without filters shows all of them.",
                });
            } else {
                list(&page.incidents);
                if page.next.is_some() {
                    let shown = count(page.incidents.len(), "incident");
                    output::line(format!("These are the latest {shown}; there are more: --limit NUMBER."));
                }
            }
            return Ok(ExitCode::SUCCESS);
        }
        IncidentsCommand::Show { id } => {
            let view: IncidentView = client.get(&path(&id, "")).await?;
            if as_json {
                output::json(&view)?
            } else {
                show(&view)
            }
            return Ok(ExitCode::SUCCESS);
        }
        IncidentsCommand::Redact { id, text, regex, reason } => {
            let body = json!({ "text": text, "regex": regex, "reason": reason });
            let reply: RedactReply = client.post(&path(&id, "/redact"), &body).await?;
            if as_json {
                output::json(&reply)?
            } else {
                redacted(&reply)
            }
            return Ok(ExitCode::SUCCESS);
        }
        IncidentsCommand::Approve { id, plan, typed } => {
            let view = approve(&client, &id, plan, typed).await?;
            let missing = view.approval.as_ref().is_some_and(|approval| approval.given < approval.needed);
            let done = if missing { "approved; another person has to approve it too" } else { "approved" };
            (view, done.to_owned())
        }
        IncidentsCommand::Reject { id, reason, comment } => {
            let waiting = waiting(&client, &id).await?;
            let body = json!({ "plan_hash": waiting, "reason": reason_name(reason), "comment": comment });
            (client.post(&path(&id, "/reject"), &body).await?, "rejected".to_owned())
        }
        IncidentsCommand::Ack { id } => {
            (client.post(&path(&id, "/acknowledge"), &json!({})).await?, "acknowledged".to_owned())
        }
        IncidentsCommand::Snooze { id, duration } => {
            let view: IncidentView = client.post(&path(&id, "/snooze"), &json!({ "minutes": duration })).await?;
            let told = view.story.iter().rev().find(|entry| entry.kind == "snoozed");
            let until = told.and_then(|entry| entry.detail.clone()).unwrap_or_default();
            (view, format!("left alone {}", until.trim_end_matches('.').replacen("Until", "until", 1)))
        }
        IncidentsCommand::Resolve { id, did_the_same, fixed_by, param, comment } => {
            let parameters: BTreeMap<String, String> = param.into_iter().collect();
            let body = json!({
                "comment": comment, "did_the_same": did_the_same, "fixed_by": fixed_by, "parameters": parameters,
            });
            (client.post(&path(&id, "/resolve"), &body).await?, "resolved by hand".to_owned())
        }
        IncidentsCommand::Choose { id, action, param, service } => {
            let parameters: BTreeMap<String, String> = param.into_iter().collect();
            let done = action.clone().unwrap_or_else(|| "the known fix".to_owned());
            let body = json!({ "action": action, "parameters": parameters, "service": service });
            let view = client.post(&path(&id, "/choose"), &body).await?;
            (view, format!("{done} chosen; look at its plan with `selfheal incidents show`, then approve it"))
        }
        IncidentsCommand::Retry { id } => {
            let view = client.post(&path(&id, "/choose"), &json!({ "action": null })).await?;
            (
                view,
                "the known fix once more; look at its plan with `selfheal incidents show`, then approve it".to_owned(),
            )
        }
        IncidentsCommand::Edit { id, param } => {
            let parameters: BTreeMap<String, String> = param.into_iter().collect();
            let body = json!({ "plan_hash": waiting(&client, &id).await?, "parameters": parameters });
            let view = client.post(&path(&id, "/edit"), &body).await?;
            (view, "plan changed; the new one needs an approval of its own".to_owned())
        }
        IncidentsCommand::Escalate { id, comment } => (
            client.post(&path(&id, "/escalate"), &json!({ "comment": comment })).await?,
            "handed to a person".to_owned(),
        ),
        IncidentsCommand::Note { id, text } => {
            (client.post(&path(&id, "/note"), &json!({ "text": text })).await?, "noted".to_owned())
        }
    };
    if as_json {
        output::json(&view)?;
    } else {
        let row = &view.incident;
        let what = format!("Incident {}: {}. ", row.id, output::told(&done));
        output::styled(&[
            (Style::Plain, &what),
            (Style::Plain, "Now: "),
            (of_state(row), &row.state_words),
            (Style::Plain, "."),
        ]);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a person at night asks first: what needs me?
async fn mine(client: &Client, as_json: bool) -> anyhow::Result<ExitCode> {
    let page = pages(client, Some(GroupArgument::NeedsYou), None, 50).await?;
    if as_json {
        output::json(&page)?;
    } else if page.incidents.is_empty() {
        let going_on = pages(client, Some(GroupArgument::InProgress), None, PAGE).await?.incidents.len();
        let rest = format!(" {going_on} in progress. `selfheal incidents list` shows all incidents.");
        output::styled(&[(Style::Good, "Nothing needs you."), (Style::Plain, &rest)]);
    } else {
        list(&page.incidents);
        output::line("Next: selfheal incidents show ID. All incidents: selfheal incidents list.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Pages until there are as many as wanted, as one.
async fn pages(
    client: &Client,
    group: Option<GroupArgument>,
    search: Option<&str>,
    limit: u32,
) -> anyhow::Result<IncidentPage> {
    let mut whole = IncidentPage { incidents: Vec::new(), next: None };
    loop {
        let left = limit.saturating_sub(u32::try_from(whole.incidents.len()).unwrap_or(u32::MAX));
        let after = whole.next.take();
        let page: IncidentPage = client.get(&list_path(group, search, left.min(PAGE), after.as_deref())).await?;
        // One that changed meanwhile comes again.
        let new = page.incidents.into_iter().filter(|row| whole.incidents.iter().all(|there| there.id != row.id));
        let new: Vec<IncidentRow> = new.collect();
        whole.incidents.extend(new);
        whole.next = page.next;
        if whole.next.is_none() || whole.incidents.len() >= limit as usize {
            return Ok(whole);
        }
    }
}

/// Red where a person must act now.
fn of_state(row: &IncidentRow) -> Style {
    match row.group {
        Group::NeedsYou if row.severity == Severity::Critical => Style::Bad,
        Group::NeedsYou => Style::Attention,
        Group::RecentlyFixed | Group::Closed => Style::Good,
        Group::InProgress => Style::Plain,
    }
}

fn redacted(reply: &RedactReply) {
    output::line(format!("Redacted in {} and {}.", count(reply.signals, "signal"), count(reply.facts, "fact")));
    let knowledge = &reply.knowledge;
    if knowledge.rows > 0 {
        output::line(format!("Redacted in {} of the knowledge base.", count(knowledge.rows, "row")));
    }
    for done in &knowledge.patterns {
        let counts = [
            (done.conditions_changed, "condition", "of its rule holds on more now", "of its rule hold on more now"),
            (
                done.conditions_dropped,
                "condition",
                "is gone, it said too little without it",
                "are gone, they said too little without it",
            ),
            (done.terms_dropped, "must-not term", "is gone", "are gone"),
            (done.examples_changed, "example", "changed", "changed"),
            (
                done.examples_dropped,
                "example",
                "is gone, the rule says otherwise of it",
                "are gone, the rule says otherwise of them",
            ),
        ];
        let mut words: Vec<String> = counts
            .iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, thing, one, more)| {
                format!("{} {}", count(*number, thing), if *number == 1 { one } else { more })
            })
            .collect();
        if done.disarmed {
            words.push("it does not act by itself any more".to_owned());
        }
        if words.is_empty() {
            words.push("its description".to_owned());
        }
        output::line(format!("  {}: {}", done.pattern, words.join("; ")));
    }
    for id in &knowledge.ids_left {
        output::line(format!("The id of the pattern {id} still holds it: an id does not change."));
    }
    for id in &knowledge.foreign_left {
        output::line(format!(
            "The pattern {id} came in with a pack and holds it: edit it where that is not meant to be."
        ));
    }
    if !reply.names {
        output::line(
            "Names of services, targets and plans stay until the incident is closed and none of its actions counts for a limit: \
             the engine goes by them. Ask again then.",
        );
    }
    if reply.configured {
        output::line("The configuration names it: change it there, or it comes back.");
    }
    for (place, rows) in &reply.left {
        output::line(format!("Not redacted: {rows} rows of {place}."));
    }
    if !reply.audit_entries_left.is_empty() {
        output::line(format!(
            "The audit trail cannot be changed: entries {} still hold it.",
            reply.audit_entries_left.join(", ")
        ));
    }
    output::line(
        "Backups made before still hold it, and so does the log it came from. A secret that was logged has to be replaced.",
    );
}

fn path(id: &str, operation: &str) -> String {
    format!("/api/v1/incidents/{}{operation}", escaped(id.trim_start_matches('#')))
}

fn list_path(group: Option<GroupArgument>, search: Option<&str>, limit: u32, after: Option<&str>) -> String {
    let mut path = format!("/api/v1/incidents?limit={limit}");
    if let Some(group) = group {
        let name = match group {
            GroupArgument::NeedsYou => "needs_you",
            GroupArgument::InProgress => "in_progress",
            GroupArgument::RecentlyFixed => "recently_fixed",
            GroupArgument::Closed => "closed",
        };
        path.push_str(&format!("&group={name}"));
    }
    if let Some(words) = search {
        path.push_str(&format!("&q={}", escaped(words)));
    }
    if let Some(after) = after {
        path.push_str(&format!("&after={}", escaped(after)));
    }
    path
}

async fn waiting(client: &Client, id: &str) -> anyhow::Result<String> {
    let view: IncidentView = client.get(&path(id, "")).await?;
    Ok(view.plan.map(|plan| plan.hash).unwrap_or_default())
}

async fn approve(
    client: &Client,
    id: &str,
    plan: Option<String>,
    typed: Option<String>,
) -> anyhow::Result<IncidentView> {
    let waiting = waiting(client, id).await?;
    if let Some(wanted) = plan
        && !(wanted.len() >= 8 && waiting.starts_with(&wanted))
    {
        anyhow::bail!(
            "the plan that waits is {}, not {wanted}: look at it with `selfheal incidents show {id}`. Nothing was approved",
            waiting.get(..12).unwrap_or("none")
        );
    }
    let body = json!({ "plan_hash": waiting, "typed_target": typed });
    client.post(&path(id, "/approve"), &body).await.context("not approved")
}

const fn reason_name(reason: ReasonArgument) -> &'static str {
    match reason {
        ReasonArgument::WrongFix => "wrong_fix",
        ReasonArgument::WrongCause => "wrong_cause",
        ReasonArgument::NotNow => "not_now",
        ReasonArgument::Other => "other",
    }
}

fn list(rows: &[IncidentRow]) {
    output::shaped(
        ["id", "severity", "service", "state", "signals", "opened", "title"],
        Shape { wanted: &["severity", "state", "service", "opened", "signals"], text: "title", gives: Gives::Below },
        rows.iter().map(|row| {
            let severity = word(&row.severity);
            [
                Cell::from(row.id.clone()),
                Cell::new(of_severity(&severity), severity),
                row.service.clone().into(),
                Cell::new(of_state(row), row.state_words.clone()),
                row.signal_count.to_string().into(),
                output::ago(&row.opened_at).into(),
                row.title.clone().into(),
            ]
        }),
    );
}

/// What is known of it, before anything else: that is what somebody wants who was asleep a minute ago.
fn what_to_do(told: &WhatToDo) {
    heading("What to do");
    output::line(format!("  {}", output::told(&told.now)));
    if let Some(unknown) = &told.unknown {
        output::line(format!("  {unknown}"));
    }
    for cause in &told.causes {
        let which = format!("{}. {}", cause.name, cause.sure);
        let checks: Vec<String> = cause.checks.iter().map(|check| plain(check)).collect();
        output::line("");
        for (label, text) in [
            ("Known as", which),
            ("By hand", plain(&cause.by_hand)),
            ("Cause", plain(&cause.cause)),
            ("Over when", checks.join("; ")),
            ("Going back", plain(&cause.undo)),
        ] {
            if !text.trim().is_empty() {
                output::line(format!("  {label:<10}  {}", output::told(&text)));
            }
        }
        for open in cause.values.iter().filter(|value| value.left_open) {
            output::line(format!(
                "  {:<10}  {} (no plain word: it is not put into a command)",
                format!("<{}>", open.name),
                open.value
            ));
        }
    }
}

fn show(view: &IncidentView) {
    let row = &view.incident;
    let severity = word(&row.severity);
    output::styled(&[(Style::Strong, &format!("Incident {}: {}", row.id, row.title))]);
    output::styled(&[
        (Style::Plain, "  "),
        (of_severity(&severity), &severity),
        (Style::Plain, &format!(" on {}, ", row.service)),
        (of_state(row), &row.state_words),
        (Style::Plain, &format!(", {}, opened {}", count(row.signal_count, "signal"), output::ago(&row.opened_at))),
    ]);
    output::sentence(2, &format!("Impact: {}", view.impact));
    what_to_do(&view.what_to_do);
    heading(&format!("Story ({})", output::zone()));
    for entry in &view.story {
        let detail = entry.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", output::told(detail)));
        // What Selfheal did itself is the rule.
        let actor = if entry.actor == "Selfheal" { String::new() } else { format!(" ({})", entry.actor) };
        let style = match entry.tone {
            Tone::Good => Style::Good,
            Tone::Bad => Style::Bad,
            Tone::Attention => Style::Attention,
            Tone::Neutral => Style::Plain,
        };
        output::styled(&[
            (Style::Dim, &format!("  {}  ", output::clock(&entry.at))),
            (style, &entry.title),
            (Style::Plain, &format!("{detail}{actor}")),
        ]);
    }
    heading("Evidence");
    for signal in &view.signals {
        let text = signal.text.lines().next().unwrap_or_default();
        output::line(format!("  {}x {text}", signal.count));
    }
    if let Some(decision) = &view.decision {
        heading(&format!("Decision: {} ({})", word(&decision.kind), decision.band.words));
        for reason in &decision.reasons {
            output::sentence(2, &reason.text);
        }
        for candidate in &decision.candidates {
            output::line(format!("  {}: relevance {:.2}", candidate.name, candidate.relevance));
            for note in &candidate.notes {
                output::sentence(4, note);
            }
        }
    }
    for gate in view.gates.iter().filter(|gate| !gate.passed) {
        output::sentence(2, &format!("Stopped at gate {}, {}: {}", gate.number, gate.title, gate.reason));
    }
    // The latest of them all: the end of one gate is no promise while another holds.
    if let Some(waits) = &view.waits {
        output::sentence(2, &format!("Waits: {}", waits.told));
    }
    if let Some(plan) = &view.plan {
        let hash = plan.hash.get(..12).unwrap_or(&plan.hash);
        heading(&format!("Plan {hash}: {} on {}", plan.action_words, plan.host));
        for step in &plan.steps {
            output::line(format!("  {}. {}", step.index + 1, step.call));
        }
        for parameter in &plan.parameters {
            output::line(format!(
                "  {} = {} ({} to {}): {}",
                parameter.name, parameter.value, parameter.least, parameter.most, parameter.what
            ));
        }
        output::line(format!("  Now: {}. Reaches: {}.", plan.state_now, plan.blast_radius));
        output::line(format!("  Checked by: {}", plan.checks.join("; ")));
        output::line(format!("  Going back: {}", plan.undo.words));
    }
    if let Some(approval) = &view.approval {
        match &approval.approved_by {
            Some(by) if approval.given < approval.needed => {
                output::line(format!("  Approved by {by}; another person has to approve it too."))
            }
            Some(by) => output::line(format!("  Approved by {by}.")),
            None => output::line(format!(
                "  Waits for approval until {}:\n    selfheal incidents approve {} --plan {}",
                output::at(&approval.expires_at),
                row.id,
                approval.plan_hash.get(..12).unwrap_or(&approval.plan_hash)
            )),
        }
    }
    for attempt in &view.attempts {
        let learned = attempt.confidence_before.zip(attempt.confidence_after);
        let learned = learned.map_or_else(String::new, |(before, after)| match before == after {
            true => format!(" The confidence in it stays {after:.2}."),
            false => format!(" The confidence in it went from {before:.2} to {after:.2}."),
        });
        heading(&format!("Attempt {}: {} on {}", attempt.event, attempt.action, attempt.target));
        output::sentence(2, &format!("{}{learned}", attempt.told));
    }
}

fn heading(text: &str) {
    output::line("");
    output::styled(&[(Style::Strong, text)]);
}
