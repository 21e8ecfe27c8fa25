//! The knowledge base in memory: patterns found by their rules and by their text, and every edit seen by the next query.

mod entry;
mod stored;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::flat::Interner;
use super::index::{FieldSpec, Index, Terms};
use super::relevance::{Features, LineText, Model, PatternText};
use super::rules::RuleSet;
use super::settle::settle;
use super::snapshot::Bodies;
use super::tokens::masked_form;
use super::{Explanation, MustNotText, PatternMatch, RuleOutcome, TermScore, tokenise, words};
use crate::knowledge::{CompiledRule, Pattern, PatternStatus, RuleHit, Warm};
use crate::{BasisPoints, NewSignal, PatternId, ProjectName, ServiceName};
use entry::{Entry, Scope};
pub(super) use stored::dialect;

/// Matches below this are not worth showing.
const FLOOR: BasisPoints = BasisPoints::saturating(100);
/// Signals of an incident that are compared word by word; they differ in their template.
const SIGNALS: usize = 50;
/// How many patterns are looked at because of their text, beside those whose rule holds.
const BY_TEXT: usize = 16;

/// What of a pattern is searched, and how much a word there weighs.
pub const FIELDS: &[FieldSpec] = &[
    FieldSpec { name: "name", weight: 3.0 },
    FieldSpec { name: "description", weight: 1.5 },
    FieldSpec { name: "root_cause", weight: 1.0 },
    FieldSpec { name: "example", weight: 2.0 },
];

/// The field that says why, not how it looks: it is searched, but not compared.
const ROOT_CAUSE: u8 = 2;
const NAME: u8 = 0;
/// A name of so many words says how a failure looks; a shorter one may be an identifier.
const PHRASE: usize = 3;

/// The active patterns of the store, by id, by rule and by text.
#[derive(Clone, Debug)]
pub struct KnowledgeBase {
    index: Index,
    rules: RuleSet,
    /// Of projects and services.
    names: Interner,
    /// By a number that stays a pattern's until it is replaced or removed; the rules' numbers are these.
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// The entry of each of the index's slots.
    by_slot: Vec<u32>,
    /// Where patterns are read that are still in a snapshot.
    bodies: Option<Arc<dyn Bodies>>,
    /// One of these could not be read.
    unreadable: Arc<AtomicBool>,
    /// The compiled rules that were used lately; shared by bases that were made of one another.
    warm: Arc<Warm>,
}

/// What is asked: the signals of one incident, and where they were seen.
pub struct Query<'a> {
    pub project: &'a ProjectName,
    pub service: &'a ServiceName,
    pub signals: &'a [NewSignal],
}

pub(super) struct Candidate {
    pub pattern: Arc<Pattern>,
    /// Of the condition that holds; 0 where none does.
    pub literal_characters: usize,
    pub rule: RuleOutcome,
    pub terms: Vec<TermScore>,
    /// None where no word of the pattern occurs.
    pub features: Option<Features>,
    pub relevance: BasisPoints,
    pub explanation: Explanation,
}

impl Default for KnowledgeBase {
    fn default() -> Self {
        Self {
            index: Index::new(FIELDS),
            rules: RuleSet::default(),
            names: Interner::default(),
            entries: Vec::new(),
            free: Vec::new(),
            by_slot: Vec::new(),
            bodies: None,
            unreadable: Arc::default(),
            warm: Arc::default(),
        }
    }
}

