//! Matching lines, searching by words, and testing patterns by their examples.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use selfheal_core::detect::template;
use selfheal_core::knowledge::{Pattern, PatternStatus, Rule, check_examples, holds_for_line, reads_lines};
use selfheal_core::matching::{KnowledgeBase, PatternMatch, Query, contains_term, tokenise};
use selfheal_core::{
    Fingerprint, NewSignal, PatternId, ProjectName, ServiceName, Severity, SignalKind, SourceName, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Body, Params};
use crate::limit::limit;
use crate::long_work::{Stop, long};
use crate::view::{MatchView, TextSpan, condition_words, match_view, utf16};
use crate::{ApiError, App, Principal, Role};

const LINES_LIMIT: usize = 10_000;
const TOP_LIMIT: usize = 100;
/// Patterns that an explained line is ranked among, beside those whose rule holds and the one that is asked about.
const EXPLAINED: usize = 200;
/// Patterns tested in one request.
const TESTED_LIMIT: usize = 50;
/// Bytes of one line, as a log source reads it.
const LINE_LIMIT: usize = 64 * 1024;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchRequest {
    pub lines: Vec<String>,
    /// Matches per line, best first.
    pub top: Option<usize>,
    pub project: Option<String>,
    pub service: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MatchReply {
    /// One list per line, in order; empty where nothing fits.
    pub lines: Vec<Vec<MatchView>>,
}

#[utoipa::path(post, operation_id = "match_lines", path = "/api/v1/knowledge/match", tag = "knowledge", request_body = MatchRequest,
    responses((status = 200, body = MatchReply)))]
pub async fn match_lines(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<MatchRequest>,
) -> Result<Json<MatchReply>, ApiError> {
    if body.lines.len() > LINES_LIMIT {
        return Err(ApiError::invalid(
            "Too many lines at once",
            format!("expected at most {LINES_LIMIT}, found {}", body.lines.len()),
            "Send them in pieces.",
        ));
    }
    body.lines.iter().try_for_each(|line| short_enough(line))?;
    let now = app.now();
    let top = limit(body.top, 3, 1, TOP_LIMIT)?;
    let place = Place::new(body.project, body.service);
    let asked = Arc::clone(&app);
    let lines = long(&app, &who, move |stop| async move {
        let base = asked.engine.knowledge(&mut asked.store().read().await?).await?;
        base.read(|base| matched(base, &body.lines, &place, top, now, &stop))
    });
    Ok(Json(MatchReply { lines: lines.await? }))
}

/// Where a line is taken to have been seen.
#[derive(Clone)]
struct Place {
    project: ProjectName,
    service: ServiceName,
}

impl Place {
    fn new(project: Option<String>, service: Option<String>) -> Self {
        Self {
            project: ProjectName::new(project.unwrap_or_default()),
            service: ServiceName::new(service.unwrap_or_default()),
        }
    }

    fn of(pattern: &Pattern) -> Self {
        let scope = &pattern.scope;
        Self { project: scope.project.clone().unwrap_or_default(), service: scope.service.clone().unwrap_or_default() }
    }
}

fn short_enough(line: &str) -> Result<(), ApiError> {
    if line.len() <= LINE_LIMIT {
        return Ok(());
    }
    Err(ApiError::invalid(
        "A line is too long",
        format!("expected at most {LINE_LIMIT} bytes, found {}", line.len()),
        "Send its beginning.",
    ))
}

