//! The case file as Markdown (CommonMark with tables). No foreign text can become markup, a link or a raw tag.

use selfheal_core::{visible, visible_line};

use super::document::{Block, Document, Text};

pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n\n{}\n", inline(&document.title), inline(&document.subtitle));
    for section in &document.sections {
        out.push_str(&format!("\n## {}\n", inline(section.title)));
        for block in &section.blocks {
            out.push('\n');
            out.push_str(&render(block));
        }
    }
    out
}

fn render(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("{}\n", words(text)),
        Block::Warning(text) => format!("> **Note:** {}\n", inline(text)),
        Block::Facts(facts) => {
            let rows = facts.iter().map(|(name, value)| format!("| {} | {} |\n", inline(name), words(value)));
            format!("| | |\n|---|---|\n{}", rows.collect::<String>())
        }
        Block::Table { head, rows } => {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            let mut table = line(head.iter().map(|cell| inline(cell)).collect());
            table.push_str(&line(vec!["---".into(); head.len()]).replace(' ', ""));
            rows.iter().for_each(|row| table.push_str(&line(row.iter().map(words).collect())));
            table
        }
        Block::List(items) => items.iter().map(|item| format!("- {}\n", words(item))).collect(),
        Block::Lines { title, text } => {
            let text = visible(text);
            // A fence that is longer than any in the text cannot be closed by it.
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            format!("{}\n\n{fence}text\n{}\n{fence}\n", inline(title), text.trim_end_matches('\n'))
        }
    }
}

fn words(text: &Text) -> String {
    match text {
        Text::Plain(text) | Text::Time(text) => inline(text),
        Text::Good(text) | Text::Bad(text) if text.trim().is_empty() => String::new(),
        Text::Good(text) => format!("**{}**", inline(text.trim())),
        Text::Bad(text) => format!("**{}**", inline(text.trim())),
        Text::Code(text) => code(text),
        // Each piece is trimmed: what stood between them is put back.
        Text::Mixed(pieces) => {
            let piece = |piece: &Text| match piece {
                Text::Plain(text) => {
                    let space = |is: bool| if is { " " } else { "" };
                    let (before, after) = (text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace));
                    format!("{}{}{}", space(before), inline(text), space(after))
                }
                other => words(other),
            };
            pieces.iter().map(piece).collect::<String>().trim().to_owned()
        }
    }
}

/// A code span; in a table a bar would end its cell, so text with one is written as plain words.
fn code(text: &str) -> String {
    if text.is_empty() || text.contains(['`', '|', '\n', '\\']) || text != text.trim() || visible(text) != text {
        return inline(text);
    }
    format!("`{text}`")
}

/// One line of text in which nothing is markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let flat = visible_line(text).into_owned();
    for (i, c) in flat.char_indices() {
        let rest = &flat[i + c.len_utf8()..];
        let escaped = match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' => true,
            // Without these a word becomes a link by itself.
            ':' => rest.starts_with("//"),
            '.' => flat[..i].to_lowercase().ends_with("www"),
            '!' => rest.starts_with('['),
            // At the beginning of a line they make headings, lists and rules.
            '#' | '-' | '+' | '=' => flat[..i].trim().is_empty(),
            _ => false,
        };
        // So does a number with a point or bracket, where a space follows.
        let before = flat[..i].trim_start();
        let is_number = !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit());
        let ends_a_number = matches!(c, '.' | ')') && is_number && (rest.is_empty() || rest.starts_with(' '));
        if escaped || ends_a_number {
            out.push('\\');
        }
        out.push(c);
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_is_markup() {
        for (text, expected) in [
            ("plain words, 0.95 to 1.00 (fine)", "plain words, 0.95 to 1.00 (fine)"),
            ("<script>x</script>", "\\<script\\>x\\</script\\>"),
            (
                "[click](javascript:x) ![i](x)",
                "\\[click\\](javascript:x) !\\[i\\](x)".replace("!\\[", "\\!\\[").as_str(),
            ),
            ("a | b", "a \\| b"),
            ("# head", "\\# head"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("1.00", "1.00"),
            (
                "see https://evil.example and WWW.evil.example or a@b",
                "see https\\://evil.example and WWW\\.evil.example or a\\@b",
            ),
            ("two\nlines", "two lines"),
            ("&lt;", "\\&lt;"),
            ("\u{202e}txt\u{7}", "\\\\u\\{202e\\}txt\\\\u\\{7\\}"),
        ] {
            assert_eq!(inline(text), expected, "{text}");
        }
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        let text = render(&Block::Lines { title: "t".into(), text: "```\n# head\n````".into() });
        assert_eq!(text, "t\n\n`````text\n```\n# head\n````\n`````\n");
    }

    #[test]
    fn words_and_commands_stand_beside_each_other() {
        let pieces =
            vec![Text::Plain("Run ".into()), Text::Code("ping <host>".into()), Text::Plain(", *then* wait.".into())];
        assert_eq!(words(&Text::Mixed(pieces)), "Run `ping <host>`, \\*then\\* wait.");
    }

    #[test]
    fn a_code_span_is_one_or_it_is_words() {
        assert_eq!(code("abc"), "`abc`");
        assert_eq!(code("a`b|c"), "a\\`b\\|c");
    }
}
