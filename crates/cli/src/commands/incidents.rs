//! `selfheal incidents`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use selfheal_api::view::{IncidentPage, IncidentView, WhatToDo, plain};
use selfheal_api::{Client, RedactReply};
use serde_json::json;

use super::{escaped, word};
use crate::args::{GroupArgument, IncidentsCommand, Place, ReasonArgument};
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: IncidentsCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    let view = match command {
        IncidentsCommand::List { group, search, limit } => {
            let page = pages(&client, group, search.as_deref(), limit).await?;
            if as_json {
                output::json(&page)?
            } else {
                list(&page)
            }
            return Ok(ExitCode::SUCCESS);
        }
        IncidentsCommand::Show { id } => client.get(&path(&id, "")).await?,
        IncidentsCommand::Approve { id, plan, typed } => approve(&client, &id, plan, typed).await?,
        IncidentsCommand::Reject { id, reason, comment } => {
            let waiting = waiting(&client, &id).await?;
            let body = json!({ "plan_hash": waiting, "reason": reason_name(reason), "comment": comment });
            client.post(&path(&id, "/reject"), &body).await?
        }
        IncidentsCommand::Ack { id } => client.post(&path(&id, "/acknowledge"), &json!({})).await?,
        IncidentsCommand::Snooze { id, duration } => {
            client.post(&path(&id, "/snooze"), &json!({ "minutes": duration })).await?
        }
        IncidentsCommand::Resolve { id, did_the_same, fixed_by, param, comment } => {
            let parameters: std::collections::BTreeMap<String, String> = param.into_iter().collect();
            let body = json!({
                "comment": comment, "did_the_same": did_the_same, "fixed_by": fixed_by, "parameters": parameters,
            });
            client.post(&path(&id, "/resolve"), &body).await?
        }
        IncidentsCommand::Choose { id, action, param, service } => {
            let parameters: BTreeMap<String, String> = param.into_iter().collect();
            let body = json!({ "action": action, "parameters": parameters, "service": service });
            client.post(&path(&id, "/choose"), &body).await?
        }
        IncidentsCommand::Retry { id } => client.post(&path(&id, "/choose"), &json!({ "action": null })).await?,
        IncidentsCommand::Edit { id, param } => {
            let parameters: BTreeMap<String, String> = param.into_iter().collect();
            let body = json!({ "plan_hash": waiting(&client, &id).await?, "parameters": parameters });
            client.post(&path(&id, "/edit"), &body).await?
        }
        IncidentsCommand::Escalate { id, comment } => {
            client.post(&path(&id, "/escalate"), &json!({ "comment": comment })).await?
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
        IncidentsCommand::Note { id, text } => client.post(&path(&id, "/note"), &json!({ "text": text })).await?,
    };
    if as_json {
        output::json(&view)?
    } else {
        show(&view)
    }
    Ok(ExitCode::SUCCESS)
}