/// Logs repeat themselves: each distinct line is matched once, on half of the processors.
fn matched(
    base: &KnowledgeBase,
    lines: &[String],
    place: &Place,
    top: usize,
    now: Timestamp,
    stop: &Stop,
) -> Result<Vec<Vec<MatchView>>, ApiError> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut distinct: Vec<&str> = Vec::new();
    let which: Vec<usize> = lines
        .iter()
        .map(|line| {
            *known.entry(line).or_insert_with(|| {
                distinct.push(line);
                distinct.len() - 1
            })
        })
        .collect();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).div_ceil(2);
    let share = distinct.len().div_ceil(workers).max(1);
    let one = |text: &&str| {
        // What is left out here is refused as a whole below.
        let found = if stop.is_due() { Vec::new() } else { rank(base, text, place, top, now) };
        found.iter().map(|found| shown(base, found)).collect::<Vec<MatchView>>()
    };
    let found: Vec<Vec<MatchView>> = std::thread::scope(|scope| {
        let parts: Vec<_> =
            distinct.chunks(share).map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>())).collect();
        // A part that panicked takes the request with it, as it would have on this thread.
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    stop.go_on()?;
    Ok(which.into_iter().map(|i| found[i].clone()).collect())
}

fn rank(base: &KnowledgeBase, text: &str, place: &Place, top: usize, now: Timestamp) -> Vec<PatternMatch> {
    let signal = line_signal(text, place, now);
    base.rank(&Query { project: &place.project, service: &place.service, signals: std::slice::from_ref(&signal) }, top)
}

fn line_signal(text: &str, place: &Place, now: Timestamp) -> NewSignal {
    NewSignal {
        kind: SignalKind::Log,
        source: SourceName::new("match"),
        service: place.service.clone(),
        project: place.project.clone(),
        severity: Severity::High,
        fingerprint: Fingerprint::of(&[text]),
        template: template(text),
        text: text.to_owned(),
        attributes: BTreeMap::new(),
        trace_id: None,
        count: 1,
        first_seen: now,
        last_seen: now,
    }
}

