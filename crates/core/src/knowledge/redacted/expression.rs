//! Takes a text out of a regular expression, by its syntax: what stands for itself is replaced, bounds and classes are not touched.

use std::ops::Range;

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Ast, ClassPerlKind, ClassSet, ClassSetItem, GroupKind, RepetitionKind, RepetitionOp, RepetitionRange, Span,
};

use super::ANYTHING;
use crate::redact::Redaction;

/// What became of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedactedExpression {
    /// It holds nothing of the text.
    Unchanged,
    /// With a wildcard in each place where the text stood.
    Changed(String),
    /// The text stands where it cannot be replaced: in a comment, in a group's name, or in what is no expression.
    Lost,
}

/// What one part of an expression stands for.
struct Part {
    /// The character that it stands for, a space, `<*>` for whatever varies, or nothing.
    text: &'static str,
    character: Option<char>,
    span: Range<usize>,
}

impl Part {
    fn varies(span: &Span) -> Self {
        Self { text: "<*>", character: None, span: span.start.offset..span.end.offset }
    }

    fn space(span: &Span) -> Self {
        Self { text: " ", ..Self::varies(span) }
    }

    fn literal(character: char, span: &Span) -> Self {
        Self { text: "", character: Some(character), ..Self::varies(span) }
    }
}

/// Replaces what is to be redacted.
pub fn redact_expression(expression: &str, redaction: &Redaction) -> RedactedExpression {
    let lost = |found: bool| if found { RedactedExpression::Lost } else { RedactedExpression::Unchanged };
    let Ok(with_comments) = Parser::new().parse_with_comments(expression) else {
        return lost(redaction.finds(expression));
    };
    if with_comments.comments.iter().any(|comment| redaction.finds(&comment.comment)) {
        return RedactedExpression::Lost;
    }
    let mut walk = Walk::default();
    let mut outer = Vec::new();
    walk.gather(&with_comments.ast, &mut outer);
    walk.runs.push(outer);
    if walk.names.iter().any(|name| redaction.finds(name)) {
        return RedactedExpression::Lost;
    }
    let mut edits: Vec<(Range<usize>, bool)> = walk.runs.iter().flat_map(|run| edits(run, redaction)).collect();
    if edits.is_empty() {
        return RedactedExpression::Unchanged;
    }
    // Of two that lie within each other the outer one counts; it comes first.
    edits.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
    let (mut redacted, mut done) = (String::with_capacity(expression.len()), 0);
    for (span, is_first) in edits {
        if span.start < done {
            continue;
        }
        redacted.push_str(&expression[done..span.start]);
        redacted.push_str(if is_first { ANYTHING } else { "" });
        done = span.end;
    }
    redacted.push_str(&expression[done..]);
    RedactedExpression::Changed(redacted)
}

/// The parts of a run that what is redacted lies in; true for the first of each place, which gets the wildcard.
fn edits(run: &[Part], redaction: &Redaction) -> Vec<(Range<usize>, bool)> {
    let (mut plain, mut ends) = (String::new(), Vec::with_capacity(run.len()));
    for part in run {
        match part.character {
            Some(character) => plain.push(character),
            // Wildcards side by side are one variable of a line.
            None if part.text == "<*>" && plain.ends_with(part.text) => {}
            None => plain.push_str(part.text),
        }
        ends.push(plain.len());
    }
    let mut edits = Vec::new();
    for found in redaction.places(&plain) {
        let mut is_first = true;
        for (i, part) in run.iter().enumerate() {
            let start = if i == 0 { 0 } else { ends[i - 1] };
            if start < found.end && found.start < ends[i] {
                edits.push((part.span.clone(), is_first));
                is_first = false;
            }
        }
    }
    edits
}

/// The runs of parts that stand side by side in a line, and the names of groups.
#[derive(Default)]
struct Walk {
    runs: Vec<Vec<Part>>,
    names: Vec<String>,
}

impl Walk {
    fn gather(&mut self, ast: &Ast, run: &mut Vec<Part>) {
        match ast {
            Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => {}
            Ast::Literal(literal) => run.push(Part::literal(literal.c, &literal.span)),
            Ast::ClassPerl(class) if is_space(ast) => run.push(Part::space(&class.span)),
            Ast::Dot(span) => run.push(Part::varies(span)),
            Ast::ClassPerl(class) => run.push(Part::varies(&class.span)),
            Ast::ClassUnicode(class) => run.push(Part::varies(&class.span)),
            Ast::ClassBracketed(class) => run.push(match &class.kind {
                ClassSet::Item(ClassSetItem::Literal(literal)) if !class.negated => {
                    Part::literal(literal.c, &class.span)
                }
                _ => Part::varies(&class.span),
            }),
            Ast::Repetition(repetition) => {
                if is_space(&repetition.ast) {
                    run.push(Part::space(&repetition.span));
                } else {
                    run.push(Part::varies(&repetition.span));
                    self.apart(&repetition.ast);
                }
            }
            Ast::Group(group) => {
                if let GroupKind::CaptureName { name, .. } = &group.kind {
                    self.names.push(name.name.clone());
                }
                match &*group.ast {
                    // One of several texts stands here.
                    Ast::Alternation(_) => {
                        run.push(Part::varies(&group.span));
                        self.apart(&group.ast);
                    }
                    inner => self.gather(inner, run),
                }
            }
            Ast::Alternation(alternation) => alternation.asts.iter().for_each(|one| self.apart(one)),
            Ast::Concat(concat) => concat.asts.iter().for_each(|one| self.gather(one, run)),
        }
    }

