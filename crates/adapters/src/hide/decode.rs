//! A text and what it says in the usual codings, each byte with the place it came from.

use std::ops::Range;

/// Shorter ones stand across the ends of words by chance.
const SPLIT: usize = 6;
/// Longest name or number between `&` and `;`.
const ENTITY: usize = 10;

/// Bytes in lower case without white space, for searching, and as they are, for decoding further.
pub struct Layer {
    bytes: Vec<u8>,
    /// The part of the first text that each byte came from.
    from: Vec<Range<usize>>,
    coding: Coding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Text,
    Escapes,
    Hexadecimal,
    Base64,
}

impl Layer {
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let from = (0..bytes.len()).map(|at| at..at + 1).collect();
        Self { bytes, from, coding: Coding::Text }
    }

    /// Nothing was decoded yet.
    pub fn is_text(&self) -> bool {
        self.coding == Coding::Text
    }

    /// Adds where at least `telling` bytes in a row of the needle stand, in any case; a long one over white space as well.
    pub fn find(&self, needle: &[u8], telling: usize, found: &mut Vec<Range<usize>>) {
        let counts = |at: &usize| needle.len() < SPLIT || !self.bytes[*at].is_ascii_whitespace();
        let places: Vec<usize> = (0..self.bytes.len()).filter(counts).collect();
        let byte = |at: usize| places.get(at).map(|place| self.bytes[*place].to_ascii_lowercase());
        if telling == 0 || telling > needle.len() {
            return;
        }
        let mut at = 0;
        while at + telling <= places.len() {
            // The longest run of the needle that begins here.
            let length = (0..=needle.len() - telling)
                .filter(|start| byte(at) == Some(needle[*start]))
                .map(|start| {
                    needle[start..].iter().enumerate().take_while(|(n, wanted)| byte(at + n) == Some(**wanted)).count()
                })
                .max()
                .unwrap_or(0);
            if length >= telling {
                found.push(self.source(places[at], places[at + length - 1]));
                at += length;
            } else {
                at += 1;
            }
        }
    }

    fn source(&self, first: usize, last: usize) -> Range<usize> {
        self.from[first].start..self.from[last].end
    }

    /// What this says in each coding.
    pub fn decoded(&self) -> Vec<Self> {
        let mut layers = Vec::new();
        layers.extend(self.escapes());
        layers.extend((0..2).filter_map(|skip| self.hexadecimal(skip)));
        layers.extend((0..4).filter_map(|skip| self.base64(skip)));
        layers
    }

    /// Percent-encoding, quoted-printable, HTML, JSON and C: nobody mixes them, and nobody says which one it is.
    fn escapes(&self) -> Option<Self> {
        let (mut bytes, mut from, mut at, mut any) = (Vec::new(), Vec::new(), 0, false);
        while at < self.bytes.len() {
            let (text, length) = match escape(&self.bytes[at..]) {
                Some(escape) => {
                    any = true;
                    escape
                }
                None => (vec![self.bytes[at]], 1),
            };
            let source = self.source(at, at + length - 1);
            from.extend(text.iter().map(|_| source.clone()));
            bytes.extend(text);
            at += length;
        }
        any.then_some(Self { bytes, from, coding: Coding::Escapes })
    }

    fn hexadecimal(&self, skip: usize) -> Option<Self> {
        let value = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (mut bytes, mut from) = (Vec::new(), Vec::new());
        for run in self.runs(value, b":-, \t\r\n") {
            for pair in run.get(skip..).unwrap_or_default().chunks_exact(2) {
                bytes.push(pair[0].1 << 4 | pair[1].1);
                from.push(self.source(pair[0].0, pair[1].0));
            }
            // Nothing that begins in one run goes on in the next.
            bytes.push(0);
            from.push(run.last().map_or(0..0, |last| self.source(last.0, last.0)));
        }
        (!bytes.is_empty()).then_some(Self { bytes, from, coding: Coding::Hexadecimal })
    }

    /// Four digits are three bytes, from the `skip`th digit of the whole text on: one of the four is right for each run.
    fn base64(&self, skip: usize) -> Option<Self> {
        let value = |byte: u8| match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'a'..=b'z' => Some(byte - b'a' + 26),
            b'0'..=b'9' => Some(byte - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        };
        let words = self.words();
        let (mut bytes, mut from) = (Vec::new(), Vec::new());
        // Each run for itself: what stands between two has nothing to do with their alignment.
        for run in self.runs(value, b" \t\r\n") {
            for group in run.get(skip..).unwrap_or_default().chunks(4).filter(|group| group.len() > 1) {
                let word = (0..4).fold(0_u32, |word, n| word << 6 | u32::from(group.get(n).map_or(0, |digit| digit.1)));
                let source = words[group[0].0].start..words[group[group.len() - 1].0].end;
                for n in 0..group.len() - 1 {
                    bytes.push((word >> (16 - 8 * n)) as u8);
                    from.push(source.clone());
                }
            }
            // Nothing that begins in one run goes on in the next.
            bytes.push(0);
            from.push(run.last().map_or(0..0, |last| self.source(last.0, last.0)));
        }
        (!bytes.is_empty()).then_some(Self { bytes, from, coding: Coding::Base64 })
    }

    /// The digits of a coding with their places, by run; white space and the like within a run does not end it.
    fn runs(&self, value: impl Fn(u8) -> Option<u8>, between: &[u8]) -> Vec<Vec<(usize, u8)>> {
        let (mut runs, mut run) = (Vec::new(), Vec::new());
        for (at, byte) in self.bytes.iter().enumerate() {
            match value(*byte) {
                Some(digit) => run.push((at, digit)),
                None if between.contains(byte) => {}
                None if run.is_empty() => {}
                None => runs.push(std::mem::take(&mut run)),
            }
        }
        runs.push(run);
        runs.retain(|run: &Vec<_>| run.len() > 1);
        runs
    }

    /// For each byte the part of the first text that the whole word of base64 around it came from: the digits at the edges
    /// of a secret say something of the bytes next to them.
    fn words(&self) -> Vec<Range<usize>> {
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
        let mut words: Vec<Range<usize>> = Vec::with_capacity(self.bytes.len());
        let mut first = 0;
        for at in 0..self.bytes.len() {
            let goes_on = at + 1 < self.bytes.len() && is_digit(self.bytes[at]) && is_digit(self.bytes[at + 1]);
            if !goes_on {
                let word = self.source(first, at);
                words.extend((first..=at).map(|_| word.clone()));
                first = at + 1;
            }
        }
        words
    }
}

