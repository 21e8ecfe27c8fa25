//! A rule from examples: what all lines have in common stands for itself, what varies becomes a bounded wildcard.
//!
//! The rule holds on every line that it was made from, or there is none. Lines are aligned by the longest common subsequence
//! of their words, as Spell does (Du and Li, ICDM 2016), after the masking of [`crate::detect::template`].

use crate::detect::template;
use crate::knowledge::{Condition, Rule};
use crate::redact::REDACTED;

/// A variable within a word: at least one character, no space.
const VARIABLE: &str = "<*>";
/// Anything, also nothing and several words.
const GAP: &str = "<**>";

/// Characters that a wildcard may stand for, the smallest that fits.
const BOUNDS: [usize; 3] = [64, 256, 1_024];
/// Letters and digits that have to stand for themselves.
const LITERAL_CHARACTERS: usize = 12;
/// Words of at least three letters that have to stand for themselves.
const LITERAL_WORDS: usize = 2;
/// Wildcards of one expression: each costs time in every match, and a line that is all wildcards is no rule.
const WILDCARDS: usize = 16;
/// Conditions of one rule.
const CONDITIONS: usize = 8;

/// A rule that holds on all lines and is specific. `None` where there is none: too little is common, and the lines by
/// themselves say too little.
pub fn generalise(lines: &[&str]) -> Option<Rule> {
    if lines.is_empty() {
        return None;
    }
    if let Some(expression) = expression(lines) {
        return Some(Rule::regex(expression));
    }
    // Too different for one expression: one for each kind of line.
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for line in lines {
        let kind = template(line);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, same)) => same.push(line),
            None => kinds.push((kind, vec![line])),
        }
    }
    if kinds.len() > CONDITIONS || kinds.len() < 2 {
        return None;
    }
    let any = kinds.iter().map(|(_, same)| expression(same).map(Condition::Regex)).collect::<Option<Vec<_>>>()?;
    Some(Rule { any })
}

/// The template of lines, with `<*>` where they vary: for people.
pub fn common_template(lines: &[&str]) -> String {
    common(lines).join(" ").replace(GAP, VARIABLE)
}

fn expression(lines: &[&str]) -> Option<String> {
    let words = trimmed(common(lines));
    if !is_specific(&words) {
        return None;
    }
    let attempts =
        BOUNDS.iter().flat_map(|bound| [(Some(*bound), " "), (Some(*bound), r"\s+")]).chain([(None, r"\s+")]);
    attempts.map(|(bound, space)| render(&words, bound, space)).find(|expression| {
        let rule = Rule::regex(expression.clone()).compile();
        rule.is_ok_and(|rule| lines.iter().all(|line| rule.holds_for_text(line)))
    })
}

/// An expression that holds on the lines of a template with `<*>` and [`REDACTED`] in it. `None` where that is too little.
pub fn from_template(template: &str) -> Option<String> {
    let words = template.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace(REDACTED, GAP));
    let words = trimmed(words.collect());
    is_specific(&words).then(|| render(&words, Some(BOUNDS[1]), r"\s+"))
}

/// The words that all lines share, in order, with wildcards between them.
fn common(lines: &[&str]) -> Vec<String> {
    let mut lines = lines.iter().map(|line| words(line));
    let Some(mut shared) = lines.next() else { return Vec::new() };
    for line in lines {
        shared = align(&shared, &line);
    }
    shared
}

fn words(line: &str) -> Vec<String> {
    template(line).split(' ').filter(|word| !word.is_empty()).map(|word| word.replace(REDACTED, GAP)).collect()
}