fn shown(base: &KnowledgeBase, found: &PatternMatch) -> MatchView {
    let pattern = base.pattern(&found.pattern);
    let action = pattern.and_then(|p| p.action.as_ref()).map(|action| action.kind.to_string());
    match_view(found, action, pattern.map_or_else(String::new, |p| p.root_cause.clone()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// The words.
    pub q: String,
    /// Patterns at most: 10 where it is left out.
    pub limit: Option<usize>,
}

/// A pattern that speaks of what was searched for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    pub pattern: String,
    pub name: String,
    pub family: String,
    pub status: PatternStatus,
    /// How much of what was searched for the pattern speaks of, 0 to 1.
    pub score: f64,
    /// Its texts in which the words occur.
    pub texts: Vec<SearchText>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchText {
    pub field: String,
    pub text: String,
    /// The words that were searched for, in UTF-16 code units.
    pub highlights: Vec<TextSpan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchReply {
    /// Best first.
    pub patterns: Vec<SearchHit>,
}

#[utoipa::path(get, operation_id = "search_patterns", path = "/api/v1/knowledge/search", tag = "knowledge", params(SearchQuery),
    responses((status = 200, body = SearchReply)))]
pub async fn search(
    State(app): State<Arc<App>>,
    who: Principal,
    Params(query): Params<SearchQuery>,
) -> Result<Json<SearchReply>, ApiError> {
    if query.q.trim().is_empty() || query.q.len() > 2_000 {
        return Err(ApiError::invalid(
            "Nothing to search for",
            "expected 1 to 2000 bytes of words",
            "Say what fails, e.g. `connection refused`.",
        ));
    }
    let limit = limit(query.limit, 10, 1, TOP_LIMIT)?;
    let asked = Arc::clone(&app);
    let patterns = long(&app, &who, move |_| async move {
        let patterns = asked.store().read().await?.patterns().await?;
        Ok(searched(patterns, &query.q, limit))
    });
    Ok(Json(SearchReply { patterns: patterns.await? }))
}

/// Ranks by text alone, whatever the scope, the rule or the state: who searches wants to find drafts too.
fn searched(patterns: Vec<Pattern>, words: &str, limit: usize) -> Vec<SearchHit> {
    let bare = patterns.iter().map(|pattern| Pattern {
        scope: Default::default(),
        rule: None,
        must_not: Vec::new(),
        status: PatternStatus::Active,
        ..pattern.clone()
    });
    let (base, _) = KnowledgeBase::new(bare);
    let by_id: HashMap<&PatternId, &Pattern> = patterns.iter().map(|pattern| (&pattern.id, pattern)).collect();
    let wanted = tokenise(words);
    let found = base.search(&wanted, limit);
    let best = found.first().map_or(1.0, |(_, score)| *score);
    let share = |score: f64| (score / best * 1e4).round() / 1e4;
    let mut hits: Vec<SearchHit> = found
        .into_iter()
        .filter_map(|(pattern, score)| Some(hit(by_id.get(&pattern.id)?, share(score), &wanted)))
        .collect();
    // A part of a word, an id or a name finds its pattern too, after those that speak of whole words.
    let part = words.trim().to_lowercase();
    let more = patterns.iter().filter(|pattern| {
        pattern.id.as_str().contains(&part.replace(' ', "-")) || pattern.name.to_lowercase().contains(&part)
    });
    for pattern in more {
        if hits.len() >= limit {
            break;
        }
        if hits.iter().all(|hit| hit.pattern != pattern.id.as_str()) {
            hits.push(hit(pattern, 0.0, &wanted));
        }
    }
    hits
}

fn hit(pattern: &Pattern, score: f64, wanted: &[String]) -> SearchHit {
    let fields = [
        ("name", &pattern.name),
        ("description", &pattern.description),
        ("root_cause", &pattern.root_cause),
        ("no_safe_fix", &pattern.no_safe_fix),
    ];
    let examples = pattern.examples.matches.iter().map(|line| ("example", line));
    let texts = fields
        .into_iter()
        .chain(examples)
        .filter_map(|(field, text)| {
            let highlights = highlights(text, wanted);
            (!highlights.is_empty()).then(|| SearchText { field: field.into(), text: text.clone(), highlights })
        })
        .collect();
    SearchHit {
        pattern: pattern.id.to_string(),
        name: pattern.name.clone(),
        family: pattern.family.clone(),
        status: pattern.status,
        score,
        texts,
    }
}

/// Where the words of a text are among the wanted terms.
fn highlights(text: &str, wanted: &[String]) -> Vec<TextSpan> {
    let mut spans = Vec::new();
    let mut start = None;
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (i, c) in ends {
        let inside = c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        match (inside, start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                if tokenise(&text[from..i]).iter().any(|term| wanted.contains(term)) {
                    spans.push(TextSpan { start: utf16(text, from), end: utf16(text, i) });
                }
                start = None;
            }
            _ => {}
        }
    }
    spans
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestRequest {
    /// Ids; all patterns, page by page, where none is named.
    pub patterns: Vec<String>,
    /// Continue after this id: `next` of the page before.
    pub after: Option<String>,
    /// Explain this line against the one pattern that is named, instead of its examples.
    pub line: Option<String>,
    pub project: Option<String>,
    pub service: Option<String>,
}

/// What one example line showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExampleResult {
    pub line: String,
    /// `match` or `reject`.
    pub kind: String,
    pub ok: bool,
    /// Why it failed; or, where it did not, what else is worth knowing.
    #[schema(required)]
    pub note: Option<String>,
    /// Another pattern that would be the best match of this line.
    #[schema(required)]
    pub winner: Option<String>,
    /// Whether the fix of that pattern differs, so that the two compete.
    pub competes: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternTest {
    pub pattern: String,
    pub name: String,
    pub ok: bool,
    /// Why its lines cannot be tested: it has no rule, or none that reads text.
    #[schema(required)]
    pub untested: Option<String>,
    pub examples: Vec<ExampleResult>,
}

/// One condition of a rule on one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConditionResult {
    pub condition: String,
    pub holds: bool,
    /// Where it matched, in UTF-16 code units of the line.
    #[schema(required)]
    pub span: Option<TextSpan>,
    /// The text that it matched.
    #[schema(required)]
    pub matched: Option<String>,
}

