//! What a text must contain for an expression to match it at all.
//!
//! Read from the expression as it is written: working out its classes, which a start with many patterns and every edit would
//! pay for, tells nothing more.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Alternation, Ast, ClassBracketed, ClassSet, ClassSetItem, Concat, Error, Flag, Flags, FlagsItemKind, GroupKind,
    RepetitionKind, RepetitionRange,
};

use super::fold::folded;

/// More alternatives than this are no filter any more.
const ALTERNATIVES: usize = 256;
/// A longer literal filters no better.
const LONG_ENOUGH: usize = 16;
/// Sets that are offered to choose from.
const SETS: usize = 8;

/// Literals, folded, of which every text that matches contains at least one.
pub(super) type Set = Vec<Vec<u8>>;

/// Sets to choose from, each of which is enough by itself. None where nothing is required.
///
/// Fails where the expression cannot be parsed. What parses may still be no expression, for example for a class that
/// does not exist; what is required of it does no harm, since it never holds.
pub(super) fn required(expression: &str) -> Result<Vec<Set>, Box<Error>> {
    let ast = Parser::new().parse(expression).map_err(Box::new)?;
    let mut sets = Reading::default().look(&ast).sets();
    sets.retain(|set| shortest(set) > 0);
    Ok(sets)
}

/// How rarely a text contains one of a set, in letters: the length of its shortest literal, less for literals that other
/// expressions require as well, because what many failures share is in many texts.
pub(super) fn worth(set: &Set, shared: impl Fn(&[u8]) -> usize) -> f64 {
    let others = set.iter().map(|literal| shared(literal)).max().unwrap_or(0) as f64;
    shortest(set).min(LONG_ENOUGH) as f64 - 2.0 * (1.0 + others).log2() - set.len() as f64 / ALTERNATIVES as f64
}

/// What one part of an expression requires.
enum Needs {
    /// Exactly this text, folded.
    Text(Vec<u8>),
    /// One of each of these sets.
    Sets(Vec<Set>),
}

impl Needs {
    const NOTHING: Self = Self::Sets(Vec::new());

    fn sets(self) -> Vec<Set> {
        match self {
            Self::Text(text) => vec![vec![text]],
            Self::Sets(sets) => sets,
        }
    }
}

/// Goes through an expression from left to right. Its depth is bounded by its parser.
#[derive(Default)]
struct Reading {
    /// Some part before compares without regard to case, or bytes: letters beyond ASCII may stand for others then.
    loose: bool,
}