/// The longest common subsequence of two lines' words, with wildcards where they differ.
fn align(a: &[String], b: &[String]) -> Vec<String> {
    let mut longest = vec![vec![0u16; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut shared) = (0, 0, Vec::new());
    let (mut only_a, mut only_b): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    loop {
        let both = i < a.len() && j < b.len();
        if both && a[i] == b[j] {
            differ(&only_a, &only_b, &mut shared);
            (only_a, only_b) = (Vec::new(), Vec::new());
            push(&mut shared, a[i].clone());
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (!both || longest[i + 1][j] >= longest[i][j + 1]) {
            only_a.push(&a[i]);
            i += 1;
        } else if j < b.len() {
            only_b.push(&b[j]);
            j += 1;
        } else {
            differ(&only_a, &only_b, &mut shared);
            return shared;
        }
    }
}

fn differ(a: &[&str], b: &[&str], shared: &mut Vec<String>) {
    match (a, b) {
        ([], []) => {}
        ([a], [b]) => push(shared, merged(a, b)),
        _ => push(shared, GAP.into()),
    }
}

/// Two gaps side by side are one.
fn push(shared: &mut Vec<String>, word: String) {
    if word != GAP || shared.last().is_none_or(|last| last != GAP) {
        shared.push(word);
    }
}

/// Two words that differ: what they share at both ends, up to a separator, stays.
fn merged(a: &str, b: &str) -> String {
    // A wildcard may stand for what the other word has anywhere, so that nothing can be said of its ends.
    if a.contains(GAP) || b.contains(GAP) {
        return GAP.into();
    }
    let until = |word: &str, length: usize| word[..length].rfind(is_end).map_or(0, |at| at + 1);
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b && a.is_ascii()).count();
    let start = until(a, same);
    let (rest_a, rest_b) = (&a[start..], &b[start..]);
    let same = rest_a.bytes().rev().zip(rest_b.bytes().rev()).take_while(|(a, b)| a == b && a.is_ascii()).count();
    let tail = &rest_a[rest_a.len() - same..];
    let tail = tail.find(is_end).map_or("", |at| &tail[at..]);
    let (middle_a, middle_b) = (&rest_a[..rest_a.len() - tail.len()], &rest_b[..rest_b.len() - tail.len()]);
    // Where one of them has nothing there, a variable would ask for too much.
    let between = if middle_a.is_empty() || middle_b.is_empty() { GAP } else { VARIABLE };
    format!("{}{between}{tail}", &a[..start])
}

/// The ends of `<*>` are no separators: it is not cut in two.
fn is_end(c: char) -> bool {
    c.is_ascii_punctuation() && !matches!(c, '<' | '*' | '>' | '_')
}

/// Without wildcards at the ends, which say nothing, and with at most so many between.
fn trimmed(mut words: Vec<String>) -> Vec<String> {
    let is_wild = |word: &String| word.replace(GAP, "").replace(VARIABLE, "").chars().all(|c| !c.is_alphanumeric());
    let mut wildcards = 0;
    let cut = words.iter().position(|word| {
        wildcards += word.matches(VARIABLE).count() + word.matches(GAP).count();
        wildcards > WILDCARDS
    });
    words.truncate(cut.unwrap_or(words.len()));
    while words.last().is_some_and(is_wild) {
        words.pop();
    }
    let start = words.iter().position(|word| !is_wild(word)).unwrap_or(words.len());
    words.split_off(start)
}

fn is_specific(words: &[String]) -> bool {
    says_enough(&words.join(" ").replace(GAP, " ").replace(VARIABLE, " "))
}

/// Whether enough stands for itself to be a rule: `literal` is what does, with spaces between.
pub fn says_enough(literal: &str) -> bool {
    let characters = literal.chars().filter(|c| c.is_alphanumeric()).count();
    let long = literal.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 3).count();
    characters >= LITERAL_CHARACTERS && long >= LITERAL_WORDS
}

