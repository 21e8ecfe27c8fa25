//! Patterns from an existing ICDEV database: rows of its `knowledge_patterns`, in either generation of its columns.
//!
//! What a row says is taken where its meaning is certain, and otherwise left out and told. Nothing that comes from there may
//! act by itself, and what happened there is provenance, never an outcome of ours.

mod remedy;
mod signature;
mod value;

use std::collections::{HashMap, HashSet};

use super::limits::{FIELD_CHARACTERS, NAME_CHARACTERS};
use super::{PackEntry, Source, starter::FAMILIES};
use crate::{BasisPoints, PatternId};

pub use value::ForeignValue;

/// One row, by its columns' names. Columns that are missing are simply not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForeignRow {
    /// Its place in the table, from 1, for rows without an id.
    pub number: u64,
    pub values: HashMap<String, ForeignValue>,
}

/// What was made of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignEntry {
    /// The row's own id, or its number.
    pub row: String,
    /// The pattern, or why there is none.
    pub entry: Result<PackEntry, String>,
    /// What was changed or left out on the way.
    pub notes: Vec<String>,
    /// The row claimed more trust than imported knowledge gets.
    pub lowered: bool,
}

/// What a pattern is trusted whose row says nothing usable.
const UNSTATED: BasisPoints = BasisPoints::saturating(5_000);

