//! From YAML text to a checked configuration: syntax, shape and meaning, every error at once, each with its place.
//!
//! The order is `tree` (syntax, keys that stand twice), `shape` (types, ranges, formats, unknown keys: the JSON Schema),
//! `check` (what one part says of another). Only an error of the syntax hides the others.

use std::sync::LazyLock;

use serde_json::Value;
use serde_yaml::Location;

use super::Config;
use super::error::{ConfigError, ConfigErrors, Excerpt};
use super::shape::Shape;
use super::tree::{self, Fault, Place};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(schemars::schema_for!(Config)).unwrap_or_default());

/// Reads a configuration. `file` is the name used in errors.
pub fn parse(text: &str, file: &str) -> Result<Config, ConfigErrors> {
    let mut faults = Vec::new();
    let config = read(text, &mut faults);
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(located(text, file, faults)),
    }
}

/// The same for a file as it was read: it has to be text.
pub fn parse_bytes(bytes: &[u8], file: &str) -> Result<Config, ConfigErrors> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text, file),
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
            let line = good.matches('\n').count() + 1;
            let column = good.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let message = if wide {
                "the file is written in UTF-16; expected UTF-8; save it as UTF-8"
            } else {
                "a byte here is no text; expected UTF-8; save the file as UTF-8, or look what was written into it"
            };
            Err(located(&good, file, vec![(Place { line, column, width: 1 }, message.to_owned())]))
        }
    }
}

fn read(text: &str, faults: &mut Vec<Fault>) -> Option<Config> {
    let tree = match tree::read(text, faults) {
        Ok(tree) => tree,
        Err(fault) => {
            // What was collected before stands above it and may be a consequence: the syntax comes first.
            faults.clear();
            faults.push(fault);
            return None;
        }
    };
    // A file of comments only says nothing, which every section's defaults satisfy.
    let Some(tree) = tree.filter(|tree| !tree.is_null()) else { return Some(Config::default()) };
    let mut shape = Shape::new(&SCHEMA, faults);
    let value = shape.value(&tree, &SCHEMA, "the file")?;
    let partial = shape.partial;
    match serde_json::from_value::<Config>(value) {
        Ok(config) => {
            if !partial {
                super::check::check(&config, &tree, faults);
            }
            Some(config)
        }
        Err(_) if !faults.is_empty() => None,
        // The schema took what the types do not: a mistake of ours, and still no reason to take the file.
        Err(error) => {
            faults.push((Place::default(), format!("the file cannot be read: {error}")));
            None
        }
    }
}

fn located(text: &str, file: &str, mut faults: Vec<Fault>) -> ConfigErrors {
    faults.sort();
    faults.dedup();
    let lines: Vec<&str> = text.lines().collect();
    let error = |(place, message): Fault| ConfigError {
        file: file.to_owned(),
        line: place.line as u64,
        column: place.column as u64,
        message,
        excerpt: place
            .line
            .checked_sub(1)
            .and_then(|index| lines.get(index))
            .map(|line| Excerpt { text: (*line).to_owned(), width: place.width }),
    };
    ConfigErrors(faults.into_iter().map(error).collect())
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
        // Where the syntax is broken, our own words say what to do.
        if let Some((place, message)) = tree::broken(text) {
            let (line, column) = (place.line as u64, place.column as u64);
            return ConfigError { file: file.to_owned(), line, column, message, excerpt: None };
        }
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let (line, column) = (place.line(), place.column());
        let rendered = error.without_snippet().render();
        let message = rendered.replace(&format!(" at line {line}, column {column}"), "");
        let message = in_words(message, word_at(text, line, column));
        ConfigError { file: file.to_owned(), line, column, message, excerpt: None }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_all_defaults() {
        for text in ["", "# nothing yet\n", "{}", "---\n"] {
            assert_eq!(parse(text, "x").expect("parses"), Config::default());
        }
    }

    #[test]
    fn the_shipped_file_states_exactly_the_defaults() {
        assert_eq!(parse(super::super::SHIPPED, "shipped").expect("parses"), Config::default());
    }
}
