//! What is wrong with a text, where, and how it is shown: `file:line:column: what is wrong; what was expected; what next`,
//! below it the line with a caret.
//!
//! Invariant: what is shown of the file cannot steer a terminal: control characters and what turns text are written out.

use std::fmt;

/// Characters of a line that are shown.
const SHOWN: usize = 110;

/// One thing that is wrong. `line` and `column` start at 1 and count characters; 0 where the place is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub message: String,
    /// The line and how many characters of it are meant; `None` where the place says enough.
    pub excerpt: Option<Excerpt>,
}

/// The line that an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    pub width: usize,
}

impl ConfigError {
    /// An error of a whole file.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, message: message.into(), excerpt: None }
    }

    /// Place and message in one line, for where the file itself is not shown.
    pub fn headline(&self) -> String {
        if self.line == 0 {
            format!("{}: {}", self.file, self.message)
        } else {
            format!("{}:{}:{}: {}", self.file, self.line, self.column, self.message)
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        let Some(excerpt) = &self.excerpt else { return Ok(()) };
        let (text, before, width) = excerpt.cut(self.column as usize);
        let gutter = self.line.to_string();
        write!(f, "\n  {gutter} | {text}\n  {:1$} | ", "", gutter.len())?;
        write!(f, "{:1$}{2}", "", before, "^".repeat(width.max(1)))
    }
}

impl std::error::Error for ConfigError {}

impl Excerpt {
    /// The part of the line around a column (from 1), what stands before the caret in it, and the caret's width.
    fn cut(&self, column: usize) -> (String, usize, usize) {
        let characters: Vec<char> = self.text.chars().collect();
        let at = column.saturating_sub(1).min(characters.len());
        let start = if at > SHOWN * 3 / 4 { at - SHOWN / 2 } else { 0 };
        let end = characters.len().min(start + SHOWN);
        let show = |part: &[char]| part.iter().map(|c| visible(*c)).collect::<String>();
        let marked = (at + self.width).min(end);
        let mut text = show(&characters[start..end]);
        let mut before = show(&characters[start..at]).chars().count();
        if start > 0 {
            text.insert_str(0, "... ");
            before += 4;
        }
        if end < characters.len() {
            text.push_str(" ...");
        }
        (text, before, show(&characters[at..marked.max(at)]).chars().count())
    }
}

fn visible(c: char) -> String {
    match c {
        '\t' => " ".to_owned(),
        c if crate::names::can_be_shown(c) => c.to_string(),
        c => c.escape_unicode().to_string(),
    }
}

/// A text of the file as it may stand in a message: on one line, not too long, nothing that steers a terminal.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c == '\t' { "\\t".to_owned() } else { visible(c) }).collect();
    if text.chars().count() > LONGEST {
        shown.push_str("...");
    }
    format!("`{shown}`")
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// One line for a status: the first error, and how many more there are.
    pub fn in_short(&self) -> String {
        let first = self.0.first().map(ConfigError::headline).unwrap_or_default();
        match self.0.len() {
            0 | 1 => first,
            2 => format!("{first} (and one more error: `selfheal config check` shows both)"),
            many => format!("{first} (and {} more errors: `selfheal config check` shows all)", many - 1),
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}