impl KnowledgeBase {
    /// Takes the active patterns. A pattern whose rule cannot be used is left out and named.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> (Self, Vec<String>) {
        let mut base = Self::default();
        let mut problems = Vec::new();
        // Of the same id the last counts.
        let mut added: BTreeMap<PatternId, u32> = BTreeMap::new();
        for pattern in patterns.into_iter().filter(|pattern| pattern.status == PatternStatus::Active) {
            if let Some(number) = added.remove(&pattern.id) {
                base.forget(number);
            }
            let id = pattern.id.clone();
            match base.remember(pattern) {
                Ok(number) => drop(added.insert(id, number)),
                Err(problem) => problems.push(problem),
            }
        }
        let KnowledgeBase { index, entries, .. } = &mut base;
        let documents = added.values().filter_map(|number| {
            let pattern = entries[*number as usize].as_ref()?.pattern.get()?;
            Some((pattern.id.as_str(), fields(pattern)))
        });
        if let Err(full) = index.extend(documents) {
            problems.push(full.to_string());
        }
        for (id, number) in &added {
            match base.index.slot(id.as_str()) {
                Some(slot) => base.place(*number, slot),
                None => base.forget(*number),
            }
        }
        (base, problems)
    }

    pub const fn len(&self) -> usize {
        self.index.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub fn pattern(&self, id: &PatternId) -> Option<&Arc<Pattern>> {
        self.read(self.entry(self.index.slot(id.as_str())?)?)
    }

    /// A pattern could not be read from the snapshot: what this base says lacks it. Make it anew from the store.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn read<'a>(&self, entry: &'a Entry) -> Option<&'a Arc<Pattern>> {
        let read = entry.pattern(self.bodies.as_deref());
        if read.is_err() {
            self.unreadable.store(true, Ordering::Relaxed);
        }
        read.ok()
    }

    /// Adds a pattern, or puts it in the place of the one of the same id; one that is not active is taken out. The next
    /// query sees it. Fails where its rule cannot be used; the one of the same id is gone then as well.
    pub fn insert(&mut self, pattern: Pattern) -> Result<(), String> {
        if pattern.status != PatternStatus::Active {
            self.remove(&pattern.id);
            return Ok(());
        }
        if let Some(slot) = self.index.slot(pattern.id.as_str()) {
            let number = self.by_slot[slot as usize];
            let before = self.entries[number as usize].as_ref().and_then(|entry| self.read(entry));
            // What it is found by is the same: outcomes change patterns often.
            let found_the_same = before.is_some_and(|before| same_match(before, &pattern));
            if found_the_same && let Some(entry) = &mut self.entries[number as usize] {
                entry.scope = Scope::of(&pattern.scope, &mut self.names);
                (entry.stored, entry.pattern) = (None, Arc::new(pattern).into());
                return Ok(());
            }
            self.forget(number);
        }
        let id = pattern.id.clone();
        let number = match self.remember(pattern) {
            Ok(number) => number,
            Err(problem) => {
                self.index.remove(id.as_str());
                return Err(problem);
            }
        };
        let Some(pattern) = self.entries[number as usize].as_ref().and_then(|entry| entry.pattern.get().cloned())
        else {
            return Ok(());
        };
        match self.index.insert(id.as_str(), fields(&pattern)) {
            Ok(slot) => self.place(number, slot),
            Err(full) => {
                self.forget(number);
                return Err(full.to_string());
            }
        }
        self.tidy();
        Ok(())
    }

    /// Takes a pattern out. Whether it was there.
    pub fn remove(&mut self, id: &PatternId) -> bool {
        let Some(slot) = self.index.slot(id.as_str()) else { return false };
        self.forget(self.by_slot[slot as usize]);
        self.index.remove(id.as_str());
        self.tidy();
        true
    }

    /// The patterns whose text fits best, best first, by BM25 alone, wherever they hold.
    pub fn search<T: AsRef<str>>(&self, terms: impl IntoIterator<Item = T>, top: usize) -> Vec<(&Arc<Pattern>, f64)> {
        let hits = self.index.top(&self.index.terms(terms), top, |_| true);
        hits.into_iter().filter_map(|hit| Some((self.read(self.entry(hit.slot)?)?, hit.score))).collect()
    }

    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The best patterns, best first: by relevance, then specificity, then text, then the more careful and the less trusted
    /// one, then id, so that order is total. Looked at are the patterns whose rule holds, and of the others in scope those
    /// whose text fits best.
    pub fn rank(&self, query: &Query<'_>, top: usize) -> Vec<PatternMatch> {
        self.rank_with(query, top, None)
    }

    /// The best patterns as [`Self::rank`] gives them, where one more is looked at whatever its text is worth; it
    /// comes last where it is not among them.
    pub fn rank_with(&self, query: &Query<'_>, top: usize, also: Option<&PatternId>) -> Vec<PatternMatch> {
        let text: String = query.signals.iter().flat_map(|signal| [signal.text.as_str(), "\n"]).collect();
        let terms = self.index.terms(tokenise(&text));
        let lines = self.lines(query.signals);
        let mut hits = self.holding(query);
        let place = self.asked_at(query);
        let in_scope = |slot: u32| self.entry(slot).is_some_and(|entry| entry.scope.holds(place));
        let by_text = self.index.top(&terms, BY_TEXT.max(top), in_scope);
        let mut slots: Vec<u32> = by_text.iter().map(|hit| hit.slot).collect();
        slots.extend(hits.keys().filter_map(|number| Some(self.entries[*number as usize].as_ref()?.slot)));
        slots.extend(also.and_then(|id| self.index.slot(id.as_str())).filter(|slot| in_scope(*slot)));
        slots.sort_unstable();
        slots.dedup();
        let read = OnceCell::new();
        let must_not = || read.get_or_init(|| MustNotText::new(&text));
        let mut candidates: Vec<Candidate> = slots
            .into_iter()
            .filter_map(|slot| {
                let hit = hits.remove(self.by_slot.get(slot as usize)?);
                Some(self.candidate(slot, hit, &terms, &must_not, &lines))
            })
            .flatten()
            .collect();
        let winners = settle(&mut candidates, Model::shipped());
        candidates.retain(|candidate| candidate.relevance >= FLOOR);
        candidates.sort_by(|a, b| {
            (b.relevance, b.pattern.scope.specificity(), b.literal_characters)
                .cmp(&(a.relevance, a.pattern.scope.specificity(), a.literal_characters))
                .then_with(|| b.explanation.log_odds.total_cmp(&a.explanation.log_odds))
                .then_with(|| b.pattern.caution().cmp(&a.pattern.caution()))
                .then_with(|| a.pattern.confidence.cmp(&b.pattern.confidence))
                .then_with(|| a.pattern.id.cmp(&b.pattern.id))
        });
        let place = also.and_then(|id| candidates.iter().position(|one| one.pattern.id == *id));
        if let Some(asked) = place.filter(|place| *place >= top) {
            candidates.swap(top, asked);
            candidates.truncate(top + 1);
        } else {
            candidates.truncate(top);
        }
        candidates
            .into_iter()
            .map(|candidate| PatternMatch {
                pattern: candidate.pattern.id.clone(),
                name: candidate.pattern.name.clone(),
                relevance: candidate.relevance,
                pattern_confidence: candidate.pattern.confidence,
                outcomes: candidate.pattern.attempts,
                decision_confidence: candidate.relevance.times(candidate.pattern.confidence),
                rule: candidate.rule,
                terms: candidate.terms,
                competitors: Vec::new(),
                same_fix: Vec::new(),
                evidence: super::Evidence::default(),
                explanation: candidate.explanation,
                items: Vec::new(),
            })
            .map(|found| self.beside(found, &winners))
            .collect()
    }

    /// Names the other winners beside one of them: those that compete with it, and those that have the same fix, of which
    /// the lowest confidence counts.
    fn beside(&self, mut found: PatternMatch, winners: &[Arc<Pattern>]) -> PatternMatch {
        let Some(own) = winners.iter().find(|pattern| pattern.id == found.pattern) else { return found };
        for other in winners.iter().filter(|other| other.id != own.id) {
            if other.has_same_fix(own) {
                found.pattern_confidence = found.pattern_confidence.min(other.confidence);
                found.same_fix.push(other.id.clone());
            } else {
                found.competitors.push(other.id.clone());
            }
        }
        found.decision_confidence = found.relevance.times(found.pattern_confidence);
        found
    }

    /// The numbers of the names of where somebody asks; none where no pattern has it.
    fn asked_at(&self, query: &Query<'_>) -> (Option<u32>, Option<u32>) {
        (self.names.get(query.project.as_str()), self.names.get(query.service.as_str()))
    }

    fn rule(&self, entry: &Entry) -> Option<Arc<CompiledRule>> {
        entry.lazy().compiled.get(self.read(entry)?.rule.as_ref()?, &self.warm)
    }

    /// The entries in scope whose rule holds, each with the first of the signals that it holds for most specifically.
    fn holding(&self, query: &Query<'_>) -> BTreeMap<u32, (usize, RuleHit)> {
        let place = self.asked_at(query);
        let mut hits = BTreeMap::new();
        for (i, signal) in query.signals.iter().enumerate() {
            for number in self.rules.candidates(signal) {
                let Some(entry) = &self.entries[number as usize] else { continue };
                if !entry.scope.holds(place) {
                    continue;
                }
                let Some(rule) = self.rule(entry) else { continue };
                let known = hits.get(&number).map(|(_, hit): &(usize, RuleHit)| hit.literal_characters);
                // Most rules have one condition: none holds more specifically.
                if known.is_none_or(|known| known < rule.literal_characters())
                    && let Some(hit) = rule.holds(signal)
                    && known.is_none_or(|known| known < hit.literal_characters)
                {
                    hits.insert(number, (i, hit));
                }
            }
        }
        hits
    }

    /// For fitting the model: the patterns whose text fits a line best, and the features of each way to lay it beside them.
    pub fn compare(&self, line: &str, top: usize) -> Vec<(PatternId, Vec<Features>)> {
        let read = LineText::new(line, &self.index);
        let hits = self.index.top(&self.index.terms(tokenise(line)), top, |_| true);
        let compared = |slot| {
            let entry = self.entry(slot)?;
            let pattern = self.read(entry)?;
            Some((pattern.id.clone(), read.compare(self.text(entry, pattern), &self.index).collect()))
        };
        hits.into_iter().filter_map(|hit| compared(hit.slot)).collect()
    }

    /// The texts of signals, each template once.
    fn lines(&self, signals: &[NewSignal]) -> Vec<LineText> {
        let mut seen: Vec<&str> = Vec::new();
        let mut lines = Vec::new();
        for signal in signals {
            if lines.len() < SIGNALS && !seen.contains(&signal.template.as_str()) {
                seen.push(&signal.template);
                lines.push(LineText::new(&signal.text, &self.index));
            }
        }
        lines
    }

    /// What a pattern looks like: its description and examples, and its name where that is a phrase or all there is.
    fn text<'a>(&self, entry: &'a Entry, pattern: &Pattern) -> &'a PatternText {
        entry.lazy().text.get_or_init(|| {
            let shown = || fields(pattern).filter(|(field, _)| *field != ROOT_CAUSE);
            let alone = !shown().any(|(field, text)| field != NAME && !text.trim().is_empty());
            let phrase = words(&pattern.name, false).len() >= PHRASE;
            let texts = shown().filter(|(field, _)| *field != NAME || phrase || alone).map(|(_, text)| text);
            PatternText::new(texts, |word| self.index.term_id(word))
        })
    }

    fn candidate<'a>(
        &self,
        slot: u32,
        hit: Option<(usize, RuleHit)>,
        terms: &Terms,
        must_not: &impl Fn() -> &'a MustNotText,
        lines: &[LineText],
    ) -> Option<Candidate> {
        let entry = self.entry(slot)?;
        let pattern = self.read(entry)?;
        let ruled_out = pattern.must_not.iter().find(|term| must_not().contains(term));
        let literal_characters = hit.as_ref().map_or(0, |(_, hit)| hit.literal_characters);
        let rule = match (ruled_out, hit) {
            (Some(term), _) => RuleOutcome::RuledOut { term: term.clone() },
            (None, Some((signal, RuleHit { condition, span, .. }))) => {
                RuleOutcome::Satisfied { condition, signal, span }
            }
            (None, None) if pattern.rule.is_none() => RuleOutcome::None,
            (None, None) => RuleOutcome::NotSatisfied,
        };
        let explained = self.index.explain(slot, terms);
        let own = self.text(entry, pattern);
        let features = Model::shipped().best(lines.iter().flat_map(|line| line.compare(own, &self.index)));
        Some(Candidate {
            pattern: Arc::clone(pattern),
            literal_characters,
            rule,
            features: features.filter(|features| features.get(super::relevance::Feature::Common) > 0.0),
            terms: as_written(
                explained
                    .into_iter()
                    .map(|term| TermScore { term: term.term, field: term.field.to_owned(), score: term.score })
                    .collect(),
            ),
            relevance: BasisPoints::ZERO,
            explanation: Explanation::default(),
        })
    }

    fn entry(&self, slot: u32) -> Option<&Entry> {
        self.entries[*self.by_slot.get(slot as usize)? as usize].as_ref()
    }

    /// Takes up a pattern and its rule, but not its text. Returns its number.
    fn remember(&mut self, pattern: Pattern) -> Result<u32, String> {
        let number = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        let added = pattern.rule.as_ref().map_or(Ok(()), |rule| self.rules.add(number, rule));
        if let Err(error) = added {
            self.free.push(number);
            return Err(format!("pattern `{}` is left out: {error}", pattern.name));
        }
        let scope = Scope::of(&pattern.scope, &mut self.names);
        self.entries[number as usize] = Some(Entry::new(pattern, scope));
        Ok(number)
    }

    fn place(&mut self, number: u32, slot: u32) {
        if let Some(entry) = &mut self.entries[number as usize] {
            entry.slot = slot;
        }
        if self.by_slot.len() <= slot as usize {
            self.by_slot.resize(slot as usize + 1, 0);
        }
        self.by_slot[slot as usize] = number;
    }

    fn forget(&mut self, number: u32) {
        if self.entries[number as usize].take().is_some() {
            self.rules.remove(number);
            self.free.push(number);
        }
    }

    fn tidy(&mut self) {
        if self.index.is_sparse() {
            let numbers: Vec<u32> = self.index.compact().iter().map(|old| self.by_slot[*old as usize]).collect();
            self.by_slot.clear();
            // Terms have other numbers now.
            for entry in self.entries.iter_mut().flatten() {
                if let Some(lazy) = entry.lazy.get_mut() {
                    lazy.text = std::sync::OnceLock::new();
                }
            }
            for (slot, number) in (0u32..).zip(numbers) {
                self.place(number, slot);
            }
        }
    }
}

