//! Takes secrets and personal data out of a text by their shape, before the text becomes knowledge.
//!
//! [`crate::redact`] takes out a text that somebody names; here nobody has looked yet, so shapes are all there is. Too much is
//! taken rather than too little: a draft that lost a word is still a draft, a leaked password is not undone.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::redact::REDACTED;

/// Expressions, and what is put in place of the whole: groups 1 stays.
const SHAPES: [&str; 12] = [
    // Private keys, also where the end was cut off.
    r"(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    // The user and the password of an address.
    r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/@]+@",
    r"(?i)\b((?:set-)?cookie\s*:\s*)[^\r\n]+",
    r"(?i)\b((?:bearer|basic|digest|negotiate)\s+)[A-Za-z0-9._~+/=-]{8,}",
    r#"(?i)([\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|session[_-]?id|signature)\w*["']?\s*[:=]\s*)(?:"[^"\r\n]*"|'[^'\r\n]*'|[^\s,;&"'\[]+)"#,
    // Names of people and what they are reached by, where a field says so.
    r#"(?i)\b((?:user(?:_?name)?|login|e-?mail|account|customer|(?:first|last|full)_?name|phone|iban|ssn)["']?\s*[=:]\s*["']?)(?:[^\s,;&"'\[\])}]+)"#,
    r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?",
    r"()\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_\w{10,}|AIza[\w-]{30,})",
    r"()[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
    r"()\+\d{1,3}[ -]?\d(?:[ -]?\d){6,12}\b",
    // The name of a home is the name of its owner.
    r"((?:/home/|/Users/|\\Users\\))[^/\\\s]+",
    r"()\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| SHAPES.iter().filter_map(|shape| Regex::new(shape).ok()).collect());
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d(?:[ -]?\d){12,18}\b").ok());
static IP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){3,7}").ok());
static RANDOM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+_-]{24,}={0,2}").ok());

/// The text without what looks like a secret, like personal data, or like a public address.
pub fn scrub(text: &str) -> String {
    let mut text = text.to_owned();
    for shape in COMPILED.iter() {
        text = shape.replace_all(&text, |found: &Captures<'_>| format!("{}{REDACTED}", &found[1])).into_owned();
        // The `@` belongs to the address and keeps it readable.
        if shape.as_str() == SHAPES[1] {
            text = text.replace(&format!("://{REDACTED}"), &format!("://{REDACTED}@"));
        }
    }
    for (shape, is_one) in [(&CARD, is_card as fn(&str) -> bool), (&IP, is_public), (&RANDOM, is_random)] {
        if let Some(shape) = shape.as_ref() {
            let put = |found: &Captures<'_>| if is_one(&found[0]) { REDACTED.to_owned() } else { found[0].to_owned() };
            text = shape.replace_all(&text, put).into_owned();
        }
    }
    text
}

/// Luhn's checksum (ISO/IEC 7812-1): other long numbers are kept.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    digits.len() >= 13 && sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// An address that may be a person's: one of the outside.
fn is_public(text: &str) -> bool {
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return !(v4.is_private()
            || v4.is_loopback()
            || v4.is_link_local()
            || v4.is_unspecified()
            || v4.is_broadcast()
            || v4.is_documentation());
    }
    text.parse::<Ipv6Addr>().is_ok_and(|v6| !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local()))
}

/// A key rather than a word: long, with digits among its letters, in both cases or wholly hexadecimal.
fn is_random(text: &str) -> bool {
    let has = |test: fn(&char) -> bool| text.chars().any(|c| test(&c));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    let hexadecimal = text.len() >= 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    digits >= 3 && (mixed || hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_shape_compiles() {
        assert_eq!(COMPILED.len(), SHAPES.len());
        assert!(CARD.is_some() && IP.is_some() && RANDOM.is_some());
    }

    #[test]
    fn what_is_taken_and_what_stays() {
        for (text, left) in [
            ("login failed password=hunter2 for", "login failed password=[redacted] for"),
            (r#"{"db_password": "a b c", "n": 1}"#, r#"{"db_password": [redacted], "n": 1}"#),
            ("API_KEY: abcdef", "API_KEY: [redacted]"),
            ("GET https://ada:pw@example.org/x", "GET https://[redacted]@example.org/x"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
            ("Set-Cookie: sid=1; Path=/", "Set-Cookie: [redacted]"),
            ("key AKIAIOSFODNN7EXAMPLE denied", "key [redacted] denied"),
            ("mail to ada.l@example.co.uk bounced", "mail to [redacted] bounced"),
            ("user=ada locked", "user=[redacted] locked"),
            ("open /home/ada/x.txt: denied", "open /home/[redacted]/x.txt: denied"),
            ("card 4111 1111 1111 1111 refused", "card [redacted] refused"),
            ("order 4111 1111 1111 1112 refused", "order 4111 1111 1111 1112 refused"),
            ("peer 81.2.69.142 reset", "peer [redacted] reset"),
            ("peer 10.0.0.7:5432 reset", "peer 10.0.0.7:5432 reset"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "jwt [redacted]"),
            ("call +44 20 7946 0958 now", "call [redacted] now"),
            ("java.lang.OutOfMemoryError: Java heap space", "java.lang.OutOfMemoryError: Java heap space"),
            ("unable_to_get_local_issuer_certificate at depth 0", "unable_to_get_local_issuer_certificate at depth 0"),
            ("exit status 137 after 12:30:45", "exit status 137 after 12:30:45"),
        ] {
            assert_eq!(scrub(text), left);
        }
    }

    #[test]
    fn a_private_key_is_taken_whole_also_when_cut_off() {
        for text in [
            "x -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc",
            "x -----BEGIN PRIVATE KEY-----\nMI\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(scrub(text), "x [redacted]");
        }
    }

    proptest! {
        #[test]
        fn no_password_is_left(before in "[a-z ]{0,20}", secret in "[A-Za-z0-9!#%^*._-]{6,30}", after in "[a-z ]{0,20}") {
            let text = format!("{before} password={secret} {after}");
            let kept = scrub(&text).contains(&format!("={secret}"));
            prop_assert!(!kept, "{}", text);
        }

        #[test]
        fn scrubbing_again_changes_nothing(text in "[ -~]{0,120}") {
            let once = scrub(&text);
            prop_assert_eq!(scrub(&once), once);
        }
    }
}
