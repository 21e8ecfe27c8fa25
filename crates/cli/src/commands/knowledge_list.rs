//! `selfheal knowledge list` and `search`.

use selfheal_api::Client;
use selfheal_api::view::{PatternPage, TextSpan};
use serde_json::Value;

use super::escaped;
use crate::args::{ListArguments, SearchArguments};
use crate::output::{self, Gives, Shape};

/// Patterns asked for at once.
const PAGE: u64 = 500;

pub async fn run(client: &Client, as_json: bool, arguments: ListArguments) -> anyhow::Result<()> {
    let mut filters = String::new();
    let mut filter = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            filters.push_str(&format!("&{name}={}", escaped(&value)));
        }
    };
    filter("family", arguments.family);
    filter("status", arguments.status.map(|status| format!("{status:?}").to_lowercase()));
    filter("service", arguments.service);
    filter("project", arguments.project);
    filter("action", arguments.action);
    filter("auto_healable", arguments.auto_healable.map(|value| value.to_string()));
    filter("q", arguments.search);
    filter("sort", arguments.sort.map(|sort| format!("{sort:?}").to_lowercase()));
    let Some(page) = pages(client, &filters, arguments.limit.unwrap_or(u64::MAX)).await? else { return Ok(()) };
    if as_json {
        output::json(&page)?
    } else {
        list(&page, filters.is_empty())
    }
    Ok(())
}

/// The ids of all patterns.
pub async fn ids(client: &Client) -> anyhow::Result<Vec<String>> {
    let page = pages(client, "", u64::MAX).await?;
    Ok(page.into_iter().flat_map(|page| page.patterns).map(|pattern| pattern.id).collect())
}

/// Pages until no more are there or wanted, as one.
async fn pages(client: &Client, filters: &str, mut left: u64) -> anyhow::Result<Option<PatternPage>> {
    let (mut cursor, mut whole): (Option<String>, Option<PatternPage>) = (None, None);
    while left > 0 {
        let after = cursor.take().map(|cursor| format!("&cursor={}", escaped(&cursor))).unwrap_or_default();
        let path = format!("/api/v1/patterns?limit={}{filters}{after}", left.min(PAGE));
        let mut page: PatternPage = client.get(&path).await?;
        left = left.saturating_sub(page.patterns.len() as u64);
        cursor = page.next.take();
        match &mut whole {
            None => whole = Some(page),
            Some(whole) => whole.patterns.append(&mut page.patterns),
        }
        if cursor.is_none() {
            break;
        }
    }
    Ok(whole)
}

fn list(page: &PatternPage, unfiltered: bool) {
    if page.patterns.is_empty() {
        output::line(if unfiltered {
            "No patterns. `selfheal init` adds the starter knowledge."
        } else {
            "No pattern is like that. `selfheal knowledge list` without filters shows all of them."
        });
        return;
    }
    output::shaped(
        ["id", "name", "family", "confidence", "uses", "heals itself", "action", "scope", "status"],
        Shape {
            // The id is what other commands are given; the name mostly says the same in other letters.
            wanted: &["confidence", "heals itself", "action", "name", "family", "uses", "status", "scope"],
            text: "name",
            gives: Gives::Cut,
        },
        page.patterns.iter().map(|pattern| {
            let scope = pattern.service.as_ref().or(pattern.project.as_ref());
            [
                pattern.id.clone(),
                pattern.name.clone(),
                if pattern.family.is_empty() { "-".into() } else { pattern.family.clone() },
                format!("{:.2}", pattern.confidence.value),
                pattern.use_count.to_string(),
                if pattern.auto_healable { "yes" } else { "no" }.to_owned(),
                pattern.action.clone().unwrap_or_else(|| "-".into()),
                scope.cloned().unwrap_or_else(|| "everywhere".into()),
                super::word(&pattern.status),
            ]
        }),
    );
    if let Some(total) = page.total.filter(|total| *total > page.patterns.len() as i64) {
        output::line(format!("{} of {total}", page.patterns.len()));
    }
}

pub async fn search(client: &Client, as_json: bool, arguments: SearchArguments) -> anyhow::Result<()> {
    let words = arguments.words.join(" ");
    let path = format!("/api/v1/knowledge/search?q={}&limit={}", escaped(&words), arguments.limit);
    let reply: Value = client.get(&path).await?;
    if as_json {
        return output::json(&reply);
    }
    let patterns = reply["patterns"].as_array().cloned().unwrap_or_default();
    if patterns.is_empty() {
        output::line(format!("No pattern speaks of `{words}`. Try other words, or fewer."));
    }
    for pattern in &patterns {
        let text = |key: &str| pattern[key].as_str().unwrap_or_default();
        let note = match text("status") {
            "active" => String::new(),
            other => format!(", {other}"),
        };
        output::line(format!(
            "{} ({}{note}): text score {:.2}",
            text("name"),
            text("pattern"),
            pattern["score"].as_f64().unwrap_or(0.0)
        ));
        for shown in pattern["texts"].as_array().into_iter().flatten().filter(|shown| shown["field"] != "name").take(3)
        {
            let spans: Vec<TextSpan> = serde_json::from_value(shown["highlights"].clone()).unwrap_or_default();
            output::marked("    ", shown["text"].as_str().unwrap_or_default(), &spans);
        }
    }
    Ok(())
}
