//! Knowledge that stands in the home's folder, and that a program brings along: taken in where the base does not have it.

use std::io::Read;
use std::path::{Path, PathBuf};

use selfheal_adapters::files::{self, Links};
use selfheal_core::audit::NewEntry;
use selfheal_core::knowledge::{IMPORT_CONFIDENCE, PACK_BYTES, Pattern, STARTER, parse_pack};
use selfheal_core::{PatternId, Timestamp};
use selfheal_store::StoreError;

use crate::App;

/// What became of the files of the home's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedKnowledge {
    pub patterns: usize,
    /// Files that could not be used, and why. The others were taken in.
    pub problems: Vec<String>,
}

impl App {
    /// Adds the patterns of the home's folder that the base does not have and that nobody removed from it. A file that is not
    /// what this program ships, byte for byte, is foreign: its patterns come in with a confidence of at most 0.60 and do
    /// not act by themselves. One that cannot be read or used is said to be a problem and left out.
    pub async fn add_knowledge(&self) -> anyhow::Result<AddedKnowledge> {
        let (now, mut added) = (self.now(), AddedKnowledge::default());
        for path in files(&self.home.knowledge()) {
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let read = read(&path).and_then(|text| patterns(&text, &path, now));
            let problem = read.as_ref().err().map(|error| format!("{file}: {error:#}"));
            self.engine.problem(&format!("knowledge file {file}"), problem.clone());
            added.problems.extend(problem);
            if let Ok(patterns) = read {
                added.patterns += self.take_in(&file, patterns, now).await?;
            }
        }
        Ok(added)
    }

    /// Adds the patterns of a pack that a host brings along and answers for, as the pack says them: those that the base does not
    /// have and that nobody removed from it. Returns how many.
    pub async fn add_shipped(&self, file: &str, text: &str) -> anyhow::Result<usize> {
        let now = self.now();
        Ok(self.take_in(file, parse_pack(text, file, "starter", now)?, now).await?)
    }

    async fn take_in(&self, file: &str, patterns: Vec<Pattern>, now: Timestamp) -> Result<usize, StoreError> {
        let ids: Vec<PatternId> = patterns.iter().map(|pattern| pattern.id.clone()).collect();
        let mut tx = self.store().write().await?;
        let removed = tx.removed_of(&ids).await?;
        let mut added = 0;
        for pattern in patterns.into_iter().filter(|pattern| !removed.contains(&pattern.id)) {
            if tx.pattern(&pattern.id).await?.is_some() {
                continue;
            }
            tx.put_pattern(&pattern).await?;
            tx.audit(NewEntry {
                at: now,
                event_type: "knowledge.added",
                actor: crate::Principal::local().name,
                incident_id: None,
                pattern_id: Some(pattern.id.clone()),
                confidence: Some(pattern.confidence),
                action: pattern.action.as_ref().map(|action| action.kind.to_string()),
                target: None,
                result: "added from a pack".into(),
                details: serde_json::json!({ "file": file, "origin": pattern.provenance.origin }),
            })
            .await?;
            added += 1;
        }
        tx.commit().await?;
        Ok(added)
    }
}

/// The packs of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"));
    files.sort();
    files
}

fn read(path: &Path) -> anyhow::Result<String> {
    let (mut text, limit) = (String::new(), PACK_BYTES);
    let read = files::open(path, Links::Follow)?.take(limit + 1).read_to_string(&mut text)?;
    anyhow::ensure!(
        read as u64 <= limit,
        "it has more than {limit} bytes; take it in with `selfheal knowledge import`"
    );
    Ok(text)
}

fn patterns(text: &str, path: &Path, now: Timestamp) -> anyhow::Result<Vec<Pattern>> {
    let shipped = STARTER.iter().any(|(_, starter)| *starter == text);
    let origin = if shipped { "starter" } else { "import" };
    let mut patterns = parse_pack(text, &path.display().to_string(), origin, now)?;
    for pattern in patterns.iter_mut().filter(|_| !shipped) {
        pattern.confidence = pattern.confidence.min(IMPORT_CONFIDENCE);
        pattern.auto_healable = false;
    }
    Ok(patterns)
}
