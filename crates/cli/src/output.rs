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

/// Text without the characters that drive a terminal: whoever writes a log line must not forge the screen on which its fix
/// is approved.
pub fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\n' | '\t' => vec![c],
            c if c.is_control() => c.escape_default().collect(),
            c => vec![c],
        })
        .collect()
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
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.map(str::to_uppercase));
    let mut any = false;
    for row in rows {
        any = true;
        table.add_row(row);
    }
    if any {
        // Borderless tables are padded at their edges.
        for text in table.to_string().lines() {
            line(text.trim_end());
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(harmless("a\x1b]0;x\x07b\n\tc\u{9b}2J"), "a\\u{1b}]0;x\\u{7}b\n\tc\\u{9b}2J");
        assert_eq!(harmless("é 中"), "é 中");
    }
}