/// Each word once, as it was written: a code is two terms of the index, as it stands and masked.
fn as_written(terms: Vec<TermScore>) -> Vec<TermScore> {
    let forms: Vec<Option<String>> = terms.iter().map(|term| masked_form(&term.term)).collect();
    let mut shown: Vec<TermScore> = Vec::with_capacity(terms.len());
    let mut twins: Vec<(usize, f64)> = Vec::new();
    for term in &terms {
        match forms.iter().position(|form| form.as_ref() == Some(&term.term)) {
            Some(whole) => twins.push((whole, term.score)),
            None => shown.push(term.clone()),
        }
    }
    for (whole, score) in twins {
        let name = &terms[whole].term;
        if let Some(term) = shown.iter_mut().find(|term| term.term == *name) {
            term.score += score;
        }
    }
    shown.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.term.cmp(&b.term)));
    shown
}

/// Whether two patterns are found by the same texts and rules.
fn same_match(a: &Pattern, b: &Pattern) -> bool {
    a.rule == b.rule && fields(a).eq(fields(b))
}

fn fields(pattern: &Pattern) -> impl Iterator<Item = (u8, &str)> + '_ {
    let own =
        [(NAME, pattern.name.as_str()), (1, pattern.description.as_str()), (ROOT_CAUSE, pattern.root_cause.as_str())];
    own.into_iter().chain(pattern.examples.matches.iter().map(|line| (3, line.as_str())))
}
