//! From YAML text to a checked configuration, with errors that say where and what was expected.

use std::collections::BTreeSet;
use std::fmt;

use serde_yaml::Location;

use super::{CheckKind, Config, HttpCheck};
use crate::TargetSpec;

/// What is wrong with a configuration. `line` and `column` start at 1; 0 where the place is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

/// Reads a configuration. `file` is the name used in errors.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigError> {
    let config: Config = read_yaml(text, file)?;
    check(&config).map_err(|(needle, message)| {
        let (line, column) = find(text, &needle);
        ConfigError { file: file.to_owned(), line, column, message }
    })?;
    Ok(config)
}

/// Reads any YAML document of the product with located errors.
pub(crate) fn read_yaml<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T, ConfigError> {
    read_with(text, file, serde_yaml::Options::default())
}

/// Reads YAML that strangers wrote: at most so many nodes, so deep, and no anchors and aliases, which can make much of little.
pub(crate) fn read_yaml_within<T: serde::de::DeserializeOwned>(
    text: &str,
    file: &str,
    nodes: usize,
    depth: usize,
) -> Result<T, ConfigError> {
    let budget = serde_yaml::budget! { max_nodes: nodes, max_depth: depth, max_aliases: 0, max_documents: 1 };
    read_with(text, file, serde_yaml::options! { budget: budget })
}

fn read_with<T: serde::de::DeserializeOwned>(
    text: &str,
    file: &str,
    options: serde_yaml::Options,
) -> Result<T, ConfigError> {
    // A file of comments only is an empty document, which every section's defaults satisfy.
    let blank = text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    serde_yaml::from_str_with_options(if blank { "{}" } else { text }, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let (line, column) = (place.line(), place.column());
        let rendered = error.without_snippet().render();
        let message = rendered.replace(&format!(" at line {line}, column {column}"), "");
        let message = in_words(message, word_at(text, line, column));
        ConfigError { file: file.to_owned(), line, column, message }
    })
}

/// The parser names Rust's types; people want to know what to write instead.
fn in_words(message: String, found: &str) -> String {
    match message.as_str() {
        "invalid u16" | "invalid u32" | "invalid u64" => {
            format!("expected a whole number of at least 0, found `{found}`")
        }
        "invalid f64" => format!("expected a number, found `{found}`"),
        "invalid boolean" | "invalid bool" => format!("expected true or false, found `{found}`"),
        _ => message,
    }
}

