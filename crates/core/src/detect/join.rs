//! Joins continuation lines (stack traces, wrapped messages) to the line they belong to.
//!
//! A record is complete when the next one starts, or when the caller says that nothing more came for a while. Until
//! then it is not handed out, so a checkpoint never lies inside a record.

/// Bytes that one joined record may have. The rest of a longer one is cut, not kept in memory.
pub const RECORD_LIMIT: usize = 64 * 1024;

/// The record under construction.
#[derive(Debug, Default)]
pub struct Joiner {
    pending: Option<String>,
    /// The pending record announced that more follows (Python's "Traceback", Java's "Caused by").
    in_traceback: bool,
}

impl Joiner {
    /// Takes one line without its line break. Returns the record that this line completed.
    pub fn push(&mut self, line: &str) -> Option<String> {
        let line = line.trim_end_matches('\r');
        if let Some(record) = &mut self.pending
            && (continues(line) || (self.in_traceback && ends_traceback(line)))
        {
            if announces_traceback(line) {
                self.in_traceback = true;
            } else if !line.starts_with([' ', '\t']) && self.in_traceback && ends_traceback(line) {
                self.in_traceback = false;
            }
            if record.len() < RECORD_LIMIT {
                record.push('\n');
                record.push_str(cut(line, RECORD_LIMIT - record.len()));
            }
            return None;
        }
        self.in_traceback = announces_traceback(line);
        if line.trim().is_empty() {
            return self.pending.take();
        }
        self.pending.replace(cut(line, RECORD_LIMIT).to_owned())
    }

    /// Hands out the pending record: nothing more came for a while, or the input ended.
    pub fn flush(&mut self) -> Option<String> {
        self.in_traceback = false;
        self.pending.take()
    }

    pub const fn is_empty(&self) -> bool {
        self.pending.is_none()
    }
}

/// Indented lines and the usual heads of frames and causes belong to the line before them.
fn continues(line: &str) -> bool {
    let trimmed = line.trim_start();
    (line.starts_with([' ', '\t']) && !trimmed.is_empty())
        || trimmed.starts_with("Caused by:")
        || trimmed.starts_with("Suppressed:")
        || trimmed.starts_with("... ")
        || announces_traceback(line)
        || trimmed.starts_with("During handling of the above exception")
        || trimmed.starts_with("goroutine ")
        || trimmed.starts_with("stack backtrace:")
}

fn announces_traceback(line: &str) -> bool {
    line.trim_start().starts_with("Traceback (most recent call last)")
}

/// The last line of a Python traceback names the exception: `ValueError: bad`, `app.errors.Gone`.
fn ends_traceback(line: &str) -> bool {
    let head = line.split([':', '(']).next().unwrap_or_default();
    !head.is_empty()
        && head.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_')
        && head.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase))
}

/// The longest prefix of at most `limit` bytes that ends between characters.
fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(text: &str) -> Vec<String> {
        let mut joiner = Joiner::default();
        let mut records: Vec<_> = text.lines().filter_map(|line| joiner.push(line)).collect();
        records.extend(joiner.flush());
        records
    }

    #[test]
    fn traces_stay_with_their_line() {
        for (name, text, expected) in [
            ("plain", "a\nb\n\nc", vec!["a", "b", "c"]),
            (
                "java",
                "ERROR x\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: d\n\t... 3 more\nINFO y",
                vec![
                    "ERROR x",
                    "java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: d\n\t... 3 more",
                    "INFO y",
                ],
            ),
            (
                "python",
                "ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1\n    f()\nValueError: bad\nINFO y",
                vec![
                    "ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1\n    f()\nValueError: bad",
                    "INFO y",
                ],
            ),
        ] {
            assert_eq!(join(text), expected, "{name}");
        }
    }

    #[test]
    fn a_record_is_bounded() {
        let mut text = "start\n".to_owned();
        for _ in 0..5_000 {
            text.push_str("    at frame that goes on and on\n");
        }
        let records = join(&text);
        assert_eq!(records.len(), 1);
        assert!(records[0].len() <= RECORD_LIMIT);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_a_panic(lines in proptest::collection::vec(".{0,40}", 0..20)) {
            let records = join(&lines.join("\n"));
            prop_assert!(records.iter().all(|record| !record.trim().is_empty()));
        }
    }
}
