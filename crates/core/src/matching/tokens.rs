//! The tokeniser for failure text.
//!
//! A line is read twice. [`words`] gives its words in order, each once, for comparing the line with a text word by word:
//! lowercase runs of letters and digits, digits masked, numbers and addresses told apart. [`tokenise`] gives the terms of
//! the index, which may overlap: a name whole and in its parts, a code as it stands and masked.

use super::must_not::opens_part;
use super::opaque::opaque;

/// Words that say nothing about a failure. "not" and "no" do.
const FUNCTION_WORDS: [&str; 28] = [
    "a", "an", "and", "are", "as", "at", "be", "been", "by", "for", "from", "had", "has", "have", "in", "is", "it",
    "its", "of", "on", "or", "that", "the", "this", "to", "was", "were", "with",
];

/// Longest run of digits that is a term of the index: status and error codes, not identifiers, and no part of a time.
const CODE_DIGITS: usize = 5;

/// What a word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordKind {
    /// Letters alone.
    Name,
    /// Letters and digits, e.g. `ssh2` or `15ms`.
    Code,
    /// A number, an address, a time, a hexadecimal identifier: what varies between two lines of one template.
    Number,
}

/// One word of a text, in its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// Lowercase, each run of digits as one `0`; empty for a number.
    pub text: String,
    pub kind: WordKind,
    /// Which of the parts between white space it stands in, from 0.
    pub chunk: u32,
    /// It is a key: it opens its part and `=` follows, or `:` and white space.
    pub key: bool,
}

/// The words of a text in order, without function words. With `split`, a name is split where its case changes, so that
/// `OutOfMemoryError` reads as `out memory error`.
pub fn words(text: &str, split: bool) -> Vec<Word> {
    let mut words = Vec::new();
    for (chunk, part) in text.split_whitespace().enumerate() {
        let chunk = u32::try_from(chunk).unwrap_or(u32::MAX);
        // The place where a template varies.
        if part == "<*>" {
            words.push(Word { text: String::new(), kind: WordKind::Number, chunk, key: false });
            continue;
        }
        for run in runs(part) {
            if run.is_number() {
                words.push(Word { text: String::new(), kind: WordKind::Number, chunk, key: false });
                continue;
            }
            let pieces = if split { split_case(run.text) } else { vec![run.text] };
            let last = pieces.len() - 1;
            for (i, piece) in pieces.into_iter().enumerate() {
                let text = masked(piece);
                if is_function_word(&text) {
                    continue;
                }
                let kind = if text.contains('0') { WordKind::Code } else { WordKind::Name };
                words.push(Word { text, kind, chunk, key: run.key && i == last });
            }
        }
    }
    words
}

/// The terms of a text for the index, in order, without function words: each run of letters and digits whole; its parts
/// where its case changes; a code both as it stands and masked; a number of up to five digits as it stands.
pub fn tokenise(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for run in text.split_whitespace().flat_map(runs) {
        if run.is_number() {
            if run.text.len() <= CODE_DIGITS && run.text.bytes().all(|byte| byte.is_ascii_digit()) {
                terms.push(run.text.to_owned());
            }
            continue;
        }
        let (whole, masked) = (run.text.to_lowercase(), masked(run.text));
        if is_function_word(&whole) {
            continue;
        }
        let parts = split_case(run.text);
        if parts.len() > 1 {
            let parts = parts.into_iter().map(self::masked);
            terms.extend(parts.filter(|part| part.len() > 1 && !is_function_word(part)));
        }
        if masked != whole {
            terms.push(whole);
        }
        terms.push(masked);
    }
    terms
}

/// The masked twin of a term, where it has one: a code is two terms of the index.
pub(super) fn masked_form(term: &str) -> Option<String> {
    let masked = masked(term);
    (masked != term && term.contains(char::is_alphabetic)).then_some(masked)
}

struct Run<'a> {
    text: &'a str,
    key: bool,
    /// A time or an identifier as a whole, whatever letters are in it.
    opaque: bool,
}

impl Run<'_> {
    fn is_number(&self) -> bool {
        self.opaque || is_number(self.text)
    }
}

/// Runs of letters and digits. Digits joined by `.`, `:`, `,`, `-` or `/` are one run: an address, a date, a version. So is a
/// time with its zone, and a UUID.
fn runs(part: &str) -> impl Iterator<Item = Run<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + part[at..].find(char::is_alphanumeric)?;
        let length = |from: usize| part[from..].find(|c: char| !c.is_alphanumeric()).unwrap_or(part.len() - from);
        let whole = opaque(&part[start..]);
        let mut end = start + whole.unwrap_or_else(|| length(start));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_none() && digits(&part[start..end]) {
            while let Some(joint) = part[end..].chars().next().filter(|c| matches!(c, '.' | ':' | ',' | '-' | '/')) {
                let next = end + joint.len_utf8();
                let following = length(next);
                if following == 0 || !digits(&part[next..next + following]) {
                    break;
                }
                end = next + following;
            }
        }
        at = end;
        let opens = part[..start]
            .chars()
            .next_back()
            .is_none_or(|c| matches!(c, ',' | ';' | '(' | '{' | '[' | '<' | '"' | '|'));
        let key = opens && (part[end..].starts_with('=') || &part[end..] == ":");
        Some(Run { text: &part[start..end], key, opaque: whole.is_some() })
    })
}

