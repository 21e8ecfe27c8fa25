//! Must-not terms: words that rule a pattern out, wherever they stand, also as a part of an identifier.

/// A text in which must-not terms are looked for: read once for all terms.
///
/// A term occurs where it stands as whole words, in any case. Parts of an identifier are words too: `quota` occurs in
/// `QuotaExceededError`, in `quota_exceeded` and in `disk-quota`, and `disk quota` in `DiskQuotaError` and `disk_quota`. Another
/// form of a word is another word: `quota` does not occur in `quotas`.
#[derive(Clone, Debug)]
pub struct MustNotText {
    lower: String,
    /// By byte of `lower`, and one for its end: whether a word may begin there, and whether one may end there.
    edges: Vec<Edge>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Edge {
    begins: bool,
    ends: bool,
}

impl MustNotText {
    pub fn new(text: &str) -> Self {
        let mut lower = String::with_capacity(text.len());
        let mut edges = Vec::with_capacity(text.len() + 1);
        let mut characters = text.chars().peekable();
        let mut before = None;
        while let Some(c) = characters.next() {
            let inside = opens_part(before, c, characters.peek().copied());
            let edge = Edge { begins: inside || !is_alphanumeric(before), ends: inside || !c.is_alphanumeric() };
            lower.extend(c.to_lowercase());
            // A letter may be more bytes in lowercase, or more letters: no word begins or ends within it.
            edges.push(edge);
            edges.resize(lower.len(), Edge::default());
            before = Some(c);
        }
        edges.push(Edge { begins: !is_alphanumeric(before), ends: true });
        Self { lower, edges }
    }

    /// Whether a term occurs. An empty one never does.
    pub fn contains(&self, term: &str) -> bool {
        let term = lowercase(term.trim());
        if term.is_empty() {
            return false;
        }
        let words: Vec<&str> = term.split_whitespace().collect();
        self.stands(&term, &[]) || (words.len() > 1 && (self.joined(&words, "_") || self.joined(&words, "")))
    }

    /// Whether words occur as consecutive parts of one identifier.
    fn joined(&self, words: &[&str], by: &str) -> bool {
        let mut inner = Vec::with_capacity(words.len() - 1);
        let mut at = 0;
        for word in &words[..words.len() - 1] {
            inner.push(at + word.len());
            at += word.len() + by.len();
        }
        self.stands(&words.join(by), &inner)
    }

    /// Whether a lowercase text stands between edges of words, and words end at these places inside it.
    fn stands(&self, text: &str, inner: &[usize]) -> bool {
        let mut from = 0;
        while let Some(found) = self.lower.get(from..).and_then(|rest| rest.find(text)) {
            let at = from + found;
            if self.edges[at].begins
                && self.edges[at + text.len()].ends
                && inner.iter().all(|place| self.edges[at + place].ends)
            {
                return true;
            }
            from = at + self.lower[at..].chars().next().map_or(1, char::len_utf8);
        }
        false
    }
}

/// Letter by letter, as the text is: whole words would know a final sigma.
fn lowercase(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn is_alphanumeric(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

/// Whether a character opens a part of a name: a capital after a small letter or a digit, and the last capital before a
/// small letter (`HTTPError`: `HTTP`, `Error`).
pub(super) fn opens_part(before: Option<char>, c: char, after: Option<char>) -> bool {
    c.is_uppercase()
        && before.is_some_and(|before| {
            before.is_lowercase()
                || before.is_ascii_digit()
                || (before.is_uppercase() && after.is_some_and(char::is_lowercase))
        })
}

/// Whether a must-not term occurs in a text; see [`MustNotText`], which reads a text once for many terms.
pub fn contains_term(text: &str, term: &str) -> bool {
    MustNotText::new(text).contains(term)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_term_is_whole_words_also_within_identifiers() {
        for (text, term, found) in [
            ("Quota exceeded: out of memory", "quota", true),
            ("disk quota.", "disk quota", true),
            ("QuotaExceededError: out of memory", "quota", true),
            ("quota_exceeded=true", "quota", true),
            ("exceeded_quota", "Quota", true),
            ("DISK_QUOTA", "quota", true),
            ("diskQuota2Exceeded", "exceeded", true),
            ("com.example.DiskQuotaError", "disk quota", true),
            ("disk_quota_exceeded", "disk quota", true),
            ("QuotaExceededError", "QuotaExceeded", true),
            ("OOMKilled", "oom", true),
            ("HTTPError", "http", true),
            ("HTTPError", "error", true),
            ("ÄußererFehler", "fehler", true),
            // Another form of the word, or a part of one.
            ("quotas exceeded", "quota", false),
            ("QuotasExceeded", "quota", false),
            ("equota", "quota", false),
            ("diskquota", "quota", false),
            ("diskquotaexceeded", "disk quota", false),
            ("disk is full, no quota", "disk quota", false),
            ("anything", "", false),
            ("anything", "  ", false),
            // Lowercase of another length than the letter.
            ("İstanbul quota", "quota", true),
            ("\u{212a}elvin", "kelvin", true),
        ] {
            assert_eq!(contains_term(text, term), found, "{text} / {term}");
        }
    }

    proptest! {
        #[test]
        // Not with `İ`, whose lowercase has a mark of its own that would end a word: it is among the cases above.
        fn whole_words_are_found_as_they_stand(text in "[ a-zA-Z0-9_.:=éßΣ-]{0,60}", term in "[a-z0-9é]{1,4}( [a-z]{1,3})?") {
            let (lower, wanted) = (lowercase(&text), lowercase(&term));
            let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let plain = lower.match_indices(&wanted).any(|(at, _)| {
                !is_word(lower[..at].chars().next_back()) && !is_word(lower[at + wanted.len()..].chars().next())
            });
            prop_assert!(!plain || contains_term(&text, &term));
            // A text and a term in one case have no parts but those between signs.
            let parts = lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == wanted);
            if !term.contains(' ') {
                prop_assert_eq!(contains_term(&lower, &term), parts);
            }
        }
    }
}
