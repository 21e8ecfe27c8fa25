//! A document without a form: what Markdown and HTML both are made of. Texts are as they came; each form escapes them.

use selfheal_core::Timestamp;
use selfheal_core::told::spoken;

/// A text, and how it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    Plain(String),
    /// Hashes, calls, ids: to the letter.
    Code(String),
    /// A time: never broken over two lines.
    Time(String),
    Good(String),
    Bad(String),
    /// Words and commands, one after the other.
    Mixed(Vec<Self>),
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Paragraph(Text),
    /// A sentence that a hurried reader must not miss.
    Warning(String),
    Facts(Vec<(&'static str, Text)>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<Text>>,
    },
    List(Vec<Text>),
    /// Foreign lines, to the letter, under what is said of them.
    Lines {
        title: String,
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: &'static str,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub title: String,
    pub subtitle: String,
    pub sections: Vec<Section>,
}

impl Document {
    /// Its sentences with the moments in them as this file writes times. What is quoted stays as it was.
    pub fn spoken(mut self, words: impl Fn(Timestamp) -> String + Copy) -> Self {
        fn tell(text: &mut Text, words: impl Fn(Timestamp) -> String + Copy) {
            match text {
                Text::Plain(text) | Text::Good(text) | Text::Bad(text) => *text = spoken(text, words),
                Text::Mixed(pieces) => pieces.iter_mut().for_each(|piece| tell(piece, words)),
                Text::Code(_) | Text::Time(_) => {}
            }
        }
        let tell = |text: &mut Text| tell(text, words);
        for block in self.sections.iter_mut().flat_map(|section| &mut section.blocks) {
            match block {
                Block::Paragraph(text) => tell(text),
                Block::Warning(text) | Block::Lines { title: text, .. } => *text = spoken(text, words),
                Block::Facts(facts) => facts.iter_mut().for_each(|(_, text)| tell(text)),
                Block::Table { rows, .. } => rows.iter_mut().flatten().for_each(tell),
                Block::List(items) => items.iter_mut().for_each(tell),
            }
        }
        self
    }
}
