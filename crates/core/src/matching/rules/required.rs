//! What a text must contain for an expression to match it at all.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::fold::folded;

/// More alternatives than this are no filter any more.
const ALTERNATIVES: usize = 256;
/// A longer literal filters no better.
const LONG_ENOUGH: usize = 16;

/// Literals, folded, of which every text that matches contains at least one. None where nothing is required.
///
/// Fails where the expression cannot be parsed.
pub(super) fn required(expression: &str) -> Result<Option<Vec<Vec<u8>>>, Box<regex_syntax::Error>> {
    let hir = regex_syntax::parse(expression).map_err(Box::new)?;
    Ok(look(&hir).best().filter(|literals| shortest(literals) > 0))
}

/// What one part of an expression requires.
enum Needs {
    /// Exactly this text, folded.
    Text(Vec<u8>),
    /// One of these, folded.
    OneOf(Vec<Vec<u8>>),
    Nothing,
}

impl Needs {
    fn best(self) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::Text(text) => Some(vec![text]),
            Self::OneOf(literals) => Some(literals),
            Self::Nothing => None,
        }
    }
}

/// The expression's depth is bounded by its parser.
fn look(hir: &Hir) -> Needs {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Needs::Text(Vec::new()),
        HirKind::Literal(literal) => Needs::Text(folded(&literal.0)),
        HirKind::Class(class) => one_letter(class).map_or(Needs::Nothing, |letter| Needs::Text(vec![letter])),
        HirKind::Capture(capture) => look(&capture.sub),
        HirKind::Repetition(repetition) => match (look(&repetition.sub), repetition.min, repetition.max) {
            (needs, 1, Some(1)) => needs,
            (_, 0, _) => Needs::Nothing,
            (needs, ..) => needs.best().map_or(Needs::Nothing, Needs::OneOf),
        },
        HirKind::Concat(parts) => all_of(parts),
        HirKind::Alternation(parts) => any_of(parts),
    }
}

/// The letter that every member of a class folds to.
fn one_letter(class: &Class) -> Option<u8> {
    let mut letters = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.iter() {
                // A class that folds to one letter has at most three members, each its own range.
                if range.start() != range.end() || letters.len() > 3 {
                    return None;
                }
                letters.push(folded(range.start().to_string().as_bytes()));
            }
        }
        Class::Bytes(class) => {
            for range in class.iter() {
                if range.start() != range.end() || letters.len() > 3 {
                    return None;
                }
                letters.push(folded(&[range.start()]));
            }
        }
    }
    let first = letters.first()?;
    (letters.iter().all(|letter| letter == first) && first.len() == 1).then(|| first[0])
}

fn all_of(parts: &[Hir]) -> Needs {
    let mut run: Vec<u8> = Vec::new();
    let mut best: Option<Vec<Vec<u8>>> = None;
    let mut only_text = true;
    for part in parts {
        match look(part) {
            Needs::Text(text) => run.extend(text),
            needs => {
                only_text = false;
                best = better(best, Some(vec![std::mem::take(&mut run)]));
                best = better(best, needs.best());
            }
        }
    }
    if only_text {
        return Needs::Text(run);
    }
    better(best, Some(vec![run])).map_or(Needs::Nothing, Needs::OneOf)
}

fn any_of(parts: &[Hir]) -> Needs {
    let mut literals = Vec::new();
    for part in parts {
        let Some(own) = look(part).best() else { return Needs::Nothing };
        literals.extend(own);
    }
    literals.sort_unstable();
    literals.dedup();
    if literals.len() > ALTERNATIVES { Needs::Nothing } else { Needs::OneOf(literals) }
}

/// The set that fewer texts contain: by its shortest literal, then by how many there are.
fn better(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>) -> Option<Vec<Vec<u8>>> {
    let worth = |literals: &[Vec<u8>]| (shortest(literals).min(LONG_ENOUGH), std::cmp::Reverse(literals.len()));
    match (a, b) {
        (Some(a), Some(b)) => Some(if worth(&b) > worth(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn shortest(literals: &[Vec<u8>]) -> usize {
    literals.iter().map(Vec::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_every_match_contains() {
        for (expression, expected) in [
            ("pool exhausted", Some(vec!["pool exhausted"])),
            ("(?i)Kernel Panic", Some(vec!["kernel panic"])),
            (r"\bOOM\b.*[Kk]illed process \d+", Some(vec!["killed process "])),
            ("(?:disk|volume) full", Some(vec![" full"])),
            ("(?:disk full|no space left)", Some(vec!["disk full", "no space left"])),
            ("(?:disk full|.*)", None),
            ("(?:refused)?", None),
            ("(?:refused)+", Some(vec!["refused"])),
            (r"\d+", None),
            ("^timed? out!$", Some(vec![" out!"])),
            ("", None),
        ] {
            let found = required(expression).expect("parses");
            let expected = expected.map(|all| all.into_iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
            assert_eq!(found, expected, "{expression}");
        }
    }
}
