//! Takes secrets out of what other systems answer: a page that was not found likes to repeat its address, and a mail server
//! what it was sent, in whatever coding.
//!
//! Invariant: what [`Hidden::apply`] returns holds no secret as it is, backwards, split over lines, in another case,
//! percent-encoded, escaped for HTML, JSON, C or mail (quoted-printable), in hexadecimal digits, or in base64 of any
//! alphabet and alignment (as in `AUTH PLAIN` and `Basic`), nor one of these within another ([`decode`]). What is longer than
//! a few characters is not left by half either, where the other side cut it.

mod decode;

use std::ops::Range;

use reqwest::Url;

use decode::Layer;

/// Shorter parts of an address are words (`hooks`, `api`), not what lets one in.
const TELLING: usize = 6;
/// Shorter secrets stand in any decoded text by chance.
const DECODED: usize = 3;
/// Part of a secret that is as bad as the whole, where that is half of it at least.
const PART: usize = 8;
/// Codings within codings.
const DEPTH: usize = 2;

/// What must not be shown. Its own `Debug` shows nothing.
#[derive(Clone, Default)]
pub struct Hidden(Vec<Needle>);

#[derive(Clone)]
struct Needle {
    /// In lower case, without white space.
    text: Vec<u8>,
    /// Bytes of it that give it away.
    telling: usize,
}

impl Hidden {
    /// A password, a token or a key: half of it is hidden as well.
    pub fn secret(self, secret: &str) -> Self {
        let length = compact(secret).len();
        self.with(secret, if length < PART { length } else { PART.max(length.div_ceil(2)) })
    }

    /// The address, and each telling part of its path and query.
    pub fn url(self, url: &Url) -> Self {
        let path = url.path_segments().into_iter().flatten().map(str::to_owned);
        let query = url.query_pairs().map(|(_, value)| value.into_owned());
        let parts: Vec<String> = path.chain(query).filter(|part| part.len() >= TELLING).collect();
        parts.iter().fold(self.with(url.as_str(), usize::MAX), |hidden, part| hidden.with(part, usize::MAX))
    }

    fn with(mut self, secret: &str, telling: usize) -> Self {
        let text = compact(secret);
        if !text.is_empty() {
            let telling = telling.min(text.len());
            let backwards: Vec<u8> = text.iter().rev().copied().collect();
            if text.len() >= DECODED && backwards != text {
                self.0.push(Needle { text: backwards, telling });
            }
            self.0.push(Needle { text, telling });
        }
        self
    }

