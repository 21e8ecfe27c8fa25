//! `selfheal knowledge`.

use std::process::ExitCode;
use std::sync::Arc;

use selfheal_api::view::PatternView;
use selfheal_api::{Client, ClientError};
use selfheal_core::PatternId;
use serde_json::{Value, json};

use super::{documents, knowledge_learn, knowledge_review, packs};
use crate::args::{AddArguments, KnowledgeCommand, Place};
use crate::nearest::nearest;
use crate::{connect, output};

pub async fn run(place: &Place, as_json: bool, command: KnowledgeCommand) -> anyhow::Result<ExitCode> {
    let client = Arc::new(connect::client(place).await?);
    let named = named(&command);
    match done(place, Arc::clone(&client), as_json, command).await {
        Err(error) => Err(with_nearest(&client, &named, error).await),
        done => done,
    }
}

/// The patterns that a command names.
fn named(command: &KnowledgeCommand) -> Vec<PatternId> {
    let names: &[String] = match command {
        KnowledgeCommand::Show { pattern } => std::slice::from_ref(pattern),
        KnowledgeCommand::Edit(edit) => std::slice::from_ref(&edit.pattern),
        KnowledgeCommand::Remove(remove) => std::slice::from_ref(&remove.pattern),
        KnowledgeCommand::Replay(replay) => std::slice::from_ref(&replay.pattern),
        KnowledgeCommand::Test(test) => &test.patterns,
        KnowledgeCommand::Export(export) => &export.pattern,
        _ => &[],
    };
    names.iter().map(|name| PatternId::from_name(name)).collect()
}

/// The error, and what may have been meant where a pattern was named that is not there.
async fn with_nearest(client: &Client, named: &[PatternId], error: anyhow::Error) -> anyhow::Error {
    let mut problem = match error.downcast::<ClientError>() {
        Ok(ClientError::Problem(problem)) => problem,
        Ok(other) => return other.into(),
        Err(error) => return error,
    };
    if problem.code == "not_found" && !named.is_empty() {
        let ids = super::knowledge_list::ids(client).await.unwrap_or_default();
        let missing = named.iter().find(|id| !ids.iter().any(|there| there == id.as_str()));
        let near = missing.map(|id| nearest(id.as_str(), ids.iter().map(String::as_str))).unwrap_or_default();
        if !near.is_empty() {
            let near: Vec<String> = near.iter().map(|id| format!("`{id}`")).collect();
            problem.next = format!("Did you mean {}? {}", near.join(" or "), problem.next);
        }
    }
    ClientError::Problem(problem).into()
}

