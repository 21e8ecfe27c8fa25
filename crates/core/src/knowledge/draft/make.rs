//! From a cluster of incidents to a draft pattern.

use std::collections::BTreeSet;

use super::super::redacted::text_of;
use super::{DRAFT_CONFIDENCE, Member, Separation, common_template, generalise, separate};
use crate::knowledge::{
    AlertCondition, Condition, Examples, PackEntry, Pattern, PatternScope, PatternStatus, Rule, Source,
};
use crate::{Action, PatternId, ProjectName, SignalKind, Timestamp};

/// Example lines of each kind in a draft.
const EXAMPLES: usize = 5;
/// Words of a name.
const NAME_WORDS: usize = 8;
/// Incidents that are named as sources.
const SOURCES: usize = 5;
/// Comments that become material for the root cause.
const COMMENTS: usize = 3;

/// A line on which a draft's rule may hold although it belongs to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    pub text: String,
    /// What it belongs to, for people.
    pub of: String,
}

/// What a draft is made from.
pub struct DraftInput<'a> {
    pub project: &'a ProjectName,
    /// At least one, earliest first.
    pub members: &'a [Member],
    /// Lines that failed this way and are not scrubbed: the rule has to hold on what really comes.
    pub raw: &'a [String],
    /// Lines of other failures, whether the rule holds on them or not.
    pub others: &'a [NearMiss],
    /// The service's own health checks, in words.
    pub checks: &'a [String],
    /// Incidents of the cluster, also those that are not among `members` any more.
    pub incidents: u32,
    pub now: Timestamp,
}

/// A draft, and what a person should know before accepting it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub pattern: Pattern,
    /// What is missing or doubtful, as sentences.
    pub notes: Vec<String>,
}

/// Makes a draft. `None` where there are no members.
pub fn make_draft(input: &DraftInput<'_>) -> Option<Draft> {
    let first = input.members.first()?;
    let lines: Vec<&str> = input.members.iter().filter_map(|member| member.texts.first()).map(String::as_str).collect();
    let mut notes = Vec::new();
    let rule = rule_of(first, &lines, input.raw);
    if rule.is_none() {
        notes.push(
            "What these incidents have in common is too little for a rule. Write one before accepting it: --rule REGEX."
                .to_owned(),
        );
    }
    let (separation, near) = near_misses(input, rule.as_ref());
    for i in separation.left.iter().take(EXAMPLES) {
        notes.push(format!(
            "The rule also holds on a line of {}, and no word tells them apart: {}",
            near[*i].of, near[*i].text
        ));
    }
    let template = common_template(&lines);
    let actions = Actions::of(input.members);
    if let Some(note) = actions.note() {
        notes.push(note);
    }
    let services: BTreeSet<_> = input.members.iter().map(|member| &member.service).collect();
    let service = services.first().filter(|_| services.len() == 1).map(|service| (*service).clone());
    let name = name_of(first, &template);
    let mut checks = input.checks.to_vec();
    checks.push(format!("no more `{template}`"));
    let entry = PackEntry {
        description: description(input),
        severity: input.members.iter().map(|member| member.severity).min_by_key(|severity| severity.rank()),
        scope: PatternScope { project: Some(input.project.clone()), service },
        must_not: separation.terms.clone(),
        examples: Examples {
            // An alert's rule reads its name, and says nothing of a text.
            matches: distinct(lines.iter().copied()),
            rejects: distinct(separation.ruled_out.iter().map(|i| near[*i].text.as_str())),
        },
        rule,
        action: actions.best(),
        checks,
        confidence: DRAFT_CONFIDENCE,
        sources: vec![Source { name: sources(input), url: None, licence: None }],
        ..PackEntry::new(name, root_cause(input.members))
    };
    let mut pattern = entry.into_pattern("draft", input.now).ok()?;
    pattern.status = PatternStatus::Draft;
    Some(Draft { pattern, notes })
}

/// The rule that a draft of these incidents would have, as [`make_draft`] makes it.
pub fn draft_rule(members: &[Member], raw: &[String]) -> Option<Rule> {
    let lines: Vec<&str> = members.iter().filter_map(|member| member.texts.first()).map(String::as_str).collect();
    rule_of(members.first()?, &lines, raw)
}