/// The scalar that starts at a place (line and column from 1).
fn word_at(text: &str, line: u64, column: u64) -> &str {
    let line = text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
    let start = line.char_indices().nth((column as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    line[start..].split([' ', ',', ']', '}', '#']).next().unwrap_or_default()
}

/// What the types cannot say. Returns the text to point at, and what is wrong.
fn check(config: &Config) -> Result<(), (String, String)> {
    let healing = &config.self_healing;
    if healing.suggest_fix_threshold > healing.auto_heal_confidence_threshold {
        return Err((
            "suggest_fix_threshold".into(),
            format!(
                "suggest_fix_threshold ({}) is above auto_heal_confidence_threshold ({}): expected at most that",
                healing.suggest_fix_threshold, healing.auto_heal_confidence_threshold
            ),
        ));
    }
    if config.verification.interval_seconds == 0 {
        return Err(("interval_seconds".into(), "verification.interval_seconds is 0: expected at least 1".into()));
    }
    for window in &config.maintenance {
        if let Some(problem) = window.problem() {
            return Err((format!("name: {}", window.name), problem));
        }
        if let Some(unknown) = window.services.iter().find(|name| config.service(name).is_none()) {
            return Err((
                unknown.as_str().to_owned(),
                format!("maintenance window `{}`: `{unknown}` is not listed under `services`", window.name),
            ));
        }
    }
    let mut names = BTreeSet::new();
    for service in &config.services {
        let name = &service.name;
        if name.as_str().trim().is_empty() {
            return Err(("name:".into(), "a service has an empty name".into()));
        }
        // Text that nobody said whom it speaks for must not speak for anything that is managed.
        if name.as_str() == crate::UNKNOWN_SERVICE {
            return Err((
                format!("name: {name}"),
                format!("`{name}` is what a service is called that nobody named: give this one another name"),
            ));
        }
        if !names.insert(name) {
            return Err((format!("name: {name}"), format!("service `{name}` stands twice: expected each name once")));
        }
        if service.managed && service.target.is_none() {
            return Err((
                format!("name: {name}"),
                format!("service `{name}` is managed but has no target: add `target:` or set `managed: false`"),
            ));
        }
        if let Some(TargetSpec::Process { start, .. }) = &service.target
            && start.is_empty()
        {
            return Err((
                "start:".into(),
                format!("service `{name}`: `start` is empty: expected the program and its arguments as a list"),
            ));
        }
        if let Some(TargetSpec::Supervisord { server, .. }) = &service.target
            && has_credentials(server)
        {
            return Err((
                "server:".into(),
                format!(
                    "service `{name}`: the server's address carries a name or password: use `username` and `password_env`"
                ),
            ));
        }
        for check in &service.health_checks {
            let Some(CheckKind::Http(HttpCheck { url, .. })) = check.kind() else {
                return Err((
                    format!("name: {}", check.name),
                    format!("health check `{}` of `{name}` says nothing to check: expected `http:`", check.name),
                ));
            };
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err((
                    url.clone(),
                    format!("`{url}`: expected an address that starts with http:// or https://"),
                ));
            }
            if has_credentials(url) {
                return Err((
                    format!("name: {}", check.name),
                    format!(
                        "health check `{}` of `{name}`: its address carries a name or password, which would be shown and stored. Use an address that needs none",
                        check.name
                    ),
                ));
            }
            if check.interval_seconds == 0 || check.timeout_seconds == 0 {
                return Err((
                    format!("name: {}", check.name),
                    format!(
                        "health check `{}` of `{name}`: interval and timeout must be at least 1 second",
                        check.name
                    ),
                ));
            }
        }
    }
    for service in &config.services {
        if let Some(unknown) = service.depends_on.iter().find(|other| !names.contains(other)) {
            return Err((
                unknown.as_str().to_owned(),
                format!("service `{}` depends on `{unknown}`, which is not listed under `services`", service.name),
            ));
        }
    }
    let mut sources = BTreeSet::new();
    for source in &config.sources {
        if source.kind().is_none() {
            return Err((
                format!("name: {}", source.name),
                format!("source `{}` says nothing to read: expected `file:`", source.name),
            ));
        }
        if !sources.insert(&source.name) {
            return Err((
                format!("name: {}", source.name),
                format!("source `{}` stands twice: expected each name once", source.name),
            ));
        }
    }
    for url in &config.server.public_urls {
        let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let is_bare = |host: &str| {
            !host.trim_end_matches('/').is_empty() && !host.trim_end_matches('/').contains(['/', '?', '#', ' ', '*'])
        };
        if has_credentials(url) || !host.is_some_and(is_bare) {
            return Err((
                url.clone(),
                format!(
                    "public_urls: `{url}`: expected an address such as https://selfheal.example.org, without a path"
                ),
            ));
        }
    }
    super::check_notifications::check(&config.notifications)
}

/// Whether an address has a part before an `@` in its host: plans, audit and errors show addresses.
pub(super) fn has_credentials(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@'))
}

/// Line and column of the last place where `needle` stands (a duplicate is the later one), or 0.
fn find(text: &str, needle: &str) -> (u64, u64) {
    text.rfind(needle).map_or((0, 0), |at| {
        let line = text[..at].matches('\n').count() as u64 + 1;
        let column = text[..at].chars().rev().take_while(|c| *c != '\n').count() as u64 + 1;
        (line, column)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, "monitoring_config.yaml").expect_err("must be refused").to_string()
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        for text in ["", "# nothing yet\n", "{}"] {
            assert_eq!(parse(text, "x").expect("parses"), Config::default());
        }
    }

    #[test]
    fn the_shipped_file_states_exactly_the_defaults() {
        assert_eq!(parse(super::super::SHIPPED, "shipped").expect("parses"), Config::default());
    }

    #[test]
    fn errors_name_file_line_column_and_what_was_expected() {
        for (text, place, expected) in [
            ("self_healing:\n  enabeld: true\n", "monitoring_config.yaml:2:3: ", "enabeld"),
            ("self_healing:\n  enabled: maybe\n", "monitoring_config.yaml:2:12: ", "true or false, found `maybe`"),
            ("self_healing:\n  auto_heal_confidence_threshold: 1.5\n", "monitoring_config.yaml:2:", "from 0 to 1"),
            (
                "self_healing:\n  max_actions_per_hour: lots\n",
                "monitoring_config.yaml:2:25: ",
                "a whole number of at least 0, found `lots`",
            ),
            (
                "self_healing:\n  require_approval_for: [service.destroy]\n",
                "monitoring_config.yaml:2:",
                "service.restart",
            ),
            ("self_healing:\n  suggest_fix_threshold: 0.8\n", "monitoring_config.yaml:2:3: ", "expected at most"),
            ("services:\n  - name: a\n  - name: a\n", "monitoring_config.yaml:3:5: ", "stands twice"),
            ("services:\n  - name: unknown\n", "monitoring_config.yaml:2:5: ", "another name"),
            ("services:\n  - name: a\n    managed: true\n", "monitoring_config.yaml:2:5: ", "no target"),
            ("services:\n  - name: a\n    depends_on: [b]\n", "monitoring_config.yaml:3:18: ", "not listed"),
            (
                "services:\n  - name: a\n    health_checks: [{ name: h, http: { url: \"http://u:p@x/\" } }]\n",
                "monitoring_config.yaml:3:",
                "carries a name or password",
            ),
            (
                "server:\n  public_urls: [\"selfheal.example\"]\n",
                "monitoring_config.yaml:2:18: ",
                "expected an address such as",
            ),
            (
                "server:\n  public_urls: [\"https://*.example\"]\n",
                "monitoring_config.yaml:2:",
                "expected an address such as",
            ),
            (
                "maintenance:\n  - name: nightly\n    cron: \"0 2 * *\"\n    minutes: 60\n",
                "monitoring_config.yaml:2:5: ",
                "minute, hour",
            ),
            (
                "maintenance:\n  - { name: w, services: [db], cron: \"0 2 * * *\", minutes: 60 }\n",
                "monitoring_config.yaml:2:",
                "not listed under `services`",
            ),
            ("services: [\n", "monitoring_config.yaml:", ""),
            ("\tself_healing: 1\n", "monitoring_config.yaml:1:", ""),
        ] {
            let error = error(text);
            assert!(error.starts_with(place), "{text:?} gave {error}");
            assert!(error.contains(expected), "{text:?} gave {error}");
        }
    }
}
