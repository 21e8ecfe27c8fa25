//! Tables that fit the terminal. A column for which there is no room is left out as a whole, and that is said; the first one,
//! which other commands are given, is always there and whole.

use unicode_width::UnicodeWidthStr;

use super::colour::{Style, paint};
use super::{harmless, raw};

/// What stands in a row under one head.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, style: Style::Plain }
    }
}

/// How a table gives way where there is not enough room.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The columns in the order in which they find room; the first column comes before all. Empty: in their own order.
    pub wanted: &'a [&'a str],
    /// The column of free text. It gives way before another one is left out.
    pub text: &'a str,
    pub gives: Gives,
}

/// How the free text gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// It goes on in further lines of its column.
    Wrapped,
    /// It is cut.
    Cut,
    /// It stands below its row, over the whole width.
    Below,
}

/// Columns between two cells, and what the free text keeps at least.
const GAP: usize = 2;
const LEAST: usize = 20;

/// A table whose free text goes on in further lines.
pub fn table<const N: usize, C: Into<Cell>>(head: [&str; N], text: &str, rows: impl IntoIterator<Item = [C; N]>) {
    shaped(head, Shape { wanted: &[], text, gives: Gives::Wrapped }, rows);
}

pub fn shaped<const N: usize, C: Into<Cell>>(head: [&str; N], shape: Shape, rows: impl IntoIterator<Item = [C; N]>) {
    let rows: Vec<Vec<Cell>> = rows.into_iter().map(|row| row.into_iter().map(clean).collect()).collect();
    if rows.is_empty() {
        return;
    }
    let (lines, left_out) = lines(&head, shape, &rows, super::width());
    for line in lines {
        raw(&line);
    }
    if !left_out.is_empty() {
        // Beside the table, which may be read line by line.
        super::note!("No room for: {}. A wider terminal or --json shows all.", left_out.join(", "));
    }
}

/// One line, and nothing that drives a terminal.
fn clean(cell: impl Into<Cell>) -> Cell {
    let Cell { text, style } = cell.into();
    Cell { text: harmless(&text).replace(['\n', '\t'], " "), style }
}

/// The lines, and the columns that are not in them.
fn lines<'a>(head: &[&'a str], shape: Shape, rows: &[Vec<Cell>], limit: Option<usize>) -> (Vec<String>, Vec<&'a str>) {
    let natural: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().map(|row| row[column].text.width()).chain([head[column].width()]).max().unwrap_or(0))
        .collect();
    let (mut kept, mut widths) = fitted(head, shape, &natural, limit);
    let needed = natural.iter().sum::<usize>() + GAP * (head.len() - 1);
    let text = head.iter().position(|head| *head == shape.text);
    let below = text.zip(limit).filter(|(_, limit)| shape.gives == Gives::Below && needed > *limit);
    if let Some((text, _)) = below {
        // As if the text were nowhere among the columns.
        let mut others = natural.clone();
        others[text] = 0;
        let elsewhere = Shape { text: "", ..shape };
        (kept, widths) = fitted(head, elsewhere, &others, limit.map(|limit| limit + GAP));
        // The gap before it is given away only where it is not there.
        if !kept.contains(&text) {
            (kept, widths) = fitted(head, elsewhere, &others, limit);
        }
        if let Some(at) = kept.iter().position(|column| *column == text) {
            kept.remove(at);
            widths.remove(at);
        }
    }
    let mut lines = Vec::with_capacity(rows.len() + 2);
    let titles: Vec<Cell> = kept.iter().map(|column| Cell::new(Style::Dim, head[*column].to_uppercase())).collect();
    lines.push(joined(&titles, &widths));
    for row in rows {
        let parts: Vec<Vec<String>> = kept
            .iter()
            .zip(&widths)
            .map(|(column, width)| match shape.gives {
                Gives::Cut => vec![cut(&row[*column].text, *width)],
                _ => wrapped(&row[*column].text, *width),
            })
            .collect();
        for number in 0..parts.iter().map(Vec::len).max().unwrap_or(0) {
            let cells: Vec<Cell> = kept
                .iter()
                .zip(&parts)
                .map(|(column, parts)| Cell::new(row[*column].style, parts.get(number).cloned().unwrap_or_default()))
                .collect();
            lines.push(joined(&cells, &widths));
        }
        if let Some((text, limit)) = below {
            let indent = natural[0] + GAP;
            for part in wrapped(&row[text].text, limit.saturating_sub(indent).max(1)) {
                lines.push(format!("{}{}", " ".repeat(indent), paint(row[text].style, &part)));
            }
        }
    }
    let is_shown = |column: &usize| kept.contains(column) || below.is_some_and(|(text, _)| text == *column);
    (lines, (0..head.len()).filter(|column| !is_shown(column)).map(|column| head[column]).collect())
}