fn redacted(reply: &RedactReply) {
    output::line(format!(
        "Redacted in {} and {}.",
        output::count(reply.signals, "signal"),
        output::count(reply.facts, "fact")
    ));
    let knowledge = &reply.knowledge;
    if knowledge.rows > 0 {
        output::line(format!("Redacted in {} rows of the knowledge base.", knowledge.rows));
    }
    for done in &knowledge.patterns {
        let counts = [
            (done.conditions_changed, "conditions of its rule hold on more now"),
            (done.conditions_dropped, "conditions are gone, they said too little without it"),
            (done.terms_dropped, "must-not terms are gone"),
            (done.examples_changed, "examples changed"),
            (done.examples_dropped, "examples are gone, the rule says otherwise of them"),
        ];
        let mut words: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
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

/// Incidents of one page of the interface.
const PAGE: u32 = 500;

/// As many incidents as are wanted, page by page, as one; `next` says that there are more.
async fn pages(
    client: &Client,
    group: Option<GroupArgument>,
    search: Option<&str>,
    limit: u32,
) -> anyhow::Result<IncidentPage> {
    let mut whole: Option<IncidentPage> = None;
    loop {
        let left = limit - whole.as_ref().map_or(0, |page| page.incidents.len() as u32);
        let mut path = list_path(group, search, left.min(PAGE));
        if let Some(after) = whole.as_ref().and_then(|page| page.next.as_deref()) {
            path.push_str(&format!("&after={}", escaped(after)));
        }
        let mut page: IncidentPage = client.get(&path).await?;
        let all = match whole.take() {
            None => page,
            Some(mut all) => {
                all.incidents.append(&mut page.incidents);
                all.next = page.next;
                all
            }
        };
        if all.next.is_none() || all.incidents.len() as u32 >= limit {
            return Ok(all);
        }
        whole = Some(all);
    }
}

fn list_path(group: Option<GroupArgument>, search: Option<&str>, limit: u32) -> String {
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

fn list(page: &IncidentPage) {
    if page.incidents.is_empty() {
        output::line("No incidents.");
        return;
    }
    output::table(
        ["id", "severity", "service", "state", "signals", "opened", "title"],
        page.incidents.iter().map(|row| {
            [
                row.id.clone(),
                word(&row.severity),
                row.service.clone(),
                row.state_words.clone(),
                row.signal_count.to_string(),
                output::time(&row.opened_at),
                row.title.clone(),
            ]
        }),
    );
}

/// What is known of it, before anything else: that is what somebody wants who was asleep a minute ago.
fn what_to_do(told: &WhatToDo) {
    output::line("\nWhat to do");
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
    output::line(format!("Incident {}: {}", row.id, row.title));
    output::line(format!(
        "  {} on {}, {}, {}",
        word(&row.severity),
        row.service,
        row.state_words,
        output::count(row.signal_count, "signal")
    ));
    output::line(format!("  Impact: {}", view.impact));
    what_to_do(&view.what_to_do);
    output::line("\nStory");
    for entry in &view.story {
        let detail = entry.detail.as_ref().map_or_else(String::new, |detail| format!(": {}", output::told(detail)));
        output::line(format!("  {}  {}{detail} ({})", output::time(&entry.at), entry.title, entry.actor));
    }
    output::line("\nEvidence");
    for signal in &view.signals {
        let text = signal.text.lines().next().unwrap_or_default();
        output::line(format!("  {}x {text}", signal.count));
    }
    if let Some(decision) = &view.decision {
        output::line(format!("\nDecision: {} ({})", word(&decision.kind), decision.band.words));
        for reason in &decision.reasons {
            output::line(format!("  {}", reason.text));
        }
        for candidate in &decision.candidates {
            output::line(format!("  {}: relevance {}", candidate.name, candidate.relevance));
            for note in &candidate.notes {
                output::line(format!("    {note}"));
            }
        }
    }
    for gate in view.gates.iter().filter(|gate| !gate.passed) {
        output::line(format!("  Stopped at gate {}, {}: {}", gate.number, gate.title, gate.reason));
    }
    // The latest of them all: the end of one gate is no promise while another holds.
    if let Some(waits) = &view.waits {
        output::line(format!("  Waits: {}", output::told(&waits.told)));
    }
    if let Some(plan) = &view.plan {
        output::line(format!("\nPlan {}: {} on {}", &plan.hash[..12], plan.action_words, plan.host));
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
                "  Waits for approval until {}: selfheal incidents approve {} --plan {}",
                output::time(&approval.expires_at),
                row.id,
                &approval.plan_hash[..12]
            )),
        }
    }
    for attempt in &view.attempts {
        let learned = attempt.confidence_before.zip(attempt.confidence_after);
        let learned = learned.map_or_else(String::new, |(before, after)| match before == after {
            true => format!(" The confidence in it stays {after}."),
            false => format!(" The confidence in it went from {before} to {after}."),
        });
        output::line(format!("\nAttempt {}: {} on {}", attempt.event, attempt.action, attempt.target));
        output::line(format!("  {}{learned}", attempt.told));
    }
}
