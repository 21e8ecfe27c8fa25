//! Accuracy, calibration and telling known from unknown.

/// What was answered to one line.
pub struct Answer {
    pub count: f64,
    pub known: bool,
    pub right: bool,
    /// 0 where nothing matched.
    pub relevance: f64,
    pub matched: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Scores {
    pub lines: f64,
    /// Share of the known lines whose pattern is first.
    pub top1: f64,
    /// Expected calibration error over ten bins (Guo et al., ICML 2017), of the lines with a match.
    pub ece: f64,
    /// Probability that a known line's relevance exceeds an unknown one's, ties half; NaN without both.
    pub auroc: f64,
    /// Mean squared difference of relevance and being right.
    pub brier: f64,
}

/// Per bin: lines, mean relevance, share that was right.
pub type Curve = [(f64, f64, f64); 10];

pub fn curve(answers: &[Answer]) -> Curve {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for answer in answers.iter().filter(|answer| answer.matched) {
        let bin = &mut bins[((answer.relevance * 10.0) as usize).min(9)];
        bin.0 += answer.count;
        bin.1 += answer.count * answer.relevance;
        bin.2 += answer.count * f64::from(answer.right);
    }
    bins.map(
        |(lines, relevance, right)| {
            if lines > 0.0 { (lines, relevance / lines, right / lines) } else { (0.0, 0.0, 0.0) }
        },
    )
}

pub fn score(answers: &[Answer]) -> Scores {
    let sum = |keep: &dyn Fn(&Answer) -> f64| -> f64 { answers.iter().map(|answer| answer.count * keep(answer)).sum() };
    let matched = sum(&|answer| f64::from(answer.matched)).max(f64::MIN_POSITIVE);
    let known = sum(&|answer| f64::from(answer.known));
    let ece =
        curve(answers).iter().map(|(lines, relevance, right)| lines * (relevance - right).abs()).sum::<f64>() / matched;
    let brier = sum(&|answer| if answer.matched { (answer.relevance - f64::from(answer.right)).powi(2) } else { 0.0 });
    Scores {
        lines: sum(&|_| 1.0),
        top1: sum(&|answer| f64::from(answer.known && answer.right)) / known,
        ece,
        auroc: auroc(answers),
        brier: brier / matched,
    }
}

fn auroc(answers: &[Answer]) -> f64 {
    let mut order: Vec<&Answer> = answers.iter().collect();
    order.sort_by(|a, b| a.relevance.total_cmp(&b.relevance));
    let (mut wins, mut below, mut known_total) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| a.relevance.total_cmp(&b.relevance).is_eq()) {
        let known: f64 = tied.iter().filter(|answer| answer.known).map(|answer| answer.count).sum();
        let unknown: f64 = tied.iter().filter(|answer| !answer.known).map(|answer| answer.count).sum();
        wins += known * (below + unknown / 2.0);
        below += unknown;
        known_total += known;
    }
    wins / (known_total * below)
}
