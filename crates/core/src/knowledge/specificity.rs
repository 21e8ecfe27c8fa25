//! How specific an expression is: the fewest characters that stand for themselves in any text that it matches.
//!
//! Counted on the parsed expression, so that neither its notation (`(?i)`, `(?:`, `{1,64}`, an escape) nor what it leaves open
//! (a class, a wildcard, an anchor) counts. Of alternatives the least counts, since a text needs only that one; a
//! repetition counts its part as often as it must occur, so what is optional counts nothing.

use super::selective::weight_of;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// Ranges of a class that may still be one letter in all its cases.
const CASES: usize = 4;

/// The literal characters of an expression; 0 where it cannot be parsed.
pub(super) fn literal_characters(expression: &str) -> usize {
    regex_syntax::parse(expression).map_or(0, |hir| least(&hir))
}

/// The same, counted in letters and digits as [`weight_of`] weighs them: blanks and punctuation stand in every text.
pub(super) fn literal_words(expression: &str) -> usize {
    regex_syntax::parse(expression).map_or(0, |hir| least_of(&hir, weight_of))
}

fn least(hir: &Hir) -> usize {
    least_of(hir, |_| 1)
}

/// The expression's depth is bounded by its parser.
fn least_of(hir: &Hir, weigh: fn(char) -> usize) -> usize {
    let least = |hir: &Hir| least_of(hir, weigh);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).chars().map(weigh).sum(),
        HirKind::Class(class) => usize::from(is_one_letter(class)),
        HirKind::Repetition(repetition) => (repetition.min as usize).saturating_mul(least(&repetition.sub)),
        HirKind::Capture(capture) => least(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(least).fold(0, usize::saturating_add),
        HirKind::Alternation(parts) => parts.iter().map(least).min().unwrap_or(0),
    }
}

/// Whether a class is one letter in any case: what `(?i)` makes of a literal.
fn is_one_letter(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => {
            let Some(first) = class.iter().next().filter(|_| class.ranges().len() <= CASES) else { return false };
            let mut cases = ClassUnicode::new([ClassUnicodeRange::new(first.start(), first.start())]);
            if cases.try_case_fold_simple().is_err() {
                return false;
            }
            let members: usize = class.iter().map(ClassUnicodeRange::len).sum();
            cases.intersect(class);
            cases.iter().map(ClassUnicodeRange::len).sum::<usize>() == members
        }
        Class::Bytes(class) => {
            let Some(first) = class.iter().next().filter(|_| class.ranges().len() <= CASES) else { return false };
            let mut cases = ClassBytes::new([ClassBytesRange::new(first.start(), first.start())]);
            cases.case_fold_simple();
            let members: usize = class.iter().map(ClassBytesRange::len).sum();
            cases.intersect(class);
            cases.iter().map(ClassBytesRange::len).sum::<usize>() == members
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_what_every_match_must_contain() {
        for (expression, count) in [
            ("abc", 3),
            (r"a\.b", 3),
            (r"\d+ms", 2),
            ("[abc]d", 1),
            ("", 0),
            // Notation counts nothing.
            ("(?i)timed out", 9),
            ("(?i)task", 4),
            ("(?-u:(?i)abc)", 3),
            ("(?:abc)", 3),
            ("(?P<name>abc)", 3),
            (r"^\bdisk\b$", 4),
            (r"\x41\u{e4}", 2),
            ("äö", 2),
            // What it leaves open counts nothing.
            ("[^ \\t\\n]{1,64}", 0),
            (".*(?s:.){1,1024}", 0),
            (r"\w+\s+\p{L}", 0),
            // Of alternatives the least.
            ("connection refused|reset", 5),
            ("(?:out of memory|oom) killer", 10),
            ("a long one|", 0),
            // As often as it must occur.
            ("(?:ab){3}", 6),
            ("(?:ab){2,9}c", 5),
            ("ab+", 2),
            ("colou?r", 5),
            ("(?:ab)*c", 1),
            ("(unclosed", 0),
        ] {
            assert_eq!(literal_characters(expression), count, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn a_text_that_stands_for_itself_counts_in_full(text in "[ -~äß\u{212a}]{0,40}") {
            let expression = regex_syntax::escape(&text);
            prop_assert_eq!(literal_characters(&expression), text.chars().count());
            prop_assert_eq!(literal_characters(&format!("(?i){expression}")), text.chars().count());
        }

        #[test]
        fn a_match_is_never_shorter(expression in r"([abk]|a\{1,3\}|\.|\[ab\]\+|\(ab\|c\)|\(\?:b\|\)|k\*){0,6}", text in "[abck]{0,12}") {
            let Ok(regex) = regex::Regex::new(&expression) else { return Ok(()) };
            if let Some(found) = regex.find(&text) {
                prop_assert!(found.as_str().chars().count() >= literal_characters(&expression), "{expression} on {text}");
            }
        }
    }
}
