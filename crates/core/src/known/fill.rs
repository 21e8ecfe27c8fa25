//! A pattern's text with the values of one incident in it.
//!
//! Invariant: values come from log lines, so whoever can make a line be written chooses them. In a command, which a tired person
//! copies into a shell, a value stands only where it is a plain word that no shell reads as anything else; otherwise its place
//! stays open, `<host>`, and the value stands beside it. In a sentence it can be no command, no markup and no trick with
//! invisible characters.

use std::collections::BTreeMap;

use super::Piece;
use crate::Timestamp;
use crate::told::moment;

/// Characters of a value that is put in.
const LONGEST: usize = 200;

/// What stands for the placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Foreign text by its name; `None` where the name is known and this incident has no value for it.
    pub of: BTreeMap<String, Option<String>>,
    /// `{since}`: when it began.
    pub since: Option<Timestamp>,
}

/// The text in words and commands (what stands between backticks), filled. Placeholders are `{name}` for each name in `values`;
/// what else stands in braces is the text's own.
pub fn fill(text: &str, values: &Values) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let parts: Vec<&str> = text.split('`').collect();
    // A last backtick without a partner opens nothing.
    let closed = parts.len() - usize::from(parts.len().is_multiple_of(2));
    for (i, part) in parts.iter().enumerate() {
        if i >= closed {
            push_words(&mut pieces, format!("`{}", filled(part, values, in_words)));
        } else if i % 2 == 0 {
            push_words(&mut pieces, filled(part, values, in_words));
        } else if !part.trim().is_empty() {
            pieces.push(Piece::Code(filled(part, values, in_command)));
        }
    }
    pieces
}

/// The names that a text asks for.
pub fn asked<'a>(text: &str, values: &'a Values) -> Vec<&'a str> {
    values.of.keys().map(String::as_str).filter(|name| text.contains(&format!("{{{name}}}"))).collect()
}

/// Whether a value stands in commands as it is.
pub fn is_plain_word(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@%+=,-".contains(c);
    !value.is_empty()
        && value.len() <= LONGEST
        && value.chars().all(plain)
        // An option that nobody meant, and a path that leads out of where it seems to be.
        && !value.starts_with('-')
        && !value.split('/').any(|step| step == "..")
}

fn push_words(pieces: &mut Vec<Piece>, words: String) {
    match pieces.last_mut() {
        _ if words.is_empty() => {}
        Some(Piece::Words(before)) => before.push_str(&words),
        _ => pieces.push(Piece::Words(words)),
    }
}