/// The columns that are shown, with their widths.
fn fitted(head: &[&str], shape: Shape, natural: &[usize], limit: Option<usize>) -> (Vec<usize>, Vec<usize>) {
    let all = || (0..head.len()).collect::<Vec<_>>();
    let needed = natural.iter().sum::<usize>() + GAP * (head.len() - 1);
    let Some(limit) = limit.filter(|limit| needed > *limit) else { return (all(), natural.to_vec()) };
    let mut room = limit.saturating_sub(natural[0]);
    let mut kept = vec![0];
    let named = shape.wanted.iter().filter_map(|name| head.iter().position(|head| head == name));
    let mut order: Vec<usize> = named.collect();
    // The free text first: what a row is about is nothing to leave out.
    if shape.wanted.is_empty() {
        order.extend(head.iter().position(|head| *head == shape.text));
    }
    order.extend(all());
    for column in order {
        let least = if head[column] == shape.text { natural[column].min(LEAST) } else { natural[column] };
        if !kept.contains(&column) && least + GAP <= room {
            room -= least + GAP;
            kept.push(column);
        }
    }
    kept.sort_unstable();
    let widths = kept
        .iter()
        .map(|column| match *column {
            0 => natural[0],
            column if head[column] == shape.text => natural[column].min(natural[column].min(LEAST) + room),
            column => natural[column],
        })
        .collect();
    (kept, widths)
}

fn joined(cells: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    let last = cells.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
    for (number, (cell, width)) in cells.iter().zip(widths).enumerate().take(last + 1) {
        line.push_str(&paint(cell.style, &cell.text));
        if number < last {
            line.push_str(&" ".repeat(width.saturating_sub(cell.text.width()) + GAP));
        }
    }
    line
}

/// A text of so many columns at most; dots say that there was more.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + c.to_string().width() + 3 > columns {
            break;
        }
        short.push(c);
    }
    short + "..."
}

/// The lines of a text of so many columns at most, broken between words where that can be.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        let mut word = word.to_owned();
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        while line.width() + word.width() > columns {
            let mut taken = String::new();
            while let Some(c) = word.chars().next().filter(|c| (taken.width() + c.to_string().width()) <= columns) {
                taken.push(c);
                word.remove(0);
            }
            if taken.is_empty() {
                break;
            }
            lines.push(taken);
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [&str; 4] = ["id", "severity", "title", "opened"];

    fn rows(title: &str) -> Vec<Vec<Cell>> {
        vec![["12", "critical", title, "2m ago"].map(|text| Cell::from(text.to_owned())).to_vec()]
    }

    fn told(title: &str, shape: Shape, limit: Option<usize>) -> (Vec<String>, Vec<&'static str>) {
        lines(&HEAD, shape, &rows(title), limit)
    }

    const TITLE: Shape = Shape { wanted: &[], text: "title", gives: Gives::Wrapped };

    #[test]
    fn what_fits_is_one_line() {
        let expected = ["ID  SEVERITY  TITLE           OPENED", "12  critical  Pool exhausted  2m ago"];
        for limit in [None, Some(80), Some(36)] {
            assert_eq!(told("Pool exhausted", TITLE, limit), (expected.map(str::to_owned).to_vec(), vec![]));
        }
    }

    #[test]
    fn free_text_gives_way_before_a_column_is_left_out_and_that_is_said() {
        let title = "The pool of connections to the database is exhausted";
        let (lines, _) = told(title, TITLE, Some(46));
        assert_eq!(lines[1], "12  critical  The pool of connections   2m ago");
        assert_eq!(lines[2], "              to the database is");
        assert_eq!(lines.len(), 4, "{lines:?}");
        let (lines, left_out) = told(title, TITLE, Some(36));
        assert_eq!((lines[0].as_str(), left_out), ("ID  SEVERITY  TITLE", vec!["opened"]));
        let (lines, left_out) =
            told(title, Shape { wanted: &["opened", "title"], gives: Gives::Cut, ..TITLE }, Some(36));
        assert_eq!((lines[1].as_str(), left_out), ("12  The pool of connectio...  2m ago", vec!["severity"]));
    }

    #[test]
    fn text_below_its_row_has_the_whole_width() {
        let below = Shape { gives: Gives::Below, ..TITLE };
        let title = "The pool of connections to the database is exhausted";
        let (lines, left_out) = told(title, below, Some(36));
        let expected = [
            "ID  SEVERITY  OPENED",
            "12  critical  2m ago",
            "    The pool of connections to the",
            "    database is exhausted",
        ];
        assert_eq!((lines, left_out), (expected.map(str::to_owned).to_vec(), vec![]));
        assert_eq!(told("Short", below, Some(36)).0[1], "12  critical  Short  2m ago");
        assert_eq!(told(title, below, Some(14)).1, ["opened"]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_but_for_the_key() {
        let titles = ["", "a", "wörter 中文字 words", "oneverylongwordthatnobodybreaksbecauseithasnospaceinit at all"];
        for title in titles {
            for limit in 8..90 {
                for gives in [Gives::Wrapped, Gives::Cut, Gives::Below] {
                    let (lines, _) = told(title, Shape { gives, ..TITLE }, Some(limit));
                    for line in lines {
                        assert!(line.width() <= limit.max(4), "{limit}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn wrapping_loses_nothing() {
        for text in ["", " ", "a  b", "several words of text", "averylongwordindeed and more", "中文字中文字"] {
            for columns in 2..30 {
                let lines = wrapped(text, columns);
                assert!(lines.iter().all(|line| line.width() <= columns), "{text} {columns} {lines:?}");
                let without = |text: &str| text.replace(' ', "");
                assert_eq!(without(&lines.concat()), without(text));
            }
        }
    }
}
