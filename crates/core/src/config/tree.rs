//! YAML as values that know their place.
//!
//! The parser's events are taken as they come, so nothing is decided for us: whether a scalar was quoted, a key that stands
//! twice, an anchor. Invariant: however hostile the text is, the tree is at most as large as the text and at most
//! [`DEPTH`] deep; nothing is expanded.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::syntax;

/// The largest file that is read: fifty times what a thousand services need.
pub const LARGEST: usize = 4 << 20;
const DEPTH: usize = 24;
const NODES: usize = 200_000;

/// Where something stands: line and column from 1, and how many characters of the line it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `plain` is false where it was quoted or a block: then it is text, whatever it looks like.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub text: String,
    pub at: Place,
}

/// A place and what is wrong there.
pub(super) type Fault = (Place, String);

impl Node {
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// A list's entries; none where it is no list.
    pub fn entries(&self) -> &[Self] {
        match &self.value {
            Value::List(entries) => entries,
            _ => &[],
        }
    }

    pub fn get(&self, key: &str) -> Option<(&Key, &Self)> {
        match &self.value {
            Value::Map(pairs) => pairs.iter().find(|(found, _)| found.text == key).map(|(key, node)| (key, node)),
            _ => None,
        }
    }

    /// The value of a key, or what would hold it: the nearest place that can be pointed at.
    pub fn place(&self, keys: &[&str]) -> Place {
        let mut node = self;
        let mut place = self.at;
        for key in keys {
            let Some((key, next)) = node.get(key) else { break };
            place = match next.value {
                Value::Scalar { .. } if !next.is_null() => next.at,
                _ => key.at,
            };
            node = next;
        }
        place
    }
}

/// Reads a text. `None` where it says nothing at all. An error of the syntax ends the reading; keys that stand twice,
/// anchors and tags are collected in `faults`.
pub(super) fn read(text: &str, faults: &mut Vec<Fault>) -> Result<Option<Node>, Fault> {
    if text.len() > LARGEST {
        let message = format!(
            "the file is larger than {LARGEST} bytes; expected less; look whether something else was written into it"
        );
        return Err((Place::default(), message));
    }
    if let Some(fault) = turned(text) {
        return Err(fault);
    }
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: DEPTH * 2,
        block_nesting_limit: DEPTH * 2,
    };
    let mut builder = Builder { faults, root: None, open: Vec::new(), brackets: Vec::new(), documents: 0, nodes: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => return Err(syntax::words(&error, text, &builder.brackets)),
        }
    }
    Ok(builder.root)
}

/// Where the syntax of any YAML is broken, if it is.
pub(super) fn broken(text: &str) -> Option<Fault> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    Some(syntax::words(&error, text, &[]))
}

/// Characters that show a text in another order than it has: what a person reads would not be what is read here.
fn turned(text: &str) -> Option<Fault> {
    for (line, words) in text.lines().enumerate() {
        if let Some((column, c)) = words.chars().enumerate().find(|(_, c)| crate::names::turns_text(*c)) {
            let message = format!(
                "the character U+{:04X} changes the direction of the text around it, so that a person reads something else; expected none; remove it",
                u32::from(c)
            );
            return Some((Place { line: line + 1, column: column + 1, width: 1 }, message));
        }
    }
    None
}

struct Builder<'a> {
    faults: &'a mut Vec<Fault>,
    root: Option<Node>,
    open: Vec<Open>,
    /// Where `{` and `[` that are still open stand.
    brackets: Vec<(char, Place)>,
    documents: usize,
    nodes: usize,
}

/// A collection that is being read, whether it was opened by a bracket, and the key that waits for its value.
struct Open {
    node: Node,
    flow: bool,
    key: Option<Key>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let at = place(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document begins here; expected one per file; remove the line `---`";
                    return Err((at, message.to_owned()));
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => return Err((at, ANCHORS.to_owned())),
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                let plain = style == ScalarStyle::Plain;
                self.put(at, Value::Scalar { text: text.into_owned(), plain })?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                self.enter(at, Value::List(Vec::new()), bracketed(style, span), '[')?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.plain_node(at, anchor, tag.is_some())?;
                self.enter(at, Value::Map(Vec::new()), bracketed(style, span), '{')?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    if open.flow {
                        self.brackets.pop();
                    }
                    self.put_node(open.node)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn plain_node(&mut self, at: Place, anchor: usize, tagged: bool) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err((
                at,
                format!("the file has more than {NODES} values; expected fewer; look what was written into it"),
            ));
        }
        if anchor != 0 {
            return Err((at, ANCHORS.to_owned()));
        }
        if tagged {
            let message = "tags (`!name`) are not read here; expected a plain value; remove the tag";
            self.faults.push((at, message.to_owned()));
        }
        Ok(())
    }

    fn enter(&mut self, at: Place, value: Value, flow: bool, bracket: char) -> Result<(), Fault> {
        if self.open.len() >= DEPTH {
            return Err((
                at,
                format!("this is more than {DEPTH} levels deep; expected at most 8; close what was opened before"),
            ));
        }
        if flow {
            self.brackets.push((bracket, at));
        }
        self.open.push(Open { node: Node { at, value }, flow, key: None });
        Ok(())
    }

    fn put(&mut self, at: Place, value: Value) -> Result<(), Fault> {
        self.put_node(Node { at, value })
    }

    fn put_node(&mut self, node: Node) -> Result<(), Fault> {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(entries) => entries.push(node),
            Value::Map(pairs) => match open.key.take() {
                Some(key) => match pairs.iter().find(|(other, _)| other.text == key.text) {
                    Some((first, _)) => {
                        let message = format!(
                            "{} stands a second time (first in line {}); expected each key once; remove one of them",
                            super::error::quoted(&key.text),
                            first.at.line
                        );
                        self.faults.push((key.at, message));
                    }
                    None => pairs.push((key, node)),
                },
                None => match node.value {
                    Value::Scalar { text, .. } => open.key = Some(Key { text, at: node.at }),
                    _ => {
                        let message = "a list or a block cannot be a key; expected a word followed by a colon";
                        return Err((node.at, message.to_owned()));
                    }
                },
            },
            Value::Scalar { .. } => {}
        }
        Ok(())
    }
}

const ANCHORS: &str = "anchors and aliases (`&name`, `*name`) are not read here; expected the value itself; write it out, or put quotes around a text that begins so";

fn place(span: Span) -> Place {
    let (start, end) = (span.start, span.end);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Place { line: start.line(), column: start.col() + 1, width: width.max(1) }
}

/// Whether a bracket opens it: the single pair of `[a: b]` is a mapping without one.
fn bracketed(style: StructureStyle, span: Span) -> bool {
    style == StructureStyle::Flow && span.end.index() > span.start.index()
}
