//! Lines of any input in bounded memory.
//!
//! Invariant: the lengths of the lines handed out add up to the bytes read, whatever was cut from their text, so that
//! an offset can always be told.

use std::io::{self, BufRead};

/// Bytes of a line that are kept. The rest of a longer line is read over.
pub const LINE_LIMIT: usize = 64 * 1024;

/// One line, or what there is of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Without its line break, at most [`LINE_LIMIT`] bytes. Invalid UTF-8 is replaced; NUL bytes are left out, since a
    /// file that was truncated under its writer begins with a hole of them and no database takes them as text.
    pub text: String,
    /// Bytes of the input that this line took, with its line break.
    pub length: u64,
    /// Its line break was there.
    pub complete: bool,
}

/// Reads up to and with the next line break, the end of the input, or `budget` bytes, whichever comes first. `None`
/// at the end of the input, or for no budget.
pub fn next_line(input: &mut impl BufRead, budget: u64) -> io::Result<Option<Line>> {
    let mut kept = Vec::new();
    let mut length = 0;
    let mut complete = false;
    while !complete && length < budget {
        let available = match input.fill_buf() {
            Ok([]) => break,
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let limit = usize::try_from(budget - length).unwrap_or(usize::MAX).min(available.len());
        let (part, taken) = match available[..limit].iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                complete = true;
                (&available[..end], end + 1)
            }
            None => (&available[..limit], limit),
        };
        let room = LINE_LIMIT - kept.len();
        kept.extend(part.iter().copied().filter(|byte| *byte != 0).take(room));
        input.consume(taken);
        length += taken as u64;
    }
    Ok((length > 0).then(|| Line { text: String::from_utf8_lossy(&kept).into_owned(), length, complete }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8], budget: u64) -> Vec<(String, u64, bool)> {
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input, budget).expect("memory can be read") {
            lines.push((line.text, line.length, line.complete));
        }
        lines
    }

    #[test]
    fn cuts_at_line_breaks_the_end_and_the_budget() {
        let line = |text: &str, length, complete| (text.to_owned(), length, complete);
        for (name, input, budget, expected) in [
            ("empty", &b""[..], 10, vec![]),
            ("two lines", b"a\nbc\n", 10, vec![line("a", 2, true), line("bc", 3, true)]),
            ("no break at the end", b"a\nb", 10, vec![line("a", 2, true), line("b", 1, false)]),
            ("budget inside a line", b"abcd\n", 3, vec![line("abc", 3, false), line("d", 2, true)]),
            ("not UTF-8", b"a\xffb\n", 10, vec![line("a\u{fffd}b", 4, true)]),
            ("a hole", b"\0\0\0a\n", 10, vec![line("a", 5, true)]),
            ("blank", b"\n\n", 10, vec![line("", 1, true), line("", 1, true)]),
        ] {
            assert_eq!(lines(input, budget), expected, "{name}");
        }
    }

    #[test]
    fn a_long_line_is_cut_but_counted() {
        let mut input = vec![b'x'; 3 * LINE_LIMIT];
        input.extend(b"\nnext\n");
        let lines = lines(&input, u64::MAX);
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].0.len(), lines[0].1), (LINE_LIMIT, 3 * LINE_LIMIT as u64 + 1));
        assert_eq!(lines[1].0, "next");
    }
}
