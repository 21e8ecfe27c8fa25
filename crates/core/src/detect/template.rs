//! Templates: lines that differ only in their variables are one.
//!
//! A token is a variable when it carries a digit, or is long and hexadecimal. This is the one-pass masking that Drain
//! (He et al., ICWS 2017) applies before its tree; the tree itself is not needed to tell failures of one service apart.

use std::collections::BTreeSet;

/// Where a variable stood.
const WILDCARD: &str = "<*>";

/// Only the first line and this many tokens make the template: the frames below differ between runs of one failure.
const TOKEN_LIMIT: usize = 64;

/// The template of a message.
pub fn template(message: &str) -> String {
    let mut template = String::with_capacity(message.len().min(256));
    for token in message.lines().next().unwrap_or_default().split_ascii_whitespace().take(TOKEN_LIMIT) {
        if !template.is_empty() {
            template.push(' ');
        }
        mask(token, &mut template);
    }
    template
}

/// Masks within a token at its separators, so that `user=42,` becomes `user=<*>,`.
fn mask(token: &str, out: &mut String) {
    let is_separator =
        |c: char| matches!(c, '=' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '<' | '>' | '|');
    let mut rest = token;
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        out.push_str(if is_variable(word) { WILDCARD } else { word });
        let separator = tail.chars().next().map_or(0, char::len_utf8);
        out.push_str(&tail[..separator]);
        rest = &tail[separator..];
    }
}

fn is_variable(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    core.chars().any(|c| c.is_ascii_digit())
        || (core.len() >= 16 && core.chars().all(|c| c.is_ascii_hexdigit() || c == '-'))
}

/// The words of a template, lowercase, without wildcards: what two texts are compared by.
pub fn tokens(template: &str) -> BTreeSet<String> {
    template
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.len() > 1)
        .map(str::to_lowercase)
        .collect()
}

/// Jaccard similarity of two token sets in basis points; two empty sets are not alike.
pub fn jaccard(a: &BTreeSet<String>, b: &BTreeSet<String>) -> u32 {
    let shared = a.intersection(b).count() as u32;
    let all = a.union(b).count() as u32;
    (shared * 10_000).checked_div(all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_wildcards() {
        for (message, expected) in [
            ("connect to 10.0.0.1:5432 failed", "connect to <*> failed"),
            ("user=42, order=abc", "user=<*>, order=abc"),
            ("block blk_-1608999687919862906 gone", "block <*> gone"),
            ("trace deadbeefdeadbeefdeadbeef", "trace <*>"),
            ("a  b\n\tat c.d(E.java:1)", "a b"),
            ("", ""),
        ] {
            assert_eq!(template(message), expected);
        }
    }

    #[test]
    fn similarity_is_of_words() {
        let (a, b) = (tokens("connect to <*> failed"), tokens("Connect to <*> timed out"));
        assert_eq!(jaccard(&a, &b), 2 * 10_000 / 5);
        assert_eq!(jaccard(&a, &a), 10_000);
        assert_eq!(jaccard(&tokens("<*>"), &tokens("")), 0);
    }
}