/// One line against one pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineTest {
    pub line: String,
    /// Whether the pattern's rule holds and no must-not term occurs.
    pub holds: bool,
    pub conditions: Vec<ConditionResult>,
    /// The must-not terms that occur.
    pub ruled_out_by: Vec<String>,
    /// The pattern in the ranking of those whose rule holds and of the 200 whose text fits best; null where it does not fit.
    #[schema(required)]
    pub ranked: Option<MatchView>,
    /// Its place in the ranking, from 1.
    #[schema(required)]
    pub place: Option<usize>,
    /// The best match of the line, where it is another pattern.
    #[schema(required)]
    pub winner: Option<MatchView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestReply {
    pub ok: bool,
    pub patterns: Vec<PatternTest>,
    #[schema(required)]
    pub line: Option<LineTest>,
    /// `after` of the next page.
    #[schema(required)]
    pub next: Option<String>,
}

#[utoipa::path(post, operation_id = "test_patterns", path = "/api/v1/knowledge/test", tag = "knowledge", request_body = TestRequest,
    responses((status = 200, body = TestReply)))]
pub async fn test(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(body): Body<TestRequest>,
) -> Result<Json<TestReply>, ApiError> {
    let invalid = |why: &str, next: &str| ApiError::invalid("The patterns cannot be tested", why, next);
    if body.patterns.len() > TESTED_LIMIT {
        let why = format!("more than {TESTED_LIMIT} patterns at once");
        return Err(invalid(&why, "Name fewer, or none for all of them page by page."));
    }
    if body.line.is_some() && body.patterns.len() != 1 {
        return Err(invalid("a line is explained against exactly one pattern", "Name one."));
    }
    match &body.line {
        Some(line) => short_enough(line)?,
        // One line is read like any other; all examples of many patterns are the work of those who tend the knowledge base.
        None => who.require(Role::Approver, "Testing patterns by their examples")?,
    }
    let now = app.now();
    let asked = Arc::clone(&app);
    let reply = long(&app, &who, move |stop| async move {
        let mut tx = asked.store().read().await?;
        let base = asked.engine.knowledge(&mut tx).await?;
        let (mut patterns, mut next) = (Vec::new(), None);
        if body.patterns.is_empty() {
            let after = body.after.as_deref().map(PatternId::new);
            patterns = tx.patterns_after(after.as_ref(), TESTED_LIMIT as i64).await?;
            next = patterns.last().filter(|_| patterns.len() == TESTED_LIMIT).map(|last| last.id.to_string());
        }
        for name in &body.patterns {
            let id = PatternId::from_name(name);
            patterns.push(tx.pattern(&id).await?.ok_or_else(|| ApiError::no_pattern(&id))?);
        }
        drop(tx);
        if let (Some(line), Some(pattern)) = (&body.line, patterns.first()) {
            let place = match (&body.project, &body.service) {
                (None, None) => Place::of(pattern),
                _ => Place::new(body.project.clone(), body.service.clone()),
            };
            let line = base.read(|base| explained(base, pattern, line, &place, now))?;
            return Ok(TestReply { ok: line.holds, patterns: Vec::new(), line: Some(line), next: None });
        }
        let test = |base: &KnowledgeBase| -> Result<Vec<PatternTest>, ApiError> {
            patterns.iter().map(|pattern| stop.go_on().map(|()| tested(base, pattern, now))).collect()
        };
        let tested = base.read(test)?;
        Ok(TestReply { ok: tested.iter().all(|test| test.ok), patterns: tested, line: None, next })
    });
    reply.await.map(Json)
}

