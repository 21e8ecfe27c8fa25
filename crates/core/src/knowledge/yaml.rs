//! Patterns as YAML that people read: fields in one order, long texts folded, nothing that goes without saying.
//!
//! What is written here reads back equal; a property test holds that.

use serde_json::{Map, Value};

use super::PackEntry;

/// A line of folded text is at most this long, where its words allow it.
const WIDTH: usize = 100;

/// The entry as a mapping, with every line indented by `indent` spaces, and a final line break.
pub fn write_entry(entry: &PackEntry, indent: usize) -> String {
    let mut out = String::new();
    write_map(&fields(entry), indent, &mut out);
    out
}

/// Any value in the same hand.
pub fn write_value(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => write_map(map, 0, &mut out),
        other => {
            write_inline(other, 0, &mut out);
            out = out.trim_start().to_owned();
        }
    }
    out
}

/// What has to be said of an entry: what differs from the smallest one.
pub(super) fn fields(entry: &PackEntry) -> Map<String, Value> {
    let smallest = object(&PackEntry::new("", ""));
    let mut fields = object(entry);
    fields.retain(|key, value| key == "name" || key == "confidence" || smallest.get(key.as_str()) != Some(value));
    if let Some(Value::Object(examples)) = fields.get_mut("examples") {
        examples.retain(|_, lines| lines.as_array().is_none_or(|lines| !lines.is_empty()));
    }
    if let Some(Value::Object(rule)) = fields.get_mut("rule") {
        rule.retain(|_, value| !value.is_null());
    }
    fields
}

/// Every field of an entry, said or not.
pub(super) fn object(entry: &PackEntry) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(map)) => map,
        // An entry is a struct with string keys: it is always an object.
        _ => Map::new(),
    }
}

fn write_map(map: &Map<String, Value>, indent: usize, out: &mut String) {
    for (key, value) in map {
        out.push_str(&" ".repeat(indent));
        out.push_str(&scalar(key));
        out.push(':');
        write_inline(value, indent, out);
    }
}

/// What follows a key's colon or an item's hyphen.
fn write_inline(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Object(map) => {
            out.push('\n');
            write_map(map, indent + 2, out);
        }
        Value::Array(items) => {
            out.push('\n');
            for item in items {
                write_item(item, indent + 2, out);
            }
        }
        Value::String(text) => write_text(text, indent + 2, out),
        other => {
            out.push(' ');
            out.push_str(&other.to_string());
            out.push('\n');
        }
    }
}

fn write_item(item: &Value, indent: usize, out: &mut String) {
    let hyphen = format!("{}-", " ".repeat(indent));
    match item {
        Value::Object(map) if !map.is_empty() => {
            let mut inner = String::new();
            write_map(map, indent + 2, &mut inner);
            out.push_str(&hyphen);
            out.push_str(&inner[indent + 1..]);
        }
        other => {
            out.push_str(&hyphen);
            write_inline(other, indent, out);
        }
    }
}

fn write_text(text: &str, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    if text.contains('\n') && is_literal(text) {
        let body = text.strip_suffix('\n').unwrap_or(text);
        out.push_str(if body.len() < text.len() { " |\n" } else { " |-\n" });
        for line in body.split('\n') {
            if !line.is_empty() {
                out.push_str(&pad);
                out.push_str(line);
            }
            out.push('\n');
        }
    } else if text.chars().count() > WIDTH && is_foldable(text) {
        out.push_str(" >-\n");
        let (mut line, mut length) = (String::new(), 0);
        for word in text.split(' ') {
            let word_length = word.chars().count();
            if !line.is_empty() && indent + length + 1 + word_length > WIDTH {
                out.push_str(&format!("{pad}{line}\n"));
                line.clear();
                length = 0;
            }
            if !line.is_empty() {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        out.push_str(&format!("{pad}{line}\n"));
    } else {
        out.push(' ');
        out.push_str(&scalar(text));
        out.push('\n');
    }
}

/// Characters that YAML may hold as they are.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
        && !matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

fn is_foldable(text: &str) -> bool {
    text.chars().all(is_printable) && text.split(' ').all(|word| !word.is_empty())
}

fn is_literal(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    !body.ends_with('\n')
        && !body.is_empty()
        && !body.starts_with([' ', '\n'])
        && body.chars().all(|c| c == '\n' || is_printable(c))
        && body.split('\n').all(|line| line.is_empty() || !line.trim().is_empty())
}

/// A text on one line: plain where nobody could take it for anything else, otherwise quoted.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        let escaped = text.chars().map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\t' => "\\t".to_owned(),
            '\r' => "\\r".to_owned(),
            c if is_printable(c) => c.to_string(),
            c => format!("\\U{:08x}", u32::from(c)),
        });
        format!("\"{}\"", escaped.collect::<String>())
    }
}

fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 12] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf", "infinity"];
    let mut before = ' ';
    text.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && !text.ends_with([' ', ':'])
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && text.chars().all(|c| {
            let fine = match c {
                ' ' => before != ':',
                '#' => before != ' ',
                c => c.is_alphanumeric() || "_-./()%,;'=<>+@$*\\:".contains(c),
            };
            before = c;
            fine
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ -~\\n]{0,300}",
            "([a-z]{1,12} ){5,40}[a-z]{1,5}",
            "(- |# |: |'|\"|\\||>|%|@|\\{|\\[|\\n|\\t| |a|0|é|\u{85}|\u{2028}|~|true|null|1e5|0x1f|---){0,12}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_equal(
            name in text(), cause in text(), lines in prop::collection::vec(text(), 0..4), key in text(), indent in 0usize..5,
        ) {
            let mut entry = PackEntry::new(name, cause);
            entry.checks.clone_from(&lines);
            entry.examples.rejects.clone_from(&lines);
            entry.scope.project = lines.first().map(|line| crate::ProjectName::new(line.clone()));
            let attributes = std::iter::once((key, lines.concat())).collect();
            entry.rule = Some(crate::knowledge::Rule { any: vec![crate::knowledge::Condition::Attributes(attributes)] });
            let written = write_entry(&entry, indent);
            let read: PackEntry = crate::config::read_yaml(&written, "f").map_err(|error| {
                TestCaseError::fail(format!("{error}\n{written}"))
            })?;
            prop_assert_eq!(read, entry, "{}", written);
        }
    }

    #[test]
    fn long_texts_are_folded_and_what_goes_without_saying_is_left_out() {
        let cause = "The pool of connections is smaller than what the service needs at its busiest, or connections leak and are never given back.";
        let written = write_entry(&PackEntry::new("Pool exhausted", cause), 0);
        assert_eq!(
            written,
            "name: Pool exhausted\nroot_cause: >-\n  The pool of connections is smaller than what the service needs at its busiest, or connections leak\n  and are never given back.\nconfidence: 0.5\n"
        );
    }
}
