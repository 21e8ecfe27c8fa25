//! Foreign text, made safe to show: nothing in it is invisible, turns the text around, drives a terminal or draws over what
//! stands near it.
//!
//! A log line is written by whoever can reach a service, and is read by somebody who is about to approve a fix. What a reader
//! would not see is shown as what it is, `\u{202e}`; what people write with (letters of any script with their marks, emoji,
//! the joiners where they join) stays. The window does the same in `ui/src/lib/visible.ts`, by the same table of cases,
//! `visible_cases.json`.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Combining marks on one letter that are shown. More than any living script puts on one (Hebrew with cantillation, Tibetan
/// and Vietnamese stay below it), and too few to reach the next line.
const MARKS: usize = 8;

/// Stands for the marks that are not shown.
const LEFT_OUT: char = '\u{fffd}';

static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{M}$").ok());

/// Text of several lines: line breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, true)
}

/// Text of one line, such as a title or a cell: a line break or a tab is a space.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    shown(text, false)
}

fn shown(text: &str, breaks: bool) -> Cow<'_, str> {
    // Almost every text is plain, and a long listing has many.
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) || (breaks && matches!(byte, b'\n' | b'\t'))) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let (mut before, mut marks, mut left_out) = (None, 0, 0);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_plain(c) && is_mark(c) {
            marks += 1;
            match marks <= MARKS {
                true => out.push(c),
                false => left_out += 1,
            }
            before = Some(c);
            continue;
        }
        marks = 0;
        if std::mem::take(&mut left_out) > 0 {
            out.push(LEFT_OUT);
            before = Some(LEFT_OUT);
        }
        match c {
            '\n' | '\t' if breaks => out.push(c),
            '\n' | '\t' => out.push(' '),
            c if is_plain(c) || stands_here(before, c, rest.peek().copied()) => out.push(c),
            c => escape(&mut out, c),
        }
        // What follows stands after what is shown.
        before = out.chars().next_back();
    }
    if left_out > 0 {
        out.push(LEFT_OUT);
    }
    Cow::Owned(out)
}

fn escape(out: &mut String, c: char) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// JSON with the same data, in which every character that would not be seen is escaped.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let hidden = |c: char| !matches!(c, '\n' | '\t') && !is_plain(c);
    if !json.contains(hidden) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a name may have this character: it is seen, and stays where it is.
pub const fn is_plain(c: char) -> bool {
    !matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What is not seen by itself and belongs where it is: a joiner between what joins, the look of an emoji, the variant of a
/// character.
fn stands_here(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    match c {
        '\u{200c}' => joins(before) && after.is_some_and(joins),
        '\u{200d}' => {
            let emoji = pictures(before) || before == '\u{fe0f}';
            (emoji && after.is_some_and(pictures)) || (joins(before) && after.is_some_and(joins))
        }
        '\u{fe0e}' | '\u{fe0f}' => pictures(before) || matches!(before, '0'..='9' | '#' | '*'),
        '\u{fe00}'..='\u{fe0d}' => {
            matches!(before, '\u{2200}'..='\u{22ff}' | '\u{1000}'..='\u{109f}' | '\u{a840}'..='\u{a87f}')
                || is_han(before)
        }
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        '\u{e0100}'..='\u{e01ef}' => is_han(before),
        _ => false,
    }
}

/// Letters and marks of scripts in which a joiner changes how they look.
const fn joins(c: char) -> bool {
    matches!(
        c,
        '\u{620}'..='\u{8ff}'
            | '\u{900}'..='\u{dff}'
            | '\u{f00}'..='\u{109f}'
            | '\u{1780}'..='\u{17b3}'
            | '\u{17b6}'..='\u{17ff}'
            | '\u{1820}'..='\u{18aa}'
            | '\u{1a00}'..='\u{1cff}'
            | '\u{a800}'..='\u{abff}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{11000}'..='\u{11fff}'
    )
}

/// What emoji are made of.
const fn pictures(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{2bff}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

const fn is_han(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_mark(c: char) -> bool {
    u32::from(c) >= 0x300 && MARK.as_ref().is_none_or(|mark| mark.is_match(c.encode_utf8(&mut [0; 4])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        what: String,
        text: String,
        shown: String,
        line: Option<String>,
    }

    #[test]
    fn each_case_of_the_table_that_the_window_has_too() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("visible_cases.json")).expect("cases");
        assert!(cases.len() > 30);
        for Case { what, text, shown, line } in cases {
            assert_eq!(visible(&text), shown, "{what}");
            assert_eq!(visible_line(&text), line.unwrap_or(shown), "{what}, in one line");
        }
    }

    #[test]
    fn many_marks_do_not_draw_over_the_page() {
        let text = format!("a{}b", "\u{301}".repeat(500));
        let out = visible(&text).into_owned();
        assert_eq!(out, format!("a{}\u{fffd}b", "\u{301}".repeat(MARKS)));
    }

    #[test]
    fn json_stays_the_same_data() {
        let data = serde_json::json!({ "a\u{202e}": "x\u{200d}\u{e0041}\u{1F469}\u{200d}\u{1F680}é\n\u{7f}\u{9b}" });
        let text = serde_json::to_string_pretty(&data).expect("written");
        let shown = visible_json(&text);
        assert!(shown.contains("\\u202e") && shown.contains("\\udb40\\udc41") && !shown.contains('\u{9b}'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("still JSON"), data);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_but_what_stands_where_it_belongs(text in "\\PC{0,8}[\\u{200b}-\\u{202e}\\u{0}-\\u{1f}\\u{300}-\\u{36f}x]{0,20}") {
            let out = visible(&text).into_owned();
            prop_assert!(!out.contains(|c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{1b}' | '\r')), "{out:?}");
            // Shown twice it is the same: what goes through two edges does not change again.
            prop_assert_eq!(visible(&out).into_owned(), out.clone());
            prop_assert!(!visible_line(&out).contains(['\n', '\t']));
        }
    }
}
