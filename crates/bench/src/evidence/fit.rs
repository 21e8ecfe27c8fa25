//! Conditional logit: the candidates of an incident share its probability by the exponential of their weighted features.

use super::FEATURES;

/// One incident: the features of each candidate, and which of them it was.
pub struct Example {
    pub candidates: Vec<[f64; FEATURES]>,
    pub right: usize,
}

/// Keeps weights that nothing speaks for at zero.
const RIDGE: f64 = 1.0;
const STEPS: usize = 25;

fn probabilities(example: &Example, weights: &[f64; FEATURES]) -> Vec<f64> {
    let score = |features: &[f64; FEATURES]| features.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
    let scores: Vec<f64> = example.candidates.iter().map(score).collect();
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - top).exp()).sum();
    scores.iter().map(|score| (score - top).exp() / sum).collect()
}

/// The weights of these features that make the examples likeliest, by Newton's method; the others are 0.
pub fn fit(examples: &[Example], features: &[usize]) -> [f64; FEATURES] {
    let (mut weights, many) = ([0.0; FEATURES], features.len());
    for _ in 0..STEPS {
        let mut gradient: Vec<f64> = features.iter().map(|f| -RIDGE * weights[*f]).collect();
        let mut curvature = vec![vec![0.0; many]; many];
        for (i, row) in curvature.iter_mut().enumerate() {
            row[i] = RIDGE;
        }
        for example in examples {
            let shares = probabilities(example, &weights);
            let mean = |f: usize| shares.iter().zip(&example.candidates).map(|(p, x)| p * x[f]).sum::<f64>();
            let means: Vec<f64> = features.iter().map(|f| mean(*f)).collect();
            for (i, f) in features.iter().enumerate() {
                gradient[i] += example.candidates[example.right][*f] - means[i];
                for (j, g) in features.iter().enumerate() {
                    let product: f64 = shares.iter().zip(&example.candidates).map(|(p, x)| p * x[*f] * x[*g]).sum();
                    curvature[i][j] += product - means[i] * means[j];
                }
            }
        }
        for (feature, step) in features.iter().zip(solve(curvature, gradient)) {
            weights[*feature] += step.clamp(-2.0, 2.0);
        }
    }
    weights
}

/// Gaussian elimination; the matrix is positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let many = right.len();
    for i in 0..many {
        for below in i + 1..many {
            let factor = matrix[below][i] / matrix[i][i];
            let pivot = matrix[i].clone();
            matrix[below].iter_mut().zip(&pivot).for_each(|(value, above)| *value -= factor * above);
            right[below] -= factor * right[i];
        }
    }
    for i in (0..many).rev() {
        let known: f64 = (i + 1..many).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

/// Mean log-loss, and the share of examples whose likeliest candidate is the right one.
pub fn measure(examples: &[Example], weights: &[f64; FEATURES]) -> (f64, f64) {
    let (mut loss, mut hits) = (0.0, 0.0);
    for example in examples {
        let shares = probabilities(example, weights);
        loss -= shares[example.right].max(1e-12).ln();
        let best = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        hits += f64::from(u8::from(best == Some(example.right)));
    }
    let many = examples.len().max(1) as f64;
    (loss / many, hits / many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fitted_weight_is_the_one_that_drew_the_examples() {
        // Two candidates whose second feature differs by 1: with a weight of ln 3 the one with more is right in 3 of 4.
        let example = |right: usize| {
            let mut more = [0.0; FEATURES];
            more[1] = 1.0;
            Example { candidates: vec![more, [0.0; FEATURES]], right }
        };
        let examples: Vec<Example> = (0..40_000).map(|i| example(usize::from(i % 4 == 0))).collect();
        let weights = fit(&examples, &[0, 1]);
        assert!((weights[1] - 3_f64.ln()).abs() < 1e-3, "{weights:?}");
        assert_eq!(weights[0], 0.0);
        let (loss, top) = measure(&examples, &weights);
        assert!((loss - (0.75 * (4.0_f64 / 3.0).ln() + 0.25 * 4_f64.ln())).abs() < 1e-6 && top == 0.75);
    }
}
