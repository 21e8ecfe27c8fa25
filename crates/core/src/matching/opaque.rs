//! What stands for itself as a whole in a line, although letters are in it: a time with its zone, and a UUID. Its parts say
//! nothing, and no two lines have the same.

/// The length of the time or identifier at the start of a text; `None` where there is none, or something goes on after it.
pub(super) fn opaque(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = uuid(bytes).or_else(|| moment(bytes))?;
    let ends = text.get(end..)?.chars().next().is_none_or(|next| !next.is_alphanumeric());
    ends.then_some(end)
}

fn uuid(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (i, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if i > 0 {
            (bytes.get(at) == Some(&b'-')).then_some(())?;
            at += 1;
        }
        bytes.get(at..at + digits)?.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        at += digits;
    }
    Some(at)
}

/// A date, a date and a time, or a time with seconds or a zone, as RFC 3339, ISO 8601 and web servers write them.
fn moment(bytes: &[u8]) -> Option<usize> {
    let Some(date) = date(bytes) else { return clock(bytes, true) };
    let joined = bytes.get(date).is_some_and(|joint| matches!(joint, b'T' | b't' | b'_' | b':'));
    let time = joined.then(|| clock(bytes.get(date + 1..)?, false)).flatten();
    Some(time.map_or(date, |time| date + 1 + time))
}

fn digits(bytes: &[u8], at: usize, count: usize) -> bool {
    bytes.get(at..at + count).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
}

fn date(bytes: &[u8]) -> Option<usize> {
    let is = |at: usize, joint: u8| bytes.get(at) == Some(&joint);
    let letters = |at: usize, count: usize| {
        bytes.get(at..at + count).is_some_and(|part| part.iter().all(u8::is_ascii_alphabetic))
    };
    // 2026-11-30, 2026/11/30
    if digits(bytes, 0, 4) && (is(4, b'-') && is(7, b'-') || is(4, b'/') && is(7, b'/')) {
        return (digits(bytes, 5, 2) && digits(bytes, 8, 2)).then_some(10);
    }
    // 30/Nov/2026
    if digits(bytes, 0, 2) && is(2, b'/') && letters(3, 3) && is(6, b'/') && digits(bytes, 7, 4) {
        return Some(11);
    }
    // 20261130T...
    (digits(bytes, 0, 8) && (is(8, b'T') || is(8, b't')) && digits(bytes, 9, 4)).then_some(8)
}

/// One that stands alone has a colon: without it, it is a number.
fn clock(bytes: &[u8], alone: bool) -> Option<usize> {
    let hours = if digits(bytes, 0, 2) { 2 } else { usize::from(digits(bytes, 0, 1)) };
    if hours == 0 {
        return None;
    }
    let mut at = hours;
    let colon = bytes.get(at) == Some(&b':');
    for _ in 0..2 {
        let next = at + usize::from(colon);
        if (colon && bytes.get(at) != Some(&b':')) || !digits(bytes, next, 2) {
            break;
        }
        at = next + 2;
    }
    if at == hours || (alone && !colon) {
        return None;
    }
    if bytes.get(at).is_some_and(|joint| matches!(joint, b'.' | b',')) && digits(bytes, at + 1, 1) {
        at += 1;
        while digits(bytes, at, 1) {
            at += 1;
        }
    }
    match bytes.get(at) {
        Some(b'Z' | b'z') => Some(at + 1),
        Some(b'+' | b'-') if digits(bytes, at + 1, 2) => {
            let minutes = at + 3 + usize::from(bytes.get(at + 3) == Some(&b':'));
            Some(if digits(bytes, minutes, 2) { minutes + 2 } else { at + 3 })
        }
        _ => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_and_identifiers_are_one() {
        for (text, length) in [
            ("2026-11-30T06:44:59Z", Some(20)),
            ("2026-11-30T06:44:59.922365Z]", Some(27)),
            ("2026-11-30T06:44:59,922+0100 x", Some(28)),
            ("2026-11-30T06:44:59-05:00,", Some(25)),
            ("2026-11-30", Some(10)),
            ("2026/11/30", Some(10)),
            ("2026-11-30Tx", None),
            ("30/Nov/2026:06:44:59", Some(20)),
            ("20261130T064459Z", Some(16)),
            ("06:44:59", Some(8)),
            ("6:44Z", Some(5)),
            ("0644Z", None),
            ("550e8400-e29b-41d4-a716-446655440000", Some(36)),
            ("550e8400-e29b-41d4-a716-44665544000x", None),
            ("10.0.0.1:8080", None),
            ("59z", None),
            ("12T08", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(opaque(text), length, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked(text in "[0-9TZ:./+-]{0,24}|\\PC{0,12}") {
            let end = opaque(&text).unwrap_or(0);
            prop_assert!(text.is_char_boundary(end));
        }
    }
}
