//! A line laid beside a text of a pattern: the heaviest common subsequence, and what stands in its gaps.

use super::{Feature, Features};
use crate::matching::{WordKind, words};

/// Words of a line, and of a text, that are compared; the rest of a longer one is left out.
const WORDS: usize = 120;
/// Texts of one pattern that are compared: its name, its description and examples.
const TEXTS: usize = 24;
/// What two varying parts in the same place weigh beside a rare word in common (1.0).
const VARIABLE: f64 = 0.016;

/// What the index knows of terms.
pub trait Vocabulary {
    /// The number of a term that some pattern has; `None` for one that none has.
    fn term(&self, text: &str) -> Option<u32>;
    /// How much a term says, from nearly 0 (every pattern has it) to 1 (no pattern has it).
    fn weight(&self, term: u32) -> f64;
    /// So many patterns have it that it says nothing: it holds the place of what varies.
    fn is_common(&self, term: u32) -> bool;
}

/// One word in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A term of the index.
    Term(u32),
    /// A word that no pattern has.
    Unknown,
    /// What varies: a number, an address, `<*>`.
    Variable,
}

/// A pattern's texts, read once.
#[derive(Clone, Debug, Default)]
pub struct PatternText {
    /// Each text by itself: names whole, and again with names split where that differs.
    texts: Vec<Vec<Token>>,
    /// Every term of every text, sorted.
    terms: Vec<u32>,
}

impl PatternText {
    /// Reads texts; `term` gives each word its number in the index, which has the words of all patterns.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>, term: impl Fn(&str) -> Option<u32>) -> Self {
        let mut read = Self::default();
        for text in texts.into_iter().take(TEXTS) {
            let before = read.texts.len();
            for split in [false, true] {
                let tokens: Vec<Token> = words(text, split)
                    .into_iter()
                    .take(WORDS)
                    .filter_map(|word| match word.kind {
                        WordKind::Number => Some(Token::Variable),
                        _ => term(&word.text).map(Token::Term),
                    })
                    .collect();
                if tokens.iter().any(|token| matches!(token, Token::Term(_))) && !read.texts[before..].contains(&tokens)
                {
                    read.texts.push(tokens);
                }
            }
        }
        read.terms = read
            .texts
            .iter()
            .flatten()
            .filter_map(|token| if let Token::Term(term) = token { Some(*term) } else { None })
            .collect();
        read.terms.sort_unstable();
        read.terms.dedup();
        read
    }
}

struct LineWord {
    token: Token,
    chunk: u32,
    key: bool,
    /// 0 for a varying part.
    weight: f64,
    /// A name that some pattern has, but says nothing of this one.
    known_name: bool,
}

/// A line, read once for all candidates.
pub struct LineText {
    readings: Vec<Vec<LineWord>>,
}

impl LineText {
    pub fn new(text: &str, vocabulary: &impl Vocabulary) -> Self {
        let read = |split| -> Vec<LineWord> {
            words(text, split)
                .into_iter()
                .take(WORDS)
                .map(|word| {
                    let (token, weight) = match word.kind {
                        WordKind::Number => (Token::Variable, 0.0),
                        _ => match vocabulary.term(&word.text) {
                            Some(term) => (Token::Term(term), vocabulary.weight(term)),
                            None => (Token::Unknown, 1.0),
                        },
                    };
                    let known_name = word.kind == WordKind::Name && matches!(token, Token::Term(_));
                    LineWord { token, chunk: word.chunk, key: word.key, weight, known_name }
                })
                .collect()
        };
        let whole = read(false);
        let split = read(true);
        let differs = whole.len() != split.len();
        Self { readings: if differs { vec![whole, split] } else { vec![whole] } }
    }

    /// The features of each way to lay this line beside each text of a pattern.
    pub fn compare<'a>(
        &'a self,
        pattern: &'a PatternText,
        vocabulary: &'a impl Vocabulary,
    ) -> impl Iterator<Item = Features> + 'a {
        self.readings.iter().flat_map(move |line| {
            let foreign: f64 = line
                .iter()
                .filter_map(|word| match word.token {
                    Token::Term(term) if word.known_name && pattern.terms.binary_search(&term).is_err() => {
                        Some(word.weight)
                    }
                    _ => None,
                })
                .sum();
            pattern.texts.iter().map(move |text| lay(line, text, foreign, vocabulary))
        })
    }
}