/// Digits alone (with their joints), `0x...`, or hexadecimal with at least one digit.
fn is_number(run: &str) -> bool {
    let has_digit = run.bytes().any(|byte| byte.is_ascii_digit());
    has_digit
        && (run.bytes().all(|byte| !byte.is_ascii_alphabetic() && byte.is_ascii())
            || (run.len() >= 2 && run.bytes().all(|byte| byte.is_ascii_hexdigit()))
            || (run.len() > 2 && (run.starts_with("0x") || run.starts_with("0X"))))
}

/// Lowercase, each run of digits as one `0`.
fn masked(run: &str) -> String {
    let mut text = String::with_capacity(run.len());
    for c in run.chars() {
        if !c.is_ascii_digit() {
            text.extend(c.to_lowercase());
        } else if !text.ends_with('0') {
            text.push('0');
        }
    }
    text
}

fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.binary_search(&word).is_ok()
}

/// Parts of a name: a capital after a small letter opens one, and so does the last capital before a small letter
/// (`HTTPError`: `HTTP`, `Error`).
fn split_case(run: &str) -> Vec<&str> {
    let characters: Vec<(usize, char)> = run.char_indices().collect();
    let mut starts = vec![0];
    for i in 1..characters.len() {
        let (before, (at, c)) = (characters[i - 1].1, characters[i]);
        let after = characters.get(i + 1).map(|(_, c)| *c);
        if opens_part(Some(before), c, after) {
            starts.push(at);
        }
    }
    let ends = starts.iter().copied().skip(1).chain([run.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| &run[start..end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_kept_and_split() {
        for (text, expected) in [
            ("Connection refused", vec!["connection", "refused"]),
            ("ConnectionRefusedError:", vec!["connection", "refused", "error", "connectionrefusederror"]),
            ("HTTPError", vec!["http", "error", "httperror"]),
            ("max_connections=100", vec!["max", "connections", "100"]),
            ("java.lang.OutOfMemoryError", vec!["java", "lang", "out", "memory", "error", "outofmemoryerror"]),
            ("The disk is not full", vec!["disk", "not", "full"]),
            ("/var/lib/postgresql", vec!["var", "lib", "postgresql"]),
            ("ssh2 took 15ms", vec!["ssh2", "ssh0", "took", "15ms", "0ms"]),
            ("HTTP 503 from 10.0.0.1:8080", vec!["http", "503"]),
            ("ORA-00600", vec!["ora", "00600"]),
            ("code 0x80070005", vec!["code"]),
            ("2026-11-30T06:44:59Z lost", vec!["lost"]),
            ("[2026-11-30T06:44:59.922365+01:00] lost", vec!["lost"]),
            ("at=2026-11-30T06:44Z, 20261130T064459Z", vec![]),
            ("30/Nov/2026:06:44:59 +0000 lost", vec!["0000", "lost"]),
            ("06:44:59Z 6:44 1.5 lost", vec!["lost"]),
            ("id 550e8400-e29b-41d4-a716-446655440000, 0x7f3a", vec!["id"]),
            // No times, and so what they were before.
            ("59z 12T08 v2", vec!["59z", "0z", "t0", "12t08", "0t0", "v2", "v0"]),
            ("--", vec![]),
        ] {
            assert_eq!(tokenise(text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_read_in_their_place() {
        let read = |text: &str, split| -> Vec<(String, WordKind, u32, bool)> {
            words(text, split).into_iter().map(|word| (word.text, word.kind, word.chunk, word.key)).collect()
        };
        use WordKind::{Code, Name, Number};
        assert_eq!(
            read("Failed password for root from 10.0.0.1 port 22 ssh2", false),
            [
                ("failed".into(), Name, 0, false),
                ("password".into(), Name, 1, false),
                ("root".into(), Name, 3, false),
                (String::new(), Number, 5, false),
                ("port".into(), Name, 6, false),
                (String::new(), Number, 7, false),
                ("ssh0".into(), Code, 8, false),
            ]
        );
        assert_eq!(
            read("uid=0,user=root file:///x error: y", false),
            [
                ("uid".into(), Name, 0, true),
                (String::new(), Number, 0, false),
                ("user".into(), Name, 0, true),
                ("root".into(), Name, 0, false),
                ("file".into(), Name, 1, false),
                ("x".into(), Name, 1, false),
                ("error".into(), Name, 2, true),
                ("y".into(), Name, 3, false),
            ]
        );
        assert_eq!(
            read("OutOfMemoryError <*>", true).into_iter().map(|word| word.0).collect::<Vec<_>>(),
            ["out", "memory", "error", ""]
        );
    }

    #[test]
    fn function_words_are_sorted() {
        assert!(FUNCTION_WORDS.is_sorted());
    }

    proptest! {
        #[test]
        fn every_named_word_is_a_term_of_the_index(text in "[ -~éß]{0,60}") {
            let terms = tokenise(&text);
            for word in words(&text, false).into_iter().chain(words(&text, true)) {
                let counts = word.kind != WordKind::Number && word.text.chars().count() > 1;
                prop_assert!(!counts || terms.contains(&word.text), "{word:?} of {text:?} is not among {terms:?}");
            }
        }

        #[test]
        fn case_changes_no_whole_word(text in "[ -~]{0,60}") {
            let read = |text: &str| words(text, false).into_iter().map(|word| (word.text, word.kind)).collect::<Vec<_>>();
            prop_assert_eq!(read(&text), read(&text.to_lowercase()));
        }
    }
}