/// Tests the examples of one pattern against the whole base.
fn tested(base: &KnowledgeBase, pattern: &Pattern, now: Timestamp) -> PatternTest {
    let place = Place::of(pattern);
    let mut test = PatternTest {
        pattern: pattern.id.to_string(),
        name: pattern.name.clone(),
        ok: true,
        untested: None,
        examples: Vec::new(),
    };
    let rule = match pattern.rule.as_ref().map(Rule::compile).transpose() {
        Ok(rule) => rule,
        Err(error) => {
            test.ok = false;
            test.untested = Some(error.to_string());
            return test;
        }
    };
    let Some((rule, compiled)) = pattern.rule.as_ref().filter(|rule| reads_lines(rule)).zip(rule) else {
        test.untested = Some(if pattern.rule.is_some() {
            "its rule reads no text: lines say nothing about it".into()
        } else {
            "it has no rule: it is found by similar text only".into()
        });
        return test;
    };
    let examples = &pattern.examples;
    let faults = check_examples(rule, &compiled, &pattern.must_not, examples);
    let lines = examples.matches.iter().map(|line| (line, true)).chain(examples.rejects.iter().map(|l| (l, false)));
    for (line, must_hold) in lines {
        let term = pattern.must_not.iter().find(|term| contains_term(line, term));
        let holds = holds_for_line(rule, &compiled, line);
        let ok = !faults.iter().any(|fault| fault.line() == line && fault.is_of_matches() == must_hold);
        let best = rank(base, line, &place, 1, now).into_iter().next();
        let winner = best.filter(|best| best.rule.is_satisfied() && best.pattern != pattern.id);
        let other = winner.as_ref().and_then(|best| base.pattern(&best.pattern));
        let note = match (ok, must_hold, term) {
            (false, true, Some(term)) if holds => Some(format!("the must-not term `{term}` rules it out")),
            (false, true, _) => Some("its rule does not hold".into()),
            (false, false, _) => Some("its rule holds, and it must not".into()),
            (true, false, Some(term)) if holds => Some(format!("ruled out by the must-not term `{term}`")),
            _ => None,
        };
        test.ok &= ok;
        test.examples.push(ExampleResult {
            line: line.clone(),
            kind: if must_hold { "match" } else { "reject" }.into(),
            ok,
            note,
            competes: must_hold && other.is_some_and(|other| !other.has_same_fix(pattern)),
            winner: winner.map(|best| best.pattern.to_string()),
        });
    }
    test
}

fn explained(
    base: &KnowledgeBase,
    pattern: &Pattern,
    line: &str,
    place: &Place,
    now: Timestamp,
) -> Result<LineTest, ApiError> {
    let signal = line_signal(line, place, now);
    let mut conditions = Vec::new();
    for condition in pattern.rule.iter().flat_map(|rule| &rule.any) {
        let rule = Rule { any: vec![condition.clone()] }.compile().map_err(|error| {
            ApiError::invalid("The pattern's rule cannot be used", error.to_string(), "Mend the rule.")
        })?;
        let hit = rule.holds(&signal);
        let span = hit.as_ref().and_then(|hit| hit.span);
        conditions.push(ConditionResult {
            condition: condition_words(condition),
            holds: hit.is_some(),
            matched: span.and_then(|(start, end)| line.get(start..end)).map(str::to_owned),
            span: span.map(|(start, end)| TextSpan { start: utf16(line, start), end: utf16(line, end) }),
        });
    }
    let ruled_out_by: Vec<String> = pattern.must_not.iter().filter(|term| contains_term(line, term)).cloned().collect();
    let signals = std::slice::from_ref(&signal);
    let query = Query { project: &place.project, service: &place.service, signals };
    let ranking = base.rank_with(&query, EXPLAINED, Some(&pattern.id));
    let place = ranking.iter().position(|found| found.pattern == pattern.id);
    Ok(LineTest {
        line: line.to_owned(),
        holds: ruled_out_by.is_empty() && conditions.iter().any(|condition| condition.holds),
        conditions,
        ruled_out_by,
        ranked: place.map(|i| shown(base, &ranking[i])),
        place: place.map(|i| i + 1),
        winner: ranking.first().filter(|best| best.pattern != pattern.id).map(|best| shown(base, best)),
    })
}
