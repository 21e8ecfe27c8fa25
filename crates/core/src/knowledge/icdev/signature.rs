//! From a signature to a detection rule.

use regex::Regex;
use serde_json::{Map, Value};

use super::first_words;
use crate::knowledge::{AlertCondition, Condition, MetricCondition, Rule};

/// Conditions of one signature at most.
const CONDITIONS: usize = 100;

/// The rule of a signature: an expression, the text itself, or what the keys of a JSON text name.
pub(super) fn rule_of(signature: &str, notes: &mut Vec<String>) -> Option<Rule> {
    let signature = signature.trim();
    let mut any = Vec::new();
    match serde_json::from_str::<Value>(signature) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => conditions(&value, &mut any, notes),
        Ok(Value::String(text)) => any.extend(expression(&text, notes)),
        _ => any.extend(expression(signature, notes)),
    }
    any.dedup();
    any.truncate(CONDITIONS);
    if any.is_empty() && notes.is_empty() {
        notes.push("its signature says nothing that a rule can be made of".into());
    }
    (!any.is_empty()).then_some(Rule { any })
}

/// A text as an expression where it is one, otherwise as itself.
fn expression(text: &str, notes: &mut Vec<String>) -> Option<Condition> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let rule = Rule::regex(text);
    match rule.compile() {
        Ok(_) if Regex::new(text).is_ok_and(|regex| regex.is_match("")) => {
            notes.push(format!("its rule `{}` holds for every text and was left out", first_words(text, 40)));
            None
        }
        Ok(_) => Some(Condition::Regex(text.to_owned())),
        Err(error) => {
            notes.push(format!(
                "its signature is no usable expression ({}) and is looked for as it stands",
                error.reason
            ));
            Some(Condition::Literal(text.to_owned()))
        }
    }
}

fn conditions(value: &Value, any: &mut Vec<Condition>, notes: &mut Vec<String>) {
    match value {
        Value::String(text) => any.extend(expression(text, notes)),
        Value::Array(items) => {
            for item in items.iter().take(CONDITIONS) {
                // Lists within lists have no meaning that is known.
                if !item.is_array() {
                    conditions(item, any, notes);
                }
            }
        }
        Value::Object(map) => object(map, any, notes),
        _ => {}
    }
}

fn object(map: &Map<String, Value>, any: &mut Vec<Condition>, notes: &mut Vec<String>) {
    let mut unknown = Vec::new();
    if let Some(metric) = metric(map) {
        any.push(Condition::Metric(metric));
        return;
    }
    for (key, value) in map {
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).take(CONDITIONS).collect(),
            _ => Vec::new(),
        };
        match key.to_ascii_lowercase().as_str() {
            "regex" | "regexp" | "pattern" | "patterns" | "expression" | "signature" | "log_pattern"
            | "error_pattern" => {
                any.extend(texts.iter().filter_map(|text| expression(text, notes)));
            }
            "literal" | "contains" | "text" | "keyword" | "keywords" | "message" | "error" | "error_message" => {
                any.extend(
                    texts
                        .iter()
                        .filter(|text| !text.trim().is_empty())
                        .map(|text| Condition::Literal((*text).to_owned())),
                );
            }
            "template" => any.extend(texts.iter().map(|text| Condition::Template((*text).to_owned()))),
            "alert" | "alertname" | "alert_name" => {
                any.extend(texts.iter().filter(|text| !text.trim().is_empty()).map(|text| {
                    Condition::Alert(AlertCondition { name: (*text).to_owned(), labels: Default::default() })
                }))
            }
            _ => unknown.push(key.as_str()),
        }
    }
    if !unknown.is_empty() {
        unknown.truncate(10);
        notes.push(format!(
            "keys of its signature that mean nothing here were left out: {}",
            first_words(&unknown.join(", "), 100)
        ));
    }
}

/// `{"metric": "memory", "threshold": 90, "operator": ">"}` and its like; above where nothing says below.
fn metric(map: &Map<String, Value>) -> Option<MetricCondition> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key)?.as_str()).map(str::trim);
    let number = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let value = map.get(*key)?;
            value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
        })
    };
    let name = text(&["metric", "metric_name"]).filter(|name| !name.is_empty())?.to_owned();
    let (mut above, mut below) = (number(&["above", "min"]), number(&["below", "max"]));
    if let Some(threshold) = number(&["threshold", "value", "level"]) {
        let operator = text(&["operator", "comparison", "condition", "op"]).unwrap_or(">");
        if matches!(operator, "<" | "<=" | "lt" | "lte" | "below" | "less_than") {
            (above, below) = (None, Some(threshold));
        } else {
            (above, below) = (Some(threshold), None);
        }
    }
    (above.is_some() != below.is_some()).then(|| MetricCondition { name, labels: Default::default(), above, below })
}
