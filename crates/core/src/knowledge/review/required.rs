//! Which patterns a line can concern at all: the text that a rule cannot hold without, found in one pass over the line.

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::knowledge::{CompiledRule, Condition, OnDemand, Pattern, Warm};
use crate::matching::contains_term;

/// Shorter texts occur everywhere and rule nothing out.
const SHORTEST: usize = 3;
/// Alternatives of one rule; with more it is always asked.
const ALTERNATIVES: usize = 64;

/// The text rules of some patterns.
pub struct Rules<'a> {
    patterns: Vec<(&'a Pattern, OnDemand)>,
    /// Not all of them at once: a knowledge base's rules together are large.
    warm: Warm,
    literals: Option<AhoCorasick>,
    /// By literal, the patterns that ask for it.
    owners: Vec<Vec<usize>>,
    /// Patterns whose rule asks for no text.
    always: Vec<usize>,
}

impl<'a> Rules<'a> {
    /// A rule that does not compile holds nowhere.
    pub fn new(patterns: impl IntoIterator<Item = &'a Pattern>) -> Self {
        let patterns: Vec<(&Pattern, OnDemand)> =
            patterns.into_iter().map(|pattern| (pattern, OnDemand::default())).collect();
        let reads_text = |pattern: &Pattern| {
            let conditions = pattern.rule.iter().flat_map(|rule| &rule.any);
            conditions.into_iter().any(|one| matches!(one, Condition::Regex(_) | Condition::Literal(_)))
        };
        let mut needles: std::collections::BTreeMap<String, Vec<usize>> = std::collections::BTreeMap::new();
        let mut always = Vec::new();
        for (i, (pattern, _)) in patterns.iter().enumerate() {
            if !reads_text(pattern) {
                continue;
            }
            match required(pattern) {
                Some(texts) => texts.into_iter().for_each(|text| needles.entry(text).or_default().push(i)),
                None => always.push(i),
            }
        }
        let (texts, owners): (Vec<String>, Vec<Vec<usize>>) = needles.into_iter().unzip();
        match AhoCorasick::builder().ascii_case_insensitive(true).build(&texts) {
            Ok(literals) => Self { patterns, warm: Warm::for_a_review(), literals: Some(literals), owners, always },
            // Too many of them for one automaton: every rule is asked.
            Err(_) => Self {
                always: (0..patterns.len()).collect(),
                patterns,
                warm: Warm::for_a_review(),
                literals: None,
                owners: Vec::new(),
            },
        }
    }

    pub fn pattern(&self, index: usize) -> &'a Pattern {
        self.patterns[index].0
    }

    pub fn compiled(&self, index: usize) -> Option<Arc<CompiledRule>> {
        let (pattern, on_demand) = &self.patterns[index];
        on_demand.get(pattern.rule.as_ref()?, &self.warm)
    }

    pub const fn len(&self) -> usize {
        self.patterns.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// How specific the condition is that holds on a line; `None` where none does.
    pub fn specificity_on(&self, index: usize, line: &str) -> Option<usize> {
        self.compiled(index)?.specificity_on(line)
    }

    /// Whether a pattern's rule holds on a line and none of its words rules it out.
    pub fn holds(&self, index: usize, line: &str) -> bool {
        let pattern = self.pattern(index);
        self.compiled(index).is_some_and(|rule| rule.holds_for_text(line))
            && !pattern.must_not.iter().any(|term| contains_term(line, term))
    }

    /// The patterns that hold on a line, by index.
    pub fn holding(&self, line: &str) -> Vec<usize> {
        let mut asked = self.always.clone();
        if let Some(literals) = &self.literals {
            asked.extend(
                literals
                    .find_overlapping_iter(line)
                    .flat_map(|found| &self.owners[found.pattern().as_usize()])
                    .copied(),
            );
        }
        asked.sort_unstable();
        asked.dedup();
        asked.retain(|index| self.holds(*index, line));
        asked
    }
}