/// Replaces the placeholders from left to right, so that what was put in is never read again.
fn filled(text: &str, values: &Values, put: Put) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let name = from.find('}').map(|end| &from[1..end]);
        // `${name}` and `%{name}` are a shell's and a program's own.
        let own = before.ends_with(['$', '%']);
        let value = name.filter(|_| !own).and_then(|name| match values.of.get(name) {
            _ if name == "since" => Some((name, values.since.map(Standing::Moment))),
            value => Some((name, value?.as_deref().map(Standing::Foreign))),
        });
        match value {
            Some((name, value)) => {
                let put_in = value.and_then(|value| put(&value, &out)).unwrap_or_else(|| format!("<{name}>"));
                out.push_str(&put_in);
                rest = &from[name.len() + 2..];
            }
            None => {
                out.push('{');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// What stands in the place of a name.
enum Standing<'a> {
    Foreign(&'a str),
    Moment(Timestamp),
}

/// Puts a value after the text before it; `None` leaves its place open.
type Put = fn(&Standing<'_>, &str) -> Option<String>;

fn in_command(value: &Standing<'_>, before: &str) -> Option<String> {
    match value {
        // The first word of a command is what runs: no line of a log says what that is.
        Standing::Foreign(value) => (is_plain_word(value) && !before.trim().is_empty()).then(|| (*value).to_owned()),
        // As `journalctl --since` and `date -d` read it.
        Standing::Moment(at) => {
            let text = at.to_rfc3339();
            Some(format!("'{} {} UTC'", text.get(..10)?, text.get(11..19)?))
        }
    }
}

fn in_words(value: &Standing<'_>, _before: &str) -> Option<String> {
    Some(match value {
        Standing::Foreign(value) if is_plain_word(value) => (*value).to_owned(),
        Standing::Foreign(value) => format!("“{}”", shown(value)),
        Standing::Moment(at) => moment(*at),
    })
}

/// A value as it can be shown anywhere: on one line, cut, and without anything that is not seen.
pub fn shown(value: &str) -> String {
    let mut out: String = value
        .chars()
        .take(LONGEST)
        .flat_map(|c| match c {
            '`' => vec!['\''],
            c if c.is_control() || is_unseen(c) => c.escape_unicode().collect(),
            c => vec![c],
        })
        .collect();
    if value.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Characters without a shape of their own: they hide, or turn the text around.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        let of = pairs.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
        Values { of, since: None }
    }

    fn code(text: &str) -> Piece {
        Piece::Code(text.to_owned())
    }

    fn words(text: &str) -> Piece {
        Piece::Words(text.to_owned())
    }

    #[test]
    fn words_and_commands_are_told_apart_and_filled() {
        let pieces =
            fill("Reload {service} with `systemctl reload {service}`, then look.", &values(&[("service", "web")]));
        assert_eq!(pieces, [words("Reload web with "), code("systemctl reload web"), words(", then look.")]);
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        let known = values(&[("host", "db1")]);
        assert_eq!(fill("`curl -w '%{time_total}' {host}`", &known), [code("curl -w '%{time_total}' db1")]);
        assert_eq!(fill("`echo ${host} %{host}` {", &known), [code("echo ${host} %{host}"), words(" {")]);
        assert_eq!(fill("a ` alone", &known), [words("a ` alone")]);
        let open = Values { of: BTreeMap::from([("pid".to_owned(), None)]), since: None };
        assert_eq!(fill("`kill {pid}`", &open), [code("kill <pid>")]);
    }

    #[test]
    fn the_time_is_a_moment_in_words_and_an_argument_in_commands() {
        let known = Values { since: Timestamp::parse("2026-11-30T06:44:33.9Z"), ..Values::default() };
        assert_eq!(
            fill("Since {since}: `journalctl --since {since}`", &known),
            [words("Since {2026-11-30T06:44:33Z}: "), code("journalctl --since '2026-11-30 06:44:33 UTC'")]
        );
    }

    #[test]
    fn a_hostile_value_never_stands_in_a_command() {
        for value in [
            "x; rm -rf /",
            "$(reboot)",
            "`reboot`",
            "a b",
            "a|b",
            "a\nb",
            "-rf",
            "../../etc/passwd",
            "/var/../etc",
            "a'b",
            "a\u{202e}b",
            "*",
            "~",
            "a>b",
            "a&b",
            "",
            "a\\b",
            "!x",
            "#x",
        ] {
            assert_eq!(fill("`ping {host}`", &values(&[("host", value)])), [code("ping <host>")], "{value:?}");
        }
        // What runs is never a line's choice.
        assert_eq!(fill("`{host} --now`", &values(&[("host", "reboot")])), [code("<host> --now")]);
        // In a sentence it is a quotation: no command, no markup, nothing unseen.
        assert_eq!(
            fill("The host {host} is gone.", &values(&[("host", "`x`; \u{202e}y\n")])),
            [words("The host “'x'; \\u{202e}y\\u{a}” is gone.")]
        );
        // And what was put in is not read again.
        let twice = values(&[("a", "{b}"), ("b", "c")]);
        assert_eq!(fill("{a}", &twice), [words("“{b}”")]);
    }

    proptest! {
        #[test]
        fn no_value_brings_a_character_that_a_shell_reads(value in ".{0,40}") {
            for piece in fill("see {x}: `cmd {x} {x}`", &values(&[("x", &value)])) {
                if let Piece::Code(text) = piece {
                    let own = text.replace("<x>", "");
                    prop_assert!(own.chars().all(|c| c == ' ' || c.is_ascii_alphanumeric() || "._/:@%+=,-".contains(c)));
                } else if let Piece::Words(text) = piece {
                    prop_assert!(!text.contains('`') && !text.chars().any(char::is_control));
                }
            }
        }
    }
}
