//! Tables for people, JSON for programs.

mod colour;
mod table;
mod time;
mod visible;

use serde::Serialize;

pub use colour::{Style, When, decide, of_severity, paint};
use table::wrapped;
pub use table::{Cell, Gives, Shape, shaped, table};
pub use time::{ago, at, clock, sentence as told, zone};
pub use visible::Visible;

/// Prints to standard output. A reader that went away (`| head`) is no error, and the command goes on to its own end; what
/// cannot be written otherwise is one.
pub fn line(text: impl std::fmt::Display) {
    raw(&harmless(&text.to_string()));
}

/// Prints what is harmless already.
fn raw(text: &str) {
    use std::io::Write;
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            note!("error: the output cannot be written: {error}");
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

/// Prints a text with some of its spans (in UTF-16 code units) set off, where a terminal shows it.
pub fn marked(indent: &str, text: &str, spans: &[selfheal_api::view::TextSpan]) {
    let units: Vec<u16> = text.encode_utf16().collect();
    let part = |from: usize, to: usize| harmless(&String::from_utf16_lossy(units.get(from..to).unwrap_or_default()));
    let (mut shown, mut at) = (indent.to_owned(), 0);
    for span in spans {
        shown.push_str(&part(at, span.start));
        shown.push_str(&paint(Style::Strong, &part(span.start, span.end)));
        at = span.end;
    }
    shown.push_str(&part(at, units.len()));
    raw(&shown);
}

pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    // The same data: what would not be seen is escaped as JSON has it.
    line(selfheal_core::visible_json(&serde_json::to_string_pretty(value)?));
    Ok(())
}

/// The width of the terminal in columns: COLUMNS where it is set, then what the terminal says. `None` where nothing limits it,
/// as in a file or a pipe.
fn width() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok()).filter(|width| *width > 0);
    told.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0)).filter(|width| *width > 0)
    })
}

/// A sentence, broken between words where the terminal ends; times in it are told as people read them. Nothing that somebody
/// would copy belongs here.
pub fn sentence(indent: usize, text: &str) {
    let columns = width().map_or(usize::MAX, |width| width.saturating_sub(indent).max(20));
    for part in harmless(&time::sentence(text)).split('\n') {
        for text in wrapped(part, columns) {
            raw(&format!("{}{text}", " ".repeat(indent)));
        }
    }
}

/// A line of parts, each in its style.
pub fn styled(parts: &[(Style, &str)]) {
    raw(&parts.iter().map(|(style, text)| paint(*style, &harmless(text))).collect::<String>());
}

/// A word to the person beside the output, on standard error.
pub fn beside(text: impl std::fmt::Display) {
    use std::io::Write;
    // Nobody is left to be told that nobody can be told.
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(&text.to_string()));
}

/// As [`beside`], with the arguments of a format.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::beside(format_args!($($text)*)) };
}
pub(crate) use note;

/// Asks on standard error, since what is asked about may go into a pipe, and reads the answer; empty where the input has
/// ended. What stands in the question may be anybody's words.
pub fn ask(question: &str) -> std::io::Result<String> {
    use std::io::Write;
    write!(std::io::stderr().lock(), "{}", harmless(question))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer)
}

/// A number of things: `1 decision`, `2 decisions`, `3 entries`. Every text of the command line that counts something uses it.
pub fn count(number: impl TryInto<u64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(0);
    format!("{number} {}", plural(number, thing))
}

/// The word for so many things.
fn plural(number: u64, thing: &str) -> String {
    if number == 1 {
        return thing.to_owned();
    }
    let vowel_before_y = ["ay", "ey", "oy", "uy"].iter().any(|ending| thing.ends_with(ending));
    match thing.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if ["ch", "sh", "s", "x"].iter().any(|ending| thing.ends_with(ending)) => format!("{thing}es"),
        _ => format!("{thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(harmless("a\x1b]0;x\x07b\n\tc\u{9b}2J"), "a\\u{1b}]0;x\\u{7}b\n\tc\\u{9b}2J");
        assert_eq!(harmless("é 中"), "é 中");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(harmless("user \u{202e}gnp.exe"), "user \\u{202e}gnp.exe");
        for c in ['\u{200b}', '\u{2028}', '\u{2066}', '\u{feff}', '\u{e0041}'] {
            assert!(harmless(&c.to_string()).starts_with("\\u{"), "{c:?}");
        }
    }

    #[test]
    fn one_thing_and_several() {
        for (number, thing, expected) in [
            (1, "signal", "1 signal"),
            (0, "signal", "0 signals"),
            (2, "match", "2 matches"),
            (1, "entry", "1 entry"),
            (2, "entry", "2 entries"),
            (3, "day", "3 days"),
            (3, "fix", "3 fixes"),
        ] {
            assert_eq!(count(number, thing), expected);
        }
    }
}
