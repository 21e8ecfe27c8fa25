//! One form for texts that expressions may compare without regard to case.

/// Folds ASCII letters to lowercase, and the two letters beyond ASCII that Unicode counts as the same as an ASCII one: the
/// long s and the Kelvin sign. Where one text equals another without regard to case of ASCII letters, their folds are equal.
pub(super) fn fold(text: &[u8], folded: &mut Vec<u8>) {
    folded.clear();
    if text.is_ascii() {
        folded.extend(text.iter().map(u8::to_ascii_lowercase));
        return;
    }
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix("\u{17f}".as_bytes()) {
            folded.push(b's');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\u{212a}".as_bytes()) {
            folded.push(b'k');
            rest = after;
        } else {
            folded.push(first.to_ascii_lowercase());
            rest = after;
        }
    }
}

pub(super) fn folded(text: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(text.len());
    fold(text, &mut folded);
    folded
}
