//! `selfheal knowledge drafts`, `accept` and `reject-draft`.

use std::collections::BTreeMap;

use selfheal_api::Client;
use selfheal_api::view::{DraftPage, DraftView, PatternView};
use selfheal_core::PatternId;
use serde_json::{Value, json};

use crate::args::{AcceptArguments, RejectDraftArguments};
use crate::output;

pub async fn drafts(client: &Client, as_json: bool) -> anyhow::Result<()> {
    let page: DraftPage = client.get("/api/v1/knowledge/drafts").await?;
    if as_json {
        return output::json(&page);
    }
    if page.drafts.is_empty() {
        output::line("No drafts wait. One is made when an incident ends that no pattern's rule held in.");
        return Ok(());
    }
    for draft in &page.drafts {
        show(draft);
        output::line("");
    }
    output::line("Accept one: selfheal knowledge accept DRAFT. Not wanted: selfheal knowledge reject-draft DRAFT.");
    output::line("An accepted draft suggests and never acts by itself.");
    Ok(())
}

fn show(draft: &DraftView) {
    let DraftView { pattern, incidents, first_seen, last_seen, notes, edited } = draft;
    let times = if *incidents == 1 { "1 incident".to_owned() } else { format!("{incidents} incidents") };
    output::line(format!("{}  ({times}, last {})", pattern.id, output::time(last_seen)));
    output::line(format!("  {}", pattern.name));
    output::line(format!("  First seen: {}", output::time(first_seen)));
    let scope = pattern.service.as_ref().map(|service| format!("service {service}"));
    let scope = scope.or_else(|| pattern.project.as_ref().map(|project| format!("project {project}")));
    output::line(format!("  Where: {}", scope.as_deref().unwrap_or("everywhere")));
    for rule in &pattern.rule {
        output::line(format!("  Rule: {rule}"));
    }
    if !pattern.must_not.is_empty() {
        output::line(format!("  Must not: {}", pattern.must_not.join(", ")));
    }
    for line in pattern.examples.matches.iter().take(2) {
        output::line(format!("  Matches: {line}"));
    }
    for line in pattern.examples.rejects.iter().take(2) {
        output::line(format!("  Not: {line}"));
    }
    output::line(format!("  Root cause: {}", pattern.root_cause));
    output::line(format!("  Fix: {}", pattern.action.as_deref().unwrap_or("none: it only explains")));
    for check in &pattern.checks {
        output::line(format!("  Check: {check}"));
    }
    if *edited {
        output::line("  A person has edited it: later incidents are counted and change nothing of it.");
    }
    for note in notes {
        output::line(format!("  Look at: {note}"));
    }
}

pub async fn accept(client: &Client, as_json: bool, accept: AcceptArguments) -> anyhow::Result<()> {
    let id = PatternId::from_name(&accept.draft);
    let parameters: BTreeMap<String, String> = accept.param.into_iter().collect();
    let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let body = json!({
        "name": accept.name.unwrap_or_default(),
        "description": accept.description,
        "rule": accept.rule,
        "must_not": given(accept.must_not),
        "root_cause": accept.root_cause,
        "action": accept.action,
        "parameters": (!parameters.is_empty()).then_some(parameters),
        "checks": given(accept.check),
    });
    let view: PatternView = client.post(&format!("/api/v1/knowledge/drafts/{id}/accept"), &body).await?;
    if as_json {
        return output::json(&view);
    }
    output::line(format!("Accepted: {} is active now, with confidence {:.2}.", view.id, view.confidence.value));
    match &view.action {
        Some(action) => output::line(format!(
            "It suggests {action} and waits for approval. To let it act by itself later: selfheal knowledge add {:?} --auto-healable",
            view.name
        )),
        None => output::line(format!(
            "It explains and suggests no fix yet. Give it one: selfheal knowledge add {:?} --action ACTION",
            view.name
        )),
    }
    Ok(())
}

pub async fn reject(client: &Client, as_json: bool, reject: RejectDraftArguments) -> anyhow::Result<()> {
    let id = PatternId::from_name(&reject.draft);
    let reply: Value =
        client.post(&format!("/api/v1/knowledge/drafts/{id}/reject"), &json!({ "reason": reject.reason })).await?;
    if as_json {
        return output::json(&reply);
    }
    output::line(format!("Rejected: {id} is gone, and the same incidents are not drafted again."));
    Ok(())
}
