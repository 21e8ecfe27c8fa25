//! `selfheal knowledge`.

use std::process::ExitCode;

use selfheal_api::Client;
use selfheal_api::view::{MatchView, PatternPage, PatternView};
use selfheal_core::PatternId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{documents, knowledge_learn, knowledge_review, lines, packs};
use crate::args::{AddArguments, KnowledgeCommand, Place};
use crate::{connect, output};

/// Lines matched in one request.
const LINES: usize = 1_000;

pub async fn run(place: &Place, as_json: bool, command: KnowledgeCommand) -> anyhow::Result<ExitCode> {
    let client = connect::client(place).await?;
    match command {
        KnowledgeCommand::Edit(edit) => return documents::edit(&client, as_json, edit).await,
        KnowledgeCommand::Remove(remove) => return documents::remove(&client, as_json, remove).await,
        KnowledgeCommand::Import(import) => return packs::import(&client, as_json, import).await,
        KnowledgeCommand::Export(export) => return packs::export(&client, as_json, export).await,
        KnowledgeCommand::Add(add) if documents::is_file(add.name.as_deref()) => {
            return documents::add(&client, as_json, &add).await;
        }
        KnowledgeCommand::Add(mut add) => {
            if add.name.is_none() {
                documents::ask(&mut add)?;
            }
            let view = put(&client, *add).await?;
            if as_json { output::json(&view)? } else { show(&view) }
        }
        KnowledgeCommand::List => {
            let page: PatternPage = client.get("/api/v1/patterns").await?;
            if as_json { output::json(&page)? } else { list(&page) }
        }
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
            match_file(&client, as_json, &file, &json!({ "top": top, "service": service, "project": project })).await?;
        }
        KnowledgeCommand::Drafts => knowledge_learn::drafts(&client, as_json).await?,
        KnowledgeCommand::Accept(accept) => knowledge_learn::accept(&client, as_json, *accept).await?,
        KnowledgeCommand::RejectDraft(reject) => knowledge_learn::reject(&client, as_json, reject).await?,
        KnowledgeCommand::Review(review) => return knowledge_review::review(&client, as_json, review).await,
        KnowledgeCommand::Merge(merge) => knowledge_review::merge(&client, as_json, merge).await?,
        KnowledgeCommand::Unmerge { merged } => knowledge_review::unmerge(&client, as_json, &merged).await?,
        KnowledgeCommand::Stats => {
            let stats: Value = client.get("/api/v1/knowledge/stats").await?;
            if as_json {
                output::json(&stats)?;
            } else if let Some(fields) = stats.as_object() {
                output::table(
                    ["what", "count"],
                    fields.iter().map(|(what, count)| [what.replace('_', " "), count.to_string()]),
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn put(client: &Client, add: AddArguments) -> anyhow::Result<PatternView> {
    let id = PatternId::from_name(add.name.as_deref().unwrap_or_default());
    let parameters: std::collections::BTreeMap<String, String> = add.param.into_iter().collect();
    let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let body = json!({
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
    Ok(client.put(&format!("/api/v1/patterns/{id}"), &body).await?)
}

#[derive(Deserialize)]
struct Reply {
    lines: Vec<Vec<MatchView>>,
}

async fn match_file(client: &Client, as_json: bool, file: &str, settings: &Value) -> anyhow::Result<()> {
    let mut reader = lines::open(file)?;
    let mut number = 0usize;
    loop {
        let mut batch = Vec::new();
        while batch.len() < LINES
            && let Some(line) = lines::next(&mut *reader)?
        {
            batch.push(line);
        }
        if batch.is_empty() {
            return Ok(());
        }
        let mut body = settings.clone();
        body["lines"] = json!(batch);
        let reply: Reply = client.post("/api/v1/knowledge/match", &body).await?;
        for (text, matches) in batch.iter().zip(reply.lines) {
            number += 1;
            if as_json {
                output::json_line(
                    &json!({ "line": number, "matches": matches.iter().map(explained).collect::<Vec<_>>() }),
                )?;
                continue;
            }
            for found in &matches {
                output::line(format!(
                    "{number}: {} relevance {}, decision confidence {}  {text}",
                    found.pattern, found.relevance, found.decision_confidence
                ));
            }
        }
    }
}

fn explained(found: &MatchView) -> Value {
    json!({
        "pattern": found.pattern,
        "relevance": found.relevance,
        "decision_confidence": found.decision_confidence,
        "explanation": { "rule": found.rule, "rule_detail": found.rule_detail, "terms": found.terms, "notes": found.notes },
    })
}

fn list(page: &PatternPage) {
    if page.patterns.is_empty() {
        output::line("No patterns. `selfheal init` adds the starter knowledge.");
        return;
    }
    output::table(
        ["id", "confidence", "uses", "heals itself", "action", "scope"],
        page.patterns.iter().map(|pattern| {
            let scope = pattern.service.as_ref().or(pattern.project.as_ref());
            [
                pattern.id.clone(),
                format!("{:.2}", pattern.confidence.value),
                pattern.use_count.to_string(),
                if pattern.auto_healable { "yes" } else { "no" }.to_owned(),
                pattern.action.clone().unwrap_or_else(|| "-".into()),
                scope.cloned().unwrap_or_else(|| "everywhere".into()),
            ]
        }),
    );
}

fn show(pattern: &PatternView) {
    output::line(format!("{} ({})", pattern.name, pattern.id));
    for text in [&pattern.description, &pattern.root_cause].into_iter().filter(|text| !text.is_empty()) {
        output::line(format!("  {text}"));
    }
    for rule in &pattern.rule {
        output::line(format!("  Rule: {rule}"));
    }
    if !pattern.must_not.is_empty() {
        output::line(format!("  Must not: {}", pattern.must_not.join(", ")));
    }
    output::line(format!("  Action: {}", pattern.action.as_deref().unwrap_or("none: it only explains")));
    output::line(format!("  Confidence: {}", pattern.confidence.words));
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
}