fn render(words: &[String], bound: Option<usize>, space: &str) -> String {
    let mut expression = String::new();
    for (at, word) in words.iter().enumerate() {
        let beside_gap = word == GAP || at.checked_sub(1).is_some_and(|before| words[before] == GAP);
        if at > 0 && !beside_gap {
            expression.push_str(space);
        }
        if word == GAP {
            // It stands for the spaces around it, too: at least the one that is always there.
            expression.push_str(&bound.map_or_else(|| r"[^\n]+".into(), |bound| format!(r"[^\n]{{1,{bound}}}")));
            continue;
        }
        for (n, part) in word.split(GAP).enumerate() {
            if n > 0 {
                expression.push_str(&bound.map_or_else(|| r"[^\n]*".into(), |bound| format!(r"[^\n]{{0,{bound}}}")));
            }
            for (m, literal) in part.split(VARIABLE).enumerate() {
                if m > 0 {
                    expression.push_str(
                        &bound.map_or_else(|| r"[^ \t\n]+".into(), |bound| format!(r"[^ \t\n]{{1,{bound}}}")),
                    );
                }
                expression.push_str(&regex::escape(literal));
            }
        }
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first(lines: &[&str]) -> Option<String> {
        generalise(lines).map(|rule| match &rule.any[0] {
            Condition::Regex(expression) => expression.clone(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_varies_becomes_a_wildcard() {
        for (lines, expected) in [
            (&["lock file /run/a.lock held by pid 42"][..], r"lock file /run/a\.lock held by pid"),
            (
                &["cannot claim lease 17 of shard 3", "cannot claim lease 9 of shard 12"],
                r"cannot claim lease [^ \t\n]{1,64} of shard",
            ),
            (
                &["ledger pool=main drained too slowly", "ledger pool=audit drained too slowly"],
                r"ledger pool=[^ \t\n]{1,64} drained too slowly",
            ),
            (
                &["replica stopped while applying", "replica stopped again and again while applying"],
                r"replica stopped[^\n]{1,64}while applying",
            ),
            (
                &["login password=[redacted] refused by vault", "login password=[redacted] refused by vault"],
                r"login password=[^\n]{0,64} refused by vault",
            ),
        ] {
            assert_eq!(first(lines).as_deref(), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn what_is_not_specific_is_no_rule() {
        for lines in [&["error 5"][..], &["failed"], &["42 17"], &[], &["a b c d e f"], &["boom", "crash"]] {
            assert_eq!(generalise(lines), None, "{lines:?}");
        }
    }

    #[test]
    fn lines_with_little_in_common_are_conditions_of_their_own() {
        let rule = generalise(&["volume detached unexpectedly", "quorum lost between voters"]).expect("a rule");
        assert_eq!(rule.any.len(), 2);
    }

    #[test]
    fn tabs_and_long_variables_are_no_obstacle() {
        let long = format!("cannot read\tblob {} from store", "x9".repeat(200));
        let rule = generalise(&[&long, "cannot read blob a1 from store"]).expect("a rule").compile().expect("compiles");
        assert!(rule.holds_for_text(&long) && !rule.holds_for_text("cannot read blob"));
    }

    #[test]
    fn the_template_is_for_reading() {
        assert_eq!(common_template(&["a pool=x b", "a pool=y b"]), "a pool=<*> b");
    }

    proptest! {
        #[test]
        fn the_rule_holds_on_every_line_it_was_made_from(
            lines in prop::collection::vec(
                prop::collection::vec("[a-zA-Z]{1,9}|[0-9]{1,6}|[a-z]{2,5}=[a-z0-9]{0,5},?|<\\*>|\\[redacted\\]|[é(){}.*+?|^$#-]{1,3}", 1..12)
                    .prop_map(|words| words.join(" ")),
                1..6,
            ),
            common in "[a-z]{4,9} [a-z]{4,9} [a-z]{4,9}",
        ) {
            let lines: Vec<String> = lines.into_iter().map(|line| format!("{common} {line}")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let rule = generalise(&lines).expect("three words are common").compile().expect("compiles");
            for line in lines {
                prop_assert!(rule.holds_for_text(line), "{}", line);
            }
        }

        #[test]
        fn no_rule_holds_on_what_shares_no_word(
            lines in prop::collection::vec("[a-m]{3,9}( [a-m0-9]{1,9}){1,8}", 1..5),
            other in "[n-z]{3,9}( [n-z]{1,9}){0,8}",
        ) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            if let Some(rule) = generalise(&lines) {
                prop_assert!(!rule.compile().expect("compiles").holds_for_text(&other));
            }
        }
    }
}