async fn done(
    place: &Place,
    client: Arc<Client>,
    as_json: bool,
    command: KnowledgeCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        KnowledgeCommand::Edit(edit) => return documents::edit(&client, as_json, edit).await,
        KnowledgeCommand::Remove(remove) => return documents::remove(&client, as_json, remove).await,
        KnowledgeCommand::Import(import) => {
            if place.server.is_none() {
                packs::remove_leftovers(&connect::home(place)?.data());
            }
            return packs::import(&client, as_json, import).await;
        }
        KnowledgeCommand::Export(export) => return packs::export(&client, as_json, export).await,
        KnowledgeCommand::Add(add) if documents::is_file(add.name.as_deref()) => {
            return documents::add(&client, as_json, &add).await;
        }
        KnowledgeCommand::Add(mut add) => {
            if add.name.is_none() {
                documents::ask(&mut add)?;
            }
            let Some(view) = put(&client, as_json, *add).await? else { return Ok(ExitCode::FAILURE) };
            if as_json { output::json(&view)? } else { show(&view) }
        }
        KnowledgeCommand::List(arguments) => super::knowledge_list::run(&client, as_json, arguments).await?,
        KnowledgeCommand::Search(arguments) => super::knowledge_list::search(&client, as_json, arguments).await?,
        KnowledgeCommand::Show { pattern } => {
            let id = PatternId::from_name(&pattern);
            let view: PatternView = client.get(&format!("/api/v1/patterns/{id}")).await?;
            if as_json {
                output::json(&view)?;
            } else {
                show(&view);
                knowledge_review::evidence(&client, &id).await?;
            }
        }
        KnowledgeCommand::Match { file, top, service, project } => {
            let settings = json!({ "top": top, "service": service, "project": project });
            super::knowledge_match::run(client, as_json, &file, settings).await?;
        }
        KnowledgeCommand::Drafts => knowledge_learn::drafts(&client, as_json).await?,
        KnowledgeCommand::Accept(accept) => knowledge_learn::accept(&client, as_json, *accept).await?,
        KnowledgeCommand::RejectDraft(reject) => knowledge_learn::reject(&client, as_json, reject).await?,
        KnowledgeCommand::Review(review) => return knowledge_review::review(&client, as_json, review).await,
        KnowledgeCommand::Merge(merge) => knowledge_review::merge(&client, as_json, merge).await?,
        KnowledgeCommand::Unmerge { merged } => knowledge_review::unmerge(&client, as_json, &merged).await?,
        KnowledgeCommand::Enable { pattern, yes_act } => {
            let body = json!({ "active": true, "may_act": yes_act });
            set_status(&client, as_json, &pattern, &body).await?;
        }
        KnowledgeCommand::Disable { pattern } => {
            set_status(&client, as_json, &pattern, &json!({ "active": false })).await?;
        }
        KnowledgeCommand::Analyze(arguments) => super::knowledge_advise::analyze(&client, as_json, arguments).await?,
        KnowledgeCommand::Recommend(arguments) => {
            super::knowledge_advise::recommend(&client, as_json, arguments).await?;
        }
        KnowledgeCommand::Test(arguments) => return super::knowledge_test::run(&client, as_json, arguments).await,
        KnowledgeCommand::Replay(arguments) => super::knowledge_replay::run(&client, as_json, arguments).await?,
        KnowledgeCommand::Stats => {
            let stats: Value = client.get("/api/v1/knowledge/stats").await?;
            if as_json {
                output::json(&stats)?;
            } else if let Some(fields) = stats.as_object() {
                let families = stats["by_family"].as_object().into_iter().flatten();
                let families = families.map(|(family, count)| {
                    let name = if family.is_empty() { "without a family" } else { family };
                    [format!("  {name}"), count.to_string()]
                });
                let counts = fields.iter().filter(|(_, count)| count.is_number());
                output::table(
                    ["what", "count"],
                    "what",
                    counts.map(|(what, count)| [what.replace('_', " "), count.to_string()]).chain(families),
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn set_status(client: &Client, as_json: bool, name: &str, body: &Value) -> anyhow::Result<()> {
    let id = PatternId::from_name(name);
    let view: PatternView = client.post(&format!("/api/v1/patterns/{id}/status"), body).await?;
    if as_json {
        return output::json(&view);
    }
    output::line(format!("{} is {}.", view.id, super::word(&view.status)));
    Ok(())
}

/// Saves what the flags say. Where it would newly act, what that would have meant is shown first; `None` where a person did
/// not want it then.
async fn put(client: &Client, as_json: bool, add: AddArguments) -> anyhow::Result<Option<PatternView>> {
    let said = add.yes_act || add.auto_healable == Some(true);
    let id = PatternId::from_name(add.name.as_deref().unwrap_or_default());
    let parameters: std::collections::BTreeMap<String, String> = add.param.into_iter().collect();
    let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let mut body = json!({
        "name": add.name,
        "description": add.description,
        "rule": add.rule,
        "root_cause": add.root_cause,
        "action": add.action,
        "parameters": (!parameters.is_empty()).then_some(parameters),
        "checks": given(add.check),
        "must_not": given(add.must_not),
        "auto_healable": add.auto_healable,
        "require_approval": add.require_approval,
        "infrastructure": add.infrastructure,
        "shadow": add.shadow,
        "confidence": add.confidence,
        "service": add.service,
        "project": add.project,
    });
    let id = if id.as_str().is_empty() { "-".to_owned() } else { id.to_string() };
    let path = format!("/api/v1/patterns/{id}");
    match client.put(&path, &body).await.map_err(anyhow::Error::from) {
        Err(error) if documents::would_act(&error) => {
            if !as_json {
                documents::consequences(client, &json!({ "pattern": id, "change": body })).await;
            }
            if !said && !documents::may_act(&id, as_json)? {
                return Ok(None);
            }
            body["may_act"] = json!(true);
            Ok(Some(client.put(&path, &body).await?))
        }
        other => other.map(Some),
    }
}

fn show(pattern: &PatternView) {
    let about = [
        Some(super::word(&pattern.status)).filter(|status| status != "active"),
        Some(pattern.family.clone()).filter(|family| !family.is_empty()),
        pattern.severity.map(|severity| severity.as_str().to_owned()),
        pattern.service.as_ref().map(|service| format!("only {service}")),
        pattern.project.as_ref().map(|project| format!("only project {project}")),
    ];
    let about: Vec<String> = about.into_iter().flatten().collect();
    output::line(format!("{} ({})", pattern.name, pattern.id));
    if !about.is_empty() {
        output::line(format!("  {}", about.join(", ")));
    }
    for text in [&pattern.description, &pattern.root_cause].into_iter().filter(|text| !text.is_empty()) {
        output::sentence(2, text);
    }
    for rule in &pattern.rule {
        output::line(format!("  Rule: {rule}"));
    }
    if !pattern.must_not.is_empty() {
        output::line(format!("  Must not: {}", pattern.must_not.join(", ")));
    }
    let parameters: Vec<String> = pattern.parameters.iter().map(|(key, value)| format!(" {key}={value}")).collect();
    match &pattern.action {
        Some(action) => output::line(format!("  Action: {action}{}", parameters.concat())),
        None => output::line("  Action: none, it only explains"),
    }
    for (label, text) in [("By hand", &pattern.no_safe_fix), ("Undo", &pattern.undo)] {
        if !text.is_empty() {
            output::sentence(2, &format!("{label}: {text}"));
        }
    }
    output::line(format!("  Confidence: {}", pattern.confidence.words));
    if let Some(bound) = pattern.wilson_lower_bound {
        output::line(format!(
            "  Track record: {} of {} helped; that proves a success rate of {bound:.2} at least",
            pattern.use_count, pattern.attempts
        ));
    }
    output::line(format!(
        "  Heals by itself: {}",
        if pattern.auto_healable && !pattern.require_approval {
            "yes, once the decision confidence reaches the threshold"
        } else {
            "no"
        }
    ));
    for check in &pattern.checks {
        output::line(format!("  Check: {check}"));
    }
    for (label, lines) in [("Matches", &pattern.examples.matches), ("Does not match", &pattern.examples.rejects)] {
        for line in lines {
            output::line(format!("  {label}: {line}"));
        }
    }
    for step in &pattern.history {
        output::line(format!("  {} {} to {}: {}", output::clock(&step.at), step.before, step.after, step.reason));
    }
    for source in &pattern.sources {
        let more: Vec<&str> = [&source.url, &source.licence].into_iter().flatten().map(String::as_str).collect();
        output::line(format!("  Source: {}", [&[source.name.as_str()], &more[..]].concat().join(", ")));
    }
    output::line(format!("  From: {}, changed {}", pattern.origin, output::ago(&pattern.updated_at)));
}