/// Makes entries of rows, with names that are unique among them.
pub fn entries_of(rows: &[ForeignRow]) -> Vec<ForeignEntry> {
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for row in rows {
        if row.text("name").is_none()
            && let Some(kind) = row.text("pattern_type")
        {
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let mut taken = HashSet::new();
    rows.iter().map(|row| entry_of(row, &kinds, &mut taken)).collect()
}

fn entry_of(row: &ForeignRow, kinds: &HashMap<String, usize>, taken: &mut HashSet<PatternId>) -> ForeignEntry {
    let (id, mut notes) = (row.id(), Vec::new());
    let description = row.long("description", &mut notes);
    let signature = row.first(&["pattern_signature", "detection_rule"]);
    let refused =
        |why: &str, notes| ForeignEntry { row: id.clone(), entry: Err(why.to_owned()), notes, lowered: false };
    if row.text("name").is_none() && row.text("pattern_type").is_none() && description.is_empty() && signature.is_none()
    {
        return refused("the row has neither a name nor a type, description or signature", notes);
    }
    let name = name_of(row, &id, &description, signature.as_deref(), kinds, taken, &mut notes);
    let mut entry = PackEntry::new(name, row.long("root_cause", &mut notes));
    entry.description = description;
    let family = row.text("pattern_type").map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
    if FAMILIES.contains(&family.as_str()) {
        entry.family = family;
    }
    if let Some(signature) = &signature {
        entry.rule = signature::rule_of(signature, &mut notes);
    }
    if let Some(remedy) = row.first(&["remediation", "solution"]) {
        remedy::apply(&remedy, &mut entry, &mut notes);
    }
    let stated = row.confidence(&mut notes);
    let claims = row.values.get("auto_healable").is_some_and(ForeignValue::is_true);
    if claims {
        notes.push("it was auto-healable there and is not here, until you say so".into());
    }
    entry.confidence = stated.unwrap_or(UNSTATED);
    let lowered = claims | super::lower_trust(&mut entry);
    if stated.is_some_and(|stated| stated > entry.confidence) {
        notes.push(format!("its confidence was lowered to {}", entry.confidence));
    }
    entry.sources = vec![Source { name: row.provenance(&id), url: None, licence: None }];
    if let Some(problem) = entry.problems().first() {
        // Whatever is wrong then is wrong with the rule: everything else is ours.
        if entry.rule.take().is_some() && entry.problems().is_empty() {
            notes.push(format!("its rule was left out: {problem}"));
        } else {
            return refused(&problem.why, notes);
        }
    }
    ForeignEntry { row: id, entry: Ok(entry), notes, lowered }
}

/// A name that a person recognises and no other row has.
fn name_of(
    row: &ForeignRow,
    id: &str,
    description: &str,
    signature: Option<&str>,
    kinds: &HashMap<String, usize>,
    taken: &mut HashSet<PatternId>,
    notes: &mut Vec<String>,
) -> String {
    let kind = row.text("pattern_type");
    let spoken = kind.as_deref().map(spoken);
    let says: &str = if description.is_empty() { signature.unwrap_or_default() } else { description };
    let says = first_words(says, 60);
    let base = match (row.text("name"), spoken) {
        (Some(name), _) => name,
        (None, Some(spoken)) => match kind.and_then(|kind| kinds.get(&kind)) {
            Some(count) if *count > 1 && !says.is_empty() => format!("{spoken}: {says}"),
            _ => spoken,
        },
        (None, None) => says,
    };
    let base: String = base.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = crate::cleaned_name(&base);
    if clean != crate::normal_name(&base).chars().take(crate::LONGEST_NAME).collect::<String>().trim_end() {
        notes.push("characters that cannot be seen were taken out of its name".into());
    }
    let base = clean;
    let short: String = base.chars().take(NAME_CHARACTERS - 40).collect();
    let base = if short.len() < base.len() { format!("{}…", short.trim_end()) } else { base };
    let is_free = |name: &str, taken: &HashSet<PatternId>| {
        let slug = PatternId::from_name(name);
        !slug.as_str().is_empty() && !taken.contains(&slug)
    };
    let mut name = base.clone();
    if !is_free(&name, taken) {
        name = format!("{base} (row {id})").trim_start().to_owned();
        notes.push("its name was made unique".into());
    }
    let mut again = 2;
    while !is_free(&name, taken) {
        name = format!("{} (row {} of the table, {again})", base.chars().take(80).collect::<String>(), row.number);
        again += 1;
    }
    taken.insert(PatternId::from_name(&name));
    name
}

/// `memory_leak` as people say it: `Memory leak`.
fn spoken(kind: &str) -> String {
    let words = kind.replace(['_', '-'], " ");
    let mut characters = words.trim().chars();
    characters.next().map(|first| first.to_uppercase().collect::<String>() + characters.as_str()).unwrap_or_default()
}

/// The first sentence or line, in at most so many characters, at a word's end.
fn first_words(text: &str, most: usize) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let sentence = line.split(". ").next().unwrap_or_default().trim_end_matches('.');
    if sentence.chars().count() <= most {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(most).collect();
    cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole).to_owned()
}

impl ForeignRow {
    /// A column as text; `None` where it is missing, null or blank.
    fn text(&self, column: &str) -> Option<String> {
        self.values.get(column).and_then(ForeignValue::as_text).filter(|text| !text.trim().is_empty())
    }

    fn first(&self, columns: &[&str]) -> Option<String> {
        columns.iter().find_map(|column| self.text(column))
    }

    /// A text for reading, shortened where it is longer than a field may be.
    fn long(&self, column: &str, notes: &mut Vec<String>) -> String {
        shortened(&self.text(column).unwrap_or_default(), column, notes)
    }

    fn id(&self) -> String {
        let own = self.text("id").filter(|id| id.len() <= 100);
        own.unwrap_or_else(|| self.number.to_string())
    }

    fn confidence(&self, notes: &mut Vec<String>) -> Option<BasisPoints> {
        let value = self.values.get("confidence")?;
        let read = value.as_share();
        if read.is_none() && !matches!(value, ForeignValue::Null) {
            notes.push(format!(
                "its confidence `{}` is no number from 0 to 1 or 0 to 100: {UNSTATED} was taken",
                first_words(&value.as_text().unwrap_or_default(), 40)
            ));
        }
        read
    }

    /// Where it comes from, and what happened there.
    fn provenance(&self, id: &str) -> String {
        let mut said = Vec::new();
        for (columns, words) in [
            (["occurrence_count", "use_count"], "seen"),
            (["last_occurrence", "last_seen"], "last"),
            (["confidence", ""], "confidence there"),
        ] {
            if let Some(value) = self.first(&columns) {
                let value = first_words(&value, 40);
                said.push(if words == "seen" {
                    format!("seen {value} {}", if value == "1" { "time" } else { "times" })
                } else {
                    format!("{words} {value}")
                });
            }
        }
        let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
        format!("ICDEV, knowledge_patterns row {id}{said}")
    }
}

fn shortened(text: &str, what: &str, notes: &mut Vec<String>) -> String {
    let text = text.trim();
    if text.chars().count() <= FIELD_CHARACTERS {
        return text.to_owned();
    }
    notes.push(format!("its {what} was shortened to {FIELD_CHARACTERS} characters"));
    text.chars().take(FIELD_CHARACTERS - 1).collect::<String>() + "…"
}

#[cfg(test)]
mod tests;
