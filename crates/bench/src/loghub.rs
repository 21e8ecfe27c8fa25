//! The labelled samples of loghub (https://github.com/logpai/loghub): read from a folder that a person names, for evaluation
//! only. Nothing of them is part of the product.

use std::path::Path;

use anyhow::Context;

/// One labelled line.
pub struct Line {
    pub system: String,
    /// Its number in the raw log, from 1.
    pub number: usize,
    /// The line as it stood in the log.
    pub raw: String,
    /// The line without its header.
    pub content: String,
    pub level: String,
    /// BGL's own label: `-` for a line that is no alert. Empty in the other systems.
    pub label: String,
}

impl Line {
    /// Labelled normal or informational: no pattern's rule may hold on it.
    pub fn is_normal(&self) -> bool {
        match self.system.as_str() {
            "BGL" => self.label == "-",
            "HealthApp" => true,
            "HDFS" | "Spark" => self.level == "INFO",
            "Android" => matches!(self.level.as_str(), "I" | "D" | "V"),
            _ => false,
        }
    }
}

/// All lines of all systems in a folder of `SYSTEM/SYSTEM_2k.log` and `SYSTEM/SYSTEM_2k.log_structured_corrected.csv`.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut systems: Vec<String> = std::fs::read_dir(folder)
        .with_context(|| format!("{}: expected a folder of loghub samples", folder.display()))?
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    systems.sort();
    let mut lines = Vec::new();
    for system in systems {
        let log = folder.join(&system).join(format!("{system}_2k.log"));
        let table = folder.join(&system).join(format!("{system}_2k.log_structured_corrected.csv"));
        let raw = std::fs::read(&log).with_context(|| log.display().to_string())?;
        let raw = String::from_utf8_lossy(&raw);
        let raw: Vec<&str> = raw.lines().collect();
        let mut reader = csv::Reader::from_path(&table).with_context(|| table.display().to_string())?;
        let columns = reader.headers()?.clone();
        let column = |name: &str| columns.iter().position(|column| column == name);
        let content = column("Content").with_context(|| format!("{}: no column Content", table.display()))?;
        let (level, label) = (column("Level"), column("Label"));
        for (i, row) in reader.records().enumerate() {
            let row = row.with_context(|| table.display().to_string())?;
            let field = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default().to_owned();
            lines.push(Line {
                system: system.clone(),
                number: i + 1,
                raw: raw.get(i).map(|line| (*line).to_owned()).unwrap_or_default(),
                content: field(Some(content)),
                level: field(level),
                label: field(label),
            });
        }
    }
    Ok(lines)
}