    /// What stands in a run of its own.
    fn apart(&mut self, ast: &Ast) {
        let mut run = Vec::new();
        self.gather(ast, &mut run);
        self.runs.push(run);
    }
}

fn is_space(ast: &Ast) -> bool {
    matches!(ast, Ast::ClassPerl(class) if matches!(class.kind, ClassPerlKind::Space) && !class.negated)
}

/// The text that every line has on which the expression holds, with spaces where it varies; of alternatives the one that says
/// least. `None` for what is no expression.
pub fn text_of(expression: &str) -> Option<String> {
    let ast = Parser::new().parse(expression).ok()?;
    let mut text = String::new();
    certain(&ast, &mut text);
    Some(text)
}

fn certain(ast: &Ast, text: &mut String) {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => {}
        Ast::Literal(literal) => text.push(literal.c),
        Ast::ClassBracketed(class) => match &class.kind {
            ClassSet::Item(ClassSetItem::Literal(literal)) if !class.negated => text.push(literal.c),
            _ => text.push(' '),
        },
        Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassUnicode(_) => text.push(' '),
        Ast::Repetition(repetition) if may_be_left_out(&repetition.op) => text.push(' '),
        Ast::Repetition(repetition) => certain(&repetition.ast, text),
        Ast::Group(group) => certain(&group.ast, text),
        Ast::Concat(concat) => concat.asts.iter().for_each(|one| certain(one, text)),
        Ast::Alternation(alternation) => {
            let texts = alternation.asts.iter().map(|one| {
                let mut text = String::new();
                certain(one, &mut text);
                text
            });
            let least = texts.min_by_key(|text| text.chars().filter(|c| c.is_alphanumeric()).count());
            text.push_str(&least.unwrap_or_default());
        }
    }
}

const fn may_be_left_out(op: &RepetitionOp) -> bool {
    match &op.kind {
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => true,
        RepetitionKind::OneOrMore => false,
        RepetitionKind::Range(range) => {
            matches!(range, RepetitionRange::Exactly(0) | RepetitionRange::AtLeast(0) | RepetitionRange::Bounded(0, _))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(secret: &str) -> Redaction {
        Redaction::text(secret).expect("long enough")
    }

    #[test]
    fn what_stands_for_itself_is_replaced_whatever_its_form() {
        let corp = text("acme-corp");
        for (expression, expected) in [
            (r"tenant acme\-corp lost", Some(r"tenant [^\n]{1,256} lost")),
            ("tenant ACME-corp", Some(r"tenant [^\n]{1,256}")),
            ("(?i)tenant (?:acme-corp|foo-corp) lost", Some(r"(?i)tenant (?:[^\n]{1,256}|foo-corp) lost")),
            ("tenant (acme)[-]corp lost", Some(r"tenant ([^\n]{1,256}) lost")),
            (r"acme\x2dcorp \d{1,3}", Some(r"[^\n]{1,256} \d{1,3}")),
            ("(?:acme-corp)+ lost", Some(r"(?:[^\n]{1,256})+ lost")),
            ("tenant [^ ]{1,64} lost", None),
        ] {
            let expected = expected.map_or(RedactedExpression::Unchanged, |e| RedactedExpression::Changed(e.into()));
            assert_eq!(redact_expression(expression, &corp), expected, "{expression}");
        }
        // A number that became a wildcard, and a space of another form.
        for (expression, secret) in [
            (r"born: Ada Lovelace [^ \t\n]{1,64} in", "Ada Lovelace 1815"),
            (r"born: Ada\s+Lovelace in", "Ada Lovelace"),
        ] {
            let expected = RedactedExpression::Changed(r"born: [^\n]{1,256} in".into());
            assert_eq!(redact_expression(expression, &text(secret)), expected, "{expression}");
        }
    }

    #[test]
    fn bounds_and_classes_are_no_text() {
        let digits = Redaction::regex(r"\d{4}").expect("valid");
        assert_eq!(redact_expression(r"lost[^\n]{1,1024}while", &digits), RedactedExpression::Unchanged);
        assert_eq!(
            redact_expression(r"lost 4711[^\n]{1,1024}while", &digits),
            RedactedExpression::Changed(r"lost [^\n]{1,256}[^\n]{1,1024}while".into())
        );
    }

    #[test]
    fn what_cannot_be_replaced_is_lost() {
        let corp = text("acme_corp");
        for expression in ["(?x) lost # of acme_corp", "(?P<acme_corp>lost)", "(acme_corp"] {
            assert_eq!(redact_expression(expression, &corp), RedactedExpression::Lost, "{expression}");
        }
        assert_eq!(redact_expression("(open", &corp), RedactedExpression::Unchanged);
    }

    #[test]
    fn the_text_that_is_certain() {
        for (expression, expected) in [
            (r"lease\.lost [^\n]{1,9}again", "lease.lost  again"),
            ("(?:lease|lock) lost", "lock lost"),
            ("lease( lost)? now", "lease  now"),
            ("(lease )+lost", "lease lost"),
            (".*", " "),
        ] {
            assert_eq!(text_of(expression).as_deref(), Some(expected), "{expression}");
        }
        assert_eq!(text_of("(open"), None);
    }
}
