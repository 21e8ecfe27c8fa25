//! From a remediation to a typed action, or to words for a person.

use serde_json::{Map, Value};

use super::shortened;
use crate::knowledge::PackEntry;
use crate::{Action, ActionKind};

/// Takes over what a remediation says. Only an action of a known name becomes one; everything else stays text.
pub(super) fn apply(remedy: &str, entry: &mut PackEntry, notes: &mut Vec<String>) {
    let remedy = remedy.trim();
    let parsed = serde_json::from_str::<Value>(remedy);
    let value = match parsed {
        Ok(Value::Array(mut items)) if items.len() == 1 => items.swap_remove(0),
        Ok(value) => value,
        Err(_) => Value::String(remedy.to_owned()),
    };
    let found = match &value {
        Value::String(word) => kind_of(word).map(|kind| (kind, Map::new())),
        Value::Object(map) => {
            let named = ["action", "action_type", "type", "kind", "command", "name"]
                .iter()
                .find_map(|key| map.get(*key)?.as_str().and_then(kind_of));
            named.map(|kind| (kind, map.clone()))
        }
        _ => None,
    };
    let Some((kind, map)) = found else {
        let words = if let Value::String(text) = &value { text.clone() } else { remedy.to_owned() };
        entry.no_safe_fix = shortened(&words, "remediation", notes);
        if matches!(value, Value::Object(_) | Value::Array(_)) {
            notes.push("its remediation names no action that is known here: it is kept as text".into());
        }
        return;
    };
    let mut action = Action::new(kind);
    let inner = ["parameters", "params", "args"].iter().find_map(|key| map.get(*key)?.as_object());
    let mut left_out = Vec::new();
    for (key, value) in map.iter().chain(inner.into_iter().flatten()) {
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        let known = kind.parameters().iter().find(|spec| spec.name == key);
        match number.filter(|number| known.is_some_and(|spec| (spec.least..=spec.most).contains(number))) {
            Some(number) => {
                action.parameters.insert(key.clone(), number.to_string());
            }
            None if is_structure(key) => {}
            None => left_out.push(key.as_str()),
        }
    }
    if !left_out.is_empty() {
        left_out.truncate(10);
        notes.push(format!(
            "of its remediation was left out: {}",
            left_out.join(", ").chars().take(100).collect::<String>()
        ));
    }
    if entry.description.is_empty()
        && let Some(words) = ["description", "message", "details"].iter().find_map(|key| map.get(*key)?.as_str())
    {
        entry.description = shortened(words, "description", notes);
    }
    entry.action = Some(action);
}

/// Keys that hold the rest, or that the inventory answers here: a pattern never names its target.
fn is_structure(key: &str) -> bool {
    matches!(
        key,
        "action"
            | "action_type"
            | "type"
            | "kind"
            | "command"
            | "name"
            | "parameters"
            | "params"
            | "args"
            | "description"
            | "message"
            | "details"
    )
}

/// The action that a name certainly means. Commands and calls are never taken over: what they run is another's.
fn kind_of(name: &str) -> Option<ActionKind> {
    let name = name.trim().to_ascii_lowercase().replace([' ', '-', '.'], "_");
    Some(match name.as_str() {
        "restart" | "restart_service" | "service_restart" | "restart_process" | "restart_pod" | "restart_container"
        | "restart_worker" => ActionKind::ServiceRestart,
        "scale" | "scale_up" | "scale_out" | "scale_service" | "infrastructure_scale" | "scale_infrastructure" => {
            ActionKind::InfrastructureScale
        }
        "clear_cache" | "cache_clear" | "flush_cache" | "cache_flush" | "purge_cache" | "cache_purge" => {
            ActionKind::CacheClear
        }
        "rollback" | "roll_back" | "rollback_deployment" | "deployment_rollback" | "revert_deployment" => {
            ActionKind::DeploymentRollback
        }
        "config_apply" | "apply_config" | "update_config" | "config_update" | "config_fix" => ActionKind::ConfigApply,
        "dependency_update" | "update_dependency" | "update_dependencies" | "upgrade_dependency" => {
            ActionKind::DependencyUpdate
        }
        "failover" | "database_failover" | "failover_database" | "db_failover" => ActionKind::DatabaseFailover,
        "ci_rerun" | "rerun" | "rerun_job" | "rerun_pipeline" | "retry_build" | "retry_pipeline" => ActionKind::CiRerun,
        _ => return None,
    })
}