/// What stands between two words in common.
#[derive(Default)]
struct Gap {
    line: Vec<usize>,
    text: Vec<usize>,
}

fn lay(line: &[LineWord], text: &[Token], foreign: f64, vocabulary: &impl Vocabulary) -> Features {
    let weight = |token: Token| match token {
        Token::Term(term) => vocabulary.weight(term),
        Token::Variable => VARIABLE,
        Token::Unknown => 0.0,
    };
    let weights: Vec<f64> = text.iter().map(|token| weight(*token)).collect();
    let (common, gaps) = align(line, text, &weights);
    let says_nothing = |j: &usize| match text[*j] {
        Token::Term(term) => vocabulary.is_common(term),
        Token::Variable | Token::Unknown => true,
    };
    let (mut missing, mut extra, mut keys, mut overflow) = (0.0, 0.0, 0.0, 0.0);
    for gap in &gaps {
        let lost: f64 = gap.text.iter().filter(|j| !says_nothing(j)).map(|j| weights[*j]).sum();
        let left: f64 = gap.line.iter().map(|i| line[*i].weight).sum();
        missing += lost;
        keys += gap.line.iter().filter(|i| line[**i].key).count() as f64;
        if gap.text.is_empty() {
            let numbers = gap.line.iter().filter(|i| line[**i].token == Token::Variable).count();
            extra += left + 0.3 * numbers.min(3) as f64;
        } else {
            // A place that varies takes one part between white space; more of them are too many.
            let mut parts: Vec<u32> = gap.line.iter().map(|i| line[*i].chunk).collect();
            parts.dedup();
            overflow += parts.len().saturating_sub(gap.text.len()) as f64;
        }
    }
    let coverage = if common + missing > 0.0 { common / (common + missing) } else { 0.0 };
    let complete = missing < 1e-9 && extra < 1e-9 && common > 0.0;
    Features::new(|feature| match feature {
        Feature::Common => common.min(12.0).sqrt(),
        Feature::Coverage => coverage,
        Feature::Missing => missing.min(4.0),
        Feature::Extra => extra.min(4.0),
        Feature::Complete => f64::from(complete),
        Feature::Foreign => foreign.min(4.0),
        Feature::Keys => keys.min(3.0),
        Feature::Overflow => overflow.min(4.0),
    })
}

/// The heaviest common subsequence: its weight, and the gaps before, between and after its words.
fn align(line: &[LineWord], text: &[Token], weights: &[f64]) -> (f64, Vec<Gap>) {
    let width = text.len() + 1;
    let mut best = vec![0.0f64; (line.len() + 1) * width];
    let same = |i: usize, j: usize| line[i].token == text[j] && line[i].token != Token::Unknown;
    for i in (0..line.len()).rev() {
        for j in (0..text.len()).rev() {
            let mut value = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            if same(i, j) {
                value = value.max(best[(i + 1) * width + j + 1] + weights[j]);
            }
            best[i * width + j] = value;
        }
    }
    let mut gaps = vec![Gap::default()];
    let mut open = Gap::default();
    let (mut i, mut j) = (0, 0);
    let mut common = 0.0;
    while i < line.len() || j < text.len() {
        let here = best[i * width + j];
        let pairs = i < line.len()
            && j < text.len()
            && same(i, j)
            && (here - (best[(i + 1) * width + j + 1] + weights[j])).abs() < 1e-9;
        if pairs {
            common += weights[j];
            gaps.push(std::mem::take(&mut open));
            i += 1;
            j += 1;
        } else if i < line.len() && (best[(i + 1) * width + j] - here).abs() < 1e-9 {
            open.line.push(i);
            i += 1;
        } else {
            open.text.push(j);
            j += 1;
        }
    }
    gaps.push(open);
    (common, gaps)
}