/// The bytes that an escape at the beginning stands for, and its length.
fn escape(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let hex = |from: usize, digits: usize| {
        let text = std::str::from_utf8(bytes.get(from..from + digits)?).ok()?;
        text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok()).flatten()
    };
    match bytes {
        [b'%' | b'=', ..] if hex(1, 2).is_some() => Some((vec![u8::try_from(hex(1, 2)?).ok()?], 3)),
        // A line of quoted-printable that goes on.
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2)),
        [b'+', ..] => Some((vec![b' '], 1)),
        [b'\\', b'u', ..] => Some((character(hex(2, 4)?), 6)),
        [b'\\', b'x', ..] => Some((vec![u8::try_from(hex(2, 2)?).ok()?], 4)),
        [b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'0', ..] => Some((vec![b' '], 2)),
        [b'\\', other, ..] => Some((vec![*other], 2)),
        [b'&', rest @ ..] => {
            let end = rest.iter().take(ENTITY).position(|byte| *byte == b';')?;
            let name = std::str::from_utf8(&rest[..end]).ok()?;
            let text = match name {
                "amp" => vec![b'&'],
                "lt" => vec![b'<'],
                "gt" => vec![b'>'],
                "quot" => vec![b'"'],
                "apos" => vec![b'\''],
                "nbsp" => vec![b' '],
                "sol" => vec![b'/'],
                number => {
                    let number = number.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    character(code)
                }
            };
            Some((text, end + 2))
        }
        _ => None,
    }
}

fn character(code: u32) -> Vec<u8> {
    let mut buffer = [0; 4];
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer).as_bytes().to_vec()
}