/// A word for each condition that a line has to have for the condition to hold on it: what near misses are looked for by. None
/// for a rule that reads no text, which has no near misses.
pub fn near_miss_words(rule: &Rule) -> Vec<String> {
    let longest = |text: String| {
        let words = text.split(|c: char| !c.is_alphanumeric()).max_by_key(|word| word.chars().count());
        words.filter(|word| !word.is_empty()).map(str::to_owned)
    };
    let text = |condition: &Condition| match condition {
        Condition::Regex(expression) => text_of(expression),
        Condition::Literal(text) => Some(text.clone()),
        Condition::Template(_) | Condition::Attributes(_) | Condition::Alert(_) | Condition::Metric(_) => None,
    };
    let mut words: Vec<String> = rule.any.iter().filter_map(text).filter_map(longest).collect();
    words.sort();
    words.dedup();
    words
}

fn rule_of(first: &Member, lines: &[&str], raw: &[String]) -> Option<Rule> {
    if let (SignalKind::Alert, Some(name)) = (first.kind, &first.alert) {
        let alert = AlertCondition { name: name.clone(), labels: Default::default() };
        return Some(Rule { any: vec![Condition::Alert(alert)] });
    }
    let rule = generalise(lines)?;
    let compiled = rule.compile().ok()?;
    raw.iter().all(|line| compiled.holds_for_text(line)).then_some(rule)
}

/// Lines of others on which the rule holds, and what tells them apart.
fn near_misses<'a>(input: &DraftInput<'a>, rule: Option<&Rule>) -> (Separation, Vec<&'a NearMiss>) {
    let Some(rule) = rule.and_then(|rule| rule.compile().ok()) else { return Default::default() };
    let mut seen = BTreeSet::new();
    let near: Vec<&NearMiss> = input
        .others
        .iter()
        .filter(|other| rule.holds_for_text(&other.text) && seen.insert(other.text.as_str()))
        .collect();
    let members: Vec<String> = input.members.iter().map(Member::whole_text).chain(input.raw.iter().cloned()).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let texts: Vec<&str> = near.iter().map(|near| near.text.as_str()).collect();
    (separate(&members, &texts), near)
}

fn distinct<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    lines.filter(|line| seen.insert(*line)).take(EXAMPLES).map(str::to_owned).collect()
}

