//! Tables for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Prints to standard output. A reader that went away (`| head`) is no error, and the command goes on to its own end; what
/// cannot be written otherwise is one.
pub fn line(text: impl std::fmt::Display) {
    use std::io::Write;
    let text = harmless(&text.to_string());
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("error: the output cannot be written: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// Text without what drives a terminal, is not seen or turns the text around: whoever writes a log line must not forge the
/// screen on which its fix is approved.
pub fn harmless(text: &str) -> String {
    selfheal_core::visible(text).into_owned()
}

/// Prints to standard error what may repeat what somebody else wrote: an argument, a file, an answer.
pub fn complain(text: impl std::fmt::Display) {
    eprintln!("{}", harmless(&text.to_string()));
}

/// Prints a text with some of its spans (in UTF-16 code units) set off, where a terminal shows it.
pub fn marked(indent: &str, text: &str, spans: &[selfheal_api::view::TextSpan]) {
    use std::io::{IsTerminal, Write};
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        drop(out);
        return line(format!("{indent}{text}"));
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    let part = |from: usize, to: usize| harmless(&String::from_utf16_lossy(units.get(from..to).unwrap_or_default()));
    let (mut shown, mut at) = (indent.to_owned(), 0);
    for span in spans {
        shown.push_str(&format!("{}\x1b[1m{}\x1b[0m", part(at, span.start), part(span.start, span.end)));
        at = span.end;
    }
    shown.push_str(&part(at, units.len()));
    // As `line` has it: whoever stopped reading is no error.
    let _ = writeln!(out, "{shown}");
}

pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    // The same data: what would not be seen is escaped as JSON has it.
    line(selfheal_core::visible_json(&serde_json::to_string_pretty(value)?));
    Ok(())
}

pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.map(str::to_uppercase));
    let mut any = false;
    for row in rows {
        any = true;
        // Before the widths are measured.
        table.add_row(row.map(|cell| harmless(&cell)));
    }
    if any {
        // Borderless tables are padded at their edges.
        for text in table.to_string().lines() {
            line(text.trim_end());
        }
    }
}

/// The width of the terminal in columns: COLUMNS where it is set, then what the terminal says. `None` where nothing limits it,
/// as in a file or a pipe.
fn width() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok()).filter(|width| *width > 0);
    told.or_else(|| Table::new().width().map(usize::from))
}

/// Characters that a cell of the column that may be cut keeps at least.
const CUT_TO: usize = 20;

/// A table in which no cell is wrapped, so that what is in it can be copied. The first column is always there; of the others,
/// those that find room, the first ones of `wanted` before the later ones. The cells of `cuttable` are cut where that makes room.
pub fn fitted<const N: usize>(
    head: [&str; N],
    wanted: &[&str],
    cuttable: &str,
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| harmless(&cell))).collect();
    // A space on either side of each cell; the last one of a line is not printed.
    let mut widths: Vec<usize> = (0..N)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([head[column].len()]).max().unwrap_or(0) + 2
        })
        .collect();
    let mut kept: Vec<usize> = (0..N).collect();
    if let Some(limit) = width() {
        let mut room = (limit + 1).saturating_sub(widths[0]);
        kept = vec![0];
        for name in wanted {
            let Some(column) = head.iter().position(|head| head == name) else { continue };
            let needed = if *name == cuttable { widths[column].min(CUT_TO + 2) } else { widths[column] };
            if needed <= room {
                room -= needed;
                kept.push(column);
            }
        }
        kept.sort_unstable();
        if let Some(column) = kept.iter().copied().find(|column| head[*column] == cuttable) {
            widths[column] = widths[column].min(widths[column].min(CUT_TO + 2) + room);
        }
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(kept.iter().map(|column| head[*column].to_uppercase()));
    for row in &rows {
        table.add_row(kept.iter().map(|column| cut(&row[*column], widths[*column] - 2)));
    }
    for text in table.to_string().lines() {
        line(text.trim_end());
    }
}

/// A text of so many characters at most; dots say that there was more.
fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(3)).chain("...".chars()).collect()
}

/// A number of things: `1 decision`, `2 decisions`.
pub fn count(number: u64, thing: &str) -> String {
    let ending = match thing {
        _ if number == 1 => "",
        _ if thing.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{number} {thing}{ending}")
}

/// A time as people at a terminal read it: UTC, to the second.
pub fn time(rfc3339: &str) -> String {
    let date = rfc3339.get(..10).unwrap_or_default();
    let clock = rfc3339.get(11..19).unwrap_or_default();
    format!("{date} {clock}Z")
}

/// A sentence of the interface, with its moments as people at a terminal read them.
pub fn told(sentence: &str) -> String {
    selfheal_core::told::spoken(sentence, |at| time(&at.to_rfc3339()))
}

/// A place for log lines in which nothing is hidden. The line's own colours stay: the subscriber itself escapes those of others.
pub struct Visible<W>(pub W);

impl<W: std::io::Write> std::io::Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split('\u{1b}');
        let mut shown = harmless(parts.next().unwrap_or_default());
        for part in parts {
            shown.push('\u{1b}');
            shown.push_str(&harmless(part));
        }
        self.0.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_keeps_its_colours_and_hides_nothing() {
        use std::io::Write;
        let mut out = Visible(Vec::new());
        out.write_all("\u{1b}[33mWARN\u{1b}[0m user \u{202e}gnp.exe\n".as_bytes()).expect("written");
        assert_eq!(String::from_utf8(out.0).expect("text"), "\u{1b}[33mWARN\u{1b}[0m user \\u{202e}gnp.exe\n");
    }

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(harmless("a\x1b]0;x\x07b\n\tc\u{9b}2J"), "a\\u{1b}]0;x\\u{7}b\n\tc\\u{9b}2J");
        assert_eq!(harmless("é 中"), "é 中");
    }
}
