//! A matching task: a pack of patterns, lines, and which pattern each line belongs to, if any.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, bail};
use selfheal_core::Timestamp;
use selfheal_core::knowledge::{Pattern, read_pack};
use serde::Deserialize;

pub struct Task {
    pub name: String,
    pub patterns: Vec<Pattern>,
    pub lines: Vec<Line>,
}

/// Equal lines are kept once.
pub struct Line {
    pub text: String,
    pub count: f64,
    /// The pattern it belongs to; `None` for a line that no pattern knows.
    pub truth: Option<String>,
}

#[derive(Deserialize)]
struct Truth {
    line: usize,
    pattern: Option<String>,
}

impl Task {
    /// Reads `pack.yaml`, `queries.log` and `truth.jsonl` of a folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let pack = read_pack(&text("pack.yaml")?, "pack.yaml")?;
        let patterns = pack
            .patterns
            .into_iter()
            .map(|entry| entry.into_pattern("bench", Timestamp::EPOCH).map_err(anyhow::Error::msg))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let queries = text("queries.log")?;
        let queries: Vec<&str> = queries.split('\n').collect();
        let mut lines: Vec<Line> = Vec::new();
        let mut seen: HashMap<(String, Option<String>), usize> = HashMap::new();
        for record in text("truth.jsonl")?.lines() {
            let truth: Truth = serde_json::from_str(record)?;
            let Some(query) = truth.line.checked_sub(1).and_then(|at| queries.get(at)) else {
                bail!("{}: line {} of the truth is not among the queries", folder.display(), truth.line);
            };
            // Numbers tell no two lines apart: the comparison masks them.
            let masked: String = query.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            let at = *seen.entry((masked, truth.pattern.clone())).or_insert_with(|| {
                lines.push(Line { text: (*query).to_owned(), count: 0.0, truth: truth.pattern });
                lines.len() - 1
            });
            lines[at].count += 1.0;
        }
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, patterns, lines })
    }
}
