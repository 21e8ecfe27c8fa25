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
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nnext\n", "y".repeat(200_000));
        let mut reader: Box<dyn BufRead> = Box::new(std::io::Cursor::new(text));
        assert_eq!(next(&mut *reader).expect("reads").map(|line| line.len() as u64), Some(LINE));
        assert_eq!(next(&mut *reader).expect("reads").as_deref(), Some("next"));
        assert_eq!(next(&mut *reader).expect("reads"), None);
    }
}
