//! What a log writes to a terminal: its own colours stay, and nothing of what it repeats is hidden.

use super::harmless;

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
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_line_keeps_its_colours_and_hides_nothing() {
        let mut out = Visible(Vec::new());
        out.write_all("\u{1b}[33mWARN\u{1b}[0m user \u{202e}gnp.exe\n".as_bytes()).expect("written");
        assert_eq!(String::from_utf8(out.0).expect("text"), "\u{1b}[33mWARN\u{1b}[0m user \\u{202e}gnp.exe\n");
    }
}
