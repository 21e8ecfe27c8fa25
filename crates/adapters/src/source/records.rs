//! One read from a position: complete records, and where to go on.
//!
//! Invariant: reading is a function of the file's content and the position, so that the same position gives the same
//! records. The position to go on from never lies inside a record that was not handed out.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};

use selfheal_core::detect::Joiner;

use super::lines::{LINE_LIMIT, Line, next_line};

/// How much one read takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub records: usize,
}

impl Default for Limits {
    /// 1 MiB, 10,000 records.
    fn default() -> Self {
        Self { bytes: 1024 * 1024, records: 10_000 }
    }
}

/// What was read from a position on.
#[derive(Debug)]
pub struct Read {
    pub records: Vec<String>,
    /// Where the next read goes on.
    pub offset: u64,
    pub skip_line: bool,
    /// Where the end of the file was seen; `None` when a limit came first.
    pub end: Option<u64>,
    tail: Tail,
}

/// What was read but is not known to be complete.
#[derive(Debug)]
struct Tail {
    joiner: Joiner,
    line: Option<Line>,
    position: u64,
    skip_line: bool,
}

impl Read {
    /// Reads on from `offset`.
    pub fn from(mut file: &File, offset: u64, skip_line: bool, limits: Limits) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let mut input = BufReader::with_capacity(LINE_LIMIT, file);
        let tail = Tail { joiner: Joiner::default(), line: None, position: offset, skip_line };
        let mut read = Self { records: Vec::new(), offset, skip_line, end: None, tail };
        let stop = offset + limits.bytes;
        while read.records.len() < limits.records {
            let line = next_line(&mut input, stop - read.tail.position)?;
            // Reading on after part of a line could find its rest meanwhile, and take that for another line.
            let last = line.as_ref().is_none_or(|line| !line.complete);
            line.into_iter().for_each(|line| read.take(line));
            if last {
                read.end = (read.tail.position < stop).then_some(read.tail.position);
                break;
            }
        }
        if read.end.is_none() && read.offset == offset {
            // A record longer than a whole read: what there is of it goes out, or it would never end.
            read.flush();
        }
        Ok(read)
    }

    fn take(&mut self, line: Line) {
        let start = self.tail.position;
        self.tail.position += line.length;
        if self.tail.skip_line {
            self.tail.skip_line = !line.complete;
            self.commit();
        } else if line.complete {
            if let Some(record) = self.tail.joiner.push(&line.text) {
                self.records.push(record);
                self.offset = start;
                self.skip_line = false;
            }
            if self.tail.joiner.is_empty() {
                self.commit();
            }
        } else {
            self.tail.line = Some(line);
        }
    }

    /// Everything up to the tail's position is done with.
    fn commit(&mut self) {
        self.offset = self.tail.position;
        self.skip_line = self.tail.skip_line;
    }

    /// Hands out what is held back: nothing more came for a while.
    pub fn flush(&mut self) {
        if let Some(line) = self.tail.line.take() {
            // A line that was cut is over; one that was not may go on, as a line of its own.
            self.tail.skip_line = line.text.len() >= LINE_LIMIT;
            self.records.extend(self.tail.joiner.push(&line.text));
        }
        self.records.extend(self.tail.joiner.flush());
        self.commit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(content).expect("writes");
        file
    }

    #[test]
    fn hands_out_complete_records_and_holds_the_rest_back() {
        let limits = Limits::default();
        for (name, content, records, offset, flushed) in [
            ("empty", "", vec![], 0, vec![]),
            ("the last line may go on", "a\nb\n", vec!["a"], 2, vec!["a", "b"]),
            ("a blank line ends a record", "a\n\n", vec!["a"], 3, vec!["a"]),
            ("no line break yet", "a\nb", vec![], 0, vec!["a", "b"]),
            ("a trace", "E\n  at x\n  at y\nb", vec![], 0, vec!["E\n  at x\n  at y", "b"]),
        ] {
            let file = file(content.as_bytes());
            let mut read = Read::from(&file, 0, false, limits).expect("reads");
            assert_eq!(
                (&read.records, read.offset),
                (&records.iter().map(|r| (*r).to_owned()).collect(), offset),
                "{name}"
            );
            assert_eq!(read.end, Some(content.len() as u64), "{name}");
            read.flush();
            assert_eq!(read.records, flushed, "{name}");
            assert_eq!(read.offset, content.len() as u64, "{name}");
        }
    }

    #[test]
    fn any_limits_read_the_same_records() {
        let content: String = (0..200).map(|n| format!("line {n}\n{}", ["", "\n", "  more\n"][n % 3])).collect();
        let file = file(content.as_bytes());
        let all = |limits: Limits| {
            let (mut records, mut offset) = (Vec::new(), 0);
            loop {
                let mut read = Read::from(&file, offset, false, limits).expect("reads");
                if read.end.is_some() {
                    read.flush();
                }
                records.append(&mut read.records);
                if read.end.is_some() {
                    return records;
                }
                assert!(read.offset > offset, "every read gets on");
                offset = read.offset;
            }
        };
        let whole = all(Limits::default());
        assert_eq!(whole.len(), 200);
        for (bytes, records) in [(50, 10_000), (1024, 1), (77, 3)] {
            assert_eq!(all(Limits { bytes, records }), whole, "{bytes} bytes, {records} records");
        }
    }

    #[test]
    fn the_rest_of_an_endless_line_is_dropped_over_several_reads() {
        let mut content = vec![b'x'; 5 * LINE_LIMIT];
        content.extend(b"\nnext\n");
        let file = file(&content);
        let limits = Limits { bytes: 2 * LINE_LIMIT as u64, records: 10 };
        let first = Read::from(&file, 0, false, limits).expect("reads");
        assert_eq!((first.records.len(), first.records[0].len(), first.skip_line), (1, LINE_LIMIT, true));
        let second = Read::from(&file, first.offset, first.skip_line, limits).expect("reads");
        assert_eq!((second.records.len(), second.skip_line, second.offset), (0, true, 2 * first.offset));
        let mut third = Read::from(&file, second.offset, second.skip_line, limits).expect("reads");
        third.flush();
        assert_eq!((third.records, third.skip_line), (vec!["next".to_owned()], false));
    }
}