/// The template's words, without what varies.
fn name_of(first: &Member, template: &str) -> String {
    if let Some(alert) = &first.alert {
        return format!("Alert {alert}");
    }
    let words: Vec<&str> = template
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map(|word| word.trim_matches(['.', '-', '_']))
        .filter(|word| word.chars().any(char::is_alphabetic) && *word != "redacted")
        .take(NAME_WORDS)
        .collect();
    if PatternId::from_name(&words.join(" ")).as_str().is_empty() {
        return format!("Unknown failure of {}", first.service);
    }
    let name = words.join(" ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |letter| letter.to_uppercase().chain(letters).collect())
}

fn description(input: &DraftInput<'_>) -> String {
    let times = match input.incidents {
        1 => "Seen in one incident".to_owned(),
        count => format!("Seen in {count} incidents"),
    };
    let since = input.members.iter().map(|member| member.first_seen).min().unwrap_or(input.now);
    let until = input.members.iter().map(|member| member.last_seen).max().unwrap_or(input.now);
    let day = |at: Timestamp| at.to_rfc3339().chars().take(10).collect::<String>();
    let services: BTreeSet<&str> = input.members.iter().map(|member| member.service.as_str()).collect();
    let on = services.into_iter().collect::<Vec<_>>().join(", ");
    format!("{times} on {on}, from {} to {}.", day(since), day(until))
}

fn sources(input: &DraftInput<'_>) -> String {
    let ids: Vec<String> = input.members.iter().rev().take(SOURCES).map(|member| member.incident.to_string()).collect();
    match (input.incidents as usize).saturating_sub(ids.len()) {
        0 => format!("incidents {}", ids.join(", ")),
        more => format!("incidents {} and {more} before", ids.join(", ")),
    }
}

/// What people wrote when they resolved it: material, not yet a cause.
fn root_cause(members: &[Member]) -> String {
    let mut seen = BTreeSet::new();
    let comments: Vec<&str> = members
        .iter()
        .rev()
        .filter_map(|member| member.resolution.as_ref()?.comment.as_deref())
        .filter(|comment| seen.insert(*comment))
        .take(COMMENTS)
        .collect();
    if comments.is_empty() {
        return "Not known yet.".to_owned();
    }
    format!("To be confirmed. What people wrote when they resolved it: {}", comments.join(" / "))
}

/// What fixed the members, as far as that is known.
struct Actions<'a> {
    /// Each with how often it was verified and how often a person said so.
    seen: Vec<(&'a Action, u32, u32)>,
}

impl<'a> Actions<'a> {
    fn of(members: &'a [Member]) -> Self {
        let mut seen: Vec<(&Action, u32, u32)> = Vec::new();
        for resolution in members.iter().filter_map(|member| member.resolution.as_ref()) {
            let Some(action) = &resolution.action else { continue };
            let at = seen.iter().position(|(known, ..)| *known == action).unwrap_or_else(|| {
                seen.push((action, 0, 0));
                seen.len() - 1
            });
            let (_, verified, said) = &mut seen[at];
            if resolution.verified { *verified += 1 } else { *said += 1 }
        }
        // What was verified counts before what was said; the first seen stays first among equals.
        seen.sort_by_key(|(_, verified, said)| std::cmp::Reverse((*verified, *said)));
        Self { seen }
    }

    fn best(&self) -> Option<Action> {
        self.seen.first().map(|(action, ..)| (*action).clone())
    }

    fn note(&self) -> Option<String> {
        let words: Vec<String> = self
            .seen
            .iter()
            .map(|(action, verified, said)| {
                format!("{} fixed it: {verified} verified, {said} said by a person", action.kind)
            })
            .collect();
        match words.as_slice() {
            [] => Some("Nobody has said what fixes it: it only explains until an action is given.".to_owned()),
            _ => Some(format!("{}.", words.join("; "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClusterHead, Resolution};
    use super::*;
    use crate::detect::template;
    use crate::{ActionKind, BasisPoints, IncidentId, ServiceName, Severity, Span};
    use proptest::prelude::*;

    fn member(number: i64, service: &str, text: &str) -> Member {
        let at = Timestamp::EPOCH + Span::from_minutes(number as u64);
        Member {
            incident: IncidentId(number),
            service: ServiceName::new(service),
            severity: Severity::High,
            kind: SignalKind::Log,
            alert: None,
            template: template(text),
            texts: vec![text.into()],
            first_seen: at,
            last_seen: at,
            resolution: None,
        }
    }

    fn draft(members: &[Member], others: &[NearMiss]) -> Draft {
        let input = DraftInput {
            project: &ProjectName::new("shop"),
            members,
            raw: &[],
            others,
            checks: &["GET http://pay/health".into()],
            incidents: members.len() as u32,
            now: Timestamp::EPOCH,
        };
        make_draft(&input).expect("a draft")
    }

    fn near(of: &str, text: &str) -> NearMiss {
        NearMiss { of: of.into(), text: text.into() }
    }

    #[test]
    fn a_draft_says_what_is_known() {
        let mut members = [
            member(1, "pay", "cannot claim ledger lease 17: fenced by epoch 4"),
            member(2, "pay", "cannot claim ledger lease 9: fenced by epoch 12"),
            member(3, "pay", "cannot claim ledger lease 3: fenced by epoch 8"),
        ];
        let restart = Action::new(ActionKind::ServiceRestart);
        let resolution = |action: Option<Action>, verified, comment: Option<&str>| {
            Some(Resolution { action, verified, comment: comment.map(str::to_owned) })
        };
        members[0].resolution = resolution(None, false, Some("two writers after a split"));
        members[1].resolution = resolution(Some(Action::new(ActionKind::CacheClear)), false, None);
        members[2].resolution = resolution(Some(restart.clone()), true, Some("restarted the follower"));
        let others = [
            near("Lease drill", "cannot claim ledger lease 5: fenced by epoch 1 (drill)"),
            near("Disk full", "no space left on device"),
        ];
        let Draft { pattern, notes } = draft(&members, &others);
        assert_eq!(pattern.name, "Cannot claim ledger lease fenced by epoch");
        assert_eq!(
            (pattern.status, pattern.confidence, pattern.auto_healable),
            (PatternStatus::Draft, DRAFT_CONFIDENCE, false)
        );
        assert_eq!(pattern.must_not, ["drill"]);
        assert_eq!(pattern.examples.rejects, ["cannot claim ledger lease 5: fenced by epoch 1 (drill)"]);
        assert_eq!(pattern.action, Some(restart), "what was verified counts before what was said");
        assert_eq!(pattern.scope.service, Some(ServiceName::new("pay")));
        assert_eq!(
            pattern.root_cause,
            "To be confirmed. What people wrote when they resolved it: restarted the follower / two writers after a split"
        );
        assert_eq!(pattern.description, "Seen in 3 incidents on pay, from 1970-01-01 to 1970-01-01.");
        assert_eq!(
            pattern.checks.last().map(String::as_str),
            Some("no more `cannot claim ledger lease <*> fenced by epoch <*>`")
        );
        assert_eq!(notes.len(), 1, "{notes:?}");
    }

    #[test]
    fn what_cannot_be_told_apart_and_what_has_no_rule_is_said() {
        let Draft { pattern, notes } =
            draft(&[member(1, "pay", "ledger lease lost again")], &[near("Lease lost", "ledger lease lost again")]);
        assert!(pattern.rule.is_some() && pattern.examples.rejects.is_empty());
        assert!(notes[0].contains("Lease lost"), "{notes:?}");
        let Draft { pattern, notes } = draft(&[member(1, "pay", "error 5"), member(2, "web", "error 9")], &[]);
        assert_eq!((pattern.rule, pattern.scope.service), (None, None));
        assert!(notes[0].contains("--rule"), "{notes:?}");
    }

    #[test]
    fn near_misses_are_looked_for_by_a_word_that_they_must_have() {
        let one = member(1, "pay", "cannot claim ledger lease 17 of shard");
        let rule =
            draft_rule(&[one.clone(), member(2, "pay", "cannot claim ledger lease 9 of shard")], &[]).expect("a rule");
        let words = near_miss_words(&rule);
        assert_eq!((words.len(), words[0].len()), (1, 6), "{words:?}");
        assert!(one.texts[0].contains(&words[0]));
        let alert = AlertCondition { name: "Slow".into(), labels: Default::default() };
        assert_eq!(near_miss_words(&Rule { any: vec![Condition::Alert(alert)] }), [""; 0]);
    }

    #[test]
    fn clusters_go_by_words_alerts_by_name_health_by_service() {
        let like = |a: &Member, b: &Member| {
            let head =
                ClusterHead { kind: b.kind, service: &b.service, alert: b.alert.as_deref(), template: &b.template };
            a.is_like(&head, BasisPoints::saturating(6_000)).is_some()
        };
        let one = member(1, "pay", "cannot claim ledger lease 17");
        assert!(like(&one, &member(2, "web", "cannot claim the ledger lease 3")));
        assert!(!like(&one, &member(2, "pay", "queue is full")));
        let of_kind = |kind, service: &str, alert: Option<&str>| Member {
            kind,
            alert: alert.map(str::to_owned),
            ..member(1, service, "x failed: connection refused")
        };
        let health = |service| of_kind(SignalKind::Health, service, None);
        assert!(like(&health("pay"), &health("pay")) && !like(&health("pay"), &health("web")));
        let alert = |name| of_kind(SignalKind::Alert, "pay", Some(name));
        assert!(like(&alert("A"), &alert("A")) && !like(&alert("A"), &alert("B")));
    }

    proptest! {
        #[test]
        fn the_rule_holds_on_every_member_and_the_terms_rule_out_only_near_misses(
            members in prop::collection::vec("lost the epoch (fence|quorum) [a-e]{3}( [0-9]{1,3}){0,2}", 1..6),
            others in prop::collection::vec("(drill: |test: )?lost the epoch (fence|quorum) [a-f]{3}", 0..8),
        ) {
            let members: Vec<Member> =
                members.iter().enumerate().map(|(i, text)| member(i as i64, "pay", text)).collect();
            let others: Vec<NearMiss> = others.iter().map(|text| near("other", text)).collect();
            let Draft { pattern, .. } = draft(&members, &others);
            let rule = pattern.rule.expect("specific").compile().expect("compiles");
            let out = |text: &str| pattern.must_not.iter().any(|term| crate::matching::contains_term(text, term));
            for member in &members {
                prop_assert!(rule.holds_for_text(&member.texts[0]) && !out(&member.texts[0]));
            }
            for reject in &pattern.examples.rejects {
                prop_assert!(rule.holds_for_text(reject) && out(reject));
            }
        }
    }
}