    pub fn apply(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut found = Vec::new();
        self.search(Layer::of(text), DEPTH, &mut found);
        found.sort_by_key(|range: &Range<usize>| (range.start, range.end));
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        let mut ranges = found.into_iter().peekable();
        while let Some(mut range) = ranges.next() {
            while let Some(next) = ranges.next_if(|next| next.start < range.end) {
                range.end = range.end.max(next.end);
            }
            let (start, end) = (text.floor_char_boundary(range.start.max(at)), text.ceil_char_boundary(range.end));
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push_str("[secret]");
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    /// Looks into a layer, and into what its codings say.
    fn search(&self, layer: Layer, depth: usize, found: &mut Vec<Range<usize>>) {
        for needle in &self.0 {
            if layer.is_text() || needle.text.len() >= DECODED {
                layer.find(&needle.text, needle.telling, found);
            }
        }
        if depth > 0 {
            for decoded in layer.decoded() {
                self.search(decoded, depth - 1, found);
            }
        }
    }
}

/// As layers are searched: in lower case, without white space.
fn compact(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| byte.to_ascii_lowercase()).collect()
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lets_one_in_is_taken_out() {
        let url = Url::parse("https://hooks.example/services/T00000/s3cr3tkey?token=abcdefgh").expect("a URL");
        let hidden = Hidden::default().url(&url).secret("pw");
        for (text, shown) in [
            ("Cannot POST /services/T00000/s3cr3tkey", "Cannot POST /[secret]/[secret]/[secret]"),
            ("token abcdefgh is unknown", "token [secret] is unknown"),
            ("https://hooks.example/services/T00000/s3cr3tkey?token=abcdefgh", "[secret]"),
            ("login with pw refused", "login with [secret] refused"),
            ("invalid_payload", "invalid_payload"),
        ] {
            assert_eq!(hidden.apply(text), shown);
        }
        assert_eq!(format!("{hidden:?}"), "[secret]");
    }

    const PASSWORD: &str = "p4ss\"w<rd & More/2";

    fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
            for at in 0..4 {
                let digit = alphabet[(word >> (18 - 6 * at)) as usize & 63];
                text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
            }
        }
        text
    }

    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    fn each(mut code: impl FnMut(char) -> String) -> String {
        PASSWORD.chars().map(&mut code).collect()
    }

    /// Every coding in which another side may say it.
    fn codings() -> Vec<(String, String)> {
        let mut all = vec![
            ("as it is".to_owned(), PASSWORD.to_owned()),
            ("upper case".into(), PASSWORD.to_uppercase()),
            ("backwards".into(), PASSWORD.chars().rev().collect()),
            ("percent, all".into(), each(|c| format!("%{:02X}", c as u32))),
            ("percent, lower case".into(), each(|c| format!("%{:02x}", c as u32))),
            ("percent, as browsers do".into(), PASSWORD.replace('"', "%22").replace(' ', "+").replace('<', "%3C")),
            ("percent, twice".into(), PASSWORD.replace('"', "%2522").replace(' ', "%2520").replace('<', "%253C")),
            ("HTML, names".into(), PASSWORD.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")),
            ("HTML, numbers".into(), each(|c| format!("&#{};", c as u32))),
            ("HTML, hexadecimal".into(), each(|c| format!("&#x{:x};", c as u32))),
            ("JSON".into(), PASSWORD.replace('"', "\\\"").replace('/', "\\/").replace('<', "\\u003c")),
            ("JSON, all".into(), each(|c| format!("\\u{:04X}", c as u32))),
            ("C".into(), each(|c| format!("\\x{:02x}", c as u32))),
            ("quoted-printable".into(), PASSWORD.replace('"', "=22").replace("& ", "& =\r\n")),
            ("hexadecimal".into(), each(|c| format!("{:02x}", c as u32))),
            ("hexadecimal, upper case".into(), each(|c| format!("{:02X}", c as u32))),
            ("hexadecimal, with colons".into(), each(|c| format!("{:02x}:", c as u32))),
            ("hexadecimal, with spaces".into(), each(|c| format!("{:02X} ", c as u32))),
            ("split over lines".into(), format!("{}\r\n 535-{}", &PASSWORD[..9], &PASSWORD[9..]).replace(" 535-", " ")),
        ];
        for before in ["", "x", "xy", "ops:", "\0ops\0", "\0ops@example.org\0"] {
            for after in ["", "x", "xy", "\0ops"] {
                for (name, alphabet) in [("base64", STANDARD), ("base64 for URLs", FOR_URLS)] {
                    let coded = base64(format!("{before}{PASSWORD}{after}").as_bytes(), alphabet);
                    all.push((format!("{name} of {before:?} and {after:?}"), coded.clone()));
                    all.push((format!("{name} without padding"), coded.trim_end_matches('=').to_owned()));
                    all.push((
                        format!("{name}, percent"),
                        coded.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"),
                    ));
                    all.push((format!("{name}, split"), format!("{}\r\n\t{}", &coded[..11], &coded[11..])));
                    all.push((format!("{name}, twice"), base64(coded.as_bytes(), STANDARD)));
                }
            }
        }
        all
    }

    #[test]
    fn in_whatever_coding_it_is_taken_out() {
        let hidden = Hidden::default().secret(PASSWORD);
        for (coding, coded) in codings() {
            for (before, after) in [("535 5.7.8 bad login ", " (try again)"), ("unknown: \"", "\""), ("", "")] {
                let shown = hidden.apply(&format!("{before}{coded}{after}"));
                assert!(shown.contains("[secret]"), "{coding}: {coded} is left in {shown}");
                let left = shown.replace("[secret]", "").len();
                // The first line of what is split may hold nothing of it but what stood before it.
                let harmless = if coding.ends_with("split") { 24 } else { 12 };
                assert!(
                    left <= before.len() + after.len() + harmless,
                    "{coding}: too much of {coded} is left in {shown}"
                );
                assert!(shown.starts_with(before.trim_end()), "{coding}: {shown} lost what stood before");
            }
        }
    }

    #[test]
    fn what_was_cut_is_not_left_by_half() {
        let hidden = Hidden::default().secret("correct-horse-battery");
        for cut in ["unknown: correct-hor", "unknown: battery-e correct-horse-", "AUTH PLAIN AG9wcwBjb3JyZWN0LWhvcnN"] {
            assert!(hidden.apply(cut).contains("[secret]"), "{cut}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let hidden = Hidden::default().secret(PASSWORD).secret("correct-horse-battery").secret("abc");
        for text in [
            "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
            "451 4.7.1 greylisted, try again in 300 s; see https://mail.example/why?ip=192.0.2.1&id=0a1b2c3d",
            "{\"error\":\"invalid_auth\",\"detail\":\"horse\"}",
            "ünïcödé – “quotes” 日本語 100% &amp; more = fine",
            "",
        ] {
            assert_eq!(hidden.apply(text), text);
        }
    }

    #[test]
    fn nothing_another_side_says_is_too_much() {
        let hidden = Hidden::default().secret(PASSWORD);
        for text in
            ["%", "%%%%2", "&#", "&#x;", "\\u12", "=", "=\r\n", "&#99999999999;", "aaaa====", "\u{fffd}\0%C3%28"]
        {
            assert_eq!(hidden.apply(text), text);
        }
        let long = "YWFh ".repeat(10_000);
        assert_eq!(hidden.apply(&long), long);
    }
}
