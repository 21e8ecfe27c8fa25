//! Errors of YAML's syntax in words that say what to do.

use granit_parser::{ErrorKind, ScanError};

use super::error::quoted;
use super::tree::{Fault, Place};

/// `brackets` are those that were open where reading ended, outermost first.
pub(super) fn words(error: &ScanError, text: &str, brackets: &[(char, Place)]) -> Fault {
    let mark = error.marker();
    let lines = text.lines().count().max(1);
    let line = mark.line().clamp(1, lines);
    // At the end of the text: the end of its last line.
    let column = if mark.line() > lines { text.lines().last().map_or(0, |l| l.chars().count()) } else { mark.col() };
    let at = Place { line, column: column + 1, width: 1 };
    if let Some(fault) = bracket(error.kind(), at, text, brackets) {
        return fault;
    }
    if matches!(error.kind(), ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement)
        && let Some(fault) = line_above(text, at.line)
    {
        return fault;
    }
    let message = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "a tab stands here; expected blanks; replace each tab by two blanks".to_owned(),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => {
            "a quote that opens here is never closed; expected the same quote at the end of the text; add it".to_owned()
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "something follows a text in quotes; expected the end of the line; write a quote within a text as '' or \\\""
                .to_owned()
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => {
            "a backslash in double quotes begins no known escape; expected \\\\ for a backslash; or use single quotes"
                .to_owned()
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace
        | ErrorKind::FlowMappingValueAdjacentCollection => {
            "a colon stands where none can; expected one `key: value` per line; put quotes around a text with a colon, and look at the indentation of this line"
                .to_owned()
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "a key without a colon; expected `key: value`; add the colon and a blank after it".to_owned()
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::UnexpectedEndOfPlainScalar => {
            "the indentation does not fit the lines above; expected the same number of blanks as its neighbours; line it up with them"
                .to_owned()
        }
        ErrorKind::InvalidBlockEntryWhitespace => {
            "a `-` without a blank after it; expected `- value`; add the blank".to_owned()
        }
        ErrorKind::CommentNotSeparated | ErrorKind::CommentInterceptedScalar | ErrorKind::ExpectedWhitespace => {
            "a comment or value follows without a blank; expected a blank before `#`; add it".to_owned()
        }
        ErrorKind::RecursionLimitExceeded => {
            "this is nested too deeply; expected at most 8 levels; close what was opened before".to_owned()
        }
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName | ErrorKind::AnchorCountOverflow => {
            "anchors and aliases (`&name`, `*name`) are not read here; expected the value itself; put quotes around a text that begins so"
                .to_owned()
        }
        ErrorKind::DirectiveDisallowed
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveTerminator => {
            "a line that begins with `%` is an order to the reader; expected none; remove it".to_owned()
        }
        ErrorKind::UnexpectedCharacter { character } => format!(
            "{} cannot begin a value; expected a letter, a digit or a quote; put quotes around the text",
            quoted(&character.to_string())
        ),
        ErrorKind::InvalidBlockScalarHeader | ErrorKind::ZeroBlockScalarIndent => {
            "something follows `|` or `>`; expected the text on the next lines; begin a new line".to_owned()
        }
        ErrorKind::ExpectedTagBang
        | ErrorKind::UndeclaredTagHandle
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidGlobalTagCharacter => {
            "a value begins with `!`, which is a tag; expected a plain value; put quotes around the text".to_owned()
        }
        ErrorKind::InvalidDocumentEnd | ErrorKind::ExpectedDocumentStart | ErrorKind::MultipleDocumentsUnsupported => {
            "something follows the end of the document; expected one document per file; remove `---` and `...`".to_owned()
        }
        _ => "this is no YAML; expected `key: value` or `- entry`; look at quotes, brackets and indentation here and in the line above"
            .to_owned(),
    };
    (at, message)
}

/// A line that was read on into the next one: a key without its colon, or an indentation that is too deep.
fn line_above(text: &str, line: usize) -> Option<Fault> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let (this, before) = lines.split_last()?;
    let (index, above) =
        before.iter().enumerate().rev().find(|(_, l)| !l.trim().is_empty() && !l.trim().starts_with('#'))?;
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let bare = above.trim().trim_start_matches("- ");
    if !bare.contains(':') && indent(this) <= indent(above) {
        let at = Place { line: index + 1, column: indent(above) + 1, width: above.trim().chars().count() };
        return Some((
            at,
            format!("{} has no colon; expected `key: value`; add the colon and a blank after it", quoted(bare)),
        ));
    }
    let (_, value) = bare.split_once(": ")?;
    if indent(this) > indent(above) && !value.trim().is_empty() {
        let at = Place { line, column: 1, width: indent(this) };
        let message = "this line is indented deeper than the line above, which has its value already; expected the same number of blanks; line it up";
        return Some((at, message.to_owned()));
    }
    None
}

/// What a bracket has to do with it: one that is never closed is told where it was opened.
fn bracket(kind: &ErrorKind, at: Place, text: &str, brackets: &[(char, Place)]) -> Option<Fault> {
    match kind {
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let opened = brackets.iter().rev().find(|(bracket, _)| bracket == open);
            let opened = opened.map_or_else(String::new, |(_, place)| format!(" in line {}", place.line));
            let message = format!(
                "`{open}` is opened{opened} and closed by `{close}`; expected `{}`; close what was opened last first",
                closing(*open)
            );
            Some((at, message))
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            Some((at, "a bracket closes what was not opened; expected none; remove it".to_owned()))
        }
        _ => {
            let (open, place) = *brackets.last()?;
            let place = Place { width: 1, ..place };
            // An error within brackets: where the line is another one, or the text is over, they were never closed.
            let end = text.lines().last().is_none_or(|last| at.column > last.chars().count());
            let over = matches!(
                kind,
                ErrorKind::UnclosedFlowCollection { .. }
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::UnexpectedEofFlowSequence
                    | ErrorKind::UnexpectedEofFlowMapping
            ) || (at.line >= text.lines().count() && end);
            if at.line == place.line && !over {
                let message = format!(
                    "within `{open}` something is missing; expected entries with commas between them and `{}` at the end; add what is missing",
                    closing(open)
                );
                return Some((at, message));
            }
            let message = format!(
                "`{open}` is opened here and not closed{}; expected `{}`; close it, or put a comma between its entries",
                if at.line > place.line { format!(" (reading stopped in line {})", at.line) } else { String::new() },
                closing(open)
            );
            Some((place, message))
        }
    }
}

const fn closing(open: char) -> char {
    match open {
        '[' => ']',
        _ => '}',
    }
}
