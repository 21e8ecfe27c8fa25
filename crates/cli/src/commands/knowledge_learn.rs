//! `selfheal knowledge drafts`, `accept` and `reject-draft`.

use std::collections::BTreeMap;

use selfheal_api::Client;
use selfheal_api::view::{DraftPage, DraftView, PatternView};
use selfheal_core::PatternId;
use serde_json::{Value, json};

use super::documents::{confirmed, is_terminal};
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
    let DraftView { pattern, incidents, first_seen, last_seen, notes, edited, digest } = draft;
    let times = output::count(*incidents, "incident");
    output::line(format!("{}  ({times}, last {})", pattern.id, output::ago(last_seen)));
    output::line(format!("  {}", pattern.name));
    output::line(format!("  Version: {}", version(digest)));
    output::line(format!("  First seen: {}", output::ago(first_seen)));
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

/// As much of a digest as people type.
fn version(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The draft that is decided about, shown where the person has not said which version was looked at. `None` where the person
/// thinks better of it.
async fn looked_at(
    client: &Client,
    id: &PatternId,
    seen: Option<&str>,
    as_json: bool,
    question: &str,
) -> anyhow::Result<Option<DraftView>> {
    let page: DraftPage = client.get("/api/v1/knowledge/drafts").await?;
    let Some(draft) = page.drafts.into_iter().find(|draft| draft.pattern.id == id.as_str()) else {
        anyhow::bail!("there is no draft `{id}` that waits. List those that do: selfheal knowledge drafts");
    };
    match seen {
        Some(seen) if seen.len() >= 8 && draft.digest.starts_with(seen) => {}
        Some(seen) => anyhow::bail!(
            "the draft that waits is version {}, not {seen}: look at it again with `selfheal knowledge drafts`. Nothing was changed",
            version(&draft.digest)
        ),
        None if as_json => {}
        None => {
            show(&draft);
            if is_terminal() && !confirmed(question)? {
                output::line("Nothing was changed.");
                return Ok(None);
            }
        }
    }
    Ok(Some(draft))
}

pub async fn accept(client: &Client, as_json: bool, accept: AcceptArguments) -> anyhow::Result<()> {
    let id = PatternId::from_name(&accept.draft);
    let question = "Accept it?";
    let Some(draft) = looked_at(client, &id, accept.seen.as_deref(), as_json, question).await? else { return Ok(()) };
    let parameters: BTreeMap<String, String> = accept.param.into_iter().collect();
    let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let change = json!({
        "name": accept.name.unwrap_or_default(),
        "description": accept.description,
        "rule": accept.rule,
        "must_not": given(accept.must_not),
        "root_cause": accept.root_cause,
        "action": accept.action,
        "parameters": (!parameters.is_empty()).then_some(parameters),
        "checks": given(accept.check),
    });
    let body = json!({ "digest": draft.digest, "change": change });
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
    let question = "Reject it? The same incidents are not drafted again.";
    let Some(draft) = looked_at(client, &id, reject.seen.as_deref(), as_json, question).await? else { return Ok(()) };
    let body = json!({ "digest": draft.digest, "reason": reject.reason });
    let reply: Value = client.post(&format!("/api/v1/knowledge/drafts/{id}/reject"), &body).await?;
    if as_json {
        return output::json(&reply);
    }
    output::line(format!("Rejected: {id} is gone, and the same incidents are not drafted again."));
    Ok(())
}
