//! The tokeniser for failure text.

/// Words that say nothing about a failure. "not" and "no" do.
const FUNCTION_WORDS: [&str; 28] = [
    "a", "an", "and", "are", "as", "at", "be", "been", "by", "for", "from", "had", "has", "have", "in", "is", "it",
    "its", "of", "on", "or", "that", "the", "this", "to", "was", "were", "with",
];

/// Splits text into lowercase terms. Names are kept whole and also split at case changes, underscores, dots and
/// hyphens, so that `ConnectionRefusedError` answers to `connection refused`. Numbers are kept: error codes matter.
pub fn tokenise(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))) {
        let word = word.trim_matches(['_', '.', '-']);
        if word.is_empty() {
            continue;
        }
        let whole = word.to_lowercase();
        let parts = split_name(word);
        if parts.len() > 1 {
            terms.extend(parts.into_iter().filter(|part| part.len() > 1 && !is_function_word(part)));
        }
        if !is_function_word(&whole) {
            terms.push(whole);
        }
    }
    terms
}

fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.binary_search(&word).is_ok()
}

fn split_name(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut previous_lower = false;
    for c in word.chars() {
        if matches!(c, '_' | '.' | '-') {
            parts.push(String::new());
            previous_lower = false;
            continue;
        }
        if c.is_uppercase() && previous_lower {
            parts.push(String::new());
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
        if let Some(part) = parts.last_mut() {
            part.extend(c.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a must-not term occurs in a text, as whole words, in any case.
pub fn contains_term(text: &str, term: &str) -> bool {
    let (text, term) = (text.to_lowercase(), term.trim().to_lowercase());
    if term.is_empty() {
        return false;
    }
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(&term)
        .any(|(at, _)| !is_word(text[..at].chars().next_back()) && !is_word(text[at + term.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_split() {
        for (text, expected) in [
            ("Connection refused", vec!["connection", "refused"]),
            ("ConnectionRefusedError:", vec!["connection", "refused", "error", "connectionrefusederror"]),
            ("max_connections=100", vec!["max", "connections", "max_connections", "100"]),
            (
                "java.lang.OutOfMemoryError",
                vec!["java", "lang", "out", "memory", "error", "java.lang.outofmemoryerror"],
            ),
            ("The disk is not full", vec!["disk", "not", "full"]),
            ("--", vec![]),
        ] {
            assert_eq!(tokenise(text), expected, "{text}");
        }
    }

    #[test]
    fn function_words_are_sorted() {
        assert!(FUNCTION_WORDS.is_sorted());
    }

    #[test]
    fn a_term_is_whole_words() {
        for (text, term, found) in [
            ("Quota exceeded: out of memory", "quota", true),
            ("quotas exceeded", "quota", false),
            ("disk quota.", "disk quota", true),
            ("anything", "", false),
        ] {
            assert_eq!(contains_term(text, term), found, "{text} / {term}");
        }
    }
}