impl Reading {
    fn look(&mut self, ast: &Ast) -> Needs {
        match ast {
            Ast::Empty(_) | Ast::Assertion(_) => Needs::Text(Vec::new()),
            Ast::Flags(set) => {
                self.take(&set.flags);
                Needs::Text(Vec::new())
            }
            Ast::Literal(literal) => self.letter(literal.c),
            Ast::ClassBracketed(class) => self.one_letter(class).map_or(Needs::NOTHING, |c| self.letter(c)),
            Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) => Needs::NOTHING,
            Ast::Group(group) => {
                if let GroupKind::NonCapturing(flags) = &group.kind {
                    self.take(flags);
                }
                self.look(&group.ast)
            }
            Ast::Repetition(repetition) => {
                let needs = self.look(&repetition.ast);
                match &repetition.op.kind {
                    RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => Needs::NOTHING,
                    RepetitionKind::Range(
                        RepetitionRange::Exactly(0) | RepetitionRange::AtLeast(0) | RepetitionRange::Bounded(0, _),
                    ) => Needs::NOTHING,
                    RepetitionKind::Range(RepetitionRange::Exactly(1) | RepetitionRange::Bounded(1, 1)) => needs,
                    RepetitionKind::OneOrMore | RepetitionKind::Range(_) => Needs::Sets(needs.sets()),
                }
            }
            Ast::Concat(concat) => self.all_of(concat),
            Ast::Alternation(alternation) => self.any_of(alternation),
        }
    }

    fn take(&mut self, flags: &Flags) {
        let mut negated = false;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => negated = true,
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.loose |= !negated,
                FlagsItemKind::Flag(Flag::Unicode) => self.loose |= negated,
                FlagsItemKind::Flag(_) => {}
            }
        }
    }

    fn letter(&self, letter: char) -> Needs {
        if letter.is_ascii() || !self.loose {
            Needs::Text(folded(letter.encode_utf8(&mut [0; 4]).as_bytes()))
        } else {
            Needs::NOTHING
        }
    }

    /// The ASCII letter that every member of a class folds to.
    fn one_letter(&self, class: &ClassBracketed) -> Option<char> {
        let ClassSet::Item(item) = &class.kind else { return None };
        let items = match item {
            ClassSetItem::Union(union) => union.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut letters = items.iter().map(|item| match item {
            ClassSetItem::Literal(literal) if literal.c.is_ascii() => Some(literal.c.to_ascii_lowercase()),
            _ => None,
        });
        let first = letters.next()??;
        (!class.negated && letters.all(|letter| letter == Some(first))).then_some(first)
    }

    fn all_of(&mut self, concat: &Concat) -> Needs {
        let (mut run, mut sets, mut only_text) = (Vec::new(), Vec::new(), true);
        for part in &concat.asts {
            match self.look(part) {
                Needs::Text(text) => run.extend(text),
                Needs::Sets(own) => {
                    only_text = false;
                    sets.push(vec![std::mem::take(&mut run)]);
                    sets.extend(own);
                }
            }
        }
        if only_text {
            return Needs::Text(run);
        }
        sets.push(vec![run]);
        sets.retain(|set| shortest(set) > 0);
        best_first(&mut sets);
        Needs::Sets(sets)
    }

    fn any_of(&mut self, alternation: &Alternation) -> Needs {
        // All parts are read, also after one that requires nothing: what it says of letters holds for what follows.
        let parts: Vec<Vec<Set>> = alternation.asts.iter().map(|part| self.look(part).sets()).collect();
        let mut all = Vec::new();
        for mut sets in parts {
            best_first(&mut sets);
            let Some(best) = sets.into_iter().next() else { return Needs::NOTHING };
            all.extend(best);
        }
        all.sort_unstable();
        all.dedup();
        if all.len() > ALTERNATIVES { Needs::NOTHING } else { Needs::Sets(vec![all]) }
    }
}

/// The sets that the fewest texts contain, first; of equals the first of the expression.
fn best_first(sets: &mut Vec<Set>) {
    sets.sort_by_key(|set| (std::cmp::Reverse(shortest(set).min(LONG_ENOUGH)), set.len()));
    sets.truncate(SETS);
}

fn shortest(set: &Set) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
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
            ("(?i)stra\u{df}e voll", Some(vec!["e voll"])),
            ("stra\u{df}e", Some(vec!["stra\u{df}e"])),
            ("(?-u)[Oo]ut \\xff of", Some(vec!["out "])),
        ] {
            let found = required(expression).expect("parses").into_iter().next();
            let expected = expected.map(|all| all.into_iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
            assert_eq!(found, expected, "{expression}");
        }
    }

    #[test]
    fn what_other_expressions_require_as_well_is_worth_less() {
        let sets = required(r"connection \d+ of own17 refused").expect("parses");
        assert_eq!(sets[0], [b" of own17 refused".to_vec()]);
        let sets = required(r"(?i)connection \w+ own17").expect("parses");
        let best = |shared: usize| {
            let worth = |set: &&Set| worth(set, |literal| if literal == b"connection " { shared } else { 0 });
            sets.iter().max_by(|a, b| worth(a).total_cmp(&worth(b))).cloned()
        };
        assert_eq!(best(0), Some(vec![b"connection ".to_vec()]));
        assert_eq!(best(20), Some(vec![b" own17".to_vec()]));
    }
}
