//! Reads files and pipes of any size in pieces.

use std::io::{BufRead, BufReader, Read};

use anyhow::Context;

/// Bytes of one piece.
const PIECE: usize = 1 << 20;
/// Bytes of one line; the rest of a longer one is dropped.
pub const LINE: u64 = 64 * 1024;

pub fn open(file: &str) -> anyhow::Result<Box<dyn BufRead + Send>> {
    if file == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened = std::fs::File::open(file).with_context(|| format!("{file} cannot be read"))?;
    anyhow::ensure!(!opened.metadata()?.is_dir(), "{file} is a folder: expected a file, or - for standard input");
    Ok(Box::new(BufReader::new(opened)))
}

/// A line, and whether it was longer than what is kept of it.
pub struct Line {
    pub text: String,
    pub cut: bool,
}

/// The next line without its line break; `None` at the end. What is no UTF-8 is replaced.
pub fn next(reader: &mut dyn BufRead) -> anyhow::Result<Option<String>> {
    Ok(next_line(reader)?.map(|line| line.text))
}

/// The next line, with the word on whether all of it is there.
pub fn next_line(reader: &mut dyn BufRead) -> anyhow::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let read = Read::take(&mut *reader, LINE).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    let mut cut = false;
    if bytes.last() != Some(&b'\n') && read as u64 == LINE {
        // A line of exactly this length loses nothing but its line break.
        cut = reader.fill_buf()?.first().is_some_and(|byte| *byte != b'\n');
        reader.skip_until(b'\n')?;
    }
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(Line { text: String::from_utf8_lossy(&bytes).into_owned(), cut }))
}

/// The next piece of text: whole lines, and never cut before a line that is indented (a stack trace goes on).
pub fn piece(reader: &mut dyn BufRead, carried: &mut Option<String>) -> anyhow::Result<Option<String>> {
    let mut text = carried.take().unwrap_or_default();
    while let Some(line) = next(reader)? {
        if text.len() >= PIECE && !line.starts_with([' ', '\t']) && !line.starts_with("Caused by:") {
            *carried = Some(line + "\n");
            return Ok(Some(text));
        }
        text.push_str(&line);
        text.push('\n');
    }
    Ok((!text.is_empty()).then_some(text))
}

/// A line without what terminals and editors put around its text: a byte order mark where it is the first one, and the colour
/// codes (SGR, `ESC [ ... m`) of programs that take a pipe for a terminal. Other control sequences stay.
pub fn plain(text: &str, is_first: bool) -> String {
    let mut rest = text;
    if is_first {
        rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
    }
    let mut plain = String::with_capacity(rest.len());
    while let Some(at) = rest.find("\x1b[") {
        let (before, code) = rest.split_at(at);
        plain.push_str(before);
        let parameters = &code[2..];
        let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':').unwrap_or(parameters.len());
        match parameters[end..].strip_prefix('m') {
            Some(after) => rest = after,
            None => {
                plain.push_str("\x1b[");
                rest = parameters;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Whether at least a third of a line's characters are zeros: Latin text in UTF-16 has one in every second place.
pub fn looks_like_utf16(text: &str) -> bool {
    let zeros = text.chars().filter(|c| *c == '\0').count();
    zeros >= 2 && zeros * 3 >= text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_between_records_and_nothing_is_lost() {
        let record = format!("ERROR {}\n\tat frame\n", "x".repeat(1_000));
        let text = record.repeat(3_000);
        let mut reader: Box<dyn BufRead> = Box::new(std::io::Cursor::new(text.clone()));
        let (mut carried, mut whole, mut pieces) = (None, String::new(), 0);
        while let Some(piece) = piece(&mut *reader, &mut carried).expect("reads") {
            assert!(piece.starts_with("ERROR") && piece.ends_with("\tat frame\n"));
            whole.push_str(&piece);
            pieces += 1;
        }
        assert_eq!(whole, text);
        assert!(pieces > 1);
    }

    #[test]
    fn marks_and_colours_are_no_text() {
        for (text, is_first, expected) in [
            ("\u{feff}ERROR a", true, "ERROR a"),
            ("\u{feff}ERROR a", false, "\u{feff}ERROR a"),
            ("\x1b[1;31mERROR\x1b[0m a\x1b[m", false, "ERROR a"),
            ("\x1b[38:5:1mé\x1b[2J\x1b[3", false, "é\x1b[2J\x1b[3"),
            ("plain [31m", false, "plain [31m"),
        ] {
            assert_eq!(plain(text, is_first), expected, "{text:?}");
        }
    }

    #[test]
    fn utf_16_is_known_by_its_zeros() {
        assert!(looks_like_utf16("\u{fffd}\u{fffd}E\0R\0R\0O\0R\0"));
        assert!(looks_like_utf16("\0E\0R"));
        assert!(!looks_like_utf16("ERROR a\0"));
        assert!(!looks_like_utf16(""));
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nnext\n", "y".repeat(200_000));
        let mut reader: Box<dyn BufRead> = Box::new(std::io::Cursor::new(text));
        assert_eq!(next(&mut *reader).expect("reads").map(|line| line.len() as u64), Some(LINE));
        assert_eq!(next(&mut *reader).expect("reads").as_deref(), Some("next"));
        assert_eq!(next(&mut *reader).expect("reads"), None);
    }
}
