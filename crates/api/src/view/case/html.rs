//! The case file as one HTML file: no script, nothing loaded, readable on paper, light and dark.

use selfheal_core::visible;

use super::document::{Block, Document, Text};

const STYLE: &str = include_str!("case.css");

/// Characters from which on a fact is long.
const WIDE: usize = 45;

pub fn html(document: &Document) -> String {
    let title = escape(&document.title);
    // The policy holds wherever the file is opened: nothing in it runs, and nothing is fetched.
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p>{}</p>\n</header>\n<main>\n",
        escape(&document.subtitle)
    );
    for section in &document.sections {
        out.push_str(&format!("<section>\n<h2>{}</h2>\n", escape(section.title)));
        section.blocks.iter().for_each(|block| out.push_str(&render(block)));
        out.push_str("</section>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn render(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("<p>{}</p>\n", words(text)),
        Block::Warning(text) => format!("<p class=\"warning\">{}</p>\n", escape(text)),
        Block::Facts(facts) => {
            let row = |name: &str, value: &Text| {
                // What is long gets the whole width.
                let wide = if length(value) > WIDE { " class=\"wide\"" } else { "" };
                format!("<div{wide}><dt>{}</dt><dd>{}</dd></div>\n", escape(name), words(value))
            };
            let rows = facts.iter().map(|(name, value)| row(name, value));
            format!("<dl>\n{}</dl>\n", rows.collect::<String>())
        }
        Block::Table { head, rows } => {
            let head: String = head.iter().map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell))).collect();
            let row = |row: &Vec<Text>| {
                format!("<tr>{}</tr>\n", row.iter().map(|cell| format!("<td>{}</td>", words(cell))).collect::<String>())
            };
            let rows: String = rows.iter().map(row).collect();
            format!(
                "<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
            )
        }
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", words(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Lines { title, text } => {
            format!("<figure>\n<figcaption>{}</figcaption>\n<pre>{}</pre>\n</figure>\n", escape(title), escape(text))
        }
    }
}

fn length(text: &Text) -> usize {
    match text {
        Text::Plain(text) | Text::Code(text) | Text::Time(text) | Text::Good(text) | Text::Bad(text) => {
            text.chars().count()
        }
        Text::Mixed(pieces) => pieces.iter().map(length).sum(),
    }
}

fn words(text: &Text) -> String {
    match text {
        Text::Plain(text) => escape(text),
        Text::Time(text) => format!("<time>{}</time>", escape(text)),
        Text::Code(text) => format!("<code>{}</code>", escape(text)),
        Text::Mixed(pieces) => pieces.iter().map(words).collect(),
        Text::Good(text) => format!("<strong class=\"good\">{}</strong>", escape(text)),
        Text::Bad(text) => format!("<strong class=\"bad\">{}</strong>", escape(text)),
    }
}

/// Text as text, in content and in quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::document::Section;
    use super::*;

    #[test]
    fn nothing_foreign_is_markup() {
        let hostile = "</pre><script>alert(1)</script><img src=x onerror='y'>\"&\u{202e}";
        let text = || Text::Plain(hostile.into());
        let document = Document {
            title: hostile.into(),
            subtitle: hostile.into(),
            sections: vec![Section {
                title: "S",
                blocks: vec![
                    Block::Paragraph(text()),
                    Block::Warning(hostile.into()),
                    Block::Facts(vec![("f", Text::Code(hostile.into()))]),
                    Block::Table { head: vec!["h"], rows: vec![vec![Text::Good(hostile.into())]] },
                    Block::List(vec![Text::Bad(hostile.into()), Text::Mixed(vec![text(), Text::Code(hostile.into())])]),
                    Block::Lines { title: hostile.into(), text: hostile.into() },
                ],
            }],
        };
        let page = html(&document);
        for word in ["<script", "<img", "onerror='", "</pre><", "\u{202e}", "\"&\\u"] {
            assert!(!page.contains(word), "{word}");
        }
        assert_eq!(page.matches("&lt;script&gt;alert(1)").count(), 12, "and nothing of it is left out");
        // Nothing is fetched and nothing runs.
        for word in ["src=", "href=", "url(", "@import", "http://", "https://"] {
            assert!(!page.replace("src=x", "").contains(word), "{word}");
        }
    }
}