/// Texts of which one occurs in every line that the pattern's rule holds on. `None` where nothing is certain.
fn required(pattern: &Pattern) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    for condition in pattern.rule.iter().flat_map(|rule| &rule.any) {
        match condition {
            Condition::Regex(expression) => texts.extend(of_hir(&regex_syntax::parse(expression).ok()?)?),
            Condition::Literal(text) => texts.push(text.to_ascii_lowercase()),
            // These read no text.
            Condition::Template(_) | Condition::Attributes(_) | Condition::Alert(_) | Condition::Metric(_) => {}
        }
    }
    texts.sort();
    texts.dedup();
    (texts.len() <= ALTERNATIVES && texts.iter().all(|text| text.len() >= SHORTEST)).then_some(texts)
}

fn of_hir(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub),
        HirKind::Alternation(each) => {
            let mut texts = Vec::new();
            for one in each {
                texts.extend(of_hir(one)?);
            }
            (texts.len() <= ALTERNATIVES).then_some(texts)
        }
        HirKind::Literal(_) | HirKind::Class(_) => {
            exact(hir).filter(|text| text.len() >= SHORTEST).map(|text| vec![text])
        }
        HirKind::Concat(parts) => {
            // What stands side by side is one text; of several, the longest rules out most.
            let (mut best, mut run): (Option<Vec<String>>, String) = (None, String::new());
            let mut offer = |texts: Vec<String>| {
                let shortest = |texts: &[String]| texts.iter().map(String::len).min().unwrap_or(0);
                if shortest(&texts) >= SHORTEST && best.as_deref().map_or(0, shortest) < shortest(&texts) {
                    best = Some(texts);
                }
            };
            for part in parts {
                if let Some(text) = exact(part) {
                    run.push_str(&text);
                    continue;
                }
                offer(vec![std::mem::take(&mut run)]);
                if let Some(texts) = of_hir(part) {
                    offer(texts);
                }
            }
            offer(vec![run]);
            best
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) => None,
    }
}

/// The one text that a part stands for, in lowercase: a literal, or a letter in both cases.
fn exact(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(str::to_ascii_lowercase),
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = letters.next()?.to_ascii_lowercase();
            // Beside `k` and `s` in both cases there are the Kelvin sign and the long s, which no log writes.
            let same = letters.all(|c| c.to_ascii_lowercase() == first || matches!(c, '\u{212a}' | '\u{17f}'));
            (first.is_ascii_alphabetic() && same).then(|| first.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::knowledge::{PackEntry, Rule};

    fn pattern(name: &str, expression: &str) -> Pattern {
        // Set afterwards: what requires nothing could not be saved.
        let pattern = PackEntry::new(name, "because").into_pattern("test", Timestamp::EPOCH).expect("valid");
        Pattern { rule: Some(Rule::regex(expression)), ..pattern }
    }

    #[test]
    fn what_a_rule_cannot_hold_without() {
        for (expression, texts) in [
            ("out of memory", Some(&["out of memory"][..])),
            (r"(?i)Out of \w+ memory", Some(&["out of "])),
            (r"pool (exhausted|drained) after \d+", Some(&["drained", "exhausted"])),
            (r"(oom|kill)?ed process", Some(&["ed process"])),
            (r"\d+ of \d+", Some(&[" of "])),
            (r"\d+", None),
            (r"(a|b)+", None),
            ("(?i)kiss", Some(&["kiss"])),
        ] {
            let found = required(&pattern("x", expression));
            assert_eq!(
                found.as_deref(),
                texts.map(|t| t.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{expression}"
            );
        }
    }

    #[test]
    fn the_same_patterns_hold_as_when_every_one_is_asked() {
        for (file, text) in crate::knowledge::STARTER {
            let patterns = crate::knowledge::parse_pack(text, file, "starter", Timestamp::EPOCH).expect("reads");
            let rules = Rules::new(&patterns);
            for line in patterns.iter().flat_map(|p| p.examples.matches.iter().chain(&p.examples.rejects)) {
                let every: Vec<usize> = (0..rules.len()).filter(|i| rules.holds(*i, line)).collect();
                assert_eq!(rules.holding(line), every, "{line}");
            }
        }
    }
}
