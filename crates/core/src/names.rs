//! What may be a name: of a pattern, a service, a project, a source, a tag.
//!
//! Names stand in sentences, tables, terminals, addresses and the audit trail, and people tell things apart by them. So a
//! name is one line of visible characters, and two names that look alike are the same name: they are compared in the
//! composed form (Unicode NFC), and what cannot be seen does not belong into one.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters, not bytes.
pub const LONGEST_NAME: usize = 200;
/// Marks over one letter. Vietnamese needs two; more are drawn over the lines above.
const MOST_MARKS: usize = 3;

/// Why a text is no name. Says what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    #[error("is empty; expected at least one character")]
    Empty,
    #[error("has {0} characters; expected at most {LONGEST_NAME}")]
    Long(usize),
    #[error("has a line break; expected one line")]
    LineBreak,
    #[error("begins or ends with a blank; expected none there")]
    OuterBlank,
    #[error("has the control character U+{0:04X}; expected visible characters")]
    Control(u32),
    #[error("has the invisible character U+{0:04X}; expected visible characters")]
    Invisible(u32),
    #[error(
        "has the character U+{0:04X}, which changes the direction of the text around it; expected visible characters"
    )]
    Direction(u32),
    #[error("has the blank U+{0:04X}; expected plain blanks, which look the same")]
    Blank(u32),
    #[error("has more than {MOST_MARKS} accents over one letter; expected at most {MOST_MARKS}")]
    Marks,
}

/// The form in which names are stored and compared.
pub fn normal_name(text: &str) -> String {
    text.nfc().collect()
}

/// Whether two texts are one name, however their letters are composed.
pub fn same_name(one: &str, other: &str) -> bool {
    one == other || normal_name(one) == normal_name(other)
}

/// Whether a text may be a name.
pub fn check_name(text: &str) -> Result<(), NameFault> {
    if text.is_empty() {
        return Err(NameFault::Empty);
    }
    let mut marks = 0;
    for c in text.chars() {
        if let Some(fault) = fault(c) {
            return Err(fault);
        }
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            return Err(NameFault::Marks);
        }
    }
    if text.trim() != text {
        return Err(NameFault::OuterBlank);
    }
    match text.chars().count() {
        long if long > LONGEST_NAME => Err(NameFault::Long(long)),
        _ => Ok(()),
    }
}

/// The nearest text that may be a name, for what comes from another system and shall not be lost for its spelling.
pub fn cleaned_name(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut marks = 0;
    for c in normal_name(text).chars() {
        let c = match fault(c) {
            None => c,
            Some(NameFault::LineBreak | NameFault::Blank(_)) => ' ',
            Some(_) if c == '\t' => ' ',
            Some(_) => continue,
        };
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks <= MOST_MARKS && !(c == ' ' && clean.ends_with(' ')) {
            clean.push(c);
        }
    }
    let clean: String = clean.trim().chars().take(LONGEST_NAME).collect();
    clean.trim_end().to_owned()
}

fn fault(c: char) -> Option<NameFault> {
    let code = u32::from(c);
    Some(match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => NameFault::LineBreak,
        _ if c.is_control() => NameFault::Control(code),
        _ if turns_text(c) => NameFault::Direction(code),
        _ if is_invisible(c) => NameFault::Invisible(code),
        _ if c != ' ' && c.is_whitespace() => NameFault::Blank(code),
        _ => return None,
    })
}

/// A name in a message, which may be no name: what steers, turns or hides is written out.
pub fn shown_name(text: &str) -> String {
    let shown = |c: char| if can_be_shown(c) { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().take(LONGEST_NAME).map(shown).collect()
}

/// Whether a character may be shown as it is: it neither steers a terminal, nor turns the text, nor hides.
pub(crate) fn can_be_shown(c: char) -> bool {
    !c.is_control() && !turns_text(c) && !is_invisible(c) && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides, isolates and marks of direction: they show a text in another order than it has.
pub(crate) const fn turns_text(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{61C}')
}

/// Format characters, fillers and tags (Unicode's Cf and its Default_Ignorable_Code_Point), noncharacters and private use.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}'
        | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200D}'
        | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}'
        | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}'..='\u{FFFF}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_what_can_be_seen() {
        for name in ["a", "payments", "Störung: Zahlung", "é", "e\u{301}", "日本語 の 名前", "a/b#c.d_e-f", "🔥 hot"]
        {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        let long = "x".repeat(LONGEST_NAME + 1);
        for (name, fault) in [
            ("", NameFault::Empty),
            ("   ", NameFault::OuterBlank),
            (" a", NameFault::OuterBlank),
            ("a ", NameFault::OuterBlank),
            ("a\nb", NameFault::LineBreak),
            ("a\rb", NameFault::LineBreak),
            ("a\u{2028}b", NameFault::LineBreak),
            ("a\tb", NameFault::Control(9)),
            ("a\u{1b}[31m", NameFault::Control(0x1b)),
            ("a\u{0}", NameFault::Control(0)),
            ("user \u{202e}gnp.exe", NameFault::Direction(0x202e)),
            ("a\u{2066}b", NameFault::Direction(0x2066)),
            ("a\u{200b}b", NameFault::Invisible(0x200b)),
            ("a\u{feff}", NameFault::Invisible(0xfeff)),
            ("a\u{ad}b", NameFault::Invisible(0xad)),
            ("a\u{e0041}b", NameFault::Invisible(0xe0041)),
            ("a\u{a0}b", NameFault::Blank(0xa0)),
            ("a\u{3000}b", NameFault::Blank(0x3000)),
            ("a\u{301}\u{301}\u{301}\u{301}", NameFault::Marks),
            (&long, NameFault::Long(LONGEST_NAME + 1)),
        ] {
            assert_eq!(check_name(name), Err(fault), "{name:?}");
        }
        assert_eq!(normal_name("e\u{301}"), "é");
    }

    proptest::proptest! {
        #[test]
        fn what_was_cleaned_is_a_name_or_nothing(text in "(?s).{0,300}") {
            let clean = cleaned_name(&text);
            proptest::prop_assert!(clean.is_empty() || check_name(&clean) == Ok(()), "{clean:?}");
            proptest::prop_assert_eq!(cleaned_name(&clean), clean);
        }
    }
}
