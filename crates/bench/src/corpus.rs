//! Made-up failure texts: the same for every peer and every run.

/// A small linear congruential generator (Knuth's MMIX constants): reproducible, and not meant to be random.
pub struct Lcg(pub u64);

impl Lcg {
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

const WHAT: [&str; 24] = [
    "connection",
    "timeout",
    "memory",
    "disk",
    "certificate",
    "quota",
    "socket",
    "replica",
    "queue",
    "cache",
    "lock",
    "schema",
    "token",
    "volume",
    "upstream",
    "handshake",
    "partition",
    "checkpoint",
    "session",
    "buffer",
    "thread",
    "descriptor",
    "lease",
    "index",
];
const HOW: [&str; 16] = [
    "refused",
    "exhausted",
    "expired",
    "corrupted",
    "unreachable",
    "rejected",
    "missing",
    "exceeded",
    "reset",
    "stalled",
    "denied",
    "truncated",
    "diverged",
    "flapping",
    "overflowed",
    "orphaned",
];

/// A text of `words` words. Names with a number make most texts differ.
pub fn text(random: &mut Lcg, words: usize) -> String {
    let mut text = String::new();
    for i in 0..words {
        let word = match i % 3 {
            0 => WHAT[random.next(WHAT.len())].to_owned(),
            1 => HOW[random.next(HOW.len())].to_owned(),
            _ => format!("component{}", random.next(5_000)),
        };
        text.push_str(&word);
        text.push(' ');
    }
    text
}
