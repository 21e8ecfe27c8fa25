//! Made-up failure texts: the same for every peer and every run.

/// A small linear congruential generator (Knuth's MMIX constants): reproducible, and not meant to be random.
pub struct Lcg(pub u64);

impl Lcg {
    pub fn next(&mut self, below: usize) -> usize {
        (self.unit() * below as f64) as usize
    }

    /// 0 to below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Different words of the vocabulary: about what collections of failure texts of this size have.
const WORDS: usize = 30_000;
/// The shift of the Zipf-Mandelbrot law: function words, the head of plain Zipf, are not indexed.
const SHIFT: f64 = 2.7;

/// Words that are drawn as often as natural text has them: the frequency of the word of rank r goes with 1 / (r + 2.7).
pub struct Vocabulary {
    words: Vec<String>,
    /// The share of draws up to each word.
    shares: Vec<f64>,
}

impl Vocabulary {
    pub fn new() -> Self {
        let mut sum = 0.0;
        let shares: Vec<f64> = (1..=WORDS)
            .map(|rank| {
                sum += 1.0 / (rank as f64 + SHIFT);
                sum
            })
            .collect();
        Self { words: (0..WORDS).map(word).collect(), shares: shares.iter().map(|share| share / sum).collect() }
    }

    pub fn draw(&self, random: &mut Lcg) -> &str {
        let at = random.unit();
        let rank = self.shares.partition_point(|share| *share < at).min(WORDS - 1);
        &self.words[rank]
    }

    pub fn text(&self, random: &mut Lcg, words: usize) -> String {
        (0..words).map(|_| self.draw(random)).collect::<Vec<_>>().join(" ")
    }
}

/// Syllables, so that no word is part of a shorter one's spelling rules and none is a function word.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "co", "du", "fe", "gi", "ha", "jo", "ku", "le", "mi", "na", "po", "qua", "re", "si", "ta", "vo", "wu",
        "xe", "yi", "za", "bro", "cli", "dra", "fle", "gru", "pla", "scho", "tri", "ske", "sta", "pre",
    ];
    let mut word = String::from("k");
    let mut rest = number;
    for _ in 0..3 {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    word
}
