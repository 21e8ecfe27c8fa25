//! Sentences for people: how a moment and a number stand in them.
//!
//! Invariant: no sentence holds a time as a machine writes it. A moment stands in it as a mark, `{2026-02-28T14:02:00Z}`, which
//! whoever shows the sentence puts into the reader's own words: "2m ago", a local time, or UTC in a case file. A mark that
//! nobody puts into words can still be read.

use std::fmt::Display;

use crate::Timestamp;

/// The length of a mark: an RFC 3339 time in UTC to the second, in braces.
const MARK: usize = "{2026-02-28T14:02:00Z}".len();

/// A moment as it stands in a sentence: to the second, since nobody reads further.
pub fn moment(at: Timestamp) -> String {
    let second = Timestamp::from_micros(at.as_micros().div_euclid(1_000_000) * 1_000_000);
    format!("{{{second}}}")
}

/// The sentence with its moments in the reader's words.
pub fn spoken(text: &str, words: impl Fn(Timestamp) -> String) -> String {
    let (mut told, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        told.push_str(before);
        match from.get(..MARK).and_then(marked) {
            Some(at) => {
                told.push_str(&words(at));
                rest = &from[MARK..];
            }
            None => {
                told.push('{');
                rest = &from[1..];
            }
        }
    }
    told.push_str(rest);
    told
}

/// A moment on the clock on the wall, which is `offset` seconds ahead of UTC: `06:44`, with the day where it is another one, and
/// with what the clock is set to.
pub fn local(at: Timestamp, now: Timestamp, offset: i32) -> String {
    let wall = |at: Timestamp| Timestamp::from_micros(at.as_micros() + i64::from(offset) * 1_000_000).to_rfc3339();
    let (there, here) = (wall(at), wall(now));
    let day = if there.get(..10) == here.get(..10) { "" } else { there.get(..10).unwrap_or_default() };
    let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
    let zone = match minutes {
        0 => "UTC".to_owned(),
        _ if minutes % 60 == 0 => format!("UTC{sign}{}", minutes / 60),
        _ => format!("UTC{sign}{}:{:02}", minutes / 60, minutes % 60),
    };
    format!("{day} {} {zone}", there.get(11..16).unwrap_or_default()).trim_start().to_owned()
}

fn marked(mark: &str) -> Option<Timestamp> {
    let inner = mark.strip_prefix('{')?.strip_suffix("Z}")?;
    // Exactly the form that `moment` writes: text of others with a date in braces is not touched.
    let digits = |(i, byte): (usize, u8)| match i {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    inner.bytes().enumerate().all(digits).then(|| Timestamp::parse(&format!("{inner}Z"))).flatten()
}

/// A number of things: `1 signal`, `2 signals`, `0 entries`, `3 patches`.
pub fn count(number: impl Into<u64>, thing: &str) -> String {
    let number = number.into();
    if number == 1 {
        return format!("1 {thing}");
    }
    // Of "row of the knowledge base" it is the row that there are several of.
    let (word, rest) = thing.split_once(' ').map_or((thing, String::new()), |(word, rest)| (word, format!(" {rest}")));
    format!("{number} {}{rest}", plural(word))
}

/// How many of something there are, whatever type counts them.
pub fn many(number: usize, thing: &str) -> String {
    count(number as u64, thing)
}

fn plural(word: &str) -> String {
    let vowel_before_y = |stem: &str| stem.ends_with(['a', 'e', 'i', 'o', 'u']);
    match word {
        "person" => "people".into(),
        _ => match word.strip_suffix('y') {
            Some(stem) if !vowel_before_y(stem) => format!("{stem}ies"),
            _ if ["s", "x", "ch", "sh"].iter().any(|ending| word.ends_with(ending)) => format!("{word}es"),
            _ => format!("{word}s"),
        },
    }
}

/// A list as people say it: `a`, `a and b`, `a, b and c`.
pub fn list<T: Display>(things: &[T], last: &str) -> String {
    match things {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., end] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("{} {last} {end}", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_put_into_the_readers_words() {
        let at = Timestamp::parse("2026-11-30T06:44:33.922365Z").expect("a time");
        let sentence = format!("It is snoozed until {}, by ada.", moment(at));
        assert_eq!(sentence, "It is snoozed until {2026-11-30T06:44:33Z}, by ada.");
        assert_eq!(spoken(&sentence, |at| format!("<{at}>")), "It is snoozed until <2026-11-30T06:44:33Z>, by ada.");
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "",
            "{",
            "{}",
            "plain",
            "{service} at 2026-11-30T06:44:33Z",
            "{2026-11-30T06:44:33.922365Z}",
            "{2026-13-30T06:44:33Z}",
            "{2026-11-30T06:44:33+}",
            "{2026-11-30 06:44:33Z}",
            "{ä026-11-30T06:44:3Z}",
            "{{2026-11-30T06:44:33",
        ] {
            assert_eq!(spoken(text, |_| "?".into()), text);
        }
        assert_eq!(spoken("{{2026-11-30T06:44:33Z}}", |_| "?".into()), "{?}");
    }

    #[test]
    fn a_local_time_says_its_zone_and_the_day_where_it_is_another() {
        let now = Timestamp::parse("2026-11-30T22:30:00Z").expect("a time");
        for (at, offset, told) in [
            ("2026-11-30T22:45:59Z", 0, "22:45 UTC"),
            ("2026-11-30T22:45:59Z", 3_600, "23:45 UTC+1"),
            ("2026-11-30T23:10:00Z", 3_600, "2026-12-01 00:10 UTC+1"),
            ("2026-11-30T22:45:59Z", -12_600, "19:15 UTC-3:30"),
        ] {
            assert_eq!(local(Timestamp::parse(at).expect("a time"), now, offset), told);
        }
    }

    #[test]
    fn numbers_agree_with_their_things() {
        for (number, thing, told) in [
            (0, "signal", "0 signals"),
            (1, "signal", "1 signal"),
            (2, "entry", "2 entries"),
            (2, "day", "2 days"),
            (3, "match", "3 matches"),
            (1, "row of the knowledge base", "1 row of the knowledge base"),
            (2, "row of the knowledge base", "2 rows of the knowledge base"),
            (2, "person", "2 people"),
        ] {
            assert_eq!(count(number as u64, thing), told);
        }
        assert_eq!(list(&["a", "b", "c"], "or"), "a, b or c");
        assert_eq!((list(&["a"], "and"), list::<&str>(&[], "and")), ("a".to_owned(), String::new()));
    }
}
